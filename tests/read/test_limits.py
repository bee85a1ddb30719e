"""Files made to be too much, numbers and addresses of strangers, and clocks no one can mean."""

import gzip
import os
import struct
import tracemalloc
from io import FileIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from postproc.model.errors import SetupError
from postproc.read import capture, inputs, limits, logfiles
from postproc.read.access import read as read_lists
from postproc.read.capture import read
from postproc.read.container import NotWalkable, _interface
from postproc.read.events import events
from postproc.read.extract import frames_of
from postproc.read.frame import nanoseconds
from postproc.read.limits import EARLIEST, LATEST, OUTSIDE, Clock, host
from postproc.read.option_files import Options
from postproc.read.records import Record, pieces
from postproc.read.walk import Hashing, open_container, windows
from postproc.wire import number
from tests.read import wire
from tests.read.frames import frame
from tests.read.parted import split
from tests.read.wire import SECOND, START

PING = wire.ethernet(wire.ipv4(b"\x08\0" + bytes(40), 1))


def test_interfaces_beyond_the_limit_end_the_file_and_it_says_so(tmp_path):
    """Each has a clock of its own."""
    described = [wire.interface(resolution=9, offset=n) for n in range(limits.INTERFACES + 5)]
    packets = [wire.enhanced(START, PING, n) for n in (0, limits.INTERFACES - 1, limits.INTERFACES, 0)]
    found = wire.parted(tmp_path, wire.pcapng(*described, *packets))
    assert (found.packets, len(found.interfaces), found.cut_short) == (2, limits.INTERFACES, True)
    assert (found.kept_times - START).tolist() == [0, (limits.INTERFACES - 1) * 10**9]
    assert found.warnings == ("more than 4096 interfaces after packet 2: the rest is not read",)


def test_a_clock_is_asked_only_for_interfaces_with_packets(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "postproc.read.container._since_epoch", lambda ticks, *clock: asked.append(clock) or ticks
    )
    described = [wire.interface(resolution=9, offset=n) for n in range(limits.INTERFACES)]
    wire.parted(tmp_path, wire.pcapng(*described, *[wire.enhanced(START, PING, n) for n in (5, 7, 5)]))
    assert asked == [(9, 5), (9, 7)]


def test_an_interface_s_name_is_kept_to_a_length():
    assert len(_interface(wire.interface(name="x" * 60_000)).name) == limits.INTERFACE_NAME


def invite(candidates: int) -> bytes:
    lines = "".join(f"a=candidate:{n} 1 udp {n} 10.0.0.1 {n} typ host\r\n" for n in range(1, candidates + 1))
    return (
        "INVITE sip:b@x SIP/2.0\r\nCall-ID: a@x\r\nCSeq: 1 INVITE\r\nContent-Type: application/sdp\r\n\r\n"
        f"v=0\r\nm=audio 5 RTP/AVP 8\r\n{lines}"
    ).encode()


def test_rows_of_a_frame_beyond_the_limit_are_counted():
    told: list[str] = []
    frames = [
        frame(number=1, messages={"sip": [invite(5000)]}),
        frame(number=2, messages={"sip": [invite(3)]}),
    ]
    found = events(frames, "a", told)
    assert len(found["sip_messages"]) == 2
    assert len(found["candidates"]) == limits.ROWS - 2 + 3
    assert told == ["3002 headers, media or candidates of frame 1 left out"]


def test_what_was_left_out_stands_in_the_warnings(tmp_path):
    head, _, body = invite(2500).partition(b"\r\n\r\n")
    whole = head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    parts = [whole[at : at + 60_000] for at in range(0, len(whole), 60_000)]
    segments, sequence = [], 1
    for n, part in enumerate(parts):
        data = bytearray(wire.segment(part, 5060, 5060))
        struct.pack_into(">I", data, 14 + 20 + 4, sequence)
        sequence += len(part)
        segments.append((START + n, bytes(data)))
    (tmp_path / "a.pcap").write_bytes(wire.pcap(segments))
    tables = read(tmp_path / "a.pcap", "a")
    assert len(tables.candidates) == limits.ROWS - 2
    assert tables.captures["warnings"].tolist() == [
        f"502 headers, media or candidates of frame {len(parts)} left out"
    ]


def growing(path: Path, more: bytes):
    """A file that gets longer with every look at it."""

    class Growing(Hashing):
        def readinto(self, buffer, /):
            with path.open("ab") as file:
                file.write(more)
            return super().readinto(buffer)

    return Growing


def test_a_file_that_grows_is_read_as_far_as_it_went(tmp_path, monkeypatch):
    path = tmp_path / "a.pcap"
    content = wire.pcap([(START, PING)] * 50)
    path.write_bytes(content)
    (whole, expected) = wire.parted(tmp_path, content), inputs.sha256(path)
    monkeypatch.setattr("postproc.read.split.Hashing", growing(path, content[24:] * 3))
    found = split(path, tmp_path / "kept2", window=400)
    assert (found.packets, found.sha256, found.warnings) == (50, expected, ())
    assert found.kept_frames.tolist() == whole.kept_frames.tolist()
    assert path.stat().st_size > 10 * len(content)


def test_a_file_that_grows_is_copied_as_far_as_it_went(tmp_path):
    path = tmp_path / "a.pcap"
    content = wire.pcap([(START, PING)] * 50)
    path.write_bytes(content)

    class Growing(FileIO):
        def readinto(self, buffer, /):
            with path.open("ab") as file:
                file.write(content[24:])
            return super().readinto(buffer)

    with Growing(path) as file:
        assert sum(len(each.start) for each in windows(file, open_container(file), 400)) == 50


@pytest.mark.parametrize("size", [0, 10, 24, 1000])
def test_a_file_cut_while_it_is_read_is_read_as_far_as_it_goes(tmp_path, size):
    path = tmp_path / "a.pcap"
    path.write_bytes(wire.pcap([(START, PING)] * 50))
    found = split(path, tmp_path / "kept", window=400, seen=lambda _: os.truncate(path, size))
    assert 0 < found.packets < 50
    assert found.cut_short or found.packets == size // (16 + len(PING))


def test_rtcp_that_nobody_reads_is_not_counted_as_read(tmp_path):
    report = wire.datagram(struct.pack(">BBHI", 0x80, 200, 6, 1) + bytes(20))
    path = tmp_path / "a.pcap"
    path.write_bytes(
        wire.pcap([(START, report)] * 3 + [(time, data) for time, data in wire.stream(range(9))])
    )
    row = read(path, "a").captures.iloc[0]
    assert (row["packets"], row["media_packets"], row["foreign_packets"], row["dissected_packets"]) == (
        12,
        9,
        3,
        0,
    )


@pytest.mark.parametrize("name", ["a.pcap.gz", "a.pcapng"])
def test_gzip_inside_gzip_is_no_capture(tmp_path, name):
    (tmp_path / name).write_bytes(gzip.compress(gzip.compress(wire.pcap([(START, PING)]))))
    found, unread = inputs.find([tmp_path])
    assert (found, [each.reason for each in unread]) == ([], ["gzip file without a capture in it"])


LINE = b"2026-11-22 22:38:49.496 99.00%% [DEBUG] switch_core.c:12 nothing to see here, x=%08d\n"


@pytest.mark.parametrize(
    "block",
    [
        b"".join(LINE % n for n in range(20_000)),
        b"x" * (1 << 20),
        b"\0" * (1 << 20),
        b"\n" * (1 << 20),
        LINE % 1 + b"a=candidate\r\n" * 80_000,
    ],
    ids=["lines", "one line", "zeros", "empty lines", "one record"],
)
def test_a_log_streams_whatever_is_in_it(tmp_path, block):
    """The memory taken for 200 MB is that for a few blocks."""
    path = tmp_path / "freeswitch.log"
    with path.open("wb") as file:
        file.write(LINE % 0)
        for _ in range(200_000_000 // len(block)):
            file.write(block)
    tracemalloc.start()
    total = sum(map(len, logfiles.blocks(path)))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total == path.stat().st_size
    assert most < 8 * logfiles.BLOCK


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty file"),
        (b"\xef\xbb\xbf \n", "empty file"),
        (bytes(range(128, 255)), "cannot be read as XML"),
    ],
)
def test_an_access_list_that_is_none_is_told_as_what_it_was_given_for(tmp_path, content, said):
    (tmp_path / "acl.conf.XML").write_bytes(content)
    with pytest.raises(SetupError, match=said):
        read_lists(tmp_path / "acl.conf.XML")


@given(st.integers(-(2**70), 2**70), st.integers(0, 3), st.integers(0, 2**64))
def test_a_number_within_its_limits_is_read_and_no_other(value, zeros, most):
    written = "0" * zeros + str(value)
    assert number(written, most) == (value if 0 <= value <= most else None)


@pytest.mark.parametrize("digits", ["", "+1", " 1", "1 ", "1_0", "\u0663", "0x1", "1e3", "-1", "1" * 5000])
def test_what_is_no_number_is_none(digits):
    assert number(digits, 2**64) is None


def test_zeros_in_front_are_no_reason():
    assert (number("0" * 5000 + "7", 9), number("000", 9), number("2", 9, 3)) == (7, 0, None)


@given(st.ip_addresses().map(str))
def test_every_address_is_one(addr):
    assert host(addr) == addr


@pytest.mark.parametrize("name", ["a", "host.example", "x_1-y.local", "fe80::1%eth0", "pbx.", "xn--p1ai"])
def test_names_of_hosts_are_kept(name):
    assert host(name) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1.2.3",
        "0x7f.1",
        "999.1.1.1",
        "1.2.3.4/24",
        "a b",
        "a<b",
        "-a",
        "a..b",
        ".",
        "x" * 64,
        "a." * 130,
        "fe80::1%" + "a" * 300,
        "\u0661\u0660.0.0.1",
        "\uff11.1.1.1",
        "10.0.0.1\n",
        "h\u00f6st",
        "1.2.3.4%x y",
    ],
)
def test_anything_else_is_no_host(text):
    assert host(text) is None


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
    assert not EARLIEST <= nanoseconds(told) < LATEST


def test_windows_go_on_from_the_time_before():
    clock = Clock()
    assert clock.settle(np.array([OUTSIDE, 5, OUTSIDE]), 1)[0].tolist() == [5, 5, 5]
    assert clock.settle(np.array([OUTSIDE, OUTSIDE]), 4)[0].tolist() == [5, 5]
    assert clock.settle(np.zeros(0, np.int64), 6)[0].tolist() == []
    assert clock.settle(np.array([7, OUTSIDE]), 6)[0].tolist() == [7, 7]
    assert (clock.count, clock.first_frame) == (5, 1)
