"""Files made to be too much: interfaces, names, rows, growth; and what is said of it."""

import gzip
import os
import struct
import tracemalloc
from io import FileIO
from pathlib import Path

import pytest

from postproc.model.errors import SetupError
from postproc.read import inputs, limits, logfiles
from postproc.read.acl_files import read as read_lists
from postproc.read.capture import read
from postproc.read.events import events
from postproc.read.hashing import Hashing
from postproc.read.pcapng import _interface
from postproc.read.split import split
from postproc.read.walk import open_container, windows
from tests.read import wire
from tests.read.frames import frame
from tests.read.wire import START

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
        "postproc.read.pcapng._since_epoch", lambda ticks, *clock: asked.append(clock) or ticks
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
    tables = events(frames, "a", told)
    assert len(tables.sip_messages) == 2
    assert len(tables.candidates) == limits.ROWS - 2 + 3
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
