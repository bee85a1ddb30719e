"""The transport layer: UDP datagrams (RFC 768) and TCP segments (RFC 9293) of a window."""

from dataclasses import dataclass, field

import numpy as np

from postproc.read.arrays import Array, gather, take
from postproc.read.keys import endpoint
from postproc.read.packets import TCP, UDP, Packets

UDP_HEADER = np.dtype([
    ("source", ">u2"), ("destination", ">u2"), ("length", ">u2"), ("checksum", ">u2"), ("head", "V16"),
])  # fmt: skip
UDP_SIZE = 8
HEAD = np.dtype("V16")
TCP_HEADER = np.dtype([
    ("source", ">u2"), ("destination", ">u2"), ("sequence", ">u4"), ("acknowledged", ">u4"),
    ("offset", "u1"), ("flags", "u1"), ("window", ">u2"), ("checksum", ">u2"), ("urgent", ">u2"),
])  # fmt: skip


@dataclass(frozen=True)
class Payloads:
    """One row per datagram or segment; ``rows`` are the packets they are in.

    ``start`` is the payload's position in ``data``, ``size`` its length on the wire, ``seen``
    how much of it was captured. ``source`` and ``destination`` stand for address and port.
    """

    data: Array
    rows: Array
    source_port: Array
    destination_port: Array
    flags: Array  # of TCP
    start: Array
    size: Array
    seen: Array
    source: Array
    destination: Array
    head: Array  # the payload's first 16 bytes; it may be shorter

    def has_port(self, ports: tuple[int, ...]) -> Array:
        found = np.zeros(len(self.rows), bool)
        for port in ports:
            found |= (self.source_port == port) | (self.destination_port == port)
        return found


@dataclass
class ForTshark:
    """Keys of connections or flows to be shown to tshark: for certain, or where it can decrypt them."""

    certain: list[Array] = field(default_factory=list)
    secured: list[Array] = field(default_factory=list)

    def keys(self, *, keep_tls: bool) -> Array:
        found = self.certain + (self.secured if keep_tls else [])
        return np.unique(np.concatenate([np.zeros(0, np.uint64), *found]))


def datagrams(packets: Packets) -> Payloads:
    """Return the UDP datagrams whose length agrees with that of the IP packet."""
    rows = np.flatnonzero(packets.protocol == UDP)
    at = packets.transport[rows]
    header = gather(packets.data, at, UDP_HEADER)
    length = header["length"].astype(np.int64)
    start, end = at + UDP_SIZE, at + length
    sane = (length >= UDP_SIZE) & (end <= packets.end[rows]) & (start <= packets.seen[rows])
    if not sane.all():
        rows, header, start, end = rows[sane], take(header, sane), start[sane], end[sane]
    columns = _columns(packets, rows, header, start, end)
    return Payloads(**columns, flags=np.zeros(len(rows), np.uint8), head=header["head"])


def segments(packets: Packets) -> Payloads:
    """Return the TCP segments whose header was captured whole."""
    rows = np.flatnonzero(packets.protocol == TCP)
    at = packets.transport[rows]
    header = gather(packets.data, at, TCP_HEADER)
    start = at + (header["offset"] >> 4).astype(np.int64) * 4
    sane = (start >= at + TCP_HEADER.itemsize) & (start <= packets.seen[rows])
    if not sane.all():
        rows, header, start = rows[sane], take(header, sane), start[sane]
    columns = _columns(packets, rows, header, start, packets.end[rows])
    return Payloads(**columns, flags=header["flags"], head=gather(packets.data, start, HEAD))


def _columns(packets: Packets, rows: Array, header: Array, start: Array, end: Array) -> dict[str, Array]:
    source_port, destination_port = (header[name].astype(np.uint64) for name in ("source", "destination"))
    return {
        "data": packets.data,
        "rows": rows,
        "source_port": source_port,
        "destination_port": destination_port,
        "start": start,
        "size": end - start,
        "seen": np.maximum(np.minimum(packets.seen[rows], end) - start, 0),
        "source": endpoint(packets.source[rows], source_port),
        "destination": endpoint(packets.destination[rows], destination_port),
    }
