"""pcapng: blocks of a type, a length, a body and the length again; little-endian, one section.

Packets are in Enhanced Packet Blocks and their obsolete forerunner, the Packet
Block (https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-02.html).
"""

import struct
from collections.abc import Iterator

import numpy as np

from postproc.read import limits
from postproc.read.arrays import Array, count_until, gather, places
from postproc.read.container import LARGEST_PACKET, Container, Interface, Layout, NotWalkable, Window
from postproc.read.limits import EARLIEST, LATEST, OUTSIDE, SECOND

MAGIC = b"\x0a\x0d\x0d\x0a"
LITTLE_ENDIAN = b"\x4d\x3c\x2b\x1a"
SECTION, INTERFACE, PACKET, NAMES, STATISTICS, ENHANCED, SECRETS = 0x0A0D0D0A, 1, 2, 4, 5, 6, 10
IF_NAME, IF_TSRESOL, IF_TSOFFSET = 2, 9, 14
BODY, TRAILER = 28, 4
LAYOUT = Layout(struct.Struct("<I"), 4, 0, smallest=12, largest=16 << 20, repeated=True, usual=ENHANCED)
PACKET_BLOCK = np.dtype([
    ("type", "<u4"), ("size", "<u4"), ("interface", "<u4"),
    ("high", "<u4"), ("low", "<u4"), ("captured", "<u4"), ("original", "<u4"),
])  # fmt: skip


def container(head: bytes) -> Container:
    """Look at the section header's first 24 bytes. Raises NotWalkable when big-endian."""
    if head[8:12] != LITTLE_ENDIAN:
        raise NotWalkable("big-endian pcapng")
    return Container(format="pcapng", layout=LAYOUT, header=0, records=records)


def records(container: Container, data: Array, base: int, starts: Array, sizes: Array) -> tuple[Window, bool]:
    """Slice the packet blocks; False when a block contradicts itself: nothing from there on counts.

    Raises NotWalkable at blocks that are, or change, the numbering of frames.
    """
    if (sizes & 3).any():
        raise NotWalkable("blocks of odd length")
    blocks = gather(data, starts, PACKET_BLOCK)
    packet = (blocks["type"] == ENHANCED) | (blocks["type"] == PACKET)
    for index in np.flatnonzero(~packet).tolist():
        _note(container, data[starts[index] : starts[index] + sizes[index]].tobytes(), starts[index] + base)
    interface = np.where(blocks["type"] == PACKET, blocks["interface"] & 0xFFFF, blocks["interface"])
    room = np.minimum(sizes - (BODY + TRAILER), LARGEST_PACKET)
    absurd = (blocks["captured"] > room) | (interface >= len(container.interfaces))
    count = count_until(absurd & packet)
    sound = count == len(starts)
    shown, other = places(packet[:count]), np.flatnonzero(~packet[:count])
    starts, sizes, blocks, interface = starts[:count], sizes[:count], blocks[:count], interface[:count]
    window = Window(
        data=data,
        start=starts[shown] + BODY,
        captured=blocks["captured"][shown].astype(np.int64),
        time=_times(container.interfaces, interface[shown], blocks["high"][shown], blocks["low"][shown]),
        interface=interface[shown].astype(np.int64),
        record_at=starts[shown] + base,
        record_size=sizes[shown],
        others=list(zip((starts[other] + base).tolist(), sizes[other].tolist(), strict=True)),
    )
    return window, sound


def _note(container: Container, block: bytes, position: int) -> None:
    """Learn from a block that is no packet."""
    kind = int.from_bytes(block[:4], "little")
    if kind == INTERFACE and len(container.interfaces) == limits.INTERFACES:
        container.excess = f"more than {limits.INTERFACES} interfaces"
    elif kind == INTERFACE:
        container.interfaces.append(_interface(block))
    elif kind == SECRETS:
        container.has_secrets = True
    elif kind == SECTION and position:
        raise NotWalkable("several sections")
    elif kind not in (SECTION, NAMES, STATISTICS):
        raise NotWalkable(f"blocks of type {kind:#x}")


def _interface(block: bytes) -> Interface:
    options = dict(_options(block[16:-TRAILER]))
    resolution = options.get(IF_TSRESOL, b"\x06")[0]
    if resolution > 9 and not 0x80 <= resolution <= 0x80 + 34:
        raise NotWalkable("timestamps finer than nanoseconds")
    offset = options.get(IF_TSOFFSET, bytes(8))
    return Interface(
        link_type=int.from_bytes(block[8:10], "little"),
        name=options.get(IF_NAME, b"").decode("utf-8", "replace").rstrip("\0")[: limits.INTERFACE_NAME],
        resolution=resolution,
        offset=int.from_bytes(offset, "little", signed=True),
    )


def _options(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Code and value of each option, as far as they are whole and not empty."""
    at = 0
    while at + 4 <= len(body):
        code, size = struct.unpack_from("<HH", body, at)
        value = body[at + 4 : at + 4 + size]
        if not code or len(value) < size:
            return
        if value:
            yield code, value
        at += 4 + size + (-size & 3)


def _times(interfaces: list[Interface], interface: Array, high: Array, low: Array) -> Array:
    """Nanoseconds since the epoch, by the clock of each packet's interface."""
    ticks = high.astype(np.uint64) << np.uint64(32) | low
    clocks = [(each.resolution, each.offset) for each in interfaces]
    if len(set(clocks)) == 1:
        return _since_epoch(ticks, *clocks[0])
    times = np.empty(len(ticks), np.int64)
    for number in np.unique(interface).tolist():
        rows = places(interface == number)
        times[rows] = _since_epoch(ticks[rows], *clocks[number])
    return times


def _since_epoch(ticks: Array, resolution: int, offset: int) -> Array:
    """OUTSIDE where it is not believed. What is reckoned modulo 2**64 is right for what is."""
    per_second = 2 ** (resolution & 0x7F) if resolution & 0x80 else 10**resolution
    first, end = ((limit // SECOND - offset) * per_second for limit in (EARLIEST, LATEST))
    if first >= 2**64 or end <= 0:
        return np.full(len(ticks), OUTSIDE)
    since = (_nanoseconds(ticks, resolution) + np.uint64(offset * SECOND % 2**64)).view(np.int64)
    outside = ticks < np.uint64(max(first, 0))
    outside |= ticks > np.uint64(min(end, 2**64) - 1)
    return np.where(outside, OUTSIDE, since) if outside.any() else since


def _nanoseconds(ticks: Array, resolution: int) -> Array:
    if resolution <= 9:
        return ticks * np.uint64(10 ** (9 - resolution))
    shift = np.uint64(resolution & 0x7F)
    fraction = ticks & ((np.uint64(1) << shift) - np.uint64(1))
    billion = np.uint64(10**9)
    return (ticks >> shift) * billion + (fraction * billion >> shift)
