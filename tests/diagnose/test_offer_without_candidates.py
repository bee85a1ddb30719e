"""ICE offered without candidates."""

import pytest

from postproc.diagnose.rules.offer_without_candidates import RULE
from tests.builders import SERVER
from tests.diagnose.refusals import CAUSE_88, at_once, log, offer
from tests.diagnose.scenes import CLIENT_PUBLIC, asked, candidate, leg, told_both, unanswered, verdict

BARE = at_once(488, reason_header=CAUSE_88, candidates=[])
LINE = "audio no suitable candidates found."


def test_a_refused_offer_without_a_candidate_is_a_fault_where_the_codecs_are_known():
    (found,) = asked(RULE, **BARE)
    assert (found.verdict, found.confidence, found.tags) == ("fault", 0.85, {"client"})
    shown = told_both(found, RULE)
    assert (
        shown["en"]["title"]
        == f"The offer has ICE credentials and no candidate, and {SERVER} refuses it: 488 No."
    )
    assert "über reines SIP (RFC 8840) tun das wenige" in shown["de"]["detail"]
    row = verdict(**BARE)
    assert (row.verdict, row.cause) == ("fault", "offer-without-candidates")


def test_unusual_codecs_make_it_a_suspicion():
    odd = offer(formats="96", codecs="96=AMR-WB/16000")
    (found,) = asked(RULE, **BARE | {"sdp_media": [odd]})
    assert (found.verdict, found.confidence) == ("suspect", 0.6)
    assert "AMR-WB" in told_both(found, RULE)["en"]["detail"]


def test_the_log_makes_it_sure_though_it_speaks_of_codecs_as_well():
    lines = [log("media", "CODEC NEGOTIATION ERROR", frame=8), log("media", LINE, frame=9)]
    (found,) = asked(RULE, **BARE, log_events=lines)
    assert found.confidence == 0.95
    row = verdict(**BARE, log_events=lines)
    assert row.cause == "offer-without-candidates"


@pytest.mark.parametrize(
    "scene",
    [
        at_once(488, candidates=[candidate("client", CLIENT_PUBLIC, "documentation", ufrag="client")]),
        BARE | {"sdp_media": [offer(ufrag=None)]},
        at_once(503, candidates=[]),
        {"candidates": []},  # accepted: whoever answered knows Trickle ICE, or learns from checks
    ],
)
def test_silent(scene):
    assert asked(RULE, **scene) == []


def accepted(**changes):
    """The client's offer has no candidate, the server's answer has; nobody checks anything."""
    servers = [candidate("server", SERVER, "private", ufrag="server")]
    silent = {"bindings": [], "pairs": [], "dtls": [], "rtp_streams": []}
    return {"sdp_media": [offer()], "candidates": servers} | silent | changes


def test_an_offer_that_is_accepted_and_leads_to_no_check():
    (found,) = asked(RULE, **accepted())
    assert (found.verdict, found.confidence, found.tags) == ("fault", 0.85, {"client"})
    shown = told_both(found, RULE)
    assert shown["en"]["title"].startswith("The client's description has ICE credentials and no candidate")
    assert "webrtc-internals" in shown["de"]["detail"]
    row = verdict(**accepted())
    assert (row.verdict, row.cause) == ("fault", "offer-without-candidates")


@pytest.mark.parametrize(
    "changes",
    [
        {"bindings": unanswered(1, "client_to_server")},  # it has one all the same
        {"candidates": []},  # the answer has none either: no ICE that could fail
        {"legs": [leg(1, answer_time=18.5)]},
        {"sdp_media": [offer(ufrag=None)]},
    ],
)
def test_silent_where_checks_come_or_may_still_come(changes):
    assert asked(RULE, **accepted(**changes)) == []


def test_without_the_log_it_says_what_would_settle_it():
    (found,) = asked(RULE, **BARE)
    assert "To settle it: the server's log of this call" in told_both(found, RULE)["en"]["detail"]
