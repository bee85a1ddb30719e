"""What has nothing to do with calls: TCP connections without SIP, and QUIC.

A connection is kept whole, both ways and from its first packet, when a segment
in it begins like SIP, like SIP in WebSocket (RFC 7118) or like STUN over TCP, or
when a port says so. Nothing is remembered but the connections to keep.
"""

import numpy as np

from postproc.read.arrays import Array, gather, numbers
from postproc.read.packets import ForTshark, Payloads
from postproc.read.rtp import channel_data

SIP_PORTS = (4900, 4901, 5060, 5061, 5080, 5081)
TLS_PORTS = (443, 2230, 2231, 7443, 8089)  # of which the handshakes matter
QUIC_PORT = 443
FIN_SYN_RST = 0x07
FIRST_TLS, APPLICATION_DATA = 20, 23  # TLS content types: those between are of handshakes
MAGIC_COOKIE = 0x2112A442
HTTP, GRANTED, GET = (int.from_bytes(text) for text in (b"HTTP/1.1", b" 101", b"GET "))
HEAD = np.dtype({  # one payload's first bytes, by what they may be
    "names": [
        "first", "second", "content_type", "major", "minor", "opcode", "length",
        "type", "cookie", "framed_type", "framed_cookie",
    ],
    "formats": [">u8", ">u8", "u1", "u1", "u1", "u1", "u1", ">u2", ">u4", ">u2", ">u4"],
    "offsets": [0, 8, 0, 1, 2, 0, 1, 0, 4, 2, 6],
    "itemsize": 16,
})  # fmt: skip
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


def note(connections: ForTshark, segments: Payloads, keys: Array, content: Array) -> None:
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
    head = gather(data, start, HEAD)
    found = _at_start_line(data, start, seen, head)
    blank = np.flatnonzero(head["type"] == CRLF)
    start, seen = start[blank], seen[blank]
    for _ in range(LINE_ENDS):
        if not len(blank):
            break
        start, seen = start + 2, seen - 2
        head = gather(data, start, HEAD)
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
    letters = np.ascontiguousarray(head).view(np.uint8).reshape(-1, HEAD.itemsize)
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
    head, found = segments.head.view(HEAD), np.zeros(len(segments.rows), bool)
    may = (
        MAY_BE_TEXT[head["type"]] | (head["cookie"] == MAGIC_COOKIE) | (head["framed_cookie"] == MAGIC_COOKIE)
    )
    chosen = np.flatnonzero(may & (segments.seen > 0))
    data, start, seen = segments.data, segments.start[chosen], segments.seen[chosen]
    head = head[chosen]
    found[chosen] = (
        _sip(data, start, seen, head) | _websocket_upgrade(data, start, seen, head) | _stun(head, seen)
    )
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


def _stun(head: Array, seen: Array) -> Array:
    """STUN as it is (RFC 8489, section 6.2.2), or behind a length as in ICE (RFC 4571, RFC 6544)."""
    bare = (head["cookie"] == MAGIC_COOKIE) & (head["type"] >> 14 == 0) & (seen >= 8)
    found: Array = bare | (head["framed_cookie"] == MAGIC_COOKIE) & (head["framed_type"] >> 14 == 0) & (
        seen >= 10
    )
    return found


def tls_content(segments: Payloads) -> Array:
    """The content type of the TLS record that a segment begins with, 0 if it does not."""
    head = segments.head.view(HEAD)
    known = (head["content_type"] >= FIRST_TLS) & (head["content_type"] <= APPLICATION_DATA)
    known &= (head["major"] == 3) & (head["minor"] <= 4) & (segments.seen >= 3)
    return np.where(known, head["content_type"], 0)
