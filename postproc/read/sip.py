"""Make rows of sip_messages and sip_headers from SIP messages (RFC 3261) that tshark delimited.

Over TCP, tshark 4.0 stops at a keep-alive (RFC 5626, section 3.5.1) inside a segment: it shows neither the
messages after it nor one that begins there and ends in the next segment. ``completed`` takes them from the
segments.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, NamedTuple

from postproc.model import constants
from postproc.read.frame import Frame
from postproc.wire import MalformedError, ip, number
from postproc.wire import sip as wire
from postproc.wire.transport import UDP_HEADER

LONG_FORMS = constants.table("sip.compact_forms")
# Headers that may show which legs belong together, besides all X- headers.
JOINING = frozenset(constants.words("sip.joining_headers"))
NAME_ADDR = re.compile(r'\s*(?:"(?:[^"\\]|\\.)*"|[^<"]*)\s*<([^>]*)>(.*)', re.DOTALL)
TAG = re.compile(r";\s*tag\s*=\s*([^;,\s]+)", re.IGNORECASE)
ALGORITHM = re.compile(r"\balgorithm\s*=\s*\"?([A-Za-z0-9-]{1,20})", re.IGNORECASE)
STALE = re.compile(r"\bstale\s*=\s*\"?true\b", re.IGNORECASE)
HANGUP_CAUSE = re.compile(r"\d{1,3}", re.ASCII)
BRANCH = re.compile(r";\s*branch\s*=\s*([^;,\s]+)", re.IGNORECASE)
CSEQ = re.compile(r"(\d{1,10})\s+(\S+)")
LARGEST_CSEQ = 2**32 - 1  # RFC 3261, section 8.1.1.5, allows half of it; some stacks use more
SECONDS = re.compile(r"\s*(\d{1,10})\s*(?:;|$)")
LONGEST_S = 2**32 - 1  # of an Expires (section 20.19)
REFRESHER = re.compile(r";\s*refresher\s*=\s*(uac|uas)\b", re.IGNORECASE)
EXPIRES = re.compile(r";\s*expires\s*=\s*\"?(\d{1,10})\b", re.IGNORECASE)
IN_BRACKETS = re.compile(r"<([^>]*)>")
STATUSES = (699, 100)  # the last and the first: section 7.2
START_LINE = re.compile(rb"^(?:[\w.!%*+`'~-]+ \S[^\r\n]* SIP/2\.0|SIP/2\.0 \d{3}[^\r\n]*)\r\n", re.MULTILINE)
WHOLE_START_LINE = re.compile(rb"(?:[\w.!%*+`'~-]+ [!-~]+ SIP/2\.0|SIP/2\.0 \d{3} [ -~]*)\r\n")

TRICKLE = "application/trickle-ice-sdpfrag"
NO_PLAIN_SIP = frozenset({"tls", "websocket", "stun", "dtls", "hep"})  # beside TCP

FRAGMENTED = 0x3FFF  # of IPv4's flags and offset: more follow, or it is not the first
MOST_WAITING = 1000  # first fragments held for their others; bounds memory
LONGEST_UNFINISHED = 1 << 20  # bytes held of an unfinished message; bounds memory

WRAP = 1 << 32
NEWCOMER = 1 << 20  # bytes; a sequence number this far back is another connection, no retransmission

Flow = tuple[str | None, int | None, str | None, int | None]


class SipMessage(NamedTuple):
    """A parsed message: start line, headers in order (long lower-case names), body."""

    start: str
    headers: list[tuple[str, str]]
    body: bytes
    firsts: dict[str, str]  # first value of each header
    size: int = 0  # bytes

    def first(self, name: str) -> str | None:
        return self.firsts.get(name)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]


def parse(message: bytes) -> SipMessage | None:
    """Parse a message; None if it does not begin like SIP (a keep-alive, a continuation)."""
    try:
        parsed = wire.parse(_whole_lines(message))
    except MalformedError:
        return None
    headers = [
        (LONG_FORMS.get(name.lower(), name.lower()), _written(value)) for name, value in parsed.headers
    ]
    return SipMessage(_written(parsed.start), headers, parsed.body, dict(reversed(headers)), len(message))


def _whole_lines(message: bytes) -> bytes:
    """Return a message without the last line of a head that was cut off: half a Call-ID is another one."""
    if wire.END_OF_HEAD.search(message):
        return message
    return message[: message.rfind(b"\n") + 1] or message


def _written(text: str) -> str:
    """Replace bytes that are not UTF-8, since tables hold Unicode."""
    return text if text.isascii() else text.encode(errors="surrogateescape").decode(errors="replace")


def message_row(frame: Frame, sip: SipMessage, *, has_sdp: bool) -> dict[str, Any]:
    """One row of sip_messages."""
    cseq, cseq_method = _cseq(sip.first("cseq"))
    from_uri, from_tag = _party(sip.first("from"))
    to_uri, to_tag = _party(sip.first("to"))
    return (
        _start(sip.start)
        | {
            "frame": frame.number,
            "time": frame.time,
            "call_id": sip.first("call-id"),
            "src_addr": frame.src_addr,
            "src_port": frame.src_port,
            "dst_addr": frame.dst_addr,
            "dst_port": frame.dst_port,
            "transport": _transport(frame),
            "cseq": cseq,
            "cseq_method": cseq_method,
            "branch": _first_group(BRANCH, (sip.first("via") or "").split(",")[0]),
            "from_uri": from_uri,
            "from_tag": from_tag,
            "to_uri": to_uri,
            "to_tag": to_tag,
            "user_agent": sip.first("user-agent") or sip.first("server"),
            "contact": _party(sip.first("contact"))[0],
            "reason_header": _reason(sip),
            "warning": ", ".join(sip.all("warning")) or None if "warning" in sip.firsts else None,
            "has_sdp": has_sdp,
            "sdp_lost": not (has_sdp or frame.cut_short or sip.body) and _is_sdp(sip),
            "size": sip.size,
            "cut_short": frame.cut_short,
            "authorized": "authorization" in sip.firsts or "proxy-authorization" in sip.firsts,
        }
        | _of_dialog(sip)
    )


def _reason(sip: SipMessage) -> str | None:
    """Return the Reason headers (RFC 3326), else the Q.850 cause in Asterisk's own header."""
    if "reason" in sip.firsts:
        return ", ".join(sip.all("reason")) or None
    code = HANGUP_CAUSE.fullmatch(sip.first("x-asterisk-hangupcausecode") or "")
    return f"Q.850;cause={code[0]} (X-Asterisk-HangupCauseCode)" if code else None


def _of_dialog(sip: SipMessage) -> dict[str, Any]:
    """Return the columns on routing, session timers and transfer of a dialog (RFC 3261, 4028, 3515)."""
    route, session = sip.all("record-route"), sip.first("session-expires")
    at_contact = EXPIRES.search(sip.first("contact") or "")
    expires = sip.first("expires") or sip.first("min-expires")
    return {
        "record_route": ", ".join(IN_BRACKETS.findall(", ".join(route))) or None,
        "session_expires": _number(session),
        "refresher": (_first_group(REFRESHER, session or "") or "").lower() or None,
        "min_se": _number(sip.first("min-se")),
        "rseq": _number(sip.first("rseq")),
        "refer_to": _party(sip.first("refer-to"))[0],
        "fragment_status": _fragment_status(sip),
        "dtmf": _signals_key(sip),
        "expires": _number(at_contact[1] if at_contact else expires),
        "challenge": _challenge(sip),
    }


def _challenge(sip: SipMessage) -> str | None:
    """Return the algorithms of a challenge, and stale where it says so (RFC 7616, section 3.3)."""
    asked = [*sip.all("www-authenticate"), *sip.all("proxy-authenticate")]
    if not asked:
        return None
    chosen = [(_first_group(ALGORITHM, each) or "MD5").upper() for each in asked]
    stale = any(STALE.search(each) for each in asked)
    return ",".join(dict.fromkeys([*chosen, *(["stale"] if stale else [])]))


def _number(value: str | None) -> int | None:
    match = SECONDS.match(value or "")
    return number(match[1], LONGEST_S) if match else None


# Cisco's type, and the one that most servers accept; neither is in an RFC.
KEY_TYPES = frozenset({"application/dtmf-relay", "application/dtmf"})


def _fragment_status(sip: SipMessage) -> int | None:
    """Return the status that a NOTIFY reports on the request of a REFER (RFC 3515, section 2.4.5)."""
    if not (sip.first("content-type") or "").lower().startswith("message/sipfrag"):
        return None
    line = sip.body.lstrip().split(b"\n", 1)[0].strip().decode(errors="replace")
    match = wire.STATUS_LINE.fullmatch(line)
    return number(match[1], *STATUSES) if match else None


def _signals_key(sip: SipMessage) -> bool | None:
    """Return whether an INFO signals a pressed key; the key is not read, as it may be part of a PIN."""
    if not sip.start.startswith("INFO "):
        return None
    return (sip.first("content-type") or "").lower().split(";")[0].strip() in KEY_TYPES


def header_rows(frame: Frame, sip: SipMessage) -> Iterator[dict[str, Any]]:
    """Yield rows of sip_headers of an INVITE; other requests open no legs."""
    if not sip.start.startswith("INVITE "):
        return
    key = {"frame": frame.number, "time": frame.time, "call_id": sip.first("call-id"), "method": "INVITE"}
    for name, value in sip.headers:
        if value and (name in JOINING or name.startswith("x-")):
            yield key | {"name": name, "value": value}


def description(sip: SipMessage) -> str | None:
    """Return the session description in the body, alone or in a multipart (RFC 5621); None without one."""
    kind = (sip.first("content-type") or "").lower()
    if not sip.body.strip():
        return None
    if kind.startswith("multipart/"):
        return _part(sip)
    if _is_sdp(sip) or (not kind and sip.body.startswith(b"v=0")):
        return sip.body.decode(errors="replace")
    return None


def _is_sdp(sip: SipMessage) -> bool:
    return (sip.first("content-type") or "").lower().startswith("application/sdp")


def trickled(sip: SipMessage) -> str | None:
    """Return the fragment of a session description in an INFO, which has candidates (RFC 8840, section 9)."""
    kind = (sip.first("content-type") or "").lower()
    if kind.startswith("multipart/"):
        return _part(sip, TRICKLE)
    return sip.body.decode(errors="replace") if kind.startswith(TRICKLE) else None


def _part(sip: SipMessage, kind: str = "application/sdp") -> str | None:
    head = f"Content-Type: {sip.first('content-type')}\r\n\r\n".encode()
    from email.parser import BytesParser  # noqa: PLC0415  (few messages have several parts)

    whole = BytesParser().parsebytes(head + sip.body)
    parts = [part for part in whole.walk() if part.get_content_type() == kind]
    payload = parts[0].get_payload(decode=True) if parts else None
    return payload.decode(errors="replace") if isinstance(payload, bytes) else None


def _start(line: str) -> dict[str, Any]:
    if status := wire.STATUS_LINE.fullmatch(line):
        return {"status": number(status[1], *STATUSES), "reason": status[2] or None}
    request = wire.REQUEST_LINE.fullmatch(line)
    return {"method": request[1], "request_uri": request[2]} if request else {}


def _party(value: str | None) -> tuple[str | None, str | None]:
    """Return URI and tag of a From, To or Contact value (RFC 3261, section 20.10)."""
    if not value:
        return None, None
    if match := NAME_ADDR.match(value):
        return match[1].strip() or None, _first_group(TAG, match[2])
    uri, semicolon, parameters = value.partition(";")
    return uri.strip() or None, _first_group(TAG, semicolon + parameters)


def _cseq(value: str | None) -> tuple[int | None, str | None]:
    match = CSEQ.match(value or "")
    if not match:
        return None, None
    return number(match[1], LARGEST_CSEQ), match[2]


def _first_group(pattern: re.Pattern[str], text: str) -> str | None:
    match = pattern.search(text)
    return match[1] if match else None


def _transport(frame: Frame) -> str | None:
    secure = "tls" in frame.protocols
    if "websocket" in frame.protocols:
        return "wss" if secure else "ws"
    return "tls" if secure else frame.transport


@dataclass
class TcpStream:
    """One direction of a connection: the next sequence number, and a message begun, with its first frame."""

    expected: int | None = None
    begun: bytes = b""
    frame: Frame | None = None

    def keep(self, rest: bytes, stream: bytes, frame: Frame) -> None:
        """Keep the unfinished message at the end of the stream that ends in this frame."""
        if not self.begun or rest != stream:
            self.frame = frame
        self.begun = rest if len(rest) < LONGEST_UNFINISHED else b""

    def fresh(self, sequence: int, payload: bytes) -> bytes:
        """Return the unfinished message continued by a segment; empty for a repetition (RFC 9293, 3.4)."""
        end = (sequence + len(payload)) % WRAP
        ahead = 0 if self.expected is None else (sequence - self.expected + WRAP // 2) % WRAP - WRAP // 2
        if -NEWCOMER < ahead < 0:
            payload = payload[-ahead:]
        elif ahead:
            self.begun = b""
        if not payload:
            return b""
        self.expected = end
        return self.begun + payload


def completed(frames: Iterable[Frame]) -> Iterator[Frame]:
    """Yield the frames, TCP ones with the messages added that tshark missed.

    At the end come those that begin a message whose end never came: its Content-Length is wrong, or a segment
    of it is missing.
    """
    streams: dict[Flow, TcpStream] = {}
    for frame in frames:
        if frame.transport != "tcp" or not NO_PLAIN_SIP.isdisjoint(frame.protocols):
            yield frame
            continue
        flow = (frame.src_addr, frame.src_port, frame.dst_addr, frame.dst_port)
        stream = streams.setdefault(flow, TcpStream())
        shown = [message for message in frame.messages.get("sip", []) if START_LINE.match(message)]
        content = stream.fresh(int.from_bytes(frame.header[4:8]), _payload(frame))
        missed, rest = _missed(content, shown)
        if content:
            stream.keep(rest, content, frame)
        yield replace(frame, messages={**frame.messages, "sip": shown + missed}) if missed else frame
    for stream in streams.values():
        if stream.frame and b"\r\n\r\n" in stream.begun:
            yield replace(stream.frame, messages={"sip": [stream.begun]}, cut_short=True)


def headed(frames: Iterable[Frame], warnings: list[str]) -> Iterator[Frame]:
    """Yield the frames, and at the end those with the first fragment of an incomplete message, as its head.

    What a limit drops is reported in ``warnings``.
    """
    waiting: dict[bytes, list[Frame]] = {}  # several if captured twice, or the sender sets no id
    left_out = 0
    for frame in frames:
        packet = _fragment(frame)
        if packet is None or packet.fragment is None or packet.protocol != ip.UDP:
            yield frame
        elif frame.transport is not None:  # tshark reassembled the datagram here
            waiting.pop(packet.fragment.datagram, None)
            yield frame
        elif head := _head(packet):
            if sum(map(len, waiting.values())) < MOST_WAITING:
                waiting.setdefault(packet.fragment.datagram, []).append(replace(frame, **head))
            else:
                left_out += 1
    yield from chain.from_iterable(waiting.values())
    if left_out:
        warnings.append(f"{left_out} first fragments of SIP messages left out")


def _fragment(frame: Frame) -> ip.Packet | None:
    """Return the packet of a frame with an IP fragment, None for others."""
    flags = int.from_bytes(frame.ip[6:8]) if len(frame.ip) >= ip.HEADER4 and frame.ip[0] >> 4 == 4 else 0
    if not flags & FRAGMENTED and "ipv6.fraghdr" not in frame.protocols:
        return None
    try:
        return ip.parse(frame.packet[frame.packet.find(frame.ip) :])
    except MalformedError:
        return None


def _head(packet: ip.Packet) -> dict[str, Any] | None:
    """Return the frame's fields for the message that begins in this first fragment; None if there is none."""
    header, content = packet.payload[:UDP_HEADER], packet.payload[UDP_HEADER:]
    if (packet.fragment and packet.fragment.offset) or not START_LINE.match(content):
        return None
    lines = content.partition(b"\r\n\r\n")[0]
    head = content[: content.rfind(b"\r\n", 0, len(lines) + 4)] + b"\r\n\r\n"
    ports = (int.from_bytes(header[at : at + 2]) for at in (0, 2))
    return {"transport": "udp", "header": header, "messages": {"sip": [head]}, "cut_short": True} | dict(
        zip(("src_port", "dst_port"), ports, strict=True)
    )


def is_message(datagram: bytes) -> bool:
    """Return whether a datagram is exactly one whole message, which tshark would not read differently."""
    return WHOLE_START_LINE.match(datagram) is not None and _message(datagram) == datagram


def _payload(frame: Frame) -> bytes:
    at = frame.packet.find(frame.header) if frame.header else -1
    return frame.packet[at + len(frame.header) :] if at >= 0 else b""


def _missed(stream: bytes, shown: list[bytes]) -> tuple[list[bytes], bytes]:
    """Return the whole messages in the stream that tshark missed, and an unfinished one at its end."""
    missed: list[bytes] = []
    if stream == b"".join(shown):
        return missed, b""
    end = 0
    for start in START_LINE.finditer(stream):
        if start.start() < end:
            continue
        message = _message(stream[start.start() :])
        if message is None:
            return missed, stream[start.start() :]
        end = start.start() + len(message)
        if not _shown(message, shown):
            missed.append(message)
    return missed, b""


def _shown(message: bytes, shown: list[bytes]) -> bool:
    return any(message in each for each in shown)


def _message(stream: bytes) -> bytes | None:
    """Return the message at the stream's start (RFC 3261, section 18.3); None while it is unfinished."""
    head, gap, body = stream.partition(b"\r\n\r\n")
    if not gap:
        return None
    length = wire.LENGTH.search(head)
    size = int(length[1]) if length else 0
    return stream[: len(head) + len(gap) + size] if len(body) >= size else None
