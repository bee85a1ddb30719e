"""What a capture file is made of: records one after the other, and the interfaces they came by.

A file is read front to back in windows of a few megabytes (``walk``); ``pcap``
and ``pcapng`` know what stands in a record. What is not understood raises
NotWalkable: ``editcap -F pcapng`` turns it into something that is.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from postproc.model.errors import CaptureError
from postproc.read.arrays import Array
from postproc.read.limits import Clock

LARGEST_PACKET = 262_144  # Wireshark's limit too: a greater length is garbage
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
    """A capture, but of a kind that has to be converted first."""


@dataclass(frozen=True)
class Layout:
    """How records follow each other: a length field, and bytes that it does not count.

    ``repeated``: the length stands again at the end. ``usual`` is the type of most
    records where they are, too, little-endian 32-bit words that begin with type and length.
    """

    length: struct.Struct
    length_at: int
    uncounted: int
    smallest: int
    largest: int
    repeated: bool = False
    usual: int | None = None


@dataclass(frozen=True)
class Interface:
    """Where packets came from; resolution and offset say what their timestamps count.

    ``resolution`` is the byte of if_tsresol: a power of ten, or of two with the highest bit set.
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
    """Packet records of one stretch of the file, in file order, all arrays of one length.

    ``data`` is only good until the next window is asked for. ``others`` are the
    stretch's other parts (headers, interface descriptions): position and size.
    """

    data: Array
    start: Array  # of the packet in data
    captured: Array  # bytes of it that are there
    time: Array  # ns since the epoch; as a file's records are sliced OUTSIDE where it is not believed
    interface: Array  # its number
    record_at: Array  # position of the record in the file
    record_size: Array
    others: list[tuple[int, int]]
    guessed: Array = field(default_factory=lambda: np.zeros(0, np.int64))  # rows whose clock was not believed


@dataclass
class Container:
    """A capture file; what stands behind ``header`` bytes is found out by walking it."""

    format: str
    layout: Layout
    header: int
    records: "Records"
    interfaces: list[Interface] = field(default_factory=list)
    packets: int = 0
    has_secrets: bool = False
    cut_short: bool = False
    excess: str = ""  # which limit it goes beyond
    clock: Clock = field(default_factory=Clock)
    warnings: list[str] = field(default_factory=list)


# (container, data, file position of data, starts of records, their sizes) -> window, sound
Records = Callable[[Container, Array, int, Array, Array], tuple[Window, bool]]
