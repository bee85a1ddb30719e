"""One public address for both sides, and no private candidate to meet inside."""

from postproc.diagnose.rules.private_candidate_missing import RULE
from tests.diagnose.scenes import CLIENT_PRIVATE, SERVER_PUBLIC, asked, candidate, told_both, unanswered

FAILED = {"bindings": unanswered(6), "rtp_streams": [], "dtls": [], "pairs": []}
SHARED = [
    candidate("client", CLIENT_PRIVATE, "private"),
    candidate("client", SERVER_PUBLIC, "documentation", "srflx"),
    candidate("server", SERVER_PUBLIC, "documentation"),
]


def test_the_side_without_a_private_candidate_is_named():
    (found,) = asked(RULE, candidates=SHARED, **FAILED)
    assert (found.verdict, found.facts["side"], found.facts["address"]) == (
        "suspect",
        "server",
        SERVER_PUBLIC,
    )
    assert "Der Server bietet keinen privaten" in told_both(found, RULE)["de"]["title"]


def test_silent_when_the_public_addresses_differ():
    assert asked(RULE, **FAILED) == []


def test_silent_when_the_router_hairpins():
    assert asked(RULE, candidates=SHARED) == []


def test_silent_when_both_offer_private_ones():
    offered = [*SHARED, candidate("server", "192.168.178.2", "private")]
    assert asked(RULE, candidates=offered, **FAILED) == []
