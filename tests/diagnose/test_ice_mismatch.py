"""ICE given up because the default address is none of the candidates."""

import pytest

from postproc.diagnose.rules.ice_mismatch import RULE
from tests.diagnose.scenes import (
    CLIENT_PRIVATE,
    asked,
    candidate,
    good,
    leg,
    message,
    section,
    told_both,
    verdict,
)

OFFERED = [candidate("client", CLIENT_PRIVATE, "private")]


def call(offer, answer, candidates=OFFERED):
    """One leg, answered, without media."""
    return {
        "legs": [leg(1, role="single")],
        "sip_messages": [
            message(1, "INVITE", 0.0, frame=1, from_tag="a", cseq=1),
            message(1, 200, 3.0, frame=5, from_tag="a", to_tag="b", cseq=1, has_sdp=True),
        ],
        "sdp_media": [
            section(**offer),
            section(sdp_owner="pbx", connection_addr="203.0.113.10", ufrag=None, time=3.0, frame=5, **answer),
        ],
        "candidates": candidates,
        "bindings": [],
        "pairs": [],
        "dtls": [],
        "rtp_streams": [],
    }


STATED = call({"connection_addr": "0.0.0.0", "port": 9}, {"ice_mismatch": True})
REWRITTEN = call({"connection_addr": "198.51.100.9", "port": 4000}, {})


def test_an_answer_that_states_it_is_a_fault():
    (found,) = asked(RULE, **STATED)
    assert (found.verdict, found.confidence) == ("fault", 0.85)
    told = told_both(found, RULE)
    assert "the address 0.0.0.0:9 in the SDP from" in told["en"]["title"]
    assert f"{CLIENT_PRIVATE}:50000" in told["de"]["detail"]
    assert verdict(**STATED).cause == "ice-mismatch"


def test_an_answer_without_ice_to_a_rewritten_address_is_a_suspicion():
    (found,) = asked(RULE, **REWRITTEN)
    assert (found.verdict, found.facts["default"]) == ("suspect", "198.51.100.9:4000")


@pytest.mark.parametrize(
    "scene",
    [
        call({"connection_addr": CLIENT_PRIVATE, "port": 50000}, {}),  # the other side knows no ICE
        call({"connection_addr": "0.0.0.0", "port": 9}, {}),
        call({"connection_addr": "198.51.100.9", "port": 4000}, {}, candidates=[]),
        STATED | {"rtp_streams": good()["rtp_streams"]},
        good(),
    ],
)
def test_silent(scene):
    assert asked(RULE, **scene) == []
