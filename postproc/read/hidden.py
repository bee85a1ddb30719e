"""Packets that may hide a call: tunnels that are not opened, TURN over TLS, and messages cut off.

They are recognised by ports and first bytes and only counted: what a capture seems to lack may be in them.
"""

from collections import Counter
from collections.abc import Iterator

import numpy as np

from postproc.read.arrays import Array
from postproc.read.layers import listed
from postproc.read.packets import Packets, Payloads
from postproc.read.payloads import DTLS_FIRST, begins_like_sip
from postproc.read.rtp import MAGIC_COOKIE, within

HEAD = np.dtype([("first", "u1"), ("second", "u1"), ("rest", ">u2"), ("second_word", ">u4"), ("more", "V8")])
WORD = np.dtype([("first_word", ">u4"), ("more", "V12")])
IPSEC, L2TP, OPENVPN, TURN, TURN_TLS = 4500, 1701, 1194, 3478, 5349
UDP_PORTS = np.zeros(1 << 16, bool)
UDP_PORTS[[IPSEC, L2TP, OPENVPN]] = True
TCP_PORTS = np.zeros(1 << 16, bool)
TCP_PORTS[[TURN, TURN_TLS]] = True
WIREGUARD_DATA, WIREGUARD_LEAST = 0x04000000, 32  # message type 4; header and tag of an empty one
OPENVPN_DATA = (6, 9)  # P_DATA_V1, P_DATA_V2
TLS_APPLICATION_DATA = 23
STUN_COOKIE_END = 8  # bytes to the end of the magic cookie (RFC 8489, section 5)
DTLS_MAJOR = 0xFE  # first byte of the version (RFC 6347, section 4.1)


def in_datagrams(udp: Payloads) -> Counter[str]:
    """Count the datagrams of each kind of tunnel."""
    counts: Counter[str] = Counter()
    words = udp.head.view(WORD)["first_word"]
    size = udp.size[words == WIREGUARD_DATA]
    counts["WireGuard"] = int(np.count_nonzero((size >= WIREGUARD_LEAST) & (size % 16 == 0)))
    rows = np.flatnonzero(UDP_PORTS[udp.source_port] | UDP_PORTS[udp.destination_port])
    if len(rows):
        _by_port(udp, rows, words, counts)
    return +counts


def _by_port(udp: Payloads, rows: Array, words: Array, counts: Counter[str]) -> None:
    head, size = udp.head[rows].view(HEAD), udp.size[rows]

    def on(port: int) -> Array:
        at: Array = (udp.source_port[rows] == port) | (udp.destination_port[rows] == port)
        return at

    flags = head["first"].astype(np.int64) << 8 | head["second"]
    # RFC 3948, section 2.2: four zero bytes mark IKE, a keep-alive has one byte
    counts["ESP in UDP"] = int(np.count_nonzero(on(IPSEC) & (words[rows] != 0) & (size > 8)))
    # RFC 2661, section 3.1: version 2, and the first bit set on control messages only
    counts["L2TP"] = int(np.count_nonzero(on(L2TP) & (flags & 0x800F == 2)))
    counts["OpenVPN"] = int(np.count_nonzero(on(OPENVPN) & np.isin(head["first"] >> 3, OPENVPN_DATA)))


def in_segments(tcp: Payloads, read: Array) -> Counter[str]:
    """Count TURN segments whose data is not read: inside TLS, or of a connection whose start is missing."""
    ports = TCP_PORTS[tcp.source_port] | TCP_PORTS[tcp.destination_port]
    rows = np.flatnonzero(ports & (tcp.seen > 4) & ~read)
    head = tcp.head[rows].view(HEAD)
    channel = int(np.count_nonzero(head["first"] >> 6 == 1))
    secured = int(np.count_nonzero(head["first"] == TLS_APPLICATION_DATA))
    return +Counter({"TURN over TCP": channel, "TURN over TLS": secured})


def cut(packets: Packets, udp: Payloads, tcp: Payloads) -> Counter[str]:
    """Count the messages of each protocol of which the snapshot length left only the beginning."""
    counts: Counter[str] = Counter()
    for each in (udp, tcp):
        rows = np.flatnonzero((each.seen < each.size) & ~packets.fragmented[each.rows])
        if len(rows):
            counts["SIP"] += int(
                np.count_nonzero(begins_like_sip(each.data, each.start[rows], each.seen[rows]))
            )
    rows = np.flatnonzero((udp.seen < udp.size) & (udp.seen >= STUN_COOKIE_END))
    head = udp.head[rows].view(HEAD)
    is_stun = (head["second_word"] == MAGIC_COOKIE) & (head["first"] < DTLS_FIRST.start)
    counts["STUN"] = int(np.count_nonzero(is_stun))
    counts["DTLS"] = int(np.count_nonzero(within(head["first"], DTLS_FIRST) & (head["second"] == DTLS_MAJOR)))
    return +counts


def warnings(unread: Counter[str], beginnings: Counter[str]) -> Iterator[str]:
    """Yield what to say of messages of which only the beginning is there, and of packets not opened."""
    if beginnings:
        yield (
            "only the beginning of some messages was captured, so what they say is not known "
            f"({listed(beginnings)}); capture whole packets: tcpdump -s 0"
        )
    if total := sum(unread.values()):
        packets = "packet" if total == 1 else "packets"
        yield f"{total} {packets} not looked at, in which media may be: {listed(unread)}"
