"""REGISTER that never succeeds."""

import pytest

from postproc.diagnose.rules.registration_failed import RULE
from tests.diagnose.scenes import asked, told_both

PHONE, SERVER, USER = "198.51.100.7", "203.0.113.7", "sip:721@pbx"


def register(time, cseq, status=None, **changes):
    """A REGISTER and, unless it is None, its response."""
    row = {
        "call": None,
        "leg": None,
        "call_id": "r@x",
        "to_uri": USER,
        "cseq": cseq,
        "cseq_method": "REGISTER",
        "from_uri": USER,
        "has_sdp": False,
        "authorized": False,
    } | changes
    there = {"src_addr": PHONE, "dst_addr": SERVER, "time": time, "frame": 2 * cseq, "method": "REGISTER"}
    back = {
        "src_addr": SERVER,
        "dst_addr": PHONE,
        "time": time + 0.01,
        "frame": 2 * cseq + 1,
        "status": status,
    }
    asked_for = [there | row]
    return asked_for if status is None else [*asked_for, row | back | {"reason": "No", "authorized": False}]


def beside(*sip, lasting=60.0):
    return asked(RULE, sip_messages=sip, captures=[{"first_time": 0.0, "last_time": lasting}])


def loop(last, times=3):
    rows = []
    for nth in range(times):
        rows += register(1 + nth, 2 * nth + 1, 401)
        rows += register(1.1 + nth, 2 * nth + 2, last, authorized=True)
    return rows


@pytest.mark.parametrize("last", [401, 403])
def test_credentials_that_are_not_accepted(last):
    (found,) = beside(*loop(last))
    assert (found.verdict, found.call, found.tags) == ("fault", None, {"credentials"})
    shown = told_both(found, RULE)
    assert (
        shown["en"]["title"]
        == f"{USER} cannot register at {SERVER}: 3 attempts from {PHONE}, the last answered with {last} No."
    )
    assert "3-mal nicht angenommen" in shown["de"]["detail"]


def test_no_credentials_at_all_is_a_suspicion():
    (found,) = beside(*register(1, 1, 401))
    assert (found.verdict, found.tags) == ("suspect", {"not_given"})
    assert "liefert 198.51.100.7 keine" in told_both(found, RULE)["de"]["title"]


def test_a_registrar_that_is_silent():
    rows = [row for time in (1.0, 1.5, 2.5, 4.5) for row in register(time, 1)]
    (found,) = beside(*rows)
    assert found.tags == {"silent"}
    assert beside(*rows[:3]) == []


def test_a_server_that_fails():
    (found,) = beside(*register(1, 1, 503), *register(20, 2, 503))
    assert found.tags == {"refused"}


def test_users_behind_one_address_are_told_together_and_each_by_itself():
    other = [row | {"to_uri": "sip:722@pbx", "call_id": "s@x"} for row in loop(403)]
    good = [row | {"to_uri": "sip:723@pbx", "call_id": "t@x"} for row in loop(200)]
    (found,) = beside(*loop(403), *other, *good)
    assert found.facts["users"] == [USER, "sip:722@pbx"]


def test_what_a_proxy_passes_on_is_told_once():
    hop = {"src_addr": SERVER, "dst_addr": "10.0.0.9"}
    passed = [
        row | (hop if row.get("method") else {"src_addr": "10.0.0.9", "dst_addr": SERVER})
        for row in loop(403)
    ]
    (found,) = beside(*loop(403), *passed)
    assert found.facts["client"] == PHONE


@pytest.mark.parametrize(
    "sip",
    [
        register(1, 1, 200),
        [*register(1, 1, 401), *register(1.1, 2, 200, authorized=True)],
        [*loop(403), *register(50, 9, 200, authorized=True)],  # put right in the end
        [
            *register(1, 1, 401),
            *register(1.1, 2, 401, authorized=True),
            *register(1.2, 3, 200, authorized=True),
        ],  # stale
        register(1, 1, 423),
        register(1, 1, 302),
        register(58, 1, 401),  # the capture ends
        [
            row | {"cseq_method": "OPTIONS", "method": "OPTIONS" if row.get("method") else None}
            for row in register(1, 1, 503)
        ],
    ],
)
def test_silent(sip):
    assert beside(*sip) == []


ACCEPTED = [*register(1.0, 1, 401), *register(1.1, 2, 200, authorized=True)]
STALE = [*register(30.0, 3, 401), *register(30.1, 4, 401, authorized=True)]


def test_silent_where_credentials_that_fitted_are_refused_once():
    assert beside(*ACCEPTED, *STALE, lasting=120.0) == []


def test_credentials_that_fitted_and_are_refused_again_and_again_are_a_fault():
    (found,) = beside(*ACCEPTED, *STALE, *register(60.0, 5, 401, authorized=True), lasting=120.0)
    assert (found.verdict, found.tags) == ("fault", {"credentials"})
