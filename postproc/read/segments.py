"""SIP messages in TCP segments that tshark passes over.

tshark 4.0 stops at a keep-alive (RFC 5626, section 3.5.1) inside a segment: the
messages after it, and those begun there and ended in the next segment, are not
shown. They stand readable in the segments, so they are taken from there.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from postproc.read.frame import Frame

START = re.compile(rb"^(?:[\w.!%*+`'~-]+ \S[^\r\n]* SIP/2\.0|SIP/2\.0 \d{3}[^\r\n]*)\r\n", re.MULTILINE)
PLAIN_START = re.compile(rb"(?:[\w.!%*+`'~-]+ [!-~]+ SIP/2\.0|SIP/2\.0 \d{3} [ -~]*)\r\n")
LENGTH = re.compile(rb"^(?:content-length|l)[ \t]*:[ \t]*(\d{1,9})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
LONGEST = 1 << 20  # bytes of an unfinished message that are kept

WRAP = 1 << 32
NEWCOMER = 1 << 20  # bytes back: another connection on the same ports, no retransmission

Flow = tuple[str | None, int | None, str | None, int | None]


@dataclass
class Stream:
    """One direction of a connection: the next sequence number, and a message begun."""

    expected: int | None = None
    begun: bytes = b""

    def fresh(self, sequence: int, payload: bytes) -> bytes:
        """What a segment adds to what is begun; nothing if it was sent before (RFC 9293, section 3.4)."""
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
    """The frames, TCP ones with the messages that tshark missed put in their place."""
    streams: dict[Flow, Stream] = {}
    for frame in frames:
        if frame.transport != "tcp" or "tls" in frame.protocols or "websocket" in frame.protocols:
            yield frame
            continue
        flow = (frame.src_addr, frame.src_port, frame.dst_addr, frame.dst_port)
        stream = streams.setdefault(flow, Stream())
        known = [message for message in frame.messages.get("sip", []) if START.match(message)]
        missed, rest = _missed(stream.fresh(int.from_bytes(frame.header[4:8]), _payload(frame)), known)
        stream.begun = rest if len(rest) < LONGEST else b""
        yield replace(frame, messages={**frame.messages, "sip": known + missed}) if missed else frame


def is_message(datagram: bytes) -> bool:
    """Whether a datagram is one whole message and nothing else: tshark could not see it otherwise."""
    return PLAIN_START.match(datagram) is not None and _message(datagram) == datagram


def _payload(frame: Frame) -> bytes:
    at = frame.packet.find(frame.header) if frame.header else -1
    return frame.packet[at + len(frame.header) :] if at >= 0 else b""


def _missed(stream: bytes, known: list[bytes]) -> tuple[list[bytes], bytes]:
    """Whole messages in the stream that are not known, and one begun at its end."""
    missed: list[bytes] = []
    if stream == b"".join(known):
        return missed, b""
    end = 0
    for start in START.finditer(stream):
        if start.start() < end:
            continue
        message = _message(stream[start.start() :])
        if message is None:
            return missed, stream[start.start() :]
        end = start.start() + len(message)
        if not _shown(message, known):
            missed.append(message)
    return missed, b""


def _shown(message: bytes, known: list[bytes]) -> bool:
    return any(message in each for each in known)


def _message(stream: bytes) -> bytes | None:
    """The message at the stream's start (RFC 3261, section 18.3); None while its end is missing."""
    head, gap, body = stream.partition(b"\r\n\r\n")
    if not gap:
        return None
    length = LENGTH.search(head)
    size = int(length[1]) if length else 0
    return stream[: len(head) + len(gap) + size] if len(body) >= size else None
