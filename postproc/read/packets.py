"""The network layer: who sends what to whom, for a window of packets at once.

Only what is plain is taken apart: IPv4, and IPv6 without extension headers, not
fragmented and with its header in the capture. The rest stays UNCLEAR.
"""

from dataclasses import dataclass

import numpy as np

from postproc.read.arrays import Array, gather, places
from postproc.read.container import Interface, Window
from postproc.read.keys import host
from postproc.read.link import FOREIGN, IPV4, IPV6, UNCLEAR, network_layer

UDP, TCP = 17, 6
IPV4_HEADER = np.dtype([
    ("version_ihl", "u1"), ("service", "u1"), ("length", ">u2"), ("id", ">u2"), ("fragment", ">u2"),
    ("ttl", "u1"), ("protocol", "u1"), ("checksum", ">u2"), ("source", ">u4"), ("destination", ">u4"),
])  # fmt: skip
IPV6_HEADER = np.dtype([
    ("version", "u1"), ("flow", "V3"), ("length", ">u2"), ("next", "u1"), ("hops", "u1"),
    ("source_high", ">u8"), ("source", ">u8"), ("destination_high", ">u8"), ("destination", ">u8"),
])  # fmt: skip
Rows = Array | slice
MAPPED = 0xFFFF << 32  # an IPv4 address is kept as ::ffff:a.b.c.d


@dataclass(frozen=True)
class Packets:
    """One row per packet of a window.

    ``protocol`` is the IP protocol, UNCLEAR, or FOREIGN for what is no IP at all;
    the other columns only count where it is a protocol. Positions are in ``data``.
    """

    data: Array
    protocol: Array
    transport: Array  # where the transport header starts
    end: Array  # where the IP packet ends by its length
    seen: Array  # where the captured part of it ends
    has_options: Array
    addresses: Array  # (n, 4) uint64: source and destination, high and low half each
    source: Array  # the hosts' numbers (read.keys)
    destination: Array

    def addresses_of(self, rows: Array) -> Array:
        """The addresses of some packets; numpy copies a row of numbers one by one, bytes at once."""
        whole = self.addresses.view(f"V{self.addresses.itemsize * 4}")[:, 0]
        return whole[rows].view(np.uint64).reshape(-1, 4)


def packets(window: Window, interfaces: list[Interface]) -> Packets:
    """Take apart the packets of a window."""
    kind, at = network_layer(window, interfaces)
    count = len(kind)
    seen = window.start + window.captured
    found = Packets(
        data=window.data,
        protocol=np.where((kind == FOREIGN) & (at <= seen), FOREIGN, UNCLEAR),
        transport=at,
        end=seen.copy(),
        seen=seen,
        has_options=np.zeros(count, bool),
        addresses=np.zeros((count, 4), np.uint64),
        source=np.zeros(count, np.uint64),
        destination=np.zeros(count, np.uint64),
    )
    _read_ipv4(found, places(kind == IPV4))
    if (kind == IPV6).any():
        _read_ipv6(found, places(kind == IPV6))
    return found


def _read_ipv4(found: Packets, rows: Rows) -> None:
    """RFC 791, section 3.1. A length of 0 is segmentation left to the network card."""
    at = found.transport[rows]
    header = gather(found.data, at, IPV4_HEADER)
    header_size = (header["version_ihl"] & 15).astype(np.int64) * 4
    length = header["length"].astype(np.int64)
    length = np.where(length == 0, found.seen[rows] - at, length)
    plain = (header["version_ihl"] >> 4 == 4) & (header_size >= 20) & (length >= header_size)
    plain &= (header["fragment"] & 0x3FFF == 0) & (at + header_size <= found.seen[rows])
    found.protocol[rows] = np.where(plain, header["protocol"], UNCLEAR)
    found.has_options[rows] = header_size > 20
    for column, name, hosts in ((1, "source", found.source), (3, "destination", found.destination)):
        mapped = header[name].astype(np.uint64) | np.uint64(MAPPED)
        found.addresses[rows, column], hosts[rows] = mapped, host(mapped)
    _set_extent(found, rows, at + header_size, at + length)


def _read_ipv6(found: Packets, rows: Rows) -> None:
    """RFC 8200, section 3; an extension header stands as the protocol, which nobody asks for."""
    at = found.transport[rows]
    header = gather(found.data, at, IPV6_HEADER)
    payload = at + IPV6_HEADER.itemsize
    plain = (header["version"] >> 4 == 6) & (payload <= found.seen[rows])
    found.protocol[rows] = np.where(plain, header["next"], UNCLEAR)
    for column, name in enumerate(("source_high", "source", "destination_high", "destination")):
        found.addresses[rows, column] = header[name]
    high_source, low_source, high_destination, low_destination = found.addresses[rows].T
    found.source[rows] = host(low_source, high_source)
    found.destination[rows] = host(low_destination, high_destination)
    length = header["length"].astype(np.int64)
    _set_extent(found, rows, payload, np.where(length == 0, found.seen[rows], payload + length))


def _set_extent(found: Packets, rows: Rows, transport: Array, end: Array) -> None:
    found.transport[rows] = transport
    found.end[rows] = end
    found.seen[rows] = np.minimum(found.seen[rows], end)
