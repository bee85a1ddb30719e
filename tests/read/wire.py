"""Packets and capture files, byte by byte.

Layers wrap what they carry: ``ethernet(ipv4(udp(rtp(1))))``. A file is made of
(time in ns, packet) pairs: ``pcap([(0, packet)])``, or of blocks: ``pcapng(...)``.
"""

import struct
from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from postproc.read.split import Split
from tests.read.parted import split

SECOND = 10**9
START = 1_760_000_000 * SECOND
SOURCE, DESTINATION = "10.0.0.1", "198.51.100.2"
UDP, TCP = 17, 6
SYN, ACK, PUSH = 0x02, 0x10, 0x08
Packet = tuple[int, bytes]


def ethernet(packet: bytes, kind: int | None = None, tags: tuple[int, ...] = ()) -> bytes:
    """An Ethernet frame; ``tags`` are the types of VLAN tags around it."""
    kind = kind or (0x86DD if packet[0] >> 4 == 6 else 0x0800)
    kinds = [*tags, kind]
    return bytes(12) + kinds[0].to_bytes(2) + b"".join(b"\0\x07" + k.to_bytes(2) for k in kinds[1:]) + packet


def ipv4(
    segment: bytes,
    protocol: int = UDP,
    *,
    source: str = SOURCE,
    destination: str = DESTINATION,
    options: bytes = b"",
    fragment: int = 0,
    length: int | None = None,
) -> bytes:
    size = 20 + len(options)
    total = size + len(segment) if length is None else length
    head = struct.pack(">BBHHHBBH", 0x40 | size // 4, 0, total, 1, fragment, 64, protocol, 0)
    return head + ip_address(source).packed + ip_address(destination).packed + options + segment


def ipv6(
    segment: bytes, protocol: int = UDP, *, source: str = "2001:db8::1", destination: str = "2001:db8::2"
) -> bytes:
    head = struct.pack(">IHBB", 6 << 28, len(segment), protocol, 64)
    return head + ip_address(source).packed + ip_address(destination).packed + segment


def udp(payload: bytes, source: int = 4000, destination: int = 5000, length: int | None = None) -> bytes:
    size = 8 + len(payload) if length is None else length
    return struct.pack(">HHHH", source, destination, size, 0) + payload


def tcp(
    payload: bytes, source: int = 50000, destination: int = 445, flags: int = ACK, options: bytes = b""
) -> bytes:
    head = struct.pack(">HHIIBBHHH", source, destination, 1, 1, 5 + len(options) // 4 << 4, flags, 1024, 0, 0)
    return head + options + payload


def segment(payload: bytes, source: int = 50000, destination: int = 445, **changes: Any) -> bytes:
    """A TCP segment in an Ethernet frame, from client to server; ``back`` turns it round."""
    if changes.pop("back", False):
        return segment(payload, destination, source, from_server=True, **changes)
    ends = (DESTINATION, SOURCE) if changes.pop("from_server", False) else (SOURCE, DESTINATION)
    transport = tcp(payload, source, destination, **changes)
    return ethernet(ipv4(transport, TCP, source=ends[0], destination=ends[1]))


def datagram(payload: bytes, source: int = 4000, destination: int = 5000, **changes: Any) -> bytes:
    """A UDP datagram in an Ethernet frame."""
    return ethernet(ipv4(udp(payload, source, destination), **changes))


def rtp(
    sequence: int,
    timestamp: int | None = None,
    *,
    ssrc: int = 1,
    payload_type: int = 8,
    marker: bool = False,
    contributors: int = 0,
    payload: bytes = bytes(20),
) -> bytes:
    """An RTP packet; the timestamp goes with the number, 160 a packet, if not said."""
    ticks = sequence * 160 if timestamp is None else timestamp
    head = struct.pack(
        ">BBHII", 0x80 | contributors, marker << 7 | payload_type, sequence & 0xFFFF, ticks & 0xFFFFFFFF, ssrc
    )
    return head + bytes(4 * contributors) + payload


def channel_data(payload: bytes, channel: int = 0x4001, length: int | None = None) -> bytes:
    return struct.pack(">HH", channel, len(payload) if length is None else length) + payload


def stream(
    sequences: Iterable[int], *, start: int = START, every: int = 20_000_000, **rest: Any
) -> list[Packet]:
    """RTP packets of these numbers, one every 20 ms; ports and layers as in ``datagram``."""
    ends = {name: rest.pop(name) for name in ("source", "destination") if name in rest}
    return [
        (start + place * every, datagram(rtp(number, **rest), **ends))
        for place, number in enumerate(sequences)
    ]


def pcap(packets: Iterable[Packet], *, link_type: int = 1, order: str = "<", nano: bool = False) -> bytes:
    magic, unit = (0xA1B23C4D, 1) if nano else (0xA1B2C3D4, 1000)
    head = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262144, link_type)
    records = (
        struct.pack(order + "IIII", time // SECOND, time % SECOND // unit, len(data), len(data)) + data
        for time, data in packets
    )
    return head + b"".join(records)


def pcapng(*blocks: bytes) -> bytes:
    return section() + b"".join(blocks)


def block(kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    size = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + size + body + size


def section() -> bytes:
    return block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))


def option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


def interface(
    link_type: int = 1, *, name: str = "", resolution: int | None = None, offset: int | None = None
) -> bytes:
    options = option(2, name.encode()) if name else b""
    options += b"" if resolution is None else option(9, bytes([resolution]))
    options += b"" if offset is None else option(14, struct.pack("<q", offset))
    return block(
        1, struct.pack("<HHI", link_type, 0, 262144) + options + (option(0, b"") if options else b"")
    )


def enhanced(ticks: int, packet: bytes, number: int = 0, *, original: int | None = None) -> bytes:
    """An Enhanced Packet Block; ``original`` is the length before the snapshot length cut it."""
    size = len(packet) if original is None else original
    head = struct.pack("<IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(packet), size)
    return block(6, head + packet)


def obsolete(ticks: int, packet: bytes, number: int = 0, dropped: int = 7) -> bytes:
    """A Packet Block."""
    head = struct.pack("<HHIIII", number, dropped, ticks >> 32, ticks & 0xFFFFFFFF, len(packet), len(packet))
    return block(2, head + packet)


def parted(folder: Path, content: bytes, **options: Any) -> Split:
    """Split a capture of these bytes; the small file is ``folder / "kept"``."""
    path = folder / "capture"
    path.write_bytes(content)
    return split(path, folder / "kept", **options)
