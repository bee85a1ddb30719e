"""A sender that keeps port and SSRC serves several calls: each gets what is its own of the stream."""

from itertools import pairwise

import pandas as pd
import pytest

from pcaps.make.builders import plain, sdp
from pcaps.make.builders.plain import PlainCall
from pcaps.make.builders.product import pcapng
from pcaps.make.builders.recording import Recording
from postproc import pipeline
from postproc.correlate.streams import streams
from tests import builders as b
from tests.correlate.evidence_of import TO_CLIENT, at, known, leg

SERVER = (b.SERVER, 30000)
COLUMNS = ["call", "packets", "lost", "expected", "bytes", "max_gap_ms"]


def seconds(*lasting, stream=0, packets=50, **columns):
    """Rows of rtp_seconds of a stream that begins at 5 s: from each first second to before its last."""
    return [
        {"stream": stream, "frame": 100 + at, "time": at + 0.0, "last_time": at + 0.98, "second": at - 5}
        | {"packets": packets, "lost": 0, "jitter_ms": 2.0}
        | columns
        for first, last in lasting
        for at in range(first, last)
    ]


def cut(calls, rows, **columns):
    """The tables for one stream to the client from 5 s, and calls on its ports from and to these times."""
    legs = [leg(call=call, time=start, end=end) for call, (start, end) in enumerate(calls, 1)]
    ends = [
        at(*SERVER, "server", call=call, start=start, end=end) for call, (start, end) in enumerate(calls, 1)
    ]
    packets = sum(row["packets"] for row in rows)
    gap = max(after["time"] - before["last_time"] for before, after in pairwise(rows))
    whole = {"stream": 0, "frame": 105, "first_time": 5.0, "last_time": rows[-1]["last_time"]} | TO_CLIENT
    whole |= {"packets": packets, "expected": packets, "lost": 0, "bytes": packets * 172}
    whole |= {"max_gap_ms": gap * 1000, "duplicates": 4, "reports": 3, "payload_type": 8} | columns
    return streams(
        b.rtp_streams(whole),
        b.rtp_seconds(*rows),
        b.sdp_media(),
        legs=b.legs(*legs),
        dtls=b.dtls(),
        index=known(legs, ends),
    )


def told(table, *columns):
    return [
        tuple(None if pd.isna(value) else value for value in row)
        for row in table[list(columns)].astype(object).to_numpy().tolist()
    ]


def test_two_calls_one_after_the_other_get_their_packets():
    table, _ = cut([(4.0, 15.0), (24.0, 40.0)], seconds((5, 15), (25, 40)))
    assert told(table, *COLUMNS) == [(1, 500, 0, 500, 86000, 20.0), (2, 750, 0, 750, 129000, 20.0)]
    assert told(table, "frame", "duplicates", "reports", "payload_type", "jitter_ms") == [
        (105, None, None, 8, 2.0),
        (125, None, None, 8, 2.0),
    ]
    assert table["first_time"].tolist() == [b.at(5.0), b.at(25.0)]
    assert table["last_time"].tolist() == [b.at(14.98), b.at(39.98)]


def test_the_seconds_are_those_of_their_part_and_count_from_its_beginning():
    table, parts = cut([(4.0, 15.0), (24.0, 40.0)], seconds((5, 15), (25, 40)))
    assert table["stream"].tolist() == [1, 2]
    assert parts["stream"].tolist() == [1] * 10 + [2] * 15
    assert parts["second"].tolist() == [*range(10), *range(15)]


def test_three_calls_and_a_pause_within_one_of_them():
    rows = seconds((5, 15), (25, 30), (35, 40), (52, 60))
    table, _ = cut([(4.0, 15.0), (24.0, 41.0), (51.0, 61.0)], rows)
    assert told(table, "call", "packets", "max_gap_ms") == [(1, 500, 20.0), (2, 500, 5020.0), (3, 400, 20.0)]


def test_what_is_lost_stays_with_the_call_that_lost_it():
    rows = seconds((5, 15)) + seconds((25, 40), lost=2)
    table, _ = cut([(4.0, 15.0), (24.0, 40.0)], rows, lost=30, expected=1280)
    assert told(table, "call", "lost", "expected") == [
        (1, 0, 500),
        (2, 28, 778),
    ]  # of its first second that is not known


def test_packets_between_the_calls_go_with_the_call_before():
    table, _ = cut([(4.0, 15.0), (40.0, 50.0)], seconds((5, 15), (27, 29), (41, 50)))
    assert told(table, "call", "packets") == [(1, 600), (2, 450)]


@pytest.mark.parametrize(
    ("calls", "lasting"),
    [
        ([(4.0, 40.0)], [(5, 15), (25, 40)]),
        ([(4.0, 15.0), (15.0, 40.0)], [(5, 40)]),
        ([(4.0, 15.0), (80.0, 90.0)], [(5, 15), (25, 40)]),
    ],
    ids=["a hold within a call", "no pause between the calls", "the second one is later"],
)
def test_a_stream_stays_whole(calls, lasting):
    rows = seconds(*lasting)
    table, parts = cut(calls, rows)
    assert told(table, "packets", "duplicates") == [(50 * len(rows), 4)]
    assert parts["second"].tolist() == [row["second"] for row in rows]


def test_a_stream_of_which_no_seconds_are_known_stays_whole():
    rows = seconds((5, 15), (25, 40))
    table, _ = cut([(4.0, 15.0), (24.0, 40.0)], rows, stream=7)
    assert told(table, "packets", "duplicates") == [(1250, 4)]


def test_the_second_call_on_the_same_ports_is_judged_by_its_own_packets(tmp_path):
    """The first one has media both ways; in the second one side is mute. Numbers go on, or begin anew."""
    recording = Recording("2026-12-14T08:00:00")
    phone, trunk = "198.51.100.60", "203.0.113.60"
    media = {"uac": (phone, 40000), "uas": (trunk, 16000)}
    for nth, begins in enumerate((1.0, 21.0)):
        call = PlainCall(recording, f"call {nth}").leg((phone, 5060), (trunk, 5060), (*media.values(),))
        call.ssrc = {"uac": 1001, "uas": 2002}
        plain.begin(call, begins, sdp.plain("phone", media["uac"], call.session["uac"]))
        call.dialog.respond(begins + 0.3, 180)
        plain.answer(call, begins + 1, sdp.plain("trunk", media["uas"], call.session["uas"]))
        for end in ("uac", "uas")[nth:]:
            call.streams[str(call.ssrc[end])] = 500 * nth
            call.rtp(end, begins + 1.1, begins + 11)
        call.dialog.bye(begins + 11.2, "uac")
    (tmp_path / "a.pcapng").write_bytes(pcapng(recording))
    run = pipeline.run([tmp_path], report=False, jobs=1)
    assert told(run.calls, "verdict", "cause") == [("ok", None), ("suspect", "one-way-media")]
    assert told(run.rtp_streams, "call", "ssrc", "packets", "lost") == [
        (1, 1001, 495, 0),
        (1, 2002, 495, 0),
        (2, 2002, 495, 0),
    ]
