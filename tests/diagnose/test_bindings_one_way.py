"""Connectivity checks answered in one direction only."""

from postproc.diagnose.rules.bindings_one_way import RULE
from tests.diagnose.scenes import asked, check, told_both, unanswered

BROKEN = {"pairs": [], "dtls": [], "rtp_streams": []}
ANSWERED = check("client_to_server", time=1.5)


def test_unanswered_requests_of_the_server_beside_answered_ones_of_the_client_are_a_fault():
    (found,) = asked(RULE, bindings=[*unanswered(5), ANSWERED], **BROKEN)
    assert (found.verdict, found.facts["side"], found.facts["lost"], found.facts["answered"]) == (
        "fault",
        "server",
        5,
        1,
    )
    assert "Requests des Servers bleiben unbeantwortet (5 von 5)" in told_both(found, RULE)["de"]["title"]


def test_the_other_way_round_it_is_the_client():
    (found,) = asked(RULE, bindings=[*unanswered(4, "client_to_server"), check()], **BROKEN)
    assert found.facts["side"] == "client"


def test_silent_when_dtls_came_through():
    assert asked(RULE, bindings=[*unanswered(5), ANSWERED], pairs=[], rtp_streams=[]) == []


def test_silent_when_one_request_only_opened_the_path():
    assert asked(RULE, bindings=[*unanswered(1), ANSWERED], **BROKEN) == []


def test_silent_when_nothing_is_answered_at_all():
    assert asked(RULE, bindings=unanswered(5), **BROKEN) == []
