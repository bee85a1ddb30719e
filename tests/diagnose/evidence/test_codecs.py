"""Audio codecs of a leg, offered and answered."""

import pytest

from postproc.diagnose.evidence.signalling import (
    codecs,
    disjoint,
    negotiated,
    offered_audio,
    shown,
    well_known,
)
from tests.diagnose.scenes import message, scene, section

PCMA = {"formats": "8,101", "codecs": "8=PCMA/8000,101=telephone-event/8000"}


def sections(*given, **changes):
    return scene(sdp_media=[section(**each) for each in given], **changes).sdp_media


def test_names_are_compared_without_case_and_tones():
    one, other = sections(PCMA, {"formats": "8,13", "codecs": "8=pcma/8000,13=CN/8000", "time": 1.0})
    assert codecs(one) == codecs(other) == {"pcma/8000"}
    assert shown(one) == ["PCMA/8000"]
    assert not disjoint(one, other)


def test_a_format_without_a_name_leaves_it_open():
    one, other = sections(PCMA, {"formats": "97", "codecs": None, "time": 1.0})
    assert (codecs(other), shown(other)) == (None, ["97"])
    assert not disjoint(one, other)


@pytest.mark.parametrize("formats", [None, ""])
def test_a_section_without_formats_is_not_known(formats):
    (found,) = sections({"formats": formats, "codecs": None})
    assert (codecs(found), shown(found), well_known(found)) == (None, [], False)


def test_different_codecs_are_disjoint():
    assert disjoint(*sections(PCMA, {"formats": "0", "codecs": "0=PCMU/8000", "time": 1.0}))


def test_offer_and_answer_of_a_leg():
    case = scene(sip_messages=[message(1, "INVITE", 0.0), message(1, 183, 0.2, has_sdp=True, frame=5)])
    offer, answer = negotiated(case, "a@x")
    assert (offer.sdp_owner, answer.sdp_owner) == ("IceLink-3", "FreeSWITCH")
    assert offered_audio(case, case.sip_messages[0]) is offer


def test_an_offer_in_a_response_is_answered_by_ack():
    case = scene(
        sip_messages=[
            message(1, "INVITE", 0.0, has_sdp=False),
            message(1, 200, 1.0, has_sdp=True, frame=2),
            message(1, "ACK", 1.1, has_sdp=True, frame=3),
        ],
        sdp_media=[
            section(time=1.0, frame=2, sdp_owner="server"),
            section(time=1.1, frame=3, sdp_owner="client"),
        ],
    )
    offer, answer = negotiated(case, "a@x")
    assert (offer.sdp_owner, answer.sdp_owner) == ("server", "client")


def test_an_offer_sent_again_is_answered_once():
    case = scene(
        sip_messages=[
            message(1, "INVITE", 0.0, frame=1),
            message(1, "INVITE", 0.5, cseq=2, frame=2),
            message(1, 200, 1.0, has_sdp=True, frame=3),
        ],
        sdp_media=[section(frame=1), section(time=0.5, frame=2), section(time=1.0, frame=3)],
    )
    offer, answer = negotiated(case, "a@x")
    assert (offer.frame, answer.frame) == (2, 3)


def test_no_answer_no_negotiation():
    assert negotiated(scene(sip_messages=[message(1, "INVITE", 0.0)]), "a@x") is None
    assert negotiated(scene(), "unknown@x") is None


def test_an_answer_of_events_alone_has_no_codec_in_common():
    events = {"formats": "101", "codecs": "101=telephone-event/8000", "time": 1.0}
    assert disjoint(*sections(PCMA, events))
    assert not disjoint(*sections(PCMA, events | {"port": 0}))
