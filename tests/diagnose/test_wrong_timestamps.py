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


def paced(jitter, **changes):
    """The call with the running jitter of each second; G.711, packets every 20 ms."""
    scene = call(**PCMA | {"max_gap_ms": 21.0, "jitter_ms": 4.0} | changes)
    first, second = scene["rtp_streams"]
    seconds = [
        {"stream": 1, "second": nth, "time": 3.0 + nth, "packets": 50, "jitter_ms": ms}
        for nth, ms in enumerate(jitter)
    ]
    return scene | {"rtp_streams": [first | {"stream": 1}, second | {"stream": 2}], "rtp_seconds": seconds}


def test_timestamps_of_half_the_pace():
    (found,) = asked(RULE, **paced([9.5, 10.0, 10.0, 10.1]))
    assert (found.verdict, found.confidence, found.tags) == ("suspect", 0.7, {"pace"})
    told = told_both(found, RULE)
    assert "every 20 ms: each is off by 10 ms (PCMA, 850 packets)" in told["en"]["title"]
    assert "Jeder liegt um 10 ms daneben" in told["de"]["title"]
    assert "G.711" not in told["en"]["remedies"]
    assert verdict(**paced([9.5, 10.0, 10.0, 10.1])).cause == "wrong-timestamps"


@pytest.mark.parametrize(
    ("jitter", "changes"),
    [
        ([5.9] * 4, {}),
        ([500.0, 20.0, 0.8, 0.2, 0.1], {}),
        ([], {}),
        ([None] * 4, {}),
        ([15.9] * 4, {"max_gap_ms": 26.0}),
        ([10.0] * 4, {"max_gap_ms": 26.5}),
        ([10.0] * 4, {"reordered": 1}),
    ],
    ids=[
        "what the times allow",
        "one jump",
        "no seconds",
        "no clock",
        "uneven packets",
        "too uneven",
        "reordered",
    ],
)
def test_silent_where_the_pace_may_be_right(jitter, changes):
    assert asked(RULE, **paced(jitter, **changes)) == []


def test_a_pace_on_either_side_of_the_limit():
    gap = {"max_gap_ms": 22.0}  # 850 packets in 17 s: 20.02 ms each, so 2 * 1.98 + 4.0 ms
    assert asked(RULE, **paced([7.9] * 4, **gap)) == []
    assert [each.tags for each in asked(RULE, **paced([8.1] * 4, **gap))] == [{"pace"}]
