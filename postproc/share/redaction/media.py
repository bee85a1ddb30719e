"""Redact RTP, RTCP (RFC 3550) and fax: proven media keeps headers and reports, never its payload.

The first byte proves nothing: it is also that of one DNS query in four. A stream is proven by consecutive
sequence numbers under one SSRC, or by a session description that names an end and its payload types, or by
connectivity checks between the two ends.
"""

import struct
from dataclasses import dataclass

from postproc.share.redaction.dtls import Flow
from postproc.share.redaction.sdp import Sessions

RTCP_TYPES = range(192, 224)
SENDER, RECEIVER, BYE, FEEDBACK = 200, 201, 203, (205, 206)
REPORT_BLOCK, REPORT_HEADER, FEEDBACK_HEADER = 24, 8, 12
HEADER = 12
FAX_HEADER = 3  # number and length of the first part (ITU-T T.38, section 9.1)
EXTENSIONS = (b"\xbe\xde", b"\x10\0")  # RFC 8285, section 4
FOLLOWING = 3  # the largest step between consecutive sequence numbers, as in postproc.read.media
NEEDED = 2  # such steps prove a stream; a choice: with 1, random payloads pass more often
CROWD = 250_000  # unproven streams at a time, 200 bytes each; beyond it, all start over

Source = tuple[Flow, int]  # flow and SSRC


def looks_like_rtp(payload: bytes) -> bool:
    """Whether the first byte is 128 to 191 (RFC 7983): necessary, but no proof."""
    return len(payload) >= REPORT_HEADER and payload[0] >> 6 == 2


@dataclass(slots=True)
class _Tried:
    """A stream not proven yet: its last sequence number and timestamp, and its consecutive steps."""

    sequence: int
    timestamp: int
    steps: int = 0


class Media:
    """Learn which flows of a capture carry media, and redact their packets."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._tried: dict[Source, _Tried] = {}
        self._streams: set[Source] = set()
        self._flows: set[Flow] = set()
        self._checked: set[Flow] = set()

    def note(self, flow: Flow, payload: bytes) -> None:
        """Learn from a packet that may be RTP."""
        if len(payload) < HEADER or payload[1] in RTCP_TYPES:
            return
        _, sequence, timestamp, ssrc = struct.unpack_from(">HHII", payload)
        source = flow, ssrc
        if source in self._streams:
            return
        tried = self._tried.get(source)
        if tried is None:
            if len(self._tried) >= CROWD:
                self._tried.clear()
            self._tried[source] = _Tried(sequence, timestamp)
            return
        follows = 0 < (sequence - tried.sequence & 0xFFFF) <= FOLLOWING
        advances = (timestamp - tried.timestamp & 0xFFFFFFFF) < 1 << 31
        tried.steps += follows and advances
        tried.sequence, tried.timestamp = sequence, timestamp
        if tried.steps >= NEEDED:
            self._streams.add(source)
            self._flows.add(flow)
            del self._tried[source]

    def note_check(self, flow: Flow) -> None:
        """Learn that the two ends exchange connectivity checks: they have a session."""
        self._checked |= {flow, _back(flow)}

    def packet(self, flow: Flow, payload: bytes) -> bytes | None:
        """Return the packet, whole or truncated, without its content; None if it is not proven media."""
        if payload[1] in RTCP_TYPES:
            return _rtcp(payload) if self._is_media(flow) else None
        if len(payload) < HEADER or not self._is_stream(flow, payload):
            return None
        return _rtp(payload)

    def fax(self, flow: Flow, payload: bytes) -> bytes | None:
        """Return a packet between ends of fax with its number and first length only (UDPTL); else None."""
        ends = (flow[0], flow[1]), (flow[2], flow[3])
        if not any(map(self._sessions.is_fax, ends)):
            return None
        return payload[:FAX_HEADER].ljust(len(payload), b"\0")

    def _is_stream(self, flow: Flow, payload: bytes) -> bool:
        kind = payload[1] & 127
        return (flow, int.from_bytes(payload[8:12])) in self._streams or kind in self._payload_types(flow)

    def _payload_types(self, flow: Flow) -> set[int]:
        """Return the payload types that session descriptions name for a flow."""
        if flow in self._checked:
            return self._sessions.payload_types
        source, destination = (flow[0], flow[1]), (flow[2], flow[3])
        return self._sessions.payload_types_at(source) | self._sessions.payload_types_at(destination)

    def _is_media(self, flow: Flow) -> bool:
        """Whether a flow carries media, or RTCP for media on the next lower ports (RFC 3550, section 11)."""
        below = flow[0], flow[1] - 1, flow[2], flow[3] - 1
        sides = (flow, _back(flow), below, _back(below))
        return any(each in self._flows for each in sides) or bool(
            self._payload_types(flow) or self._payload_types(below)
        )


def _back(flow: Flow) -> Flow:
    return flow[2], flow[3], flow[0], flow[1]


def _rtp(payload: bytes) -> bytes:
    """Keep the fixed header and the header of an extension; zero CSRCs and the extension's content."""
    end = min(HEADER + 4 * (payload[0] & 15), len(payload))
    extension = payload[end : end + 4] if payload[0] & 0x10 else b""
    new = payload[:HEADER] + bytes(end - HEADER)
    if len(extension) == 4:
        new += (extension[:2] if extension[:2] in EXTENSIONS else bytes(2)) + extension[2:]
    padding = payload[-1:] if payload[0] & 0x20 and len(payload) > len(new) else b""
    return new + bytes(len(payload) - len(new) - len(padding)) + padding


def _rtcp(payload: bytes) -> bytes:
    """Redact a compound packet whose parts all fit; of an encrypted one keep the first eight bytes."""
    at, new = 0, b""
    while at + REPORT_HEADER <= len(payload) and payload[at] >> 6 == 2:
        size = 4 + 4 * struct.unpack_from(">H", payload, at + 2)[0]
        if at + size > len(payload):
            break
        new += _report(payload[at : at + size])
        at += size
    if at != len(payload):
        return payload[:REPORT_HEADER] + bytes(len(payload) - REPORT_HEADER)
    return new


def _report(part: bytes) -> bytes:
    kind, count = part[1], part[0] & 31
    size = {SENDER: 28 + count * REPORT_BLOCK, RECEIVER: 8 + count * REPORT_BLOCK, BYE: 4 + 4 * count}.get(
        kind, FEEDBACK_HEADER if kind in FEEDBACK else REPORT_HEADER
    )
    size = min(size, len(part))
    return part[:size] + bytes(len(part) - size)
