"""The call that a REFER requests is joined to the transferred one."""

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


def united(known, asked, *headers):
    return transferred(GROUPS, known, asked, builders.rows("sip_headers", *headers))


@pytest.mark.parametrize(
    "uri",
    [
        "sip:4930111@pbx?Replaces=c%40x%3Bto-tag%3D1%3Bfrom-tag%3D2",
        "sip:4930111@pbx?Require=replaces&replaces=c%40x%3bto-tag%3d1",
    ],
)
def test_the_consultation_joins_the_call_that_it_is_handed_to(uri):
    early = legs({"invite_time": 1.0})  # long before the REFER
    assert united(early, refer(refer_to=uri)) == GROUPS | {"c@x": 0}


def test_who_replaces_a_dialog_by_invite_is_of_its_call():
    header = {"call_id": "d@x", "method": "INVITE", "name": "replaces", "value": "c@x;to-tag=1;from-tag=2"}
    nothing = builders.rows("sip_messages")
    assert united(legs(), nothing, header) == GROUPS | {"c@x": 3}
    assert united(legs(), nothing, header | {"value": "unknown@x;to-tag=1"}) == GROUPS
    assert united(legs(), nothing, header | {"name": "referred-by"}) == GROUPS


def test_the_new_leg_joins_the_call_that_is_transferred():
    assert united(legs(), refer()) == GROUPS | {"c@x": 0}


@pytest.mark.parametrize(
    ("new", "changes"),
    [
        ({"to_user": "4930112"}, {}),
        ({"uac_addr": "10.0.0.7"}, {}),
        ({"invite_time": 4.0}, {}),
        ({"invite_time": 8.5}, {}),
        ({}, {"refer_to": None}),
        ({}, {"method": "NOTIFY"}),
        ({}, {"call_id": "unknown@x"}),
    ],
)
def test_other_legs_stay_apart(new, changes):
    assert united(legs(new), refer(**changes)) == GROUPS


def test_of_two_that_fit_none_is_taken():
    assert united(legs({}, {"call_id": "d@x", "invite_time": 5.5}), refer()) == GROUPS
