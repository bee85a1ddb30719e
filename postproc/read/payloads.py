"""Classify the datagrams and segments of a window by their first bytes.

Irrelevant to calls are TCP connections without SIP, and QUIC. A connection is kept whole, in both
directions and from its first packet, if a segment in it begins like SIP or like SIP in WebSocket (RFC
7118), or by its port. Only the connections to keep are remembered. STUN and TURN over TCP are reassembled
elsewhere (read.segments), SIP over TCP that is plain is read directly (read.direct).

Read directly, without tshark, are checks and DTLS on flows that carry only these and media, and SIP by
itself. A Binding message is recognised by its type, the magic cookie, and a length equal to the datagram's
(RFC 8489, sections 5 and 6.3; RFC 7983); likewise DTLS records (RFC 6347, section 4.1) and a whole SIP
message in a datagram (RFC 3261, section 18.3). Other traffic on the same two ports (TURN, classic STUN, SIP
among checks) may change how tshark dissects them, so tshark then gets the whole flow. It also gets DTLS
with a fragmented certificate.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from postproc.read import dtls
from postproc.read.arrays import Array, gather, numbers, structure
from postproc.read.packets import ForTshark, Payloads, flow, mixed
from postproc.read.rtp import MAGIC_COOKIE, RTCP_SECOND, RTP_FIRST, STUN_SIZE, channel_data, within
from postproc.read.sip import is_message
from postproc.wire import stun

DTLS_FIRST = range(20, 64)  # bytes (RFC 7983)
BINDINGS = tuple(stun.message_type(stun.Method.BINDING, kind) for kind in stun.Class)

SIP_PORTS = (4900, 4901, 5060, 5061, 5080, 5081)  # XPhone's, those of RFC 3261, FreeSWITCH's second profile
TLS_PORTS = (443, 2230, 2231, 7443, 8089)  # whose handshakes are kept: web, XPhone's, SIP over WebSocket
QUIC_PORT, HEP_PORT = 443, 9060
OLD_HEP = (0x0110, 0x0128, 0x0210, 0x021C, 0x0228, 0x0234)  # version and length of the header (wire.hep)
FIN_SYN_RST = 0x07
FIRST_TLS, APPLICATION_DATA = 20, 23  # TLS content types: those between are of handshakes
HTTP, GRANTED, GET, HEP = (int.from_bytes(text) for text in (b"HTTP/1.1", b" 101", b"GET ", b"HEP3"))
FIRST_BYTES = np.dtype(
    {  # a payload's first bytes under all readings
        "names": [
            "first",
            "second",
            "content_type",
            "major",
            "minor",
            "opcode",
            "length",
            "type",
            "cookie",
            "framed_type",
            "framed_cookie",
        ],
        "formats": [">u8", ">u8", "u1", "u1", "u1", "u1", "u1", ">u2", ">u4", ">u2", ">u4"],
        "offsets": [0, 8, 0, 1, 2, 0, 1, 0, 4, 2, 6],
        "itemsize": 16,
    }
)
SIP_VERSION = int.from_bytes(b"SIP/2.0 ")
CRLF = 0x0D0A
OPCODES = (0x81, 0x82)  # of WebSocket: whole text or binary messages
LINE_ENDS = 8  # CRLFs skipped before a message: a ping is two, a pong is one (RFC 5626, section 4.4.1)
SCHEMES = (b"sip:", b"sips:", b"tel:", b"urn:", b"im:", b"pres:")
METHOD_LENGTH = 40  # longest method recognised; bounds the work
TOKEN = np.zeros(256, bool)  # RFC 3261, section 25.1
TOKEN[list(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.!%*_+`'~")] = True
BEGINNING = TOKEN[:, None] & (TOKEN | (np.arange(256) == ord(" ")))  # two bytes of a request, or of HTTP
BEGINNING[OPCODES, :] = BEGINNING[divmod(CRLF, 256)] = True
MAY_BE_TEXT = BEGINNING.ravel()

STUN_HEAD = structure("type >u2, length >u2, cookie >u4, id V8")
# Each has a key of its own, as each may need tshark when the others do not.
OF_DTLS, OF_SIP, OF_HEP = np.uint64(1), np.uint64(2), np.uint64(3)
KEEP_ALIVE = 4  # bytes (RFC 5626, section 4.4.1): no message


def note_signalling(connections: ForTshark, segments: Payloads, keys: Array, content: Array) -> None:
    """Record the connections with a segment of signalling, and those with TLS."""
    connections.certain.append(np.unique(keys[_carries_signalling(segments)]))
    connections.secured.append(np.unique(keys[content > 0]))


def always_kept(segments: Payloads, content: Array) -> Array:
    """Return which segments are kept whatever their connection carries."""
    always: Array = segments.has_port(SIP_PORTS)
    of_tls = np.flatnonzero(segments.has_port(TLS_PORTS))
    content = content[of_tls]
    handshake = (content > 0) & (content != APPLICATION_DATA)
    always[of_tls] |= handshake | (segments.flags[of_tls] & FIN_SYN_RST != 0)
    return always


def quic(datagrams: Payloads) -> Array:
    """Return which datagrams are QUIC: on its port, with its first bytes, neither SIP nor TURN (RFC 9443).

    STUN, DTLS and RTP have other first bytes.
    """
    chosen = np.flatnonzero(datagrams.has_port((QUIC_PORT,)) & (datagrams.seen > 0))
    if not len(chosen):
        return np.zeros(len(datagrams.rows), bool)
    start, captured = datagrams.start[chosen], datagrams.seen[chosen]
    first = numbers(datagrams.data, start, "u1")
    possible = ((first >= 64) & (first < 128)) | (first >= 192)
    is_quic = np.zeros(len(datagrams.rows), bool)
    is_quic[chosen] = possible & ~begins_like_sip(datagrams.data, start, captured)
    if is_quic.any():
        is_quic &= ~channel_data(datagrams)[0]
    return is_quic


def begins_like_sip(data: Array, start: Array, seen: Array) -> Array:
    """Return which payloads begin with a SIP start line (RFC 3261, section 7), after any keep-alives."""
    head = gather(data, start, FIRST_BYTES)
    is_sip = _at_start_line(data, start, seen, head)
    blank = np.flatnonzero(head["type"] == CRLF)
    start, seen = start[blank], seen[blank]
    for _ in range(LINE_ENDS):
        if not len(blank):
            break
        start, seen = start + 2, seen - 2
        head = gather(data, start, FIRST_BYTES)
        is_sip[blank] = _at_start_line(data, start, seen, head)
        more = head["type"] == CRLF
        blank, start, seen = blank[more], start[more], seen[more]
    return is_sip


def _at_start_line(data: Array, start: Array, seen: Array, head: Array) -> Array:
    at_start: Array = (head["first"] == SIP_VERSION) & (seen >= 8)
    possible = np.flatnonzero(_may_be_method(head) & (seen > 0) & ~at_start)
    at_start[possible] = _begins_like_request(data, start[possible], start[possible] + seen[possible])
    return at_start


def _may_be_method(head: Array) -> Array:
    """Return whether the first four bytes, or those before a space, are a token."""
    letters = np.ascontiguousarray(head).view(np.uint8).reshape(-1, FIRST_BYTES.itemsize)
    may: Array = TOKEN[letters[:, 0]]
    ended = np.zeros(len(may), bool)
    for letter in (letters[:, place] for place in range(1, 4)):
        ended |= letter == ord(" ")
        may &= ended | TOKEN[letter]
    return may


def _begins_like_request(data: Array, start: Array, end: Array) -> Array:
    """Return which payloads begin with a method, one space, and a URI of a scheme in SCHEMES."""
    width = METHOD_LENGTH + 8
    heads = gather(data, start, np.dtype(f"V{width}")).view(np.uint8).reshape(-1, width)
    heads[np.arange(width) >= (end - start)[:, None]] = 0
    method = np.argmin(TOKEN[heads], axis=1)
    line = np.arange(len(heads))
    likely = np.flatnonzero((heads[line, method] == ord(" ")) & (method <= METHOD_LENGTH))
    scheme = heads[likely[:, None], method[likely, None] + np.arange(1, 6)] | 0x20  # lower case
    is_request = np.zeros(len(heads), bool)
    for name in SCHEMES:
        is_request[likely] |= (scheme[:, : len(name)] == np.frombuffer(name, np.uint8)).all(axis=1)
    return is_request


def _carries_signalling(segments: Payloads) -> Array:
    head, carries = segments.head.view(FIRST_BYTES), np.zeros(len(segments.rows), bool)
    chosen = np.flatnonzero(MAY_BE_TEXT[head["type"]] & (segments.seen > 0))
    data, start, seen = segments.data, segments.start[chosen], segments.seen[chosen]
    head = head[chosen]
    carries[chosen] = _sip(data, start, seen, head) | _websocket_upgrade(data, start, seen, head)
    return carries


def _sip(data: Array, start: Array, seen: Array, head: Array) -> Array:
    """Return which are plain SIP, or SIP in a server's unmasked WebSocket frame (RFC 6455, section 5.2)."""
    framed = np.flatnonzero(np.isin(head["opcode"], OPCODES) & (head["length"] <= 126) & (seen > 4))
    size = np.where(head["length"][framed] == 126, 4, 2)
    both = np.append(start, start[framed] + size), np.append(seen, seen[framed] - size)
    plain, inside = np.split(begins_like_sip(data, *both), [len(start)])
    plain[framed] |= inside
    return plain


def _websocket_upgrade(data: Array, start: Array, seen: Array, head: Array) -> Array:
    """Return which are requests to upgrade to WebSocket, or responses that grant it (RFC 6455, section 4)."""
    upgrades: Array = (head["first"] == HTTP) & (head["second"] >> 32 == GRANTED) & (seen >= 12)
    for place in np.flatnonzero(head["first"] >> 32 == GET).tolist():
        request = data[start[place] : start[place] + seen[place]].tobytes()
        upgrades[place] = b"websocket" in request.lower()
    return upgrades


def framed_in_tcp(segments: Payloads) -> Array:
    """Return which segments begin with STUN (RFC 8489, 6.2.2), a length and STUN (RFC 4571), or HEP."""
    head = segments.head.view(FIRST_BYTES)
    begins: Array = (head["cookie"] == MAGIC_COOKIE) & (head["type"] >> 14 == 0) & (segments.seen >= 8)
    framed = (head["framed_cookie"] == MAGIC_COOKIE) & (head["framed_type"] >> 14 == 0)
    begins |= framed & (segments.seen >= 10)
    begins |= (head["first"] >> 32 == HEP) & (segments.seen >= 4)
    return begins


def tls_content(segments: Payloads) -> Array:
    """Return the content type of the TLS record at the start of each segment, 0 if there is none."""
    head = segments.head.view(FIRST_BYTES)
    is_tls = (head["content_type"] >= FIRST_TLS) & (head["content_type"] <= APPLICATION_DATA)
    is_tls &= (head["major"] == 3) & (head["minor"] <= 4) & (segments.seen >= 3)
    return np.where(is_tls, head["content_type"], 0)


class Datagrams(NamedTuple):
    """Positions of datagrams: ``direct`` ones are read without tshark unless tshark needs their ``key``."""

    direct: Array
    key: Array
    reports: Array


def is_hep(udp: Payloads) -> Array:
    """Return which datagrams are HEP: version 3, or an older one, by port and header length."""
    matches: Array = udp.head.view(FIRST_BYTES)["first"] >> 32 == HEP
    older = np.flatnonzero(udp.has_port((HEP_PORT,)) & ~matches)
    matches[older] = np.isin(udp.head[older].view(FIRST_BYTES)["type"], OLD_HEP)
    return matches


def without_tshark(udp: Payloads, which: Array, flows: ForTshark) -> Datagrams:
    """Return what among these datagrams is read directly, and RTCP; record flows that need tshark."""
    first, second = (numbers(udp.data, udp.start[which] + place, "u1") for place in range(2))
    size, filled = udp.size[which], udp.seen[which] >= 2
    whole = udp.seen[which] == size
    check = whole & _is_check(udp.head[which].view(STUN_HEAD), size)
    secure, media = filled & within(first, DTLS_FIRST), filled & within(first, RTP_FIRST)
    handshake = _judged(udp, which, secure & whole, lambda message: dtls.certificates(message) is not None)
    copy = whole & is_hep(udp)[which]
    starts = begins_like_sip(udp.data, udp.start[which], udp.seen[which])
    message = _judged(udp, which, starts & whole, is_message)
    key = flow(udp.source[which], udp.destination[which])
    of_dtls, of_sip = mixed(key + OF_DTLS), mixed(key + OF_SIP)
    unclear = ~(check | secure | media | copy)
    flows.certain += [
        np.unique(key[unclear]),
        np.unique(of_dtls[unclear | secure & ~handshake]),
        np.unique(of_sip[~(message | copy) & (size > KEEP_ALIVE)]),
    ]
    flows.secured.append(np.unique(of_dtls[handshake]))
    direct = check | handshake | message | copy
    key = np.where(message, of_sip, np.where(check, key, of_dtls))
    key[copy] = mixed(key[copy] + OF_HEP)
    return Datagrams(which[direct], key[direct], which[media & within(second, RTCP_SECOND)])


def _is_check(head: Array, size: Array) -> Array:
    checks: Array = np.isin(head["type"], BINDINGS) & (head["cookie"] == MAGIC_COOKIE)
    checks &= head["length"] + np.int64(STUN_SIZE) == size
    return checks


def _judged(udp: Payloads, which: Array, flags: Array, judge: Callable[[bytes], bool]) -> Array:
    """Return which of the flagged datagrams ``judge`` accepts."""
    places = np.flatnonzero(flags)
    start = udp.start[which[places]]
    accepted = np.zeros(len(which), bool)
    accepted[places] = [
        judge(udp.data[at:end].tobytes())
        for at, end in zip(start.tolist(), (start + udp.size[which[places]]).tolist(), strict=True)
    ]
    return accepted
