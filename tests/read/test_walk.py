"""Capture files walked window by window: every format and dialect, records found, bytes hashed on the way."""

import gzip
import hashlib
import os
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postproc.model.errors import CaptureError
from postproc.read.arrays import PAD
from postproc.read.container import PCAPNG_LAYOUT as LAYOUT
from postproc.read.container import NotWalkable
from postproc.read.walk import PIECE, Hashing, capture_format, record_starts
from postproc.wire.pcapng import ENHANCED
from tests.read import wire
from tests.read.parted import split
from tests.read.wire import SECOND, START

ARP = wire.ethernet(bytes(28), 0x0806)
PING = wire.ethernet(wire.ipv4(b"\x08\0" + bytes(40), 1))
TIMES = [START + 123_456_789, START, START + 5 * SECOND + 7_000]


def test_first_and_last_time_are_the_extremes_not_the_ends_of_the_file(tmp_path):
    found = wire.parted(tmp_path, wire.pcap([(time, PING) for time in TIMES], nano=True))
    assert (found.packets, found.first_time, found.last_time) == (3, TIMES[1], TIMES[2])
    assert (found.format, found.link_types, found.interfaces) == ("pcap", ("ETHERNET",), ("",))
    assert (found.cut_short, found.warnings) == (False, ())


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("nano", "digit"), [(True, 1), (False, 1000)])
def test_pcap_of_either_byte_order_and_resolution(tmp_path, order, nano, digit):
    content = wire.pcap([(time, PING) for time in TIMES], order=order, nano=nano)
    assert wire.parted(tmp_path, content).kept_times.tolist() == [time // digit * digit for time in TIMES]
    assert (tmp_path / "kept").read_bytes() == content


@pytest.mark.parametrize(
    ("resolution", "offset", "ticks", "time"),
    [
        (None, None, START // 1000 + 5, START + 5_000),
        (9, None, START + 5, START + 5),
        (3, None, START // 10**6 + 5, START + 5_000_000),
        (0, None, START // SECOND, START),
        (9, 3600, START + 5, START + 3600 * SECOND + 5),
        (6, -7, START // 1000, START - 7 * SECOND),
        (0x80 | 20, None, (START // SECOND << 20) + (1 << 19), START + SECOND // 2),
        (0x80 | 32, None, (START // SECOND << 32) + 3, START + 3 * SECOND // 2**32),
    ],
)
def test_timestamps_count_what_the_interface_says(tmp_path, resolution, offset, ticks, time):
    description = wire.interface(resolution=resolution, offset=offset)
    found = wire.parted(tmp_path, wire.pcapng(description, wire.enhanced(ticks, PING)))
    assert found.kept_times.tolist() == [time]


def test_interfaces_of_one_file_differ_in_link_type_clock_and_name(tmp_path):
    loopback = struct.pack("<I", 2) + wire.ipv4(b"\x08\0" + bytes(40), 1)
    content = wire.pcapng(
        wire.interface(0, name="lo", resolution=9),
        wire.interface(1, name="eth0"),
        wire.enhanced(START + 1, loopback),
        wire.enhanced(START // 1000, PING, 1),
        wire.interface(192, name="radio"),
        wire.obsolete(START // 1000 + 2, b"whatever", 2),
    )
    found = wire.parted(tmp_path, content)
    assert found.interfaces == ("lo", "eth0", "radio")
    assert found.link_types == ("NULL", "ETHERNET", "PPI")
    assert found.kept_times.tolist() == [START + 1, START, START + 2000]
    assert (tmp_path / "kept").read_bytes() == content


def test_a_link_type_without_a_name_is_its_number(tmp_path):
    assert wire.parted(tmp_path, wire.pcap([(0, PING)], link_type=4711)).link_types == ("4711",)


def test_other_blocks_stay_where_they_are(tmp_path):
    before = wire.interface(resolution=9)
    names, secrets = wire.block(4, bytes(4)), wire.block(10, struct.pack("<II", 0x544C534B, 4) + b"KEY\n")
    statistics = wire.block(5, struct.pack("<III", 0, 0, 0))
    arp, ping = wire.enhanced(START, ARP), wire.enhanced(START + 1, PING)
    found = wire.parted(tmp_path, wire.pcapng(before, names, arp, secrets, ping, arp, statistics))
    assert (tmp_path / "kept").read_bytes() == wire.pcapng(before, names, secrets, ping, statistics)
    assert found.kept_frames.tolist() == [2]
    assert found.has_secrets


@pytest.mark.parametrize("window", [64, 100, 1000, 1 << 20])
@pytest.mark.parametrize("form", ["pcap", "pcapng"])
def test_windows_of_any_size_give_the_same(tmp_path, window, form):
    packets = [(START + size * 1000, PING + bytes(size)) for size in (0, 1, 2, 300, 5, 900, 7)]
    blocks = [wire.enhanced(time // 1000, packet) for time, packet in packets]
    content = wire.pcap(packets) if form == "pcap" else wire.pcapng(wire.interface(), *blocks)
    found = wire.parted(tmp_path, content, window=window)
    assert found.kept_times.tolist() == [time for time, _ in packets]
    assert (tmp_path / "kept").read_bytes() == content


@pytest.mark.parametrize("window", [100, 1 << 20])
@pytest.mark.parametrize("form", ["pcap", "pcapng"])
@pytest.mark.parametrize("missing", [1, 20, 60])
def test_a_cut_file_keeps_its_whole_packets(tmp_path, form, missing, window):
    blocks = [wire.enhanced(START // 1000, PING)] * 3
    content = wire.pcap([(START, PING)] * 3) if form == "pcap" else wire.pcapng(wire.interface(), *blocks)
    last = len(blocks[0]) if form == "pcapng" else 16 + len(PING)
    found = wire.parted(tmp_path, content[:-missing], window=window)
    assert (found.packets, found.cut_short, found.warnings) == (2, True, ("cut short after packet 2",))
    assert (tmp_path / "kept").read_bytes() == content[:-last]


@pytest.mark.parametrize("length", [262_145, 300_000, 0xFFFFFFFF])
def test_an_absurd_length_ends_a_pcap(tmp_path, length):
    content = bytearray(wire.pcap([(START, PING)] * 3) + bytes(400_000))
    struct.pack_into("<I", content, 24 + 16 + len(PING) + 8, length)
    found = wire.parted(tmp_path, bytes(content))
    assert (found.packets, found.cut_short) == (1, True)
    assert found.warnings == ("corrupt after packet 1: the rest is not read",)


def test_the_longest_packet_is_no_absurdity(tmp_path):
    content = wire.pcap([(START, PING), (START, PING + bytes(262_144 - len(PING))), (START, PING)])
    assert wire.parted(tmp_path, content, window=1000).packets == 3
    assert (tmp_path / "kept").read_bytes() == content


def _spoilt(number, at, value):
    """Three packet blocks, the second with another number at that place."""
    blocks = [bytearray(wire.enhanced(START // 1000, PING)) for _ in range(3)]
    struct.pack_into("<I", blocks[number], at % len(blocks[number]), value)
    return wire.pcapng(wire.interface(), *map(bytes, blocks))


@pytest.mark.parametrize(
    ("at", "value"),
    [(4, 8), (4, 0), (4, 0x7FFFFFFF), (4, 60), (-4, 99), (8, 1), (20, 99_999), (20, 77)],
    ids=["tiny", "zero", "huge", "other than the last", "last other", "interface", "captured", "too much"],
)
def test_a_block_that_contradicts_itself_ends_a_pcapng(tmp_path, at, value):
    found = wire.parted(tmp_path, _spoilt(1, at, value))
    assert (found.packets, found.cut_short) == (1, True)
    assert found.warnings == ("corrupt after packet 1: the rest is not read",)


def test_a_packet_block_without_room_for_its_header_ends_a_pcapng(tmp_path):
    packet = wire.enhanced(START // 1000, PING)
    found = wire.parted(tmp_path, wire.pcapng(wire.interface(), packet, wire.block(6, bytes(8)), packet))
    assert (found.packets, found.cut_short) == (1, True)


def test_a_block_that_is_in_order_does_not(tmp_path):
    found = wire.parted(tmp_path, _spoilt(1, 24, 5000))  # the original length may be greater
    assert (found.packets, found.cut_short, found.warnings) == (3, False, ())


def test_a_packet_cut_by_the_snapshot_length_is_normal(tmp_path):
    content = wire.pcapng(wire.interface(), wire.enhanced(START // 1000, PING[:30], original=len(PING)))
    assert not wire.parted(tmp_path, content).cut_short
    assert (tmp_path / "kept").read_bytes() == content


def test_a_file_without_packets_is_a_capture(tmp_path):
    found = wire.parted(tmp_path, wire.pcap([]))
    assert (found.packets, found.first_time, found.last_time, found.cut_short) == (0, None, None, False)
    assert (len(found.rtp_streams), len(found.rtp_seconds), len(found.kept_frames)) == (0, 0, 0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty file"),
        (b"Dear all,\nplease find attached\n", "not a capture file"),
        (wire.pcap([])[:20], "cut short inside the file header"),
        (wire.section()[:16], "cut short inside the file header"),
    ],
)
def test_what_is_no_capture_is_refused_in_one_line(tmp_path, content, message):
    with pytest.raises(CaptureError, match=f"^{message}$") as caught:
        wire.parted(tmp_path, content)
    assert not isinstance(caught.value, NotWalkable)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(wire.pcap([]), mtime=0), "gzip has to be converted"),
        (b"snoop\0\0\0" + bytes(40), "snoop has to be converted"),
        (b"\x34\xcd\xb2\xa1" + bytes(40), "a dialect of pcap"),
        (wire.pcap([]).replace(b"\2\0\4\0", b"\2\0\2\0"), "pcap version 2.2"),
        (struct.pack(">IIIHHq", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1), "big-endian pcapng"),
        (wire.pcapng(wire.section()), "several sections"),
        (wire.pcapng(wire.interface(), wire.block(3, bytes(8))), "blocks of type 0x3"),
        (wire.pcapng(wire.block(0xBAD, bytes(8))), "blocks of type 0xbad"),
        (wire.pcapng(wire.interface(resolution=12)), "timestamps finer than nanoseconds"),
        (wire.pcapng(wire.interface(resolution=0x80 | 40)), "timestamps finer than nanoseconds"),
        (wire.pcapng(struct.pack("<IIBI", 4, 13, 0, 13)), "blocks of odd length"),
    ],
)
def test_what_has_to_be_converted_says_why(tmp_path, content, message):
    with pytest.raises(NotWalkable, match=f"^{message}$"):
        wire.parted(tmp_path, content)


def test_odd_options_of_an_interface_are_passed_over(tmp_path):
    head = struct.pack("<HHI", 1, 0, 0)
    odd = wire.option(9, b"") + wire.option(2, b"\xffx") + struct.pack("<HH", 14, 400)
    found = wire.parted(tmp_path, wire.pcapng(wire.block(1, head + odd), wire.enhanced(1, PING)))
    assert (found.interfaces, found.kept_times.tolist()) == (("\ufffdx",), [1000])


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused(tmp_path):
    path = tmp_path / "a.pcap"
    path.write_bytes(wire.pcap([]))
    path.chmod(0)
    with pytest.raises(CaptureError, match=r"^permission denied$"):
        split(path, None)


def test_a_folder_and_a_missing_file_are_refused(tmp_path):
    with pytest.raises(CaptureError, match="directory"):
        split(tmp_path, None)
    with pytest.raises(CaptureError, match="no such file"):
        split(tmp_path / "none", None)


@pytest.mark.parametrize(
    ("head", "form"),
    [
        (wire.pcap([]), "pcap"),
        (wire.pcap([], order=">", nano=True), "pcap"),
        (wire.section(), "pcapng"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"PK\3\4", None),
        (b"", None),
    ],
)
def test_formats_are_known_by_their_first_bytes(head, form):
    assert capture_format(head) == form


FOLLOWED = LAYOUT._replace(usual=None)
PACKET = wire.block(ENHANCED, bytes(20) + b"payload")


def found(content, layout=LAYOUT, position=0, end=None):
    data = np.frombuffer(content + bytes(PAD), np.uint8)
    starts, last, sound = record_starts(data, position, len(content) if end is None else end, layout)
    return starts.tolist(), last, sound


words = st.sampled_from([0, 3, ENHANCED, 12, 32, 36, 0xFFFFFFFF])
bodies = st.lists(words, max_size=16).map(lambda numbers: struct.pack(f"<{len(numbers)}I", *numbers))
blocks = st.builds(wire.block, st.sampled_from([1, 2, ENHANCED, ENHANCED, 5]), bodies)
garbage = st.binary(max_size=40)


@given(st.lists(blocks, max_size=12).map(b"".join), garbage, st.integers(0, 40))
def test_what_is_found_at_once_is_what_is_found_one_by_one(content, rest, cut):
    content = (content + rest)[: len(content + rest) - cut]
    assert found(content) == found(content, FOLLOWED)


def test_every_kind_of_block_has_its_place():
    kinds = [wire.section(), wire.interface(), PACKET, PACKET, wire.block(5, bytes(12)), PACKET]
    starts = np.cumsum([0, *map(len, kinds)]).tolist()
    assert found(b"".join(kinds)) == (starts[:-1], starts[-1], True)


def test_a_capture_sent_inside_a_packet_has_no_records_of_its_own():
    outer = wire.block(ENHANCED, bytes(20) + PACKET + PACKET)
    assert found(outer + PACKET) == ([0, len(outer)], len(outer + PACKET), True)


def test_a_window_may_begin_and_end_anywhere():
    content = PACKET * 3
    size = len(PACKET)
    assert found(content, position=size) == ([size, 2 * size], 3 * size, True)
    assert found(content, end=3 * size - 4) == ([0, size], 2 * size, True)
    assert found(b"\0" + content, position=1) == ([1, 1 + size, 1 + 2 * size], 1 + 3 * size, True)


@pytest.mark.parametrize(("length", "sound"), [(8, False), (20 << 20, False), (1 << 20, True)])
def test_the_block_behind_the_last_may_be_absurd_or_only_cut(length, sound):
    content = PACKET * 2 + struct.pack("<II", ENHANCED, length) + bytes(100)
    assert found(content) == ([0, len(PACKET)], 2 * len(PACKET), sound)


def test_nothing_counts_from_a_block_on_whose_lengths_differ():
    spoilt = PACKET[:-4] + struct.pack("<I", 99)
    assert found(PACKET + spoilt + PACKET) == ([0], len(PACKET), False)


CONTENT = bytes(range(256)) * 40
STEPS = st.lists(st.tuples(st.sampled_from(["into", "read", "seek"]), st.integers(0, 12_000)), max_size=8)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_the_hash_is_that_of_all_bytes_whatever_was_read_before(tmp_path_factory, steps):
    path = tmp_path_factory.getbasetemp() / "hashed"
    path.write_bytes(CONTENT)
    with Hashing(path) as file:
        for step, number in steps:
            if step == "into":
                at, buffer = file.tell(), bytearray(number)
                got = file.readinto(buffer)
                assert buffer[:got] == CONTENT[at : at + got]
            else:
                {"read": file.read, "seek": file.seek}[step](number)
        assert file.sha256() == hashlib.sha256(CONTENT).hexdigest()


def test_a_file_walked_to_its_end_is_not_read_again(tmp_path):
    path = tmp_path / "walked"
    path.write_bytes(CONTENT)
    with Hashing(path) as file:
        while file.readinto(bytearray(1000)):
            pass
        path.write_bytes(b"x" * len(CONTENT))
        assert file.sha256() == hashlib.sha256(CONTENT).hexdigest()


def test_more_than_a_piece_may_be_left(tmp_path):
    path = tmp_path / "large"
    path.write_bytes(bytes(2 * PIECE + 5))
    with Hashing(path) as file:
        assert file.sha256() == hashlib.sha256(bytes(2 * PIECE + 5)).hexdigest()
