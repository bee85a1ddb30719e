"""What the datagrams and segments of a window carry, told by their first bytes.

What has nothing to do with calls: TCP connections without SIP, and QUIC. A connection is kept
whole, both ways and from its first packet, when a segment in it begins like SIP or like SIP in
WebSocket (RFC 7118), or when a port says so. Nothing is remembered but the connections to keep.
STUN and TURN over TCP are put together beside this (read.segments).

What is read directly, without tshark: checks and DTLS on flows of nothing but these and media;
SIP on its own. A Binding message says by itself what it is: its type, the magic cookie, and a
length that is the datagram's (RFC 8489, sections 5 and 6.3; RFC 7983); so do DTLS records (RFC 6347,
section 4.1) and a whole SIP message in a datagram (RFC 3261, section 18.3). What else goes over the
same two ports (TURN, classic STUN, SIP among checks) may change what tshark makes of them: then
tshark sees the whole flow. So it does of DTLS with a certificate in fragments.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from postproc.read import dtls
from postproc.read.arrays import Array, gather, numbers, structure
from postproc.read.container import Interface, Window
from postproc.read.frame import Frame, addresses
from postproc.read.packets import ForTshark, Payloads, flow, mixed, unwrapped
from postproc.read.rtp import MAGIC_COOKIE, RTCP_SECOND, RTP_FIRST, STUN_SIZE, channel_data, within
from postproc.read.sip import is_message
from postproc.read.walk import open_container, windows
from postproc.wire import hep, stun

DTLS_FIRST = range(20, 64)  # bytes (RFC 7983)
BINDINGS = tuple(stun.message_type(stun.Method.BINDING, kind) for kind in stun.Class)

SIP_PORTS = (4900, 4901, 5060, 5061, 5080, 5081)  # XPhone's, those of RFC 3261, FreeSWITCH's second profile
TLS_PORTS = (443, 2230, 2231, 7443, 8089)  # of which the handshakes matter
QUIC_PORT, HEP_PORT = 443, 9060
OLD_HEP = (0x0110, 0x0128, 0x0210, 0x021C, 0x0228, 0x0234)  # version and length of the header (wire.hep)
FIN_SYN_RST = 0x07
FIRST_TLS, APPLICATION_DATA = 20, 23  # TLS content types: those between are of handshakes
HTTP, GRANTED, GET, HEP = (int.from_bytes(text) for text in (b"HTTP/1.1", b" 101", b"GET ", b"HEP3"))
FIRST_BYTES = np.dtype(
    {  # one payload's first bytes, by what they may be
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
LINE_ENDS = 8  # looked past: a ping is two, a pong is one (RFC 5626, section 4.4.1)
SCHEMES = (b"sip:", b"sips:", b"tel:", b"urn:", b"im:", b"pres:")
METHOD_LENGTH = 40  # longest method looked for
TOKEN = np.zeros(256, bool)  # RFC 3261, section 25.1
TOKEN[list(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.!%*_+`'~")] = True
BEGINNING = TOKEN[:, None] & (TOKEN | (np.arange(256) == ord(" ")))  # two bytes of a request, or of HTTP
BEGINNING[OPCODES, :] = BEGINNING[divmod(CRLF, 256)] = True
MAY_BE_TEXT = BEGINNING.ravel()

STUN_HEAD = structure("type >u2, length >u2, cookie >u4, id V8")
# Keys of their own: each may need tshark when the others do not
OF_DTLS, OF_SIP, OF_HEP = np.uint64(1), np.uint64(2), np.uint64(3)
KEEP_ALIVE = 4  # bytes (RFC 5626, section 4.4.1): no message


def note_signalling(connections: ForTshark, segments: Payloads, keys: Array, content: Array) -> None:
    """Remember the connections of which a segment says what they carry."""
    connections.certain.append(np.unique(keys[_carries_signalling(segments)]))
    connections.secured.append(np.unique(keys[content > 0]))


def always_kept(segments: Payloads, content: Array) -> Array:
    """Which segments are kept whatever their connection carries."""
    kept: Array = segments.has_port(SIP_PORTS)
    of_tls = np.flatnonzero(segments.has_port(TLS_PORTS))
    content = content[of_tls]
    handshake = (content > 0) & (content != APPLICATION_DATA)
    kept[of_tls] |= handshake | (segments.flags[of_tls] & FIN_SYN_RST != 0)
    return kept


def quic(datagrams: Payloads) -> Array:
    """Which datagrams are QUIC: on its port, with its first bytes, and no SIP nor TURN (RFC 9443).

    STUN, DTLS and RTP have other first bytes.
    """
    chosen = np.flatnonzero(datagrams.has_port((QUIC_PORT,)) & (datagrams.seen > 0))
    if not len(chosen):
        return np.zeros(len(datagrams.rows), bool)
    start, seen = datagrams.start[chosen], datagrams.seen[chosen]
    first = numbers(datagrams.data, start, "u1")
    possible = ((first >= 64) & (first < 128)) | (first >= 192)
    found = np.zeros(len(datagrams.rows), bool)
    found[chosen] = possible & ~begins_like_sip(datagrams.data, start, seen)
    if found.any():
        found &= ~channel_data(datagrams)[0]
    return found


def begins_like_sip(data: Array, start: Array, seen: Array) -> Array:
    """Which payloads begin with a SIP start line (RFC 3261, section 7), keep-alives before it left out."""
    head = gather(data, start, FIRST_BYTES)
    found = _at_start_line(data, start, seen, head)
    blank = np.flatnonzero(head["type"] == CRLF)
    start, seen = start[blank], seen[blank]
    for _ in range(LINE_ENDS):
        if not len(blank):
            break
        start, seen = start + 2, seen - 2
        head = gather(data, start, FIRST_BYTES)
        found[blank] = _at_start_line(data, start, seen, head)
        more = head["type"] == CRLF
        blank, start, seen = blank[more], start[more], seen[more]
    return found


def _at_start_line(data: Array, start: Array, seen: Array, head: Array) -> Array:
    found: Array = (head["first"] == SIP_VERSION) & (seen >= 8)
    asked = np.flatnonzero(_may_be_method(head) & (seen > 0) & ~found)
    found[asked] = _begins_like_request(data, start[asked], start[asked] + seen[asked])
    return found


def _may_be_method(head: Array) -> Array:
    """Whether the first four bytes are a token, or one as far as a space."""
    letters = np.ascontiguousarray(head).view(np.uint8).reshape(-1, FIRST_BYTES.itemsize)
    may: Array = TOKEN[letters[:, 0]]
    ended = np.zeros(len(may), bool)
    for letter in (letters[:, place] for place in range(1, 4)):
        ended |= letter == ord(" ")
        may &= ended | TOKEN[letter]
    return may


def _begins_like_request(data: Array, start: Array, end: Array) -> Array:
    """A method, one space, and a URI of a scheme that SIP uses."""
    width = METHOD_LENGTH + 8
    heads = gather(data, start, np.dtype(f"V{width}")).view(np.uint8).reshape(-1, width)
    heads[np.arange(width) >= (end - start)[:, None]] = 0
    method = np.argmin(TOKEN[heads], axis=1)
    line = np.arange(len(heads))
    likely = np.flatnonzero((heads[line, method] == ord(" ")) & (method <= METHOD_LENGTH))
    scheme = heads[likely[:, None], method[likely, None] + np.arange(1, 6)] | 0x20  # lower case
    found = np.zeros(len(heads), bool)
    for name in SCHEMES:
        found[likely] |= (scheme[:, : len(name)] == np.frombuffer(name, np.uint8)).all(axis=1)
    return found


def _carries_signalling(segments: Payloads) -> Array:
    head, found = segments.head.view(FIRST_BYTES), np.zeros(len(segments.rows), bool)
    chosen = np.flatnonzero(MAY_BE_TEXT[head["type"]] & (segments.seen > 0))
    data, start, seen = segments.data, segments.start[chosen], segments.seen[chosen]
    head = head[chosen]
    found[chosen] = _sip(data, start, seen, head) | _websocket_upgrade(data, start, seen, head)
    return found


def _sip(data: Array, start: Array, seen: Array, head: Array) -> Array:
    """SIP as it is, or in a frame from a server, which does not mask it (RFC 6455, section 5.2)."""
    framed = np.flatnonzero(np.isin(head["opcode"], OPCODES) & (head["length"] <= 126) & (seen > 4))
    size = np.where(head["length"][framed] == 126, 4, 2)
    both = np.append(start, start[framed] + size), np.append(seen, seen[framed] - size)
    found, inside = np.split(begins_like_sip(data, *both), [len(start)])
    found[framed] |= inside
    return found


def _websocket_upgrade(data: Array, start: Array, seen: Array, head: Array) -> Array:
    """A request to go over to WebSocket, or the answer that grants it (RFC 6455, section 4)."""
    found: Array = (head["first"] == HTTP) & (head["second"] >> 32 == GRANTED) & (seen >= 12)
    for place in np.flatnonzero(head["first"] >> 32 == GET).tolist():
        request = data[start[place] : start[place] + seen[place]].tobytes()
        found[place] = b"websocket" in request.lower()
    return found


def framed_in_tcp(segments: Payloads) -> Array:
    """Which segments begin with STUN (RFC 8489, section 6.2.2), a length and STUN (RFC 4571), or HEP."""
    head = segments.head.view(FIRST_BYTES)
    found: Array = (head["cookie"] == MAGIC_COOKIE) & (head["type"] >> 14 == 0) & (segments.seen >= 8)
    framed = (head["framed_cookie"] == MAGIC_COOKIE) & (head["framed_type"] >> 14 == 0)
    found |= framed & (segments.seen >= 10)
    found |= (head["first"] >> 32 == HEP) & (segments.seen >= 4)
    return found


def tls_content(segments: Payloads) -> Array:
    """The content type of the TLS record that a segment begins with, 0 if it does not."""
    head = segments.head.view(FIRST_BYTES)
    known = (head["content_type"] >= FIRST_TLS) & (head["content_type"] <= APPLICATION_DATA)
    known &= (head["major"] == 3) & (head["minor"] <= 4) & (segments.seen >= 3)
    return np.where(known, head["content_type"], 0)


@dataclass(frozen=True)
class Datagrams:
    """Datagrams by their positions: ``direct`` ones are read without tshark if what ``key`` stands for is."""

    direct: Array
    key: Array
    reports: Array


def is_hep(udp: Payloads) -> Array:
    """Which datagrams are HEP: version 3, or an older one on its port, by the length of its header."""
    found: Array = udp.head.view(FIRST_BYTES)["first"] >> 32 == HEP
    older = np.flatnonzero(udp.has_port((HEP_PORT,)) & ~found)
    found[older] = np.isin(udp.head[older].view(FIRST_BYTES)["type"], OLD_HEP)
    return found


def without_tshark(udp: Payloads, which: Array, flows: ForTshark) -> Datagrams:
    """Tell what is read here among these datagrams, and RTCP; flows of something else are remembered."""
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
    found: Array = np.isin(head["type"], BINDINGS) & (head["cookie"] == MAGIC_COOKIE)
    found &= head["length"] + np.int64(STUN_SIZE) == size
    return found


def _judged(udp: Payloads, which: Array, flags: Array, judge: Callable[[bytes], bool]) -> Array:
    """Which of the datagrams that are flagged are judged so."""
    places = np.flatnonzero(flags)
    start = udp.start[which[places]]
    found = np.zeros(len(which), bool)
    found[places] = [
        judge(udp.data[at:end].tobytes())
        for at, end in zip(start.tolist(), (start + udp.size[which[places]]).tolist(), strict=True)
    ]
    return found


def direct_frames(path: Path, frame_numbers: Array, times: Array) -> Iterator[Frame]:
    """The messages in a file of such datagrams, which are these frames of the capture, at these times."""
    with path.open("rb", buffering=0) as file:
        container, done = open_container(file), 0
        for window in windows(file, container):
            end = done + len(window.start)
            yield from _frames(window, container.interfaces, frame_numbers[done:end], times[done:end])
            done = end


def _frames(
    window: Window, interfaces: list[Interface], frame_numbers: Array, times: Array
) -> Iterator[Frame]:
    found, udp = unwrapped(window, interfaces)
    columns = (
        frame_numbers,
        times,
        window.interface,
        udp.source_port,
        udp.destination_port,
        window.start,
        window.start + window.captured,
        found.network,
        found.transport,
        udp.start,
        udp.start + udp.size,
    )
    data = window.data.tobytes()
    for number, time, interface, source, destination, start, end, ip, transport, payload, payload_end in zip(
        *(column.tolist() for column in columns), strict=True
    ):
        ip_header, message = data[ip:transport], data[payload:payload_end]
        src, dst = addresses(ip_header)
        kind = _kind(message)
        yield Frame(
            number,
            time,
            interface,
            ("ip", "udp", kind),
            src,
            source,
            dst,
            destination,
            "udp",
            ip_header,
            data[transport:payload],
            data[start:end],
            {kind: [message]},
            (kind == "dtls" and dtls.certificates(message)) or (),
        )


def _kind(message: bytes) -> str:
    """The protocol of a datagram that is read here."""
    if message[4:8] != stun.COOKIE and hep.is_hep(message):
        return "hep"
    return "stun" if message[0] < dtls.PLAIN.start else "dtls" if message[0] in dtls.PLAIN else "sip"
