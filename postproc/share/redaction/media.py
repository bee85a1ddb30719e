"""RTP and RTCP (RFC 3550): what is media by proof keeps its header and reports, never what is said or shown.
The first byte proves nothing: it is that of every 64th DNS query, too. A stream proves itself by its
numbers, which follow each other under one SSRC; a session by naming an end and its payload types, or by
checks between the two ends.
"""

import struct
from dataclasses import dataclass

from postproc.share.redaction.dtls import Flow
from postproc.share.redaction.sdp import Sessions

RTCP_TYPES = range(192, 224)
SENDER, RECEIVER, BYE, FEEDBACK = 200, 201, 203, (205, 206)
REPORT_BLOCK, REPORT_HEADER, FEEDBACK_HEADER = 24, 8, 12
HEADER = 12
EXTENSIONS = (b"\xbe\xde", b"\x10\0")  # RFC 8285, section 4
FOLLOWING = 3  # as far apart may numbers be that follow each other; as in postproc.read.media
NEEDED = 2  # such steps make a stream
CROWD = 250_000  # streams tried at once, at 200 bytes each: with more, all begin anew

Source = tuple[Flow, int]  # flow and SSRC


def looks_like_rtp(payload: bytes) -> bool:
    """First byte 128 to 191 (RFC 7983): necessary, no proof."""
    return len(payload) >= REPORT_HEADER and payload[0] >> 6 == 2


@dataclass(slots=True)
class _Tried:
    """A stream that has not proved itself yet: its last number, its time and its steps."""

    sequence: int
    timestamp: int
    steps: int = 0


class Media:
    """Which flows of a capture carry media, and what their packets become."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._tried: dict[Source, _Tried] = {}
        self._streams: set[Source] = set()
        self._flows: set[Flow] = set()
        self._checked: set[Flow] = set()

    def note(self, flow: Flow, payload: bytes) -> None:
        """Learn a packet that may be RTP."""
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
        """Learn that the two ends check their connectivity: they have a session."""
        self._checked |= {flow, _back(flow)}

    def packet(self, flow: Flow, payload: bytes) -> bytes | None:
        """A packet, whole or cut, without its content; None where nothing proves that it is one."""
        if payload[1] in RTCP_TYPES:
            return _rtcp(payload) if self._is_media(flow) else None
        if len(payload) < HEADER or not self._is_stream(flow, payload):
            return None
        return _rtp(payload)

    def _is_stream(self, flow: Flow, payload: bytes) -> bool:
        kind = payload[1] & 127
        return (flow, int.from_bytes(payload[8:12])) in self._streams or kind in self._told(flow)

    def _told(self, flow: Flow) -> set[int]:
        """The payload types that sessions name for a flow."""
        if flow in self._checked:
            return self._sessions.payload_types
        source, destination = (flow[0], flow[1]), (flow[2], flow[3])
        return self._sessions.payload_types_at(source) | self._sessions.payload_types_at(destination)

    def _is_media(self, flow: Flow) -> bool:
        """Whether a flow carries media, or the reports of one on the ports below (RFC 3550, section 11)."""
        below = flow[0], flow[1] - 1, flow[2], flow[3] - 1
        sides = (flow, _back(flow), below, _back(below))
        return any(each in self._flows for each in sides) or bool(self._told(flow) or self._told(below))


def _back(flow: Flow) -> Flow:
    return flow[2], flow[3], flow[0], flow[1]


def _rtp(payload: bytes) -> bytes:
    """The fixed header; contributors are null, and so is what an extension holds: not its own header."""
    end = min(HEADER + 4 * (payload[0] & 15), len(payload))
    extension = payload[end : end + 4] if payload[0] & 0x10 else b""
    new = payload[:HEADER] + bytes(end - HEADER)
    if len(extension) == 4:
        new += (extension[:2] if extension[:2] in EXTENSIONS else bytes(2)) + extension[2:]
    padding = payload[-1:] if payload[0] & 0x20 and len(payload) > len(new) else b""
    return new + bytes(len(payload) - len(new) - len(padding)) + padding


def _rtcp(payload: bytes) -> bytes:
    """A compound packet of which all parts fit; of one that is encrypted the first eight bytes."""
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
    kept = {SENDER: 28 + count * REPORT_BLOCK, RECEIVER: 8 + count * REPORT_BLOCK, BYE: 4 + 4 * count}.get(
        kind, FEEDBACK_HEADER if kind in FEEDBACK else REPORT_HEADER
    )
    kept = min(kept, len(part))
    return part[:kept] + bytes(len(part) - kept)
