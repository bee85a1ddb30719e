import numpy as np
import pandas as pd

from postproc.correlate.joining.features import NAMES, parties, where
from tests import builders as b

RECORDINGS = pd.Series({"a.pcapng": 0})


def of(*legs, headers=(), requests=None):
    table = b.legs(*({"call_id": f"c{n}"} | leg for n, leg in enumerate(legs)))
    return parties(table, requests or {}, b.sip_headers(*headers), where(table, RECORDINGS), "DE")


def header(call, name, value):
    return {"call_id": call, "name": name, "value": value, "method": "INVITE"}


def same(users, one, other):
    return bool(set(users.key[one]) & set(users.key[other]) - {-1})


def test_caller_and_callee_are_apart():
    caller, callee = of({"from_user": "721", "to_user": "760"}, {"from_user": "760", "to_user": "721"})
    assert not same(caller, 0, 1)
    assert not same(callee, 0, 1)


def test_a_number_written_differently_has_one_key():
    _, callee = of({"to_user": "+498984079810"}, {"to_user": "08984079810"})
    assert same(callee, 0, 1)
    assert callee.exact[0, 0] == callee.exact[1, 0] >= 0


def test_the_identity_header_names_the_caller_whom_from_hides():
    hidden = {"from_user": "anonymous"}
    asserted = header("c0", "p-asserted-identity", '"A" <sip:+4930998877@x>, <tel:+4930998877>')
    caller, _ = of(hidden, hidden, {"from_user": "+4930998877"}, headers=[asserted])
    assert same(caller, 0, 2)
    assert not same(caller, 1, 2)


def test_the_request_uri_and_diversion_name_the_callee():
    legs = ({"to_user": "+49301"}, {"to_user": "+4930998877"}, {"to_user": "+4930555666"})
    requests = {0: "sip:+4930998877@x"}
    _, callee = of(
        *legs, headers=[header("c0", "diversion", "<sip:+4930555666@x>;reason=no-answer")], requests=requests
    )
    assert same(callee, 0, 1)
    assert same(callee, 0, 2)


def test_remote_party_id_says_which_party_it_names():
    legs = ({}, {"from_user": "+4930998877", "to_user": "+4930998877"})
    for party, others in (("called", (False, True)), ("calling", (True, False))):
        caller, callee = of(
            *legs, headers=[header("c0", "remote-party-id", f"<sip:+4930998877@x>;party={party}")]
        )
        assert (same(caller, 0, 1), same(callee, 0, 1)) == others


def test_names_beyond_the_width_and_headers_of_other_calls_are_left_out():
    many = ",".join(f"<sip:+49305550{n}@x>" for n in range(9))
    _, callee = of(
        {"to_user": None}, headers=[header("c0", "history-info", many), header("z", "diversion", "<sip:1@x>")]
    )
    assert callee.key.shape == (1, NAMES)


def test_legs_without_any_name():
    caller, callee = of({}, {})
    assert (caller.key == -1).all()
    assert np.isfinite(callee.rarity).all()
