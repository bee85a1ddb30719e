"""Writes a pcapng file of two interfaces in order of time (draft-ietf-opsawg-pcapng).

Single packets come as bytes, batches as rows; every record's place in the file
is computed first, then the batches are scattered into a memory map.
"""

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.batches import Batch, Bytes, Integers, Times
from bench.wire import Packet

LINKTYPE_NULL, LINKTYPE_ETHERNET = 0, 1
LINK_HEADERS = {
    LINKTYPE_NULL: struct.pack("<I", 2),  # address family in the host's order
    LINKTYPE_ETHERNET: bytes.fromhex("02000a00000102000a0001020800"),
}
NPCAP = (LINKTYPE_NULL, LINKTYPE_ETHERNET)  # loopback and network card, as on Windows
LINUX = (LINKTYPE_ETHERNET, LINKTYPE_ETHERNET)
NAMES = {
    NPCAP: (rb"\Device\NPF_Loopback", rb"\Device\NPF_{5A7D0E14-93B2-4C0B-8F21-6E2C1D9A4B10}"),
    LINUX: (b"lo", b"eth0"),
}
SECTION_HEADER, INTERFACE_DESCRIPTION, ENHANCED_PACKET = 0x0A0D0D0A, 1, 6
SNAP_LENGTH = 262144
PACKET_HEADER, TRAILER = 28, 4


def write(
    path: Path, packets: Sequence[Packet], batches: Sequence[Batch], links: tuple[int, int] = NPCAP
) -> int:
    """Write all packets in order of time; returns how many there are."""
    head = section_header()
    head += b"".join(interface_description(*each) for each in zip(links, NAMES[links], strict=True))
    headers = [LINK_HEADERS[link] for link in links]
    times, lengths = _columns(packets, batches, headers)
    offsets = _offsets(times, lengths) + len(head)
    file = np.memmap(path, np.uint8, "w+", shape=(len(head) + int(lengths.sum()),))
    file[: len(head)] = np.frombuffer(head, np.uint8)
    for packet, offset in zip(packets, offsets.tolist(), strict=False):
        record = enhanced_packet(packet, headers[packet.interface])
        file[offset : offset + len(record)] = np.frombuffer(record, np.uint8)
    done = len(packets)
    for batch in batches:
        _scatter(file, offsets[done : done + batch.times.size], _records(batch, headers[batch.interface]))
        done += batch.times.size
    file.flush()
    return done


def section_header() -> bytes:
    return _block(SECTION_HEADER, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))


def interface_description(link_type: int, name: bytes) -> bytes:
    options = _option(2, name) + _option(9, b"\6") + _option(0, b"")  # if_name, if_tsresol: microseconds
    return _block(INTERFACE_DESCRIPTION, struct.pack("<HHI", link_type, 0, SNAP_LENGTH) + options)


def enhanced_packet(packet: Packet, link_header: bytes) -> bytes:
    frame = link_header + packet.data
    microseconds = round(packet.time * 1e6)
    high, low = microseconds >> 32, microseconds & 0xFFFFFFFF
    head = struct.pack("<IIIII", packet.interface, high, low, len(frame), len(frame))
    return _block(ENHANCED_PACKET, head + frame)


def _block(kind: int, body: bytes) -> bytes:
    padded = body + b"\0" * (-len(body) % 4)
    length = 12 + len(padded)
    return struct.pack("<II", kind, length) + padded + struct.pack("<I", length)


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


def _record_length(frame_length: int) -> int:
    return PACKET_HEADER + frame_length + -frame_length % 4 + TRAILER


def _columns(
    packets: Sequence[Packet], batches: Sequence[Batch], headers: Sequence[bytes]
) -> tuple[Integers, Integers]:
    """Time in microseconds and record length of every packet, batches after single packets."""
    link = [len(header) for header in headers]
    times = [np.array([each.time for each in packets], np.float64), *(each.times for each in batches)]
    singles = [_record_length(link[each.interface] + len(each.data)) for each in packets]
    lengths = [np.array(singles, np.int64)]
    lengths += [
        np.full(each.times.size, _record_length(link[each.interface] + len(each.template)))
        for each in batches
    ]
    return _microseconds(np.concatenate(times)), np.concatenate(lengths)


def _microseconds(times: Times) -> Integers:
    return np.round(times * 1e6).astype(np.int64)


def _offsets(times: Integers, lengths: Integers) -> Integers:
    """Where each record begins when they are laid down in order of time."""
    order = np.argsort(times, kind="stable")
    offsets = np.empty(times.size, np.int64)
    offsets[order] = np.cumsum(lengths[order]) - lengths[order]
    return offsets


def _scatter(file: Bytes, offsets: Integers, records: Bytes) -> None:
    file[offsets[:, None] + np.arange(records.shape[1])] = records


def _records(batch: Batch, link_header: bytes) -> Bytes:
    """The batch as enhanced packet blocks, one per row."""
    empty = enhanced_packet(Packet(0.0, batch.interface, batch.template), link_header)
    records = np.tile(np.frombuffer(empty, np.uint8), (batch.times.size, 1))
    microseconds = _microseconds(batch.times)
    records[:, 12:16] = _little_endian(microseconds >> 32)
    records[:, 16:20] = _little_endian(microseconds & 0xFFFFFFFF)
    start = PACKET_HEADER + len(link_header)
    records[:, start : start + len(batch.template)] = batch.rows()
    return records


def _little_endian(values: Integers) -> Bytes:
    return values.astype("<u4").view(np.uint8).reshape(-1, 4)
