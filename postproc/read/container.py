"""The records of a capture file, and the interfaces their packets came from.

A file is read from front to back in windows of a few megabytes (``walk``). Two formats are sliced here:
classic pcap (draft-ietf-opsawg-pcap-04) in either byte order, with micro- or nanoseconds; and
little-endian pcapng of one section (draft-ietf-opsawg-pcapng-02) with Enhanced Packet Blocks or their
obsolete predecessor. Anything else raises NotWalkable: ``editcap -F pcapng`` converts it.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from postproc.model.errors import CaptureError
from postproc.read import limits
from postproc.read.arrays import Array, count_until, gather, places, structure
from postproc.read.limits import EARLIEST, LATEST, OUTSIDE, SECOND, Clock
from postproc.wire import pcapng

LARGEST_PACKET = 262_144  # Wireshark's WTAP_MAX_PACKET_SIZE_STANDARD: a greater length is garbage
LINK_TYPES = {  # numbers of the LINKTYPE registry; 12 and 14 are RAW as some systems wrote it
    0: "NULL",
    1: "ETHERNET",
    9: "PPP",
    12: "RAW",
    14: "RAW",
    50: "PPP_HDLC",
    51: "PPP_ETHER",
    101: "RAW",
    105: "IEEE802_11",
    108: "LOOP",
    113: "LINUX_SLL",
    127: "IEEE802_11_RADIOTAP",
    192: "PPI",
    228: "IPV4",
    229: "IPV6",
    252: "WIRESHARK_UPPER_PDU",
    276: "LINUX_SLL2",
}


class NotWalkable(CaptureError):  # noqa: N818 (it says what the file is, not what went wrong)
    """A capture in a format that has to be converted first."""


class Layout(NamedTuple):
    """How records follow each other: a length field, and the bytes that it does not count.

    ``repeated``: the length is repeated at the record's end. ``usual``: the type of most records, set if
    records consist of little-endian 32-bit words that begin with type and length.
    """

    length: struct.Struct
    length_at: int
    uncounted: int
    smallest: int
    largest: int
    repeated: bool = False
    usual: int | None = None


PCAPNG_LAYOUT = Layout(
    struct.Struct("<I"), 4, 0, smallest=12, largest=16 << 20, repeated=True, usual=pcapng.ENHANCED
)
PACKET_BLOCK = structure("type <u4, size <u4, interface <u4, high <u4, low <u4, captured <u4, original <u4")


class Interface(NamedTuple):
    """An interface packets came from; resolution and offset define its timestamps.

    ``resolution`` is the byte of if_tsresol: a negative power of ten, or of two if the highest bit is set.
    """

    link_type: int
    name: str = ""
    resolution: int = 6
    offset: int = 0  # seconds

    @property
    def link_name(self) -> str:
        return LINK_TYPES.get(self.link_type, str(self.link_type))


@dataclass(frozen=True)
class Window:
    """Packet records of one stretch of the file in file order; all arrays have one length.

    ``data`` is valid only until the next window is requested. ``others`` are position and size of the
    stretch's other records (headers, interface descriptions).
    """

    data: Array
    start: Array  # of the packet in data
    captured: Array  # its captured bytes
    time: Array  # ns since the epoch; as a file's records are sliced OUTSIDE where it is not believed
    interface: Array  # its number
    record_at: Array  # position of the record in the file
    record_size: Array
    others: list[tuple[int, int]]
    guessed: Array = field(default_factory=lambda: np.zeros(0, np.int64))  # rows with an implausible time


@dataclass
class Container:
    """A capture file, filled in while the records after its ``header`` bytes are walked."""

    format: str
    layout: Layout
    header: int
    records: "Records"
    interfaces: list[Interface] = field(default_factory=list)
    packets: int = 0
    has_secrets: bool = False
    cut_short: bool = False
    excess: str = ""  # the limit that it exceeds
    clock: Clock = field(default_factory=Clock)
    warnings: list[str] = field(default_factory=list)


# (container, data, file position of data, starts of records, their sizes) -> window, sound
Records = Callable[[Container, Array, int, Array, Array], tuple[Window, bool]]


def pcap_container(head: bytes) -> Container:
    """Parse the file header, 24 bytes. Raises NotWalkable for a dialect of pcap."""
    if head[:4] not in pcapng.PCAP_MAGIC:
        raise NotWalkable("a dialect of pcap")
    order, digits = pcapng.PCAP_MAGIC[head[:4]]
    major, minor, link_type = struct.unpack(order + "4xHH12xI", head)
    if (major, minor) != (2, 4):
        raise NotWalkable(f"pcap version {major}.{minor}")
    return Container(
        format="pcap",
        layout=Layout(
            struct.Struct(order + "I"),
            8,
            pcapng.PCAP_RECORD,
            pcapng.PCAP_RECORD,
            pcapng.PCAP_RECORD + LARGEST_PACKET,
        ),
        header=pcapng.PCAP_HEADER,
        records=pcap_records,
        interfaces=[Interface(link_type & 0xFFFF, resolution=digits)],
    )


def pcap_records(
    container: Container, data: Array, base: int, starts: Array, sizes: Array
) -> tuple[Window, bool]:
    """Slice the records, each a packet; False if one is implausibly long, at which the window then ends."""
    count = len(starts)
    whole = count_until(sizes > container.layout.largest)
    starts, sizes = starts[:whole], sizes[:whole]
    order = container.layout.length.format[0]
    stamps = gather(data, starts, np.dtype([("second", order + "u4"), ("fraction", order + "u4")]))
    second, fraction = stamps["second"].astype(np.int64), stamps["fraction"].astype(np.int64)
    window = Window(
        data=data,
        start=starts + pcapng.PCAP_RECORD,
        captured=sizes - pcapng.PCAP_RECORD,
        time=second * 10**9 + fraction * 10 ** (9 - container.interfaces[0].resolution),
        interface=np.zeros(len(starts), np.int64),
        record_at=starts + base,
        record_size=sizes,
        others=[] if base else [(0, pcapng.PCAP_HEADER)],
    )
    return window, whole == count


def pcapng_container(head: bytes) -> Container:
    """Parse the section header's first 24 bytes. Raises NotWalkable if it is big-endian."""
    if head[8:12] != pcapng.LITTLE_ENDIAN:
        raise NotWalkable("big-endian pcapng")
    return Container(format="pcapng", layout=PCAPNG_LAYOUT, header=0, records=pcapng_records)


def pcapng_records(
    container: Container, data: Array, base: int, starts: Array, sizes: Array
) -> tuple[Window, bool]:
    """Slice the packet blocks; False if a block contradicts itself, at which the window then ends.

    Raises NotWalkable for blocks that this walk would number differently from tshark.
    """
    if (sizes & 3).any():
        raise NotWalkable("blocks of odd length")
    blocks = gather(data, starts, PACKET_BLOCK)
    packet = (blocks["type"] == pcapng.ENHANCED) | (blocks["type"] == pcapng.OLD_PACKET)
    for index in np.flatnonzero(~packet).tolist():
        _note(container, data[starts[index] : starts[index] + sizes[index]].tobytes(), starts[index] + base)
    interface = np.where(
        blocks["type"] == pcapng.OLD_PACKET, blocks["interface"] & 0xFFFF, blocks["interface"]
    )
    room = np.minimum(sizes - (pcapng.BODY + pcapng.TRAILER), LARGEST_PACKET)
    absurd = (blocks["captured"] > room) | (interface >= len(container.interfaces))
    count = count_until(absurd & packet)
    sound = count == len(starts)
    packets, other = places(packet[:count]), np.flatnonzero(~packet[:count])
    starts, sizes, blocks, interface = starts[:count], sizes[:count], blocks[:count], interface[:count]
    window = Window(
        data=data,
        start=starts[packets] + pcapng.BODY,
        captured=blocks["captured"][packets].astype(np.int64),
        time=_times(
            container.interfaces, interface[packets], blocks["high"][packets], blocks["low"][packets]
        ),
        interface=interface[packets].astype(np.int64),
        record_at=starts[packets] + base,
        record_size=sizes[packets],
        others=list(zip((starts[other] + base).tolist(), sizes[other].tolist(), strict=True)),
    )
    return window, sound


def _note(container: Container, block: bytes, position: int) -> None:
    """Update the container by a block that is no packet; NotWalkable for a second section or unknown type."""
    kind = int.from_bytes(block[:4], "little")
    if kind == pcapng.INTERFACE and len(container.interfaces) == limits.INTERFACES:
        container.excess = f"more than {limits.INTERFACES} interfaces"
    elif kind == pcapng.INTERFACE:
        container.interfaces.append(_interface(block))
    elif kind == pcapng.SECRETS:
        container.has_secrets = True
    elif kind == pcapng.SECTION and position:
        raise NotWalkable("several sections")
    elif kind not in (pcapng.SECTION, pcapng.NAMES, pcapng.STATISTICS):
        raise NotWalkable(f"blocks of type {kind:#x}")


def _interface(block: bytes) -> Interface:
    options = {code: value for code, value in pcapng.parse_options(block[16 : -pcapng.TRAILER]) if value}
    resolution = options.get(pcapng.IF_TSRESOL, b"\x06")[0]
    if resolution > 9 and not 0x80 <= resolution <= 0x80 + 34:
        raise NotWalkable("timestamps finer than nanoseconds")
    offset = options.get(pcapng.IF_TSOFFSET, bytes(8))
    return Interface(
        link_type=int.from_bytes(block[8:10], "little"),
        name=options.get(pcapng.IF_NAME, b"")
        .decode("utf-8", "replace")
        .rstrip("\0")[: limits.INTERFACE_NAME],
        resolution=resolution,
        offset=int.from_bytes(offset, "little", signed=True),
    )


def _times(interfaces: list[Interface], interface: Array, high: Array, low: Array) -> Array:
    """Return ns since the epoch, by the clock of each packet's interface."""
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
    """Return ns since the epoch, OUTSIDE if implausible; arithmetic modulo 2**64 is exact for the others."""
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
