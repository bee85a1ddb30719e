"""What REFER asks for is the same call."""

import pytest

from postproc.correlate.transfers import transferred
from tests import builders
from tests.builders import SERVER

GROUPS = {"a@x": 0, "b@x": 0, "c@x": 2, "d@x": 3}


def legs(*changes):
    rows = [
        {"call_id": "a@x", "uac_addr": "10.0.0.1", "uas_addr": SERVER, "to_user": "721", "invite_time": 0.0}
    ]
    new = {
        "call_id": "c@x",
        "uac_addr": SERVER,
        "uas_addr": "10.0.0.9",
        "to_user": "4930111",
        "invite_time": 5.1,
    }
    return builders.rows("legs", *rows, *(new | each for each in changes or ({},)))


def refer(**changes):
    row = {
        "call_id": "b@x",
        "method": "REFER",
        "time": 5.0,
        "refer_to": "sip:4930111@pbx",
        "dst_addr": SERVER,
    }
    return builders.rows("sip_messages", row | changes)


def test_the_new_leg_joins_the_call_that_is_transferred():
    assert transferred(GROUPS, legs(), refer()) == GROUPS | {"c@x": 0}


@pytest.mark.parametrize(("new", "changes"), [
    ({"to_user": "4930112"}, {}),
    ({"uac_addr": "10.0.0.7"}, {}),
    ({"invite_time": 4.0}, {}),
    ({"invite_time": 8.5}, {}),
    ({}, {"refer_to": None}),
    ({}, {"method": "NOTIFY"}),
    ({}, {"call_id": "unknown@x"}),
])  # fmt: skip
def test_other_legs_stay_apart(new, changes):
    assert transferred(GROUPS, legs(new), refer(**changes)) == GROUPS


def test_of_two_that_fit_none_is_taken():
    assert transferred(GROUPS, legs({}, {"call_id": "d@x", "invite_time": 5.5}), refer()) == GROUPS
