"""RTP packets on the wire (RFC 3550, section 5.1), told from everything else by their first two bytes.

On a port that carries several protocols RTP and RTCP have first bytes 128 to
191 (RFC 7983), RTCP second bytes 192 to 223 (RFC 5761, section 4): SIP, STUN
and DTLS can never look like this. RTP may also travel in TURN ChannelData
(RFC 8656, section 12.4), or in its Send and Data indications (section 11).
"""

import numpy as np

from postproc.read.arrays import Array, gather, take
from postproc.read.packets import MIX, Packets, Payloads, mixed

HEADER = np.dtype([
    ("first", "u1"), ("second", "u1"), ("sequence", ">u2"), ("timestamp", ">u4"), ("ssrc", ">u4"),
    ("rest", "V4"),
])  # fmt: skip
CHANNEL = np.dtype([("number", ">u2"), ("length", ">u2"), ("inner", "V12")])
HEADER_SIZE, CHANNEL_SIZE = 12, 4
INDICATION = np.dtype([("type", ">u2"), ("length", ">u2"), ("cookie", ">u4"), ("rest", "V8")])
ATTRIBUTE = np.dtype([("type", ">u2"), ("length", ">u2")])
INDICATIONS, DATA, COOKIE, STUN_SIZE = (0x0016, 0x0017), 0x0013, 0x2112A442, 20
ATTRIBUTES = 6  # looked at: XOR-PEER-ADDRESS and DATA must be there, DONT-FRAGMENT, SOFTWARE and ICMP may
PACKET = np.dtype([
    ("key", "u8"), ("time", "i8"), ("frame", "i8"), ("addresses", "u8", (4,)), ("timestamp", "u4"),
    ("ssrc", "u4"), ("size", "u4"), ("source_port", "u2"), ("destination_port", "u2"), ("sequence", "u2"),
    ("payload_type", "u1"), ("marker", "?"), ("relayed", "?"),
])  # fmt: skip


def rtp_packets(packets: Packets, datagrams: Payloads, time: Array, first_frame: int) -> tuple[Array, Array]:
    """Return what may be RTP as PACKET rows, and which packet of the window each is.

    ``key`` stands for addresses, ports, SSRC and being relayed.
    """
    offset, inner = _in_turn(datagrams)
    relayed = offset > 0
    header, size, seen = datagrams.head.view(HEADER), datagrams.size, datagrams.seen
    if relayed.any():
        header, size = header.copy(), np.where(relayed, inner, size)
        header[relayed] = gather(datagrams.data, (datagrams.start + offset)[relayed], HEADER)
        seen = seen - offset
    plausible = _plausible(header, size, seen)
    chosen = np.flatnonzero(plausible)
    rows = datagrams.rows[chosen]
    found = _rows(packets, datagrams, chosen, take(header, chosen), relayed[chosen])
    found["time"], found["frame"], found["size"] = time[rows], first_frame + rows, size[chosen]
    return found, rows


def _in_turn(datagrams: Payloads) -> tuple[Array, Array]:
    """Where in each datagram what TURN carries begins, 0 if it is no TURN; and how long that is."""
    channel, length = channel_data(datagrams)
    offset = np.where(channel, CHANNEL_SIZE, 0)
    head = datagrams.head.view(INDICATION)
    rows = np.flatnonzero((head["cookie"] == COOKIE) & np.isin(head["type"], INDICATIONS))
    if len(rows):
        offset[rows], length[rows] = _data_attribute(datagrams, rows)
    return offset, length


def _data_attribute(datagrams: Payloads, rows: Array) -> tuple[Array, Array]:
    """Where the DATA of indications begins, and its length; 0 where there is none (RFC 8656, section 11)."""
    at, size = np.full(len(rows), STUN_SIZE), datagrams.size[rows]
    offset, length = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)
    for _ in range(ATTRIBUTES):
        attribute = gather(datagrams.data, datagrams.start[rows] + at, ATTRIBUTE)
        here = attribute["length"].astype(np.int64)
        data = (attribute["type"] == DATA) & (offset == 0) & (at + ATTRIBUTE.itemsize + here <= size)
        offset[data], length[data] = at[data] + ATTRIBUTE.itemsize, here[data]
        at = np.minimum(at + ATTRIBUTE.itemsize + (here + 3 & ~3), size)
    return offset, length


def channel_data(datagrams: Payloads) -> tuple[Array, Array]:
    """Which datagrams are TURN ChannelData messages, and how long what they carry is."""
    header = datagrams.head.view(CHANNEL)
    length = header["length"].astype(np.int64)
    padding = datagrams.size - CHANNEL_SIZE - length
    channel = (header["number"] >> 12 == 4) & (padding >= 0) & (padding < 4)
    return channel & (datagrams.seen >= CHANNEL_SIZE), length


def _plausible(header: Array, size: Array, seen: Array) -> Array:
    contributors = (header["first"] & 15).astype(np.int64)
    plausible = (header["first"] >> 6 == 2) & ((header["second"] < 192) | (header["second"] > 223))
    verdict: Array = plausible & (size >= HEADER_SIZE + 4 * contributors) & (seen >= HEADER_SIZE)
    return verdict


def _rows(packets: Packets, datagrams: Payloads, chosen: Array, header: Array, relayed: Array) -> Array:
    found = np.empty(len(chosen), PACKET)
    found["addresses"] = packets.addresses_of(datagrams.rows[chosen])
    found["source_port"] = datagrams.source_port[chosen]
    found["destination_port"] = datagrams.destination_port[chosen]
    for name in ("timestamp", "ssrc", "sequence"):
        found[name] = header[name]
    found["payload_type"] = header["second"] & 127
    found["marker"] = header["second"] >> 7
    found["relayed"] = relayed
    ends = datagrams.source[chosen] * MIX[1] + datagrams.destination[chosen]
    found["key"] = mixed(ends + header["ssrc"] * MIX[2] + relayed)
    return found
