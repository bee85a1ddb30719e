"""Whether media is due on a leg, by its SDP and its end."""

import pytest

from postproc.diagnose.evidence.media import both_may_send, main_flow, sections, seen_both_ways, talks
from tests.builders import GATEWAY, SERVER
from tests.diagnose.scenes import check, foreign, good, leg, plain_stream, scene, section, stream


def sdp(**changes):
    return [{**row, **changes} for row in good()["sdp_media"]]


def test_audio_is_due_from_the_answer_to_the_end():
    first, second = talks(scene())
    assert (first.leg, first.seconds, second.leg) == (1, 17.0, 2)


def test_a_leg_without_an_answer_is_due_nothing():
    assert [talk.leg for talk in talks(scene(legs=[leg(1), leg(2, answer_time=None)]))] == [1]
    assert talks(scene(captures=[], calls=[{"call": 1, "end": None}])) == []


def test_seen_by_two_captures_the_first_answer_counts():
    later = leg(1, capture="b.pcapng", answer_time=3.2)
    assert talks(scene(legs=[leg(1), later]))[0].seconds == 17.0


def test_refused_and_other_media_are_no_audio():
    held = [section(port=0), section(media="video"), section()]
    assert len(sections(scene(sdp_media=held), 1)) == 1


def test_both_may_send_where_offer_and_answer_say_so():
    assert both_may_send(scene(), 1)
    assert both_may_send(scene(sdp_media=sdp(direction=None)), 1)


@pytest.mark.parametrize("direction", ["sendonly", "recvonly", "inactive"])
def test_hold_is_no_fault_of_the_media(direction):
    assert not both_may_send(scene(sdp_media=sdp(direction=direction)), 1)


def test_half_a_negotiation_says_nothing():
    assert not both_may_send(scene(sdp_media=[section()]), 1)
    assert not both_may_send(scene(sdp_media=[]), 1)


def test_the_fuller_direction_comes_first():
    case = scene(rtp_streams=[stream(packets=10), stream("client_to_server")])
    flow = main_flow(case, 1)
    assert flow is not None
    assert [way.packets for way in flow] == [850, 10]


def test_without_sides_it_is_the_fullest_pair_of_machines():
    case = scene(base=foreign(), rtp_streams=[plain_stream("192.0.2.10", "192.0.2.20", leg=1)])
    flow = main_flow(case, 1)
    assert flow is not None
    assert [way.packets for way in flow] == [850, 0]
    assert main_flow(scene(rtp_streams=[]), 1) is None


def test_both_ways_are_in_sight_where_packets_or_an_answer_came_back():
    assert seen_both_ways(scene(), SERVER, GATEWAY)
    quiet = {"sip_messages": [], "rtp_streams": [], "dtls": []}
    assert not seen_both_ways(scene(**quiet, bindings=[]), SERVER, GATEWAY)
    answered = scene(**quiet, bindings=[check(dst_addr=GATEWAY)])
    assert seen_both_ways(answered, SERVER, GATEWAY)
