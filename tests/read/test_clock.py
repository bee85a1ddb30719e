"""Clocks that show times nobody can mean: any 64 bits, any unit, at any place of a file."""

import struct

import numpy as np
import pandas as pd
import pytest

from postproc.read import capture, frame
from postproc.read.capture import Options, read
from postproc.read.clock import EARLIEST, LATEST, OUTSIDE, Clock
from postproc.read.container import NotWalkable
from postproc.read.extract import frames_of
from postproc.read.records import Record, pieces
from postproc.read.walk import open_container, windows
from tests.read import wire
from tests.read.wire import SECOND, START

SIP = (
    "OPTIONS sip:b@198.51.100.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:4000;branch=z9hG4bK{0}\r\n"
    "From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: {0}@x\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
)
ABSURD = (2**63 - 1, 2**63, 2**64 - 1, 3 << 62, LATEST)
OFFSETS = (0, 1, -1, 3600, 9_223_372_036, 9_223_372_037, 2**62, 2**63 - 1, -(2**63), -START // SECOND)
WARNING = "clock outside 1970 to 2200 in {} of the packets, first in frame {}: "


def options(number: int) -> bytes:
    return wire.datagram(SIP.format(number).encode())


def written(folder, content: bytes):
    path = folder / "a.pcapng"
    path.write_bytes(content)
    return path


def clocked(*times: int) -> bytes:
    """A capture of as many SIP messages, at these numbers of nanoseconds."""
    blocks = [wire.enhanced(time, options(number)) for number, time in enumerate(times, 1)]
    return wire.pcapng(wire.interface(resolution=9), *blocks)


def seconds(table: pd.DataFrame) -> list[float]:
    return (table["time"].astype("int64") / SECOND - START / SECOND).tolist()


@pytest.mark.parametrize("every", [False, True], ids=["fast", "all packets"])
@pytest.mark.parametrize("absurd", ABSURD)
def test_a_packet_bears_the_time_before_and_its_row_says_so(tmp_path, absurd, every):
    path = written(tmp_path, clocked(absurd, START, START + SECOND, absurd, START + 3 * SECOND))
    tables = read(path, "a", Options(all_packets=every))
    assert seconds(tables.sip_messages) == [0, 0, 1, 1, 3]
    assert tables.sip_messages["time_guessed"].tolist() == [True, False, False, True, False]
    row = tables.captures.iloc[0]
    assert (row["first_time"].timestamp(), row["last_time"].timestamp()) == (START / 1e9, START / 1e9 + 3)
    assert row["warnings"].startswith(WARNING.format(2, 1))
    assert "\n" not in row["warnings"]


@pytest.mark.parametrize("every", [False, True], ids=["fast", "all packets"])
def test_a_capture_without_any_time_is_read(tmp_path, every):
    tables = read(written(tmp_path, clocked(*ABSURD)), "a", Options(all_packets=every))
    assert tables.sip_messages["time"].astype("int64").tolist() == [EARLIEST] * 5
    assert tables.captures[["first_time", "last_time"]].isna().all(axis=None)
    assert tables.captures["packets"].tolist() == [5]


def test_what_cannot_be_walked_is_limited_as_well(tmp_path, monkeypatch):
    """Neither the walk nor the conversion: tshark's own numbers."""

    def refuse(*_: object, **__: object) -> None:
        raise NotWalkable("for the test")

    monkeypatch.setattr(capture, "split", refuse)
    monkeypatch.setattr(capture, "converted", refuse)
    tables = read(written(tmp_path, clocked(START, 2**64 - 1, START + SECOND)), "a")
    assert seconds(tables.sip_messages) == [0, 0, 1]
    assert tables.sip_messages["time_guessed"].tolist() == [False, True, False]
    assert WARNING.format(1, 2) in tables.captures["warnings"].iloc[0]


def test_media_at_an_absurd_time_adds_no_second(tmp_path):
    packets = [data for _, data in wire.stream(range(50))]
    times = [START + place * 20_000_000 for place in range(50)]
    times[30:33] = ABSURD[:3]
    blocks = [wire.enhanced(time, data) for time, data in zip(times, packets, strict=True)]
    found = wire.parted(tmp_path, wire.pcapng(wire.interface(resolution=9), *blocks))
    (stream,) = found.rtp_streams.to_dict("records")
    assert (stream["packets"], stream["lost"], stream["max_gap_ms"]) == (50, 0, 80)
    assert found.rtp_seconds["second"].tolist() == [0]
    assert found.guessed_frames.tolist() == [31, 32, 33]


def ns(ticks: int, resolution: int, offset: int) -> int:
    """The same by Python's numbers, which have no end."""
    since, shift = offset * SECOND, resolution & 0x7F
    return since + (ticks * SECOND >> shift if resolution & 0x80 else ticks * 10 ** (9 - resolution))


@pytest.mark.parametrize("resolution", [*range(10), *range(0x80, 0x80 + 35)])
def test_any_unit_and_offset_is_right_or_not_believed(tmp_path, resolution):
    """Never a number that has wrapped round."""
    per_second = 2 ** (resolution & 0x7F) if resolution & 0x80 else 10**resolution
    for offset in OFFSETS:
        edges = [(limit // SECOND - offset) * per_second for limit in (EARLIEST, LATEST)]
        near = [edge + by for edge in edges for by in (-1, 0, 1)]
        ticks = [each for each in (0, 1, 2**32, START, *near, *ABSURD) if 0 <= each < 2**64]
        blocks = [wire.enhanced(each, wire.ethernet(bytes(28), 0x0806)) for each in ticks]
        content = wire.pcapng(wire.interface(resolution=resolution, offset=offset), *blocks)
        with written(tmp_path, content).open("rb", buffering=0) as file:
            (window, *_) = windows(file, open_container(file))
        right = [ns(each, resolution, offset) for each in ticks]
        believed = [EARLIEST <= time < LATEST for time in right]
        assert np.flatnonzero(~np.array(believed)).tolist() == window.guessed.tolist()
        kept = [time for time, good in zip(right, believed, strict=True) if good]
        assert window.time[believed].tolist() == kept


@pytest.mark.parametrize("resolution", [10, 19, 20, 127, 0x80 + 35, 0x80 + 63, 0xFF])
@pytest.mark.parametrize("offset", [0, 2**63 - 1, -(2**63)])
def test_units_finer_than_nanoseconds_are_read(tmp_path, resolution, offset):
    description = wire.interface(resolution=resolution, offset=offset)
    content = wire.pcapng(description, *(wire.enhanced(each, options(n)) for n, each in enumerate(ABSURD)))
    tables = read(written(tmp_path, content), "a")
    times = tables.sip_messages["time"].astype("int64")
    assert len(times) == 5
    assert ((times >= EARLIEST) & (times < LATEST)).all()


def test_interfaces_of_one_file_are_believed_each_by_its_own_clock(tmp_path):
    sane, absurd = wire.interface(resolution=9), wire.interface(resolution=9, offset=2**63 - 1)
    blocks = [wire.enhanced(START + n, options(n), n % 2) for n in range(6)]
    tables = read(written(tmp_path, wire.pcapng(sane, absurd, *blocks)), "a")
    assert tables.sip_messages["time_guessed"].tolist() == [False, True] * 3
    assert (tables.sip_messages["time"].astype("int64") - START).tolist() == [0, 0, 2, 2, 4, 4]


def test_a_copy_keeps_the_ticks_it_was_given(tmp_path):
    """What is exported or annotated is the packet as it is in the file."""
    path = written(tmp_path, clocked(2**64 - 1, START))
    with pieces(path) as found:
        records = [piece for piece in found if isinstance(piece, Record)]
    assert [record.ticks for record in records] == [2**64 - 1, START]
    assert [record.time for record in records] == [START, START]
    spoilt = bytearray(wire.pcap([(START, options(1))]))
    struct.pack_into("<I", spoilt, 28, 4_000_000_000)  # microseconds
    path.write_bytes(spoilt)
    with pieces(path) as found:
        record = list(found)[-1]
    assert record.ticks == START // 1000 + 4_000_000_000


def test_a_call_is_cut_out_with_its_absurd_packets(tmp_path):
    path = written(tmp_path, clocked(START, 2**64 - 1, START + SECOND, START + 90 * SECOND))
    flow = (wire.SOURCE, 4000, wire.DESTINATION, 5000, START, START + SECOND)
    assert frames_of(path, [1], [flow]).tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    "told", ["9223372037.854775000", "-1.5", "1101307919776.0", "292277-01-01T00:00:00Z"]
)
def test_times_that_tshark_tells_are_taken_as_they_are(told):
    assert not EARLIEST <= frame.nanoseconds(told) < LATEST


def test_windows_go_on_from_the_time_before():
    clock = Clock()
    assert clock.settle(np.array([OUTSIDE, 5, OUTSIDE]), 1)[0].tolist() == [5, 5, 5]
    assert clock.settle(np.array([OUTSIDE, OUTSIDE]), 4)[0].tolist() == [5, 5]
    assert clock.settle(np.zeros(0, np.int64), 6)[0].tolist() == []
    assert clock.settle(np.array([7, OUTSIDE]), 6)[0].tolist() == [7, 7]
    assert (clock.count, clock.first_frame) == (5, 1)
