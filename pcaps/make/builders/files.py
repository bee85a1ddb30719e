"""Capture files: classic pcap (both byte orders, micro- and nanoseconds) and pcapng.

pcapng has the blocks that dumpcap writes: section header, interface descriptions, packets, interface
statistics.
"""

import struct
from collections.abc import Sequence
from typing import NamedTuple

from pcaps.make.builders.links import Interface, frame
from postproc.wire import pcapng as wire
from postproc.wire.pcapng import PcapHeader, PcapRecord, option

APPLICATION = b"legshark pcaps/make"


class Record(NamedTuple):
    """An IP packet as one interface saw it."""

    time_ns: int
    interface: int
    packet: bytes


def pcap(
    interface: Interface, records: Sequence[Record], *, order: str = "<", nanoseconds: bool = False
) -> bytes:
    out = [bytes(PcapHeader(interface.link, order, 9 if nanoseconds else 6))]
    for record in records:
        data = frame(interface, record.packet)
        seconds, rest = divmod(record.time_ns, 10**9)
        fraction = rest if nanoseconds else rest // 1000
        out.append(PcapRecord(seconds, fraction, data, len(data)).pack(order))
    return b"".join(out)


def pcapng(
    interfaces: Sequence[Interface], records: Sequence[Record], *, os: str = "Linux", secrets: str = ""
) -> bytes:
    section = option(wire.SECTION_OS, os.encode()) + option(wire.SECTION_APPLICATION, APPLICATION)
    blocks: list[wire.Block] = [wire.Section(section), *map(_description, interfaces)]
    if secrets:
        blocks.append(wire.Secrets(wire.TLS_KEY_LOG, secrets.encode()))
    blocks += [_packet(interfaces[record.interface], record) for record in records]
    blocks += [_statistics(number, interface, records) for number, interface in enumerate(interfaces)]
    return b"".join(map(bytes, blocks))


def _description(interface: Interface) -> wire.Interface:
    options = option(wire.IF_NAME, interface.name.encode())
    if interface.description:
        options += option(wire.IF_DESCRIPTION, interface.description.encode())
    options += option(wire.IF_TSRESOL, bytes([interface.digits]))
    return wire.Interface(interface.link, options=options)


def _ticks(interface: Interface, time_ns: int) -> int:
    return time_ns // 10 ** (9 - interface.digits)


def _packet(interface: Interface, record: Record) -> wire.Packet:
    data = frame(interface, record.packet)
    return wire.Packet(record.interface, _ticks(interface, record.time_ns), data, len(data))


def _statistics(number: int, interface: Interface, records: Sequence[Record]) -> wire.Statistics:
    times = [record.time_ns for record in records if record.interface == number]
    first, last = (_ticks(interface, end(times, default=0)) for end in (min, max))
    options = b"".join(
        (
            option(wire.STATISTICS_START, _high_and_low(first)),
            option(wire.STATISTICS_END, _high_and_low(last)),
            option(wire.STATISTICS_RECEIVED, struct.pack("<Q", len(times))),
            option(wire.STATISTICS_DROPPED, bytes(8)),
        )
    )
    return wire.Statistics(number, last, options)


def _high_and_low(ticks: int) -> bytes:
    return struct.pack("<II", *divmod(ticks, 2**32))
