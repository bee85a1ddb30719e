"""Dissect several small captures with one tshark, whose start takes longer than reading them.

The reduced files (read.split) are concatenated, each as a section of one pcapng file, and tshark's frames
are distributed to the captures again. tshark keeps state between packets (conversations, fragments,
segments, DTLS handshakes) by address. To keep captures apart, no address of one may occur in another: each
capture has a mask that is XORed onto one byte of every address, and removed from what tshark shows.
Checksums do no harm, since tshark does not verify them by default. After the last capture comes a packet
of our own: only if tshark shows it with the expected number has it read everything before.

Captures with keys, tunnels or unknown packets are read alone, and so are large ones, for which the start
does not matter. If tshark dies, hangs or shows something impossible, each capture of its batch is read
alone, so that a bad one affects no other.
"""

import struct
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import numpy as np

from postproc.files import scratch
from postproc.model.errors import CaptureError
from postproc.model.events import Events
from postproc.read import capture, hidden, tshark
from postproc.read.arrays import Array, gather
from postproc.read.capture import Files, MappingError, Seen, Walked
from postproc.read.frame import Frame, addresses
from postproc.read.layers import IPV4, IPV6, network_layer
from postproc.read.option_files import Options
from postproc.read.packets import TCP, UDP, Packets, unwrapped
from postproc.read.walk import open_container, windows
from postproc.wire import ip
from postproc.wire.ip import ERRORS, ICMP, ICMPV6
from postproc.wire.pcapng import IF_TSRESOL, PCAP_HEADER, PCAP_RECORD, Interface, Packet, Section, option
from postproc.wire.transport import Datagram

# Link types (LINKTYPE registry) by whose headers tshark reassembles nothing: NULL, Ethernet, raw IP, LOOP,
# Linux cooked. It does so for fragments of 802.11 and multilink PPP.
LINKS = frozenset({0, 1, 12, 14, 101, 108, 113, 228, 229, 276})
# Bytes of a reduced file, and of all in a batch. tshark dissects 1 MB in about the time it takes to start;
# all frames of a batch are held in memory, which takes about ten times their bytes in Python.
LARGEST, LARGEST_BATCH = 1 << 20, 4 << 20
MASKS = 256  # values of the byte that is masked
MOST_ADDRESSES = 500  # of one capture; bounds the work, as each mask is tried on all of them
SECTION_LENGTH = slice(
    16, 24
)  # in a section header; set to "unspecified", as the original value is wrong now
ANY_LENGTH = 0xFF
QUOTE = 8  # bytes of an ICMP error before the packet it quotes (RFC 792, RFC 4443)
HEADERS, CARRIED = (
    {4: 20, 6: 40},
    {4: 9, 6: 6},
)  # of IP: bytes of the header, and the position of the protocol in it
RAW_IP, LOOPBACK = 101, ip.packed("127.0.0.1")  # LINKTYPE_RAW
OPTIONS = Datagram(5060, 5060, b"OPTIONS sip:a@b SIP/2.0\r\n\r\n")
IN_IP = bytes(ip.Packet(LOOPBACK, LOOPBACK, UDP, bytes(OPTIONS)))
# The last section: one packet. If tshark shows it with the right number, it has read all before it.
LAST = bytes(Section()) + bytes(Interface(RAW_IP)) + bytes(Packet(0, 0, IN_IP, len(IN_IP)))
FIRST_V6 = 1 << 128  # added to IPv6 addresses, to tell them from IPv4 ones
INFORMATIONAL = {ICMP: frozenset(range(256)) - ERRORS[ICMP], ICMPV6: frozenset(range(128, 256))}


class Addressing(NamedTuple):
    """Positions of the addresses in a version of IP, and the byte of them that is masked.

    It is the third of IPv4, the sixth of IPv6: the bytes before determine the class of an address.
    """

    source: int
    destination: int
    masked: int
    size: int

    def masked_bytes(self, at: Array) -> Array:
        """Return the positions of the masked bytes of headers at these positions."""
        return np.concatenate([at + self.source + self.masked, at + self.destination + self.masked])

    def found(self, data: Array, at: Array) -> frozenset[int]:
        """Return the addresses in headers at these positions."""
        places = np.concatenate([at + self.source, at + self.destination])
        return frozenset(map(int.from_bytes, gather(data, places, np.dtype(f"V{self.size}")).tolist()))

    def shift(self, mask: int) -> int:
        """Return the mask at its place in an address."""
        return mask << 8 * (self.size - 1 - self.masked)


V4, V6 = Addressing(12, 16, 2, 4), Addressing(8, 24, 5, 16)
VERSIONS = {4: V4, 6: V6}


class Reduced(NamedTuple):
    """A reduced file as a section of pcapng: its packets, and the positions of addresses in it."""

    data: Array
    start: Array  # of each packet
    end: Array
    interface: Array
    masked: Array  # positions
    ipv4: frozenset[int]
    ipv6: frozenset[int]

    def addresses(self, mask: int) -> frozenset[int]:
        """Return the masked addresses."""
        v4, v6 = V4.shift(mask), V6.shift(mask)
        return frozenset({each ^ v4 for each in self.ipv4} | {FIRST_V6 + (each ^ v6) for each in self.ipv6})

    def section(self, mask: int) -> bytes:
        data = self.data.copy()
        data[self.masked] ^= np.uint8(mask)
        data[SECTION_LENGTH] = ANY_LENGTH
        return data.tobytes()


@dataclass
class Batch:
    """Captures by their places, each with a mask that keeps its addresses apart from the others'."""

    members: list[tuple[int, Reduced, int]]
    addresses: set[int]
    size: int = 0

    def takes(self, place: int, reduced: Reduced) -> bool:
        """Add a capture if there is room and a mask for it; return whether it was added."""
        if self.size + len(reduced.data) > LARGEST_BATCH:
            return False
        for mask in range(MASKS):
            if self.addresses.isdisjoint(own := reduced.addresses(mask)):
                self.addresses |= own
                self.size += len(reduced.data)
                self.members.append((place, reduced, mask))
                return True
        return False


def read_each(
    captures: Sequence[Files], options: Options, seen: Seen = lambda _: None
) -> Iterator[tuple[int, Events | CaptureError]]:
    """Read captures as ``capture.read_files`` does; yield each with its place, in any order."""
    with scratch.folder() as folder:
        walked: dict[int, Walked] = {}
        sizes = 0
        for place, files in enumerate(captures):
            try:  # no folder for each, as to make and remove one takes longer than its files
                walked[place] = capture.walk(files, folder / f"{place}.pcapng", options)
            except CaptureError as error:
                yield place, error
            else:
                sizes += sum(path.stat().st_size for path, _ in files)
                seen(sizes)
        shown = _shown_together(walked, folder / "together.pcapng", options)
        for place in list(walked):
            yield place, _events(walked.pop(place), shown.pop(place, None), options)


def _events(walked: Walked, shown: Iterable[Frame] | None, options: Options) -> Events | CaptureError:
    try:
        if shown is not None:
            return capture.joined(walked, shown)
    except MappingError:
        pass  # it may work if read alone
    try:
        return capture.dissected(walked, options)
    except CaptureError as error:
        return error


def _shown_together(walked: Mapping[int, Walked], file: Path, options: Options) -> dict[int, list[Frame]]:
    """Return tshark's frames of the captures that can be read together, by place."""
    batches: list[Batch] = []
    for place, one in walked.items():
        reduced = _reduced(one) if options.keylog is None else None
        if reduced and not any(batch.takes(place, reduced) for batch in batches[-1:]):
            batches.append(Batch([], set()))
            batches[-1].takes(place, reduced)
    shown: dict[int, list[Frame]] = {}
    for batch in batches:
        if len(batch.members) > 1:
            shown |= _shown(batch, file)
    return shown


def _shown(batch: Batch, file: Path) -> dict[int, list[Frame]]:
    """Return the frames of each capture of a batch that is read reliably; empty if tshark fails."""
    file.write_bytes(b"".join(reduced.section(mask) for _, reduced, mask in batch.members) + LAST)
    last = list(accumulate(len(reduced.start) for _, reduced, _ in batch.members))
    shown: dict[int, list[Frame]] = {place: [] for place, _, _ in batch.members}
    try:
        frames = list(tshark.frames(file))
        if not frames or frames.pop().number != last[-1] + 1:
            return {}  # at a block that it takes for damaged, tshark stops without an error
        for frame in frames:
            which = bisect_left(last, frame.number)
            place, reduced, mask = batch.members[which]
            frame.number -= last[which] - len(reduced.start)
            if place in shown and not _restored(frame, reduced, mask):
                del shown[place]
            elif place in shown:
                shown[place].append(frame)
    except CaptureError:
        return {}
    return shown


def _restored(frame: Frame, reduced: Reduced, mask: int) -> bool:
    """Give a frame back what it is in its own capture; False where it is not what was taken for granted."""
    quotes = [name for name in ("icmp", "icmpv6") if name in frame.protocols]
    headers = sum(name in VERSION_NAMES for name in frame.protocols)
    if headers > 1 + bool(quotes):  # a tunnel: what is in it was not masked
        return False
    row = frame.number - 1
    frame.packet = reduced.data[reduced.start[row] : reduced.end[row]].tobytes()
    frame.interface = int(reduced.interface[row])
    frame.ip = _unmasked(frame.ip, 0, mask)
    frame.src_addr, frame.dst_addr = addresses(frame.ip)
    for name in quotes:
        messages = frame.messages.get(name, [])
        messages[:] = [_unmasked(message, QUOTE, mask) for message in messages]
    return True


VERSION_NAMES = frozenset({"ip", "ipv6"})


def _unmasked(data: bytes, at: int, mask: int) -> bytes:
    """Return the bytes with the addresses unmasked in the IP header at this position, if there is one."""
    version = data[at] >> 4 if len(data) > at else 0
    if len(data) < at + HEADERS.get(version, len(data) + 1):
        return data
    changed = bytearray(data)
    for place in VERSIONS[version].masked_bytes(np.array([at])).tolist():
        changed[place] ^= mask
    return bytes(changed)


def _reduced(walked: Walked) -> Reduced | None:
    """Return the reduced file of a capture; None if it has to be read alone."""
    kept, parted = walked.kept, walked.parted
    if kept is None or kept.stat().st_size > LARGEST or not len(parted.kept_frames):
        return None
    section = None if walked.decode_as or parted.has_secrets else _as_section(kept)
    return _of_section(section, len(parted.kept_frames)) if section else None


def _of_section(section: Path, packets: int) -> Reduced | None:
    """Return a section with the positions of all addresses; None if not all can be located."""
    with section.open("rb", buffering=0) as file:
        container = open_container(file)
        window = next(windows(file, container, section.stat().st_size))
    links = {interface.link_type for interface in container.interfaces}
    if len(window.start) != packets or not links <= LINKS:
        return None
    kind, at = network_layer(window, container.interfaces)
    inner, udp = unwrapped(window, container.interfaces)
    tunnels = inner.unread or hidden.in_datagrams(udp) or (inner.network != at).any()
    quotes = _quotes(inner)
    if tunnels or quotes is None or not np.isin(kind, (IPV4, IPV6)).all():
        return None
    headers = [
        (V4, np.concatenate([at[kind == IPV4], quotes[4]])),
        (V6, np.concatenate([at[kind == IPV6], quotes[6]])),
    ]
    ipv4, ipv6 = (version.found(window.data, places) for version, places in headers)
    if len(ipv4) + len(ipv6) > MOST_ADDRESSES:
        return None
    return Reduced(
        window.data[: section.stat().st_size].copy(),
        window.start,
        window.start + window.captured,
        window.interface,
        np.concatenate([version.masked_bytes(places) for version, places in headers]),
        ipv4,
        ipv6,
    )


def _quotes(packets: Packets) -> dict[int, Array] | None:
    """Return by version the positions of IP headers quoted in ICMP errors; None if one is unusable."""
    places: dict[int, list[int]] = {4: [], 6: []}
    data = packets.data
    for row in np.flatnonzero(np.isin(packets.protocol, (ICMP, ICMPV6))).tolist():
        protocol, transport, end = (
            int(column[row]) for column in (packets.protocol, packets.transport, packets.seen)
        )
        if packets.fragmented[row] or transport >= end:
            return None
        if data[transport] in INFORMATIONAL[protocol]:
            continue
        version, quote = (4 if protocol == ICMP else 6), transport + QUOTE
        whole = quote + HEADERS[version] <= end and data[quote] >> 4 == version
        if not whole or data[quote + CARRIED[version]] not in (UDP, TCP):
            return None
        places[version].append(quote)
    return {version: np.array(positions, np.int64) for version, positions in places.items()}


def _as_section(kept: Path) -> Path | None:
    """Return the reduced file as pcapng; None if its link type does not fit into pcapng."""
    with kept.open("rb", buffering=0) as file:
        container = open_container(file)
    if container.format == "pcapng":
        return kept
    data, order = kept.read_bytes(), container.layout.length.format[0]
    clock = container.interfaces[0]
    if struct.unpack_from(order + "I", data, PCAP_HEADER - 4)[0] != clock.link_type:
        return None
    blocks = [
        bytes(Section()),
        bytes(Interface(clock.link_type, options=option(IF_TSRESOL, bytes([clock.resolution])))),
    ]
    at = PCAP_HEADER
    while at < len(data):
        second, fraction, captured, original = struct.unpack_from(order + "4I", data, at)
        packet = data[at + PCAP_RECORD : at + PCAP_RECORD + captured]
        blocks.append(bytes(Packet(0, second * 10**clock.resolution + fraction, packet, original)))
        at += PCAP_RECORD + captured
    section = kept.with_name("section.pcapng")
    section.write_bytes(b"".join(blocks))
    return section
