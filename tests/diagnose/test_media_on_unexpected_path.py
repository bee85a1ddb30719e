"""Media sent to an address that no candidate or SDP names."""

import pytest

from postproc.diagnose.evidence.hops import strays
from postproc.diagnose.rules.media_on_unexpected_path import RULE
from tests.diagnose.scenes import asked, foreign, plain_stream, scene, told_both, verdict

ONE, OTHER = "192.0.2.10", "192.0.2.20"


def test_media_to_an_address_nobody_offered_is_suspect():
    stray = plain_stream(OTHER, "192.0.2.99", leg=1, dst_port=4000)
    sent = plain_stream(ONE, OTHER, leg=1, src_port=7078, dst_port=12000)
    (found,) = asked(RULE, base=foreign(), rtp_streams=[sent, stray])
    assert (found.verdict, found.facts["target"]) == ("suspect", "192.0.2.99:4000")
    assert "192.0.2.99:4000" in told_both(found, RULE)["de"]["title"]


STRAY = plain_stream(OTHER, "192.0.2.99", leg=1, src_port=12000, dst_port=4000)
SENT = plain_stream(ONE, OTHER, leg=1, src_port=7078, dst_port=12000)


def test_media_that_leave_who_is_heard_unanswered_go_astray_though_packets_go_both_ways():
    before = plain_stream(OTHER, ONE, leg=1, src_port=12000, dst_port=7078, last_time=STRAY["first_time"])
    scene = {"base": foreign(), "rtp_streams": [before, SENT, STRAY]}
    (found,) = asked(RULE, **scene)
    assert (found.tags, found.facts["heard"]) == ({"astray"}, f"{ONE}:7078")
    assert "192.0.2.99 never sends anything itself" in told_both(found, RULE)["en"]["detail"]
    assert verdict(**scene)["cause"] == "media-on-unexpected-path"


@pytest.mark.parametrize(("until", "found"), [(10.9, True), (11.0, False)])
def test_a_host_that_sends_some_packets_to_a_port_that_latches_is_nobody(until, found):
    before = plain_stream(OTHER, ONE, leg=1, src_port=12000, dst_port=7078, last_time=STRAY["first_time"])
    few = {"packets": 4, "first_time": 8.0, "last_time": until}
    stranger = plain_stream("192.0.2.99", OTHER, leg=1, src_port=4000, dst_port=12000, **few)
    told = asked(RULE, base=foreign(), rtp_streams=[before, SENT, STRAY, stranger])
    assert bool(told) is found
    if found:
        assert (
            "192.0.2.99, which nobody named, had sent 4 packets" in told_both(told[0], RULE)["en"]["detail"]
        )


@pytest.mark.parametrize(
    "changes",
    [
        {"src_port": 12002},  # not the socket that hears
        {"dst_addr": ONE},
        {"packets": 3},
        {"media": "video"},
        {"first_time": 18.5},
        {"leg": None},
    ],
)
def test_silent_about_media_of_which_that_is_not_known(changes):
    back = plain_stream(OTHER, ONE, leg=1, src_port=12004, dst_port=7078, last_time=2.9)
    assert not strays(scene(base=foreign(), rtp_streams=[back, SENT, STRAY | changes]))


def test_silent_where_the_target_is_an_alternative_address():
    media = [row | {"alternatives": "192.0.2.99 4000"} for row in foreign()["sdp_media"]]
    assert asked(RULE, base=foreign(), rtp_streams=[SENT, STRAY], sdp_media=media) == []


def test_silent_about_a_copy_for_a_recorder():
    back = plain_stream(OTHER, ONE, leg=1, src_port=12000, dst_port=7078)
    assert asked(RULE, base=foreign(), rtp_streams=[back, SENT, STRAY]) == []


def test_silent_when_the_target_sends_from_there_itself():
    nat = plain_stream("192.0.2.99", OTHER, leg=1, src_port=4000, dst_port=12000, packets=3)
    back = plain_stream(OTHER, "192.0.2.99", leg=1, src_port=12000, dst_port=4000)
    assert asked(RULE, base=foreign(), rtp_streams=[nat, back]) == []


def test_silent_while_only_one_description_is_known():
    base = foreign()
    stray = plain_stream(OTHER, "192.0.2.99", leg=1, dst_port=4000)
    assert asked(RULE, base=base, sdp_media=base["sdp_media"][1:], rtp_streams=[stray]) == []


def test_silent_when_audio_goes_both_ways():
    assert asked(RULE, base=foreign()) == []
