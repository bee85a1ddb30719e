"""Find possible RTP in the packets of a window: in datagrams, in TURN, in TCP streams and in HEP.

On a port shared with other protocols RTP and RTCP have first bytes 128 to 191 (RFC 7983), and RTCP second
bytes 192 to 223 (RFC 5761, section 4), which SIP, STUN and DTLS never have. RTP may also be carried in TURN
ChannelData (RFC 8656, section 12.4), or in Send and Data indications (section 11).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from postproc.read.arrays import Array, gather, structure, take
from postproc.read.packets import MIX, Packets, Payloads, endpoint, host, mixed
from postproc.wire import rtp, stun

# First bytes (RFC 7983), and RTCP's second ones (RFC 5761, section 4)
RTP_FIRST, RTCP_SECOND = range(128, 192), rtp.RTCP_TYPES
REPORTS = range(rtp.SENDER_REPORT, rtp.RECEIVER_REPORT + 1)
MAGIC_COOKIE, STUN_SIZE = int.from_bytes(stun.COOKIE), stun.HEADER
RTP_HEADER = structure("first u1, second u1, sequence >u2, timestamp >u4, ssrc >u4, rest V4")
CHANNEL = structure("number >u2, length >u2, inner V12")
INDICATION = structure("type >u2, length >u2, cookie >u4, rest V8")
ATTRIBUTE = structure("type >u2, length >u2")
ATTRIBUTES = 6  # read per indication: XOR-PEER-ADDRESS and DATA are required, three others are allowed
PACKET = structure(
    "key u8, time i8, frame i8, addresses 4u8, timestamp u4, ssrc u4, size u4, source_port u2, "
    "destination_port u2, sequence u2, payload_type u1, marker ?, relayed ?"
)
INDICATIONS = tuple(
    stun.message_type(method, stun.Class.INDICATION) for method in (stun.Method.SEND, stun.Method.DATA)
)
RTP_SIZE, RTCP_SIZE, CHANNEL_SIZE = rtp.HEADER, 8, stun.CHANNEL_HEADER


class Headers(NamedTuple):
    """What may be an RTP or RTCP header in each datagram, in TURN ``offset`` bytes after its start.

    ``size`` is its payload's length, ``captured`` how much of that there is.
    """

    fields: Array
    offset: Array
    size: Array
    captured: Array

    @property
    def reports(self) -> Array:
        """The places of those that begin with a sender or receiver report of RTCP."""
        rows = np.flatnonzero(within(self.fields["second"], REPORTS))
        header = take(self.fields, rows)
        places: Array = rows[(header["first"] >> 6 == 2) & (self.captured[rows] >= RTCP_SIZE)]
        return places


def headers(datagrams: Payloads) -> Headers:
    offset, inner = in_turn(datagrams)
    relayed = offset > 0
    header, size, captured = datagrams.head.view(RTP_HEADER), datagrams.size, datagrams.seen
    if relayed.any():
        header, size = header.copy(), np.where(relayed, inner, size)
        header[relayed] = gather(datagrams.data, (datagrams.start + offset)[relayed], RTP_HEADER)
        captured = captured - offset
    return Headers(header, offset, size, captured)


def rtp_packets(
    packets: Packets, datagrams: Payloads, found: Headers, time: Array, first_frame: int
) -> tuple[Array, Array]:
    """Return possible RTP as PACKET rows, and the row of each one's packet in the window.

    ``key`` is a hash of addresses, ports, SSRC and ``relayed``.
    """
    chosen = np.flatnonzero(_looks_like_rtp(found.fields, found.size, found.captured))
    rows, relayed = datagrams.rows[chosen], (found.offset > 0)[chosen]
    rtp_rows = _packet_rows(packets, datagrams, chosen, take(found.fields, chosen), relayed)
    rtp_rows["time"], rtp_rows["frame"], rtp_rows["size"] = time[rows], first_frame + rows, found.size[chosen]
    return rtp_rows, rows


def in_turn(datagrams: Payloads) -> tuple[Array, Array]:
    """Return the offset of TURN's payload in each datagram, 0 if it is not TURN; and the payload's length."""
    channel, length = channel_data(datagrams)
    offset = np.where(channel, CHANNEL_SIZE, 0)
    head = datagrams.head.view(INDICATION)
    rows = np.flatnonzero((head["cookie"] == MAGIC_COOKIE) & np.isin(head["type"], INDICATIONS))
    if len(rows):
        offset[rows], length[rows] = _data_attribute(datagrams, rows)
    return offset, length


def _data_attribute(datagrams: Payloads, rows: Array) -> tuple[Array, Array]:
    """Return offset and length of the DATA of indications; 0 if there is none (RFC 8656, section 11)."""
    at, size = np.full(len(rows), STUN_SIZE), datagrams.size[rows]
    offset, length = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)
    for _ in range(ATTRIBUTES):
        attribute = gather(datagrams.data, datagrams.start[rows] + at, ATTRIBUTE)
        here = attribute["length"].astype(np.int64)
        data = (
            (attribute["type"] == stun.DATA.number) & (offset == 0) & (at + ATTRIBUTE.itemsize + here <= size)
        )
        offset[data], length[data] = at[data] + ATTRIBUTE.itemsize, here[data]
        at = np.minimum(at + ATTRIBUTE.itemsize + (here + 3 & ~3), size)
    return offset, length


def channel_data(datagrams: Payloads) -> tuple[Array, Array]:
    """Return which datagrams are TURN ChannelData messages, and the length of their payload."""
    header = datagrams.head.view(CHANNEL)
    length = header["length"].astype(np.int64)
    padding = datagrams.size - CHANNEL_SIZE - length
    channel = (header["number"] >> 12 == 4) & (padding >= 0) & (padding < 4)
    return channel & (datagrams.seen >= CHANNEL_SIZE), length


def _looks_like_rtp(header: Array, size: Array, captured: Array) -> Array:
    contributors = (header["first"] & 15).astype(np.int64)
    plausible = (header["first"] >> 6 == 2) & ~within(header["second"], RTCP_SECOND)
    verdict: Array = plausible & (size >= RTP_SIZE + 4 * contributors) & (captured >= RTP_SIZE)
    return verdict


def _packet_rows(
    packets: Packets, datagrams: Payloads, chosen: Array, header: Array, relayed: Array
) -> Array:
    rtp_rows = np.empty(len(chosen), PACKET)
    rtp_rows["addresses"] = packets.addresses_of(datagrams.rows[chosen])
    rtp_rows["source_port"] = datagrams.source_port[chosen]
    rtp_rows["destination_port"] = datagrams.destination_port[chosen]
    rtp_rows["relayed"] = relayed
    _fill(rtp_rows, header, datagrams.source[chosen] * MIX[1] + datagrams.destination[chosen])
    return rtp_rows


class MediaPacket(NamedTuple):
    """A possible media packet from a TCP stream or from HEP, so without a UDP datagram of its own."""

    time: int
    frame: int
    addresses: tuple[int, int, int, int]  # source and destination, high and low half each
    ports: tuple[int, int]
    data: bytes  # as much as was captured
    size: int
    relayed: bool


def media_rows(carried: Sequence[MediaPacket]) -> Array:
    """Return those of these packets that may be RTP, as PACKET rows."""
    if not carried:
        return np.zeros(0, PACKET)
    heads = b"".join(each.data[: RTP_HEADER.itemsize].ljust(RTP_HEADER.itemsize, b"\0") for each in carried)
    header = np.frombuffer(heads, RTP_HEADER)
    size = np.array([each.size for each in carried], np.int64)
    plausible = np.flatnonzero(_looks_like_rtp(header, size, np.array([len(each.data) for each in carried])))
    chosen, header = [carried[place] for place in plausible.tolist()], take(header, plausible)
    rtp_rows = np.zeros(len(chosen), PACKET)
    rtp_rows["time"], rtp_rows["frame"] = [each.time for each in chosen], [each.frame for each in chosen]
    rtp_rows["addresses"] = np.array([each.addresses for each in chosen], np.uint64).reshape(-1, 4)
    rtp_rows["source_port"], rtp_rows["destination_port"] = (
        np.array([each.ports for each in chosen]).reshape(-1, 2).T
    )
    rtp_rows["relayed"], rtp_rows["size"] = [each.relayed for each in chosen], size[plausible]
    high, low, other_high, other_low = rtp_rows["addresses"].T
    source = endpoint(host(low, high), rtp_rows["source_port"].astype(np.uint64))
    destination = endpoint(host(other_low, other_high), rtp_rows["destination_port"].astype(np.uint64))
    _fill(rtp_rows, header, source * MIX[1] + destination)
    return rtp_rows


def _fill(rtp_rows: Array, header: Array, ends: Array) -> None:
    """Fill in the fields of the RTP headers and the streams' keys; addresses and ``relayed`` are set."""
    for name in ("timestamp", "ssrc", "sequence"):
        rtp_rows[name] = header[name]
    rtp_rows["payload_type"] = header["second"] & 127
    rtp_rows["marker"] = header["second"] >> 7
    rtp_rows["key"] = mixed(ends + header["ssrc"] * MIX[2] + rtp_rows["relayed"])


def within(byte: Array, values: range) -> Array:
    inside: Array = (byte >= values.start) & (byte < values.stop)
    return inside
