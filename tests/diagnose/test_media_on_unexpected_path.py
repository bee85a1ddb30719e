"""Media sent to an address that no candidate or SDP names."""

from postproc.diagnose.rules.media_on_unexpected_path import RULE
from tests.diagnose.scenes import asked, foreign, plain_stream, told_both

ONE, OTHER = "192.0.2.10", "192.0.2.20"


def test_media_to_an_address_nobody_offered_is_suspect():
    stray = plain_stream(OTHER, "192.0.2.99", leg=1, dst_port=4000)
    sent = plain_stream(ONE, OTHER, leg=1, src_port=7078, dst_port=12000)
    (found,) = asked(RULE, base=foreign(), rtp_streams=[sent, stray])
    assert (found.verdict, found.facts["target"]) == ("suspect", "192.0.2.99:4000")
    assert "192.0.2.99:4000" in told_both(found, RULE)["de"]["title"]


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
