"""Write a pcapng file of two interfaces in order of time (draft-ietf-opsawg-pcapng).

Single packets are bytes, batches are rows. The offset of every record in the file
is computed first; then the batches are scattered into a memory map.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.batches import Batch, Bytes, Integers, Times
from bench.wire import Packet
from postproc.wire import pcapng as wire
from postproc.wire.link import ETHERNET, NULL
from postproc.wire.pcapng import option

LINK_HEADERS = {
    NULL: b"\2\0\0\0",  # address family in the host's order
    ETHERNET: bytes.fromhex("02000a00000102000a0001020800"),
}
NPCAP = (NULL, ETHERNET)  # loopback and network card, as on Windows
LINUX = (ETHERNET, ETHERNET)
NAMES = {
    NPCAP: (rb"\Device\NPF_Loopback", rb"\Device\NPF_{5A7D0E14-93B2-4C0B-8F21-6E2C1D9A4B10}"),
    LINUX: (b"lo", b"eth0"),
}


def write(
    path: Path, packets: Sequence[Packet], batches: Sequence[Batch], links: tuple[int, int] = NPCAP
) -> int:
    """Write all packets in order of time; return their number."""
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
    return bytes(wire.Section())


def interface_description(link_type: int, name: bytes) -> bytes:
    options = option(wire.IF_NAME, name) + option(wire.IF_TSRESOL, b"\6")
    return bytes(wire.Interface(link_type, options=options))


def enhanced_packet(packet: Packet, link_header: bytes) -> bytes:
    frame = link_header + packet.data
    return bytes(wire.Packet(packet.interface, round(packet.time * 1e6), frame, len(frame)))


def _record_length(frame_length: int) -> int:
    return wire.BODY + frame_length + -frame_length % 4 + wire.TRAILER


def _columns(
    packets: Sequence[Packet], batches: Sequence[Batch], headers: Sequence[bytes]
) -> tuple[Integers, Integers]:
    """Return time in microseconds and record length of every packet, single packets first, then batches."""
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
    """Return the file offset of each record when they are written in order of time."""
    order = np.argsort(times, kind="stable")
    offsets = np.empty(times.size, np.int64)
    offsets[order] = np.cumsum(lengths[order]) - lengths[order]
    return offsets


def _scatter(file: Bytes, offsets: Integers, records: Bytes) -> None:
    file[offsets[:, None] + np.arange(records.shape[1])] = records


def _records(batch: Batch, link_header: bytes) -> Bytes:
    """Return the batch as Enhanced Packet Blocks, one per row."""
    empty = enhanced_packet(Packet(0.0, batch.interface, batch.template), link_header)
    records = np.tile(np.frombuffer(empty, np.uint8), (batch.times.size, 1))
    microseconds = _microseconds(batch.times)
    records[:, 12:16] = _little_endian(microseconds >> 32)
    records[:, 16:20] = _little_endian(microseconds & 0xFFFFFFFF)
    start = wire.BODY + len(link_header)
    records[:, start : start + len(batch.template)] = batch.rows()
    return records


def _little_endian(values: Integers) -> Bytes:
    return values.astype("<u4").view(np.uint8).reshape(-1, 4)
