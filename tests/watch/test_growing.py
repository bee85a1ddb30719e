"""A file that grows is read as far as it is whole, whatever is being written at its end."""

import struct
from pathlib import Path

import pytest

from postproc.watch.growing import Growing
from postproc.wire import pcapng


def grown(content: bytes, tmp_path: Path, step: int) -> tuple[Growing, list[bytes]]:
    """Followed while it comes ``step`` bytes at a time; and what the copy held after each."""
    source, copy, held = tmp_path / "source", tmp_path / "copy", []
    source.write_bytes(content[:24])
    found = Growing.seen(source, "source", copy)
    assert found
    for end in range(24, len(content) + step, step):
        source.write_bytes(content[:end])
        found.grow()
        held.append(copy.read_bytes())
    return found, held


@pytest.mark.parametrize("name", ["busy_486.pcapng", "big_endian.pcap", "cut_short.pcap"])
@pytest.mark.parametrize("step", [97, 4096])
def test_the_copy_ends_with_a_whole_record(pcaps, tmp_path, name, step):
    content = (pcaps / "made" / name).read_bytes()
    ends = set(record_ends(content))
    found, held = grown(content, tmp_path, step)
    assert {len(each) for each in held} <= {0, *ends}
    assert len(held[-1]) == found.whole == max(ends)
    assert content.startswith(held[-1])
    assert found.signalled


def record_ends(content: bytes) -> list[int]:
    if content[:4] == bytes.fromhex("0a0d0d0a"):
        ends, at, size_at, more = [], 0, 4, 0
        order = "<"
    else:
        order = pcapng.PCAP_MAGIC[content[:4]][0]
        ends, at, size_at, more = [24], 24, 8, 16
    while at + size_at + 4 <= len(content):
        at += struct.unpack_from(f"{order}I", content, at + size_at)[0] + more
        if at <= len(content):
            ends.append(at)
    return ends


@pytest.mark.parametrize("order", ["<", ">"])
def test_packets_that_the_interface_dropped_are_counted(tmp_path, order):
    def block(kind: int, body: bytes) -> bytes:
        size = struct.pack(f"{order}I", 12 + len(body))
        return struct.pack(f"{order}I", kind) + size + body + size

    section = block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1))
    received, dropped = (struct.pack(f"{order}HHQ", code, 8, count) for code, count in ((4, 90), (5, 7)))
    statistics = block(5, struct.pack(f"{order}III", 0, 0, 0) + received + dropped + bytes(4))
    found, _ = grown(section + statistics, tmp_path, 4)
    assert found.dropped == {0: 7}


def test_what_is_no_capture_is_not_followed(tmp_path):
    for content in (b"", b"2026-11-22 22:38:49 INVITE sip:1@example.invalid"):
        (tmp_path / "log").write_bytes(content)
        assert Growing.seen(tmp_path / "log", "log", tmp_path / "copy") is None


@pytest.mark.parametrize("claimed", [4, (1 << 24) + 4, 0xFFFFFFFF])
def test_what_is_no_record_ends_the_file(pcaps, tmp_path, claimed):
    content = (pcaps / "made" / "busy_486.pcapng").read_bytes()
    end = record_ends(content)[12]
    spoilt = content[: end + 4] + struct.pack("<I", claimed) + content[end + 8 :]
    for step in (97, len(content)):
        (tmp_path / f"{step}").mkdir()
        found, held = grown(spoilt, tmp_path / f"{step}", step)
        assert held[-1] == content[:end]
        assert not found.grow()


def test_a_block_that_is_shorter_than_what_is_looked_at_is_passed_over(tmp_path):
    def block(kind: int, body: bytes) -> bytes:
        size = struct.pack("<I", 12 + len(body))
        return struct.pack("<I", kind) + size + body + size

    section = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    content = section + block(5, b"")
    found, held = grown(content, tmp_path, len(content))
    assert (held[-1], found.dropped) == (content, {})
