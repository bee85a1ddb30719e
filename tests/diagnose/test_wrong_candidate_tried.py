"""The private candidate is tried, the public one never."""

from postproc.diagnose.rules.wrong_candidate_tried import RULE
from tests.diagnose.scenes import (
    CLIENT_PRIVATE,
    asked,
    candidate,
    check,
    foreign,
    scene,
    told_both,
    unanswered,
)

BROKEN = {"pairs": [], "dtls": [], "rtp_streams": []}
TRIED = unanswered(5, dst_addr=CLIENT_PRIVATE)


def test_a_private_target_beside_an_offered_public_one_is_suspect():
    (found,) = asked(RULE, bindings=TRIED, **BROKEN)
    assert (found.verdict, found.facts["public"]) == ("suspect", ["198.51.100.77:50000"])
    told = told_both(found, RULE)
    assert "Pin Hole Puncher" in told["de"]["remedies"]


def test_another_product_is_not_told_of_the_pin_hole_puncher():
    (found,) = asked(RULE, bindings=TRIED, **BROKEN)
    assert "Pin Hole" not in told_both(found, RULE, scene(base=foreign()))["en"]["remedies"]


def test_silent_when_the_public_one_was_tried_as_well():
    assert asked(RULE, bindings=[*TRIED, *unanswered(3, dst_addr="198.51.100.77")], **BROKEN) == []


def test_silent_when_no_public_one_is_offered():
    offered = [
        candidate("client", CLIENT_PRIVATE, "private"),
        candidate("server", "203.0.113.10", "documentation"),
    ]
    assert asked(RULE, bindings=TRIED, candidates=offered, **BROKEN) == []


def test_silent_when_the_clients_own_checks_arrive():
    assert asked(RULE, bindings=[*TRIED, check("client_to_server")], **BROKEN) == []
