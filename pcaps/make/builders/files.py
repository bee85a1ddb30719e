"""Capture files: classic pcap (both byte orders, micro- and nanoseconds) and pcapng.

pcapng: draft-ietf-opsawg-pcapng. Blocks as dumpcap writes them: section header,
interface descriptions, packets, interface statistics.
"""

import struct
from collections.abc import Sequence
from typing import NamedTuple

from pcaps.make.builders.links import Interface, frame

SNAPLEN = 262144
MICROSECONDS, NANOSECONDS = 0xA1B2C3D4, 0xA1B23C4D
OPT_END, OPT_COMMENT = 0, 1
SHB_HARDWARE, SHB_OS, SHB_APPLICATION = 2, 3, 4
IF_NAME, IF_DESCRIPTION, IF_TSRESOL = 2, 3, 9
ISB_STARTTIME, ISB_ENDTIME, ISB_IFRECV, ISB_IFDROP = 2, 3, 4, 5
TLS_KEY_LOG = 0x544C534B


class Record(NamedTuple):
    """An IP packet as one interface saw it."""

    time_ns: int
    interface: int
    packet: bytes


def pcap(
    interface: Interface, records: Sequence[Record], *, order: str = "<", nanoseconds: bool = False
) -> bytes:
    magic, unit = (NANOSECONDS, 1) if nanoseconds else (MICROSECONDS, 1000)
    out = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, SNAPLEN, interface.link)]
    for record in records:
        data = frame(interface, record.packet)
        seconds, rest = divmod(record.time_ns, 10**9)
        out.append(struct.pack(order + "IIII", seconds, rest // unit, len(data), len(data)) + data)
    return b"".join(out)


def pcapng(
    interfaces: Sequence[Interface], records: Sequence[Record], *, os: str = "Linux", secrets: str = ""
) -> bytes:
    out = [_section_header(os)]
    out += [_interface_description(interface) for interface in interfaces]
    if secrets:
        data = secrets.encode()
        out.append(_block(0x0A, struct.pack("<II", TLS_KEY_LOG, len(data)) + _padded(data)))
    out += [_enhanced_packet(interfaces[record.interface], record) for record in records]
    out += [_statistics(number, interface, records) for number, interface in enumerate(interfaces)]
    return b"".join(out)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _block(kind: int, body: bytes) -> bytes:
    length = 12 + len(body)
    return struct.pack("<II", kind, length) + body + struct.pack("<I", length)


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + _padded(value)


def _options(*options: tuple[int, bytes]) -> bytes:
    return b"".join(_option(code, value) for code, value in options if value) + _option(OPT_END, b"")


def _section_header(os: str) -> bytes:
    body = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)
    return _block(
        0x0A0D0D0A, body + _options((SHB_OS, os.encode()), (SHB_APPLICATION, b"legshark pcaps/make"))
    )


def _interface_description(interface: Interface) -> bytes:
    options = _options(
        (IF_NAME, interface.name.encode()),
        (IF_DESCRIPTION, interface.description.encode()),
        (IF_TSRESOL, bytes([interface.digits])),
    )
    return _block(1, struct.pack("<HHI", interface.link, 0, SNAPLEN) + options)


def _ticks(interface: Interface, time_ns: int) -> tuple[int, int]:
    return divmod(time_ns // 10 ** (9 - interface.digits), 2**32)


def _enhanced_packet(interface: Interface, record: Record) -> bytes:
    data = frame(interface, record.packet)
    head = struct.pack("<IIIII", record.interface, *_ticks(interface, record.time_ns), len(data), len(data))
    return _block(6, head + _padded(data))


def _statistics(number: int, interface: Interface, records: Sequence[Record]) -> bytes:
    mine = [record.time_ns for record in records if record.interface == number]
    first, last = (_ticks(interface, end(mine, default=0)) for end in (min, max))
    options = _options(
        (ISB_STARTTIME, struct.pack("<II", *first)),
        (ISB_ENDTIME, struct.pack("<II", *last)),
        (ISB_IFRECV, struct.pack("<Q", len(mine))),
        (ISB_IFDROP, struct.pack("<Q", 0)),
    )
    return _block(5, struct.pack("<III", number, *last) + options)
