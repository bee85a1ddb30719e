import pytest

from postproc.correlate.timeline.events import table
from postproc.correlate.timeline.media import media_events
from tests import builders as b

STREAM = {
    "call": 1,
    "leg": 1,
    "stream": 1,
    "frame": 10,
    "first_time": 0.0,
    "last_time": 5.0,
    "codec": "PCMA",
    "ssrc": 0xB0D2F11,
    "secured": True,
    "packets": 250,
    "lost": 3,
    "max_gap_ms": 40.0,
}


def second(number, time, packets=50):
    return {"stream": 1, "second": number, "frame": 100 + number, "time": time, "packets": packets}


def events(stream=STREAM, seconds=()):
    return table(media_events(b.rtp_streams(stream), b.rtp_seconds(*seconds))).to_dict("records")


def gaps(longest, *seconds):
    found = events(STREAM | {"max_gap_ms": longest}, seconds)
    return [(e["time"], e["frame"], e["label"], e["severity"]) for e in found if e["kind"] == "gap"]


def test_a_stream_starts_and_ends():
    base = {
        "capture": "a.pcapng",
        "call": 1,
        "leg": 1,
        "lane": "media",
        "severity": "normal",
        "src": f"{b.SERVER}:30000",
        "dst": f"{b.CLIENT}:50000",
    }
    start = {"frame": 10, "time": b.at(0), "kind": "start", "label": "PCMA starts, SRTP, SSRC 0x0b0d2f11"}
    end = {"frame": 104, "time": b.at(5), "kind": "end", "label": "PCMA ends, 250 packets, 3 lost"}
    assert events(seconds=[second(4, 4.0)]) == [base | start, base | end]


def test_a_stream_about_which_little_is_known_still_is():
    bare = STREAM | dict.fromkeys(("codec", "secured", "packets", "lost", "max_gap_ms", "ssrc"))
    assert [e["label"] for e in events(bare)] == [
        "RTP starts, SSRC 0x00000000",
        "RTP ends, 0 packets, 0 lost",
    ]


@pytest.mark.parametrize(("lost", "severity"), [(13, "normal"), (14, "warning")])
def test_more_than_five_per_cent_lost_is_a_warning(lost, severity):
    assert events(STREAM | {"lost": lost})[1]["severity"] == severity


def test_steady_packets_have_no_gap():
    assert gaps(40.0, *(second(n, float(n)) for n in range(5))) == []
    assert gaps(1200.0, second(0, 0.0)) == []


def test_a_gap_stands_where_media_resume():
    assert gaps(2500.0, second(0, 0.0), second(1, 1.0), second(4, 4.48), second(5, 5.0)) == [
        (b.at(4.48), 104, "PCMA resumes after 2.5 s", "warning")
    ]


def test_a_gap_that_leaves_no_second_empty_is_found():
    assert gaps(
        1200.0, second(0, 0.0), second(1, 1.0, 25), second(2, 2.7, 15), second(3, 3.0), second(4, 4.0)
    ) == [(b.at(2.7), 102, "PCMA resumes after 1.2 s", "warning")]


def test_every_gap_of_more_than_a_second_is_told():
    found = gaps(4000.0, second(0, 0.0), second(3, 3.0), second(8, 8.0), second(9, 9.0))
    assert [row[2] for row in found] == ["PCMA resumes after 2.0 s", "PCMA resumes after 4.0 s"]


def test_streams_without_call_are_left_out():
    assert events(STREAM | {"call": None}) == []
