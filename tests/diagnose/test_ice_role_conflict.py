"""Both sides in one ICE role."""

import pytest

from postproc.diagnose.rules import binding_error
from postproc.diagnose.rules.ice_role_conflict import RULE
from tests.diagnose.scenes import asked, check, good, phase, stream, told_both, verdict

BROKEN = {"pairs": [], "dtls": [], "rtp_streams": []}
CONTROLLING, CONTROLLED = "controlling", "controlled"


def refused(direction: str = "server_to_client", *, count: int = 3, roles=(CONTROLLING,), start: float = 1.0):
    return [
        check(direction, time=start + n, outcome="error", error_code=487, role=roles[n % len(roles)])
        for n in range(count)
    ]


def test_the_side_that_keeps_its_role_is_named():
    (found,) = asked(RULE, bindings=refused(), **BROKEN)
    assert (found.verdict, found.tags, found.facts["side"]) == ("fault", {"kept"}, "server")
    assert "goes on claiming to be controlling" in told_both(found, RULE)["en"]["detail"]


def test_each_direction_is_judged_by_itself():
    both = [*refused(), *refused("client_to_server", start=1.1, roles=(CONTROLLED,))]
    assert {found.facts["side"] for found in asked(RULE, bindings=both, **BROKEN)} == {"client", "server"}


def test_a_role_switched_and_refused_again():
    (found,) = asked(RULE, bindings=refused(count=4, roles=(CONTROLLING, CONTROLLED)), **BROKEN)
    assert found.tags == {"switched"}


@pytest.mark.parametrize(("count", "verdict"), [(1, "suspect"), (2, "suspect"), (3, "fault")])
def test_few_refusals_are_a_suspicion(count, verdict):
    (found,) = asked(RULE, bindings=refused(count=count), **BROKEN)
    assert found.verdict == verdict
    assert (found.settle is None) == (verdict == "fault")


def test_requests_sent_again_with_one_transaction_id_count():
    (found,) = asked(RULE, bindings=[dict(row, requests=3) for row in refused(count=1)], **BROKEN)
    assert (found.verdict, found.tags) == ("fault", {"refused"})


def test_checks_whose_direction_is_unknown_count_too():
    (found,) = asked(RULE, bindings=refused("other"), **BROKEN)
    assert "side" not in found.facts


def test_a_pair_that_worked_the_other_way_does_not_hide_it():
    """The side with the larger tie-breaker is answered, and the conflict goes on."""
    (found,) = asked(RULE, bindings=[*refused(), check("client_to_server")], dtls=[], rtp_streams=[])
    assert found.verdict == "fault"


def test_binding_error_leaves_it_to_this_rule():
    assert asked(binding_error.RULE, bindings=refused(), **BROKEN) == []


def both_claim(first: str, second: str, *, count: int = 3, nominated: bool = False):
    checks = [check(time=1.0 + n, role=first) for n in range(count)]
    checks += [check("client_to_server", time=1.2 + n, role=second) for n in range(count)]
    pairs = [dict(row, nominated=nominated, media_packets=0, dtls=None) for row in good()["pairs"]]
    return {"bindings": checks, "pairs": pairs, "dtls": [], "rtp_streams": []}


@pytest.mark.parametrize("role", [CONTROLLING, CONTROLLED])
def test_one_role_on_both_sides_without_any_487_is_a_suspicion(role):
    (found,) = asked(RULE, **both_claim(role, role))
    assert (found.verdict, found.tags, found.facts["role"]) == ("suspect", {"same"}, role)


def test_silent_where_one_role_is_answered_twice_only():
    assert asked(RULE, **both_claim(CONTROLLED, CONTROLLED, count=2)) == []


def test_silent_where_the_roles_differ():
    assert asked(RULE, **both_claim(CONTROLLING, CONTROLLED)) == []


def test_silent_where_a_pair_was_nominated():
    assert asked(RULE, **both_claim(CONTROLLED, CONTROLLED, nominated=True)) == []


def test_silent_where_a_handshake_began():
    began = both_claim(CONTROLLED, CONTROLLED) | {"dtls": [dict(good()["dtls"][0], state="incomplete")]}
    assert asked(RULE, **began) == []


def test_silent_where_a_487_is_followed_by_success():
    """RFC 8445, section 7.2.5.1: the role is switched and the check repeated."""
    settled = [*refused(count=1), check(time=2.0, role=CONTROLLED)]
    assert asked(RULE, bindings=settled, **BROKEN) == []


def test_silent_where_dtls_or_media_came_through():
    assert asked(RULE, bindings=refused()) == []
    assert asked(RULE, bindings=refused(), rtp_streams=[]) == []


RESTARTED = [check("client_to_server"), *refused("client_to_server", start=21.0)]


def test_a_conflict_in_a_restart_after_which_no_media_follows():
    """The leg had been connected; its checks after the restart meet 487 only."""
    (found,) = asked(RULE, bindings=RESTARTED)
    assert (found.verdict, found.tags, found.facts["side"]) == ("fault", {"kept"}, "client")
    sent = [f"{word}_from_{side}" for word in ("packets", "first", "last") for side in ("client", "server")]
    silent = dict.fromkeys(sent, None) | {"packets_from_client": 0, "packets_from_server": 0}
    after = phase(phase=2, kind="restart", started=20.0, ended=40.0, time=20.0) | silent
    row = verdict(bindings=RESTARTED, phases=[phase(), after, phase(2)])
    assert (row.verdict, row.cause) == ("fault", "ice-role-conflict")


def test_silent_where_media_of_one_side_goes_on_after_the_restart():
    on = [stream(), stream("client_to_server", last_time=30.0)]
    assert asked(RULE, bindings=RESTARTED, rtp_streams=on) == []


def test_silent_for_other_errors():
    assert asked(RULE, bindings=[dict(row, error_code=401) for row in refused()], **BROKEN) == []
