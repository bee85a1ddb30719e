"""Read the packets between certain hosts with keys that NAT does not change.

Only captures found to share packets with another are walked a second time. Each datagram gets a key that is
the same wherever it passes: type and transaction ID of STUN (RFC 8489, section 5); SSRC, sequence number
and timestamp of RTP (RFC 3550, section 5.1); the first bytes of DTLS records, with sequence number and
random or ciphertext, and of RTCP. Payload of TURN is treated as if it were outside. For SIP, which NAT
devices rewrite, the key is Call-ID, CSeq, branch and start line; messages, also of TCP, are taken from the
tables.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from io import FileIO
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from postproc.files import scratch
from postproc.model.recordings import SIP_KEY, message_keys
from postproc.model.tables import Tables
from postproc.read.arrays import Array, gather, join, numbers, structure, take
from postproc.read.capture import converted
from postproc.read.container import NotWalkable
from postproc.read.media import address as text_of
from postproc.read.packets import MAPPED, MIX, Packets, Payloads, host, mixed, unwrapped
from postproc.read.payloads import DTLS_FIRST
from postproc.read.rtp import MAGIC_COOKIE, RTCP_SECOND, RTP_FIRST, RTP_SIZE, STUN_SIZE, in_turn, within
from postproc.read.walk import open_container, windows

STUN, DTLS, RTP, RTCP, SIP = range(5)
KINDS = ("stun", "dtls", "rtp", "rtcp", "sip")
DTLS_VERSION, DTLS_RECORD = 0xFE, 13  # major version, size of a record's header (RFC 6347, section 4.1)
IPV4_HEADER, IPV6_HEADER, UDP_HEADER = 20, 40, 8  # bytes (RFC 791, RFC 8200, RFC 768)
IPV4, TTL, HOP_LIMIT = 4, 8, 7  # version of the header, and where these are (RFC 791, RFC 8200)
RTCP_SIZE, SENDER = 8, 4  # the header with its sender's SSRC, and where that is
# Bytes of DTLS and RTCP in the key. A ClientHello's random ends at byte 59 (RFC 6347, section 4.2.1): with
# fewer, the hellos of all calls look alike; with more, fewer match in captures with a short snapshot length.
KEYED = 64
REPEATED_WITHIN = 1_000_000_000  # ns within which equal RTP or RTCP on a flow is a copy (read.streams)
DATAGRAM = structure(
    "capture i4, flow i4, kind u1, ttl u1, size u4, ssrc u4, frame i8, time i8, key u8, payload u8, ends u8"
)
ENDS = structure("ends u8, addresses 4u8, source_port u2, destination_port u2")
STUN_MESSAGE = structure("type >u2, length >u2, cookie >u4, id_high >u4, id >u8")
RTP_PACKET = structure("first u1, second u1, sequence >u2, timestamp >u4, ssrc >u4, payload >u8")


Files = Sequence[tuple[Path, int]]  # of a capture, and how many of its frames are before each


class Flow(NamedTuple):
    """Addresses and ports of packets in one direction, as one capture shows them."""

    src_addr: str
    src_port: int
    dst_addr: str
    dst_port: int

    @property
    def reverse(self) -> "Flow":
        return Flow(self.dst_addr, self.dst_port, self.src_addr, self.src_port)

    @property
    def before(self) -> "Flow":
        """The flow of RTP if this is RTCP on its own ports (RFC 3550, section 11)."""
        return Flow(self.src_addr, self.src_port - 1, self.dst_addr, self.dst_port - 1)


class Datagrams(NamedTuple):
    """Packets as DATAGRAM rows, by capture and time; ``capture`` and ``flow`` are places in the lists."""

    captures: list[str]
    flows: list[tuple[int, Flow]]  # the capture, by its place, and the ends there
    packets: Array


class ByCapture:
    """Tables from which the rows of captures are selected repeatedly; rows keep their labels."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    @cached_property
    def _rows(self) -> dict[str, Any]:
        nonempty = [(table.name, rows) for table, rows in self._tables.items() if len(rows)]
        return {name: rows.groupby("capture").indices for name, rows in nonempty}

    def of(self, captures: Iterable[str]) -> Tables:
        names = sorted(captures)
        cut = {}
        for table, rows in self._tables.items():
            at = [
                positions
                for name in names
                if (positions := self._rows.get(table.name, {}).get(name)) is not None
            ]
            cut[table.name] = rows.iloc[np.sort(np.concatenate(at))] if at else rows.iloc[:0]
        return replace(self._tables, **cut)


def datagrams(files: Mapping[str, Files], pairs: Mapping[str, Array], events: ByCapture) -> Datagrams:
    """Read the packets between ``pairs`` of hosts, by capture, each a hash as of ``host_pairs``.

    Raises CaptureError if a capture cannot be read again.
    """
    flows: list[tuple[int, Flow]] = []
    parts = [np.zeros(0, DATAGRAM)]
    for number, name in enumerate(files):
        packets, ends = _read(files[name], pairs[name])
        messages = events.of([name])
        packets = _once(packets, _copies(messages))
        flow_keys, packets["flow"] = np.unique(packets["ends"], return_inverse=True)
        packets["flow"] += len(flows)
        flows += [(number, _flow(row)) for row in take(ends, np.searchsorted(ends["ends"], flow_keys))]
        sip, sip_flows = _sip(messages.sip_messages)
        sip["flow"] += len(flows)
        flows += [(number, flow) for flow in sip_flows]
        packets = join(packets, sip)
        packets["capture"] = number
        parts.append(take(packets, np.argsort(packets["time"], kind="stable")))
    return Datagrams(list(files), flows, join(*parts))


def host_pairs(rows: pd.DataFrame) -> Array:
    """Return hashes of the pairs of hosts in these rows, the same in both directions."""
    sources, destinations = (_hosts(rows[name]) for name in ("src_addr", "dst_addr"))
    pairs: Array = sources + destinations
    return pairs


def _hosts(addresses: "pd.Series[str]") -> Array:
    codes, distinct = pd.factorize(addresses)
    halves = np.array([_halves(text) for text in distinct], np.uint64).reshape(-1, 2)
    hashes: Array = mixed(host(halves[:, 1], halves[:, 0]))[codes]
    return hashes


def _halves(text: str) -> tuple[int, int]:
    """Return the high and low half of an address, IPv4 mapped into IPv6 as in read.packets."""
    address = ip_address(text)
    number = int(address) | (MAPPED if address.version == IPV4 else 0)
    return number >> 64, number & (1 << 64) - 1


def _read(files: Files, pairs: Array) -> tuple[Array, Array]:
    """Return the packets of a capture's files, and the ends of all flows in them, by hash."""
    by_file = [_of_file(path, pairs) for path, _ in files]
    for (_, before), (packets, _) in zip(files, by_file, strict=True):
        packets["frame"] += before
    ends = join(np.zeros(0, ENDS), *(each for _, each in by_file))
    ends = take(ends, np.unique(ends["ends"], return_index=True)[1])
    return join(np.zeros(0, DATAGRAM), *(each for each, _ in by_file)), ends


def _of_file(path: Path, pairs: Array) -> tuple[Array, Array]:
    try:
        return _walked(path, pairs)
    except NotWalkable:
        with scratch.folder() as folder:
            return _walked(converted(path, folder / "converted.pcapng"), pairs)


def _walked(path: Path, pairs: Array) -> tuple[Array, Array]:
    packets, ends = [np.zeros(0, DATAGRAM)], np.zeros(0, ENDS)
    with FileIO(path) as file:
        container = open_container(file)
        for window in windows(file, container):
            parsed, udp = unwrapped(window, container.interfaces)
            between = np.isin(mixed(parsed.source[udp.rows]) + mixed(parsed.destination[udp.rows]), pairs)
            rows, which = _of_calls(parsed, udp, np.flatnonzero(between))
            rows["frame"] = container.packets - len(window.time) + 1 + udp.rows[which]
            rows["time"] = window.time[udp.rows[which]]
            ends = _with_ends(ends, parsed, udp, which, rows["ends"])
            packets.append(rows)
    return join(*packets), ends


def _with_ends(ends: Array, parsed: Packets, udp: Payloads, which: Array, numbers: Array) -> Array:
    """Return the ends with those of these datagrams added."""
    new, first = np.unique(numbers, return_index=True)
    rows = np.zeros(len(new), ENDS)
    rows["ends"], rows["addresses"] = new, parsed.addresses_of(udp.rows[which[first]])
    rows["source_port"] = udp.source_port[which[first]]
    rows["destination_port"] = udp.destination_port[which[first]]
    every = join(ends, rows)
    return take(every, np.unique(every["ends"], return_index=True)[1])


def _of_calls(parsed: Packets, udp: Payloads, which: Array) -> tuple[Array, Array]:
    """Return DATAGRAM rows of those datagrams that are STUN, DTLS, RTP or RTCP, and their places."""
    offset, _ = in_turn(udp)
    at, captured = (udp.start + offset)[which], (udp.seen - offset)[which]
    first, second = (numbers(udp.data, at + place, "u1") for place in range(2))
    message = gather(udp.data, at, STUN_MESSAGE)
    is_stun = (message["cookie"] == MAGIC_COOKIE) & (first < DTLS_FIRST.start) & (captured >= STUN_SIZE)
    is_dtls = within(first, DTLS_FIRST) & (second == DTLS_VERSION) & (captured >= DTLS_RECORD) & ~is_stun
    of_media = within(first, RTP_FIRST)
    is_rtcp = of_media & within(second, RTCP_SECOND) & (captured >= RTCP_SIZE)
    is_rtp = of_media & ~within(second, RTCP_SECOND) & (captured >= RTP_SIZE)
    rows = np.zeros(len(which), DATAGRAM)
    for kind, flags in ((STUN, is_stun), (DTLS, is_dtls), (RTP, is_rtp), (RTCP, is_rtcp)):
        rows["kind"][flags] = kind
    rows["key"][is_stun] = _stun_key(message[is_stun])
    _fill_rtp(rows, is_rtp, gather(udp.data, at[is_rtp], RTP_PACKET), captured[is_rtp])
    for flags in (is_dtls, is_rtcp):
        rows["key"][flags] = _bytes_key(udp.data, at[flags], captured[flags])
    rows["ssrc"][is_rtcp] = numbers(udp.data, at[is_rtcp] + SENDER, ">u4")
    rows["ends"] = mixed(udp.source[which] * MIX[1] + udp.destination[which] + (offset[which] > 0))
    rows["ttl"], header = _of_ip(parsed, udp.rows[which])
    rows["size"] = header + UDP_HEADER + udp.size[which]
    recognised = np.flatnonzero(is_stun | is_dtls | is_rtp | is_rtcp)
    return take(rows, recognised), which[recognised]


def _stun_key(message: Array) -> Array:
    parts = (message[name].astype(np.uint64) for name in ("type", "id_high", "id"))
    return _combined(np.uint64(STUN), *parts)


def _fill_rtp(rows: Array, which: Array, header: Array, captured: Array) -> None:
    parts = (header[name].astype(np.uint64) for name in ("ssrc", "sequence", "timestamp"))
    rows["key"][which] = _combined(np.uint64(RTP), *parts)
    rows["ssrc"][which] = header["ssrc"]
    rows["payload"][which] = np.where(captured >= RTP_PACKET.itemsize, header["payload"].astype(np.uint64), 0)


def _bytes_key(data: Array, at: Array, captured: Array) -> Array:
    """Return a hash of the first KEYED bytes, as far as they were captured."""
    first = gather(data, at, np.dtype(f"V{KEYED}")).view(np.uint8).reshape(-1, KEYED)
    first = np.where(np.arange(KEYED) < captured[:, None], first, np.uint8(0))
    return _combined(np.uint64(DTLS), *np.ascontiguousarray(first).view(np.uint64).T)


def _combined(start: np.uint64, *parts: Array) -> Array:
    number: Array = np.full(len(parts[0]) if parts else 0, start, np.uint64)
    for part in parts:
        number = mixed(number * MIX[1] + part)
    return number


def _of_ip(parsed: Packets, rows: Array) -> tuple[Array, Array]:
    """Return IPv4's time to live or IPv6's hop limit, and the size of their header without options."""
    at = parsed.network[rows]
    is_ipv4 = numbers(parsed.data, at, "u1") >> 4 == IPV4
    ttl: Array = numbers(parsed.data, at + np.where(is_ipv4, TTL, HOP_LIMIT), "u1")
    return ttl, np.where(is_ipv4, IPV4_HEADER, IPV6_HEADER)


def _once(packets: Array, copies: Array) -> Array:
    """Drop second captures of packets: of messages by the tables, of media by time."""
    packets = take(packets, ~np.isin(packets["frame"], copies))
    order = np.lexsort((packets["time"], packets["key"], packets["ends"]))
    ordered = take(packets, order)
    repeated = np.zeros(len(order), bool)
    repeated[1:] = (ordered["ends"][1:] == ordered["ends"][:-1]) & (ordered["key"][1:] == ordered["key"][:-1])
    repeated[1:] &= np.diff(ordered["time"]) < REPEATED_WITHIN
    repeated &= (ordered["kind"] == RTP) | (ordered["kind"] == RTCP)
    return take(packets, np.sort(order[~repeated]))


def _copies(events: Tables) -> Array:
    frames = [
        rows.loc[rows["copy_of"].notna(), "frame"] for rows in (events.stun_messages, events.dtls_messages)
    ]
    copies: Array = pd.concat(frames).to_numpy(np.int64)
    return copies


def _sip(messages: pd.DataFrame) -> tuple[Array, list[Flow]]:
    """Return the SIP messages of a capture as DATAGRAM rows, and their flows."""
    once = messages[messages["copy_of"].isna()]
    ends = once[list(Flow._fields)]
    codes = ends.groupby(list(ends), sort=False).ngroup()
    rows = np.zeros(len(once), DATAGRAM)
    rows["kind"], rows["flow"] = SIP, codes
    rows["frame"] = once["frame"].to_numpy(np.int64)
    rows["time"] = once["time"].to_numpy("datetime64[ns]").astype(np.int64)
    rows["key"] = message_keys(once, SIP_KEY).to_numpy(np.uint64)
    return rows, [Flow(*flow) for flow in ends.drop_duplicates().itertuples(index=False)]


def _flow(row: Array) -> Flow:
    source, destination = row["addresses"].tolist()[:2], row["addresses"].tolist()[2:]
    return Flow(
        text_of(*source), int(row["source_port"]), text_of(*destination), int(row["destination_port"])
    )
