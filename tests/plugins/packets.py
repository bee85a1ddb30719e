"""Captures of single UDP packets, written byte by byte."""

import struct
from pathlib import Path

LINKTYPE_RAW = 101
COOKIE = bytes.fromhex("2112a442")
ENDS = (("10.0.0.1", 30000), ("10.0.0.2", 40000))


def stun(kind: int, identity: bytes, attributes: bytes = b"") -> bytes:
    return struct.pack(">HH", kind, len(attributes)) + COOKIE + identity + attributes


def udp(payload: bytes, *, back: bool = False) -> bytes:
    """An IPv4 packet from the first end to the second, or back."""
    src, dst = ENDS[::-1] if back else ENDS
    return udp_between(src, dst, payload)


def udp_between(src: tuple[str, int], dst: tuple[str, int], payload: bytes) -> bytes:
    """An IPv4 packet between two addresses and ports."""
    body = struct.pack(">HHHH", src[1], dst[1], 8 + len(payload), 0) + payload
    addresses = bytes(map(int, src[0].split("."))) + bytes(map(int, dst[0].split(".")))
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, 17, 0) + addresses + body


def capture(target: Path, *packets: bytes) -> Path:
    """Write packets that follow each other by half a second."""
    header = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, LINKTYPE_RAW)
    records = (
        struct.pack("<IIII", 1_700_000_000 + at // 2, at % 2 * 500_000, len(packet), len(packet)) + packet
        for at, packet in enumerate(packets)
    )
    target.write_bytes(header + b"".join(records))
    return target
