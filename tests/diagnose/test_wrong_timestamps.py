"""Timestamps that do not advance by the codec's clock."""

import pytest

from postproc.diagnose.rules.wrong_timestamps import RULE
from tests.diagnose.scenes import asked, foreign, told_both, verdict

OPUS = {"payload_type": 111, "last_payload_type": 111, "codec": "opus", "clock_rate": 48000}
PCMA = {"payload_type": 8, "last_payload_type": 8, "codec": "PCMA", "clock_rate": 8000}


def call(*, codecs="111=opus/48000,101=telephone-event/8000", **changes):
    """Two phones; the first one's stream of one packet every 20 ms is changed."""
    base = foreign()
    said = [row | {"codecs": codecs, "formats": "111,8,101"} for row in base["sdp_media"]]
    phone, server = 7078, 12000
    first, second = base["rtp_streams"]
    sent = first | {"src_port": phone, "dst_port": server, "max_gap_ms": 21.0} | OPUS | changes
    heard = second | {"src_port": server, "dst_port": phone, "max_gap_ms": 21.0} | OPUS
    return {"base": base, "sdp_media": said, "rtp_streams": [sent, heard]}


def test_another_clock_than_the_codecs():
    (found,) = asked(RULE, **call(clock_rate=16000))
    assert (found.verdict, found.confidence, found.tags) == ("suspect", 0.7, {"clock"})
    told = told_both(found, RULE)
    assert "16000 instead of 48000 a second, in 850 packets" in told["en"]["title"]
    assert "mit einem anderen Takt als opus hat" in told["de"]["title"]
    row = verdict(**call(clock_rate=16000))
    assert (row.verdict, row.cause) == ("suspect", "wrong-timestamps")


@pytest.mark.parametrize(
    "changes",
    [
        PCMA | {"jitter_ms": 16.1},
        {"clock_rate": None, "jitter_ms": None},
    ],
    ids=["a static codec", "no clock at all"],
)
def test_timestamps_that_do_not_go_with_even_packets(changes):
    (found,) = asked(RULE, **call(**changes))
    assert (found.verdict, found.tags) == ("suspect", {"uneven"})
    told = told_both(found, RULE)
    assert "which come evenly every 20 ms" in told["en"]["title"]
    assert "gleichmäßig alle 20 ms" in told["de"]["title"]
    assert "Jitter-Buffer" in told["de"]["detail"]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        PCMA,
        {"clock_rate": 16000, "packets": 249, "last_time": 8.0},
        {"clock_rate": 16000, "max_gap_ms": 201.0},
        {"clock_rate": 16000, "max_gap_ms": None},
        {"clock_rate": 16000, "last_payload_type": 101},
        {"clock_rate": 16000, "codecs": "8=PCMA/8000"},
        {"clock_rate": 16000, "media": "video"},
        PCMA | {"jitter_ms": 15.9},
        PCMA | {"jitter_ms": 30.0, "max_gap_ms": 26.5},
        PCMA | {"jitter_ms": 30.0, "reordered": 1},
        PCMA | {"jitter_ms": 30.0, "duplicates": 1},
        {"clock_rate": None, "jitter_ms": None, "max_gap_ms": 60.0},
    ],
)
def test_silent_where_timestamps_fit_or_cannot_be_judged(changes):
    assert asked(RULE, **call(**changes)) == []


def test_a_sender_is_told_once_whatever_its_ssrc():
    scene = call(clock_rate=16000)
    again = scene["rtp_streams"][0] | {"ssrc": 99, "first_time": 20.1, "last_time": 37.0}
    assert len(asked(RULE, **scene | {"rtp_streams": [*scene["rtp_streams"], again]})) == 1
