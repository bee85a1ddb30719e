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


@pytest.mark.parametrize(("again", "tags"), [(3, {"unheard"}), (2, {"not_given", "user"})])
def test_a_register_sent_again_after_its_answer_says_that_the_answer_does_not_arrive(again, tags):
    sip = register(1.0, 1, 401)
    sip += [sip[0] | {"time": 1.5 + k, "frame": 10 + k} for k in range(again)]
    (found,) = beside(*sip)
    assert found.tags == tags
    told = told_both(found, RULE)
    assert ("3 more times after its response" in told["en"]["detail"]) == (again == 3)


@pytest.mark.parametrize("last", [401, 403])
def test_credentials_that_are_not_accepted(last):
    (found,) = beside(*loop(last))
    assert (found.verdict, found.call, found.tags) == ("fault", None, {"credentials", "user"})
    shown = told_both(found, RULE)
    assert (
        shown["en"]["title"]
        == f"{USER} cannot register at {SERVER}: 3 attempts from {PHONE}, the last answered with {last} No."
    )
    assert "3-mal nicht angenommen" in shown["de"]["detail"]


def test_no_credentials_at_all_is_a_suspicion():
    (found,) = beside(*register(1, 1, 401))
    assert (found.verdict, found.tags) == ("suspect", {"not_given", "user"})
    assert "liefert 198.51.100.7 keine" in told_both(found, RULE)["de"]["title"]


def test_a_registrar_that_is_silent():
    rows = [row for time in (1.0, 1.5, 2.5, 4.5) for row in register(time, 1)]
    (found,) = beside(*rows)
    assert found.tags == {"silent", "user"}
    assert beside(*rows[:3]) == []


def test_a_server_that_fails():
    (found,) = beside(*register(1, 1, 503), *register(20, 2, 503))
    assert found.tags == {"refused", "user"}


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
        [
            *register(1, 1, 423, expires=300),
            *register(20, 2, 423, expires=3600),
        ],  # a longer time, still too short
        [row for n in range(3) for row in register(1 + n, n + 1, 423)],  # nobody knows for how long
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
    assert (found.verdict, found.tags) == ("fault", {"credentials", "user"})


def test_credentials_that_are_only_too_old():
    told = [row | {"challenge": "MD5,stale"} if row.get("status") == 401 else row for row in loop(401)]
    (found,) = beside(*told)
    assert found.tags == {"stale"}
    shown = told_both(found, RULE)
    assert "Leave the password alone" in shown["en"]["remedies"]
    assert "Kennwort und Domäne" not in shown["de"]["remedies"]
    told[-1]["challenge"] = "MD5"  # refused outright once
    assert beside(*told)[0].tags == {"credentials", "user"}


@pytest.mark.parametrize(("least", "said"), [(3600, "grants 3600 s or more"), (None, "wants a longer time")])
def test_an_interval_that_stays_too_short(least, said):
    rows = [row for n in range(2) for row in register(1 + 10 * n, n + 1, 423, expires=300)]
    rows = [row | {"expires": least} if row.get("status") else row for row in rows]
    (found,) = beside(*rows)
    assert (found.verdict, found.tags) == ("fault", {"brief"})
    assert said in told_both(found, RULE)["en"]["detail"]


def test_a_message_that_is_not_taken():
    (found,) = beside(*loop(400))
    assert found.tags == {"malformed"}
    assert "P-Registrar-Error" in told_both(found, RULE)["en"]["remedies"]


def test_a_digest_that_the_phone_may_not_know():
    rows = [row | {"challenge": "SHA-256"} if row.get("status") else row for row in register(1, 1, 401)]
    (found,) = beside(*rows)
    assert found.tags == {"not_given", "user", "digest"}
    assert "only digest asked for is SHA-256" in told_both(found, RULE)["en"]["detail"]
    both = [row | {"challenge": "SHA-256,MD5"} if row.get("status") else row for row in rows]
    assert "digest" not in beside(*both)[0].tags
