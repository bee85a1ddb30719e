"""The lanes of STUN, DTLS, media and ICMP."""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import chain, pairwise
from statistics import median
from typing import Any, NamedTuple

import pandas as pd

from postproc.correlate.dtls import FLIGHT
from postproc.correlate.endpoints import Address, Pair, lives, pair_of
from postproc.correlate.ice import halves
from postproc.correlate.rows import NS_PER_MS, NS_PER_S, records
from postproc.correlate.spans import ALWAYS
from postproc.correlate.timeline.events import (
    ERROR,
    NORMAL,
    NOTE,
    WARNING,
    Event,
    milliseconds,
    moments,
    place,
    places,
)
from postproc.model.icmp import meaning

# STUN Binding transactions of a call: the request, and the response.


LONG = 8  # a longer ufrag is shortened: the label of an event must stay readable
TITLES = {"check": "Binding Request", "keepalive": "keep-alive", "discovery": "STUN look-up"}
ENDS = ("src_addr", "src_port", "dst_addr", "dst_port")
NOTHING = (None,) * 5  # time and ends of a response that is not among the messages


class Binding(NamedTuple):
    """A row of bindings with a call."""

    capture: str
    frame: int | None
    time: int | None
    call: int
    leg: int | None
    src_addr: str | None
    src_port: int | None
    dst_addr: str | None
    dst_port: int | None
    purpose: str | None
    username: str | None
    outcome: str | None
    requests: int | None
    response_frame: int | None
    error_code: int | None
    rtt_ms: float | None
    mapped_addr: str | None
    mapped_port: int | None


def stun_events(bindings: pd.DataFrame, stun_messages: pd.DataFrame) -> Iterator[Event]:
    """Yield the request and the deciding response of each transaction with a call."""
    every = map(Binding._make, records(bindings, *Binding._fields))
    attributed = [binding for binding in every if binding.call is not None]
    for binding in attributed:
        if binding.outcome != "response_only":
            severity = WARNING if binding.outcome == "unanswered" else NORMAL
            kind, label = binding.purpose or "check", _request(binding)
            yield Event(*binding[:5], "stun", kind, label, *places(*binding[5:9]), severity)
    on_wire = _on_wire(stun_messages)
    for binding in attributed:
        if binding.response_frame is not None:
            yield _response(binding, on_wire.get((binding.capture, binding.response_frame), NOTHING))


def _on_wire(stun_messages: pd.DataFrame) -> dict[tuple[str, int], tuple[Any, ...]]:
    """Return time and ends of the responses by capture and frame; inside TURN the wire shows other ends."""
    found: dict[tuple[str, int], tuple[Any, ...]] = {}
    for capture, frame, kind, relayed, *wire in records(
        stun_messages, "capture", "frame", "kind", "relayed", "time", *ENDS
    ):
        if kind in ("success", "error") and not relayed:
            found.setdefault((capture, frame), tuple(wire))
    return found


def _response(binding: Binding, wire: tuple[Any, ...]) -> Event:
    """Return the response: time and ends from the message, else computed from the request."""
    lasted = round((binding.rtt_ms or 0) * NS_PER_MS)
    computed = (binding.time and binding.time + lasted, *binding[7:9], *binding[5:7])
    time, *ends = tuple[Any, ...](
        own if seen is None else seen for seen, own in zip(wire, computed, strict=True)
    )
    when = binding.capture, binding.response_frame, time, binding.call, binding.leg
    kind = "success" if binding.error_code is None else "error"
    severity = _severity(binding.error_code, binding.outcome)
    return Event(*when, "stun", kind, _answer(binding), *places(*ends), severity)


def _severity(error_code: int | None, outcome: str | None) -> str:
    if error_code is not None:
        return WARNING
    return NOTE if outcome == "response_only" else NORMAL


def _request(binding: Binding) -> str:
    title = TITLES.get(binding.purpose or "check", "Binding Request")
    pair = halves(binding.username) if binding.purpose == "check" else None
    who = f" {_short(pair[0])}:{_short(pair[1])}" if pair else ""
    count = f", sent {binding.requests} times" if (binding.requests or 0) > 1 else ""
    return f"{title}{who}{count}" + (", unanswered" if binding.outcome == "unanswered" else "")


def _short(ufrag: str) -> str:
    return ufrag if len(ufrag) <= LONG else f"{ufrag[: LONG // 2]}.."


def _answer(binding: Binding) -> str:
    label = "success" if binding.error_code is None else f"error {binding.error_code}"
    if binding.purpose == "discovery" and binding.mapped_addr:
        label = f"mapped {place(binding.mapped_addr, binding.mapped_port)}"
    return label if binding.rtt_ms is None else f"{label}, {milliseconds(binding.rtt_ms)}"


# DTLS handshakes of a call: each ClientHello, completion, alerts.


FAILED = {"client_hello_only", "incomplete"}

Place = tuple[str, Pair]


class Message(NamedTuple):
    """A ClientHello, an alert or anything else of a handshake."""

    time: int
    frame: int
    src: Address
    dst: Address
    type: str | None
    alert: str | None


class Handshake(NamedTuple):
    """A row of dtls with a call."""

    time: int
    call: int
    leg: int | None
    state: str
    completed: int | None
    duration_ms: float | None
    fingerprint_matches: bool | None


def dtls_events(dtls: pd.DataFrame, dtls_messages: pd.DataFrame) -> Iterator[Event]:
    """Yield the events of each handshake with a call."""
    handshakes = _handshakes(dtls)
    messages = _messages(dtls_messages, handshakes)
    for at, shakes in handshakes.items():
        between = messages.get(at, [])
        starts = [bisect_left(between, handshake.time, key=lambda m: m.time) for handshake in shakes]
        for handshake, begin, end in zip(shakes, starts, [*starts[1:], len(between)], strict=True):
            yield from _of_handshake(at[0], handshake, between[begin:end])


def _handshakes(dtls: pd.DataFrame) -> dict[Place, list[Handshake]]:
    """Return the handshakes by place, in time order."""
    ends = records(dtls, "client_addr", "client_port", "server_addr", "server_port", by="time")
    rows = records(dtls, "capture", *Handshake._fields, by="time")
    by_place: dict[Place, list[Handshake]] = {}
    for (capture, *row), end in zip(rows, ends, strict=True):
        if None not in (*end, *row[:2]):
            by_place.setdefault((capture, pair_of(end[:2], end[2:])), []).append(Handshake(*row))
    return by_place


def _messages(
    dtls_messages: pd.DataFrame, handshakes: dict[Place, list[Handshake]]
) -> dict[Place, list[Message]]:
    """Return the messages on the address pairs of handshakes, in time order."""
    names = ("capture", "time", "frame", "handshake_type", "alert", "copy_of", *ENDS)
    by_place: dict[Place, list[Message]] = {}
    for capture, time, frame, kind, alert, copy_of, *end in records(dtls_messages, *names, by="time"):
        if time is None or copy_of is not None or None in end:
            continue
        src, dst = (end[0], end[1]), (end[2], end[3])
        if (at := (capture, pair_of(src, dst))) in handshakes:
            by_place.setdefault(at, []).append(Message(time, frame, src, dst, kind, alert))
    return by_place


def _of_handshake(capture: str, handshake: Handshake, messages: list[Message]) -> Iterator[Event]:
    """Yield the events of one handshake."""
    for kind, message, label, severity in chain(
        _hellos(handshake, messages), _completion(handshake, messages), _alerts(handshake, messages)
    ):
        time = handshake.completed if kind == "complete" else message.time
        when = capture, message.frame, time, handshake.call, handshake.leg
        yield Event(*when, "dtls", kind, label, *places(*message.src, *message.dst), severity)


Entry = tuple[str, Message, str, str]  # kind, message, label, severity


def _hellos(handshake: Handshake, messages: list[Message]) -> Iterator[Entry]:
    severity = WARNING if handshake.state in FAILED else NORMAL
    last: int | None = None
    for message in messages:
        if message.type == "client_hello" and (last is None or message.time - last > FLIGHT):
            yield "client_hello", message, "ClientHello" if last is None else "ClientHello (again)", severity
            last = message.time


def _completion(handshake: Handshake, messages: list[Message]) -> Iterator[Entry]:
    if handshake.completed is None or not messages:
        return
    label, wrong = "DTLS complete", handshake.fingerprint_matches is False
    if handshake.duration_ms is not None:
        label += f", {milliseconds(handshake.duration_ms)}"
    upto = [message for message in messages if message.time <= handshake.completed]
    label += ", certificate does not match SDP" if wrong else ""
    yield "complete", (upto or messages)[-1], label, ERROR if wrong else NORMAL


def _alerts(handshake: Handshake, messages: list[Message]) -> Iterator[Entry]:
    for message in messages:
        if message.alert:
            failed = handshake.state == "alert"
            yield "alert", message, f"alert {message.alert}", ERROR if failed else NORMAL


# RTP streams of a call: start, end, and gaps of more than a second.
#
# The frame of an end is that of the first packet in the stream's last second: the last packet's is not kept.


GAP = NS_PER_S  # the resolution of rtp_seconds: a shorter gap cannot be located
# Share of packets lost above which a stream's end is a warning. A choice: it colours the timeline only, and
# decides no finding.
LOSSY = 0.05


class Stream(NamedTuple):
    """A row of rtp_streams."""

    first_time: int | None
    last_time: int | None
    max_gap_ms: float | None
    codec: str | None
    ssrc: int | None
    secured: bool | None
    packets: int | None
    lost: int | None


class Second(NamedTuple):
    """A row of rtp_seconds; frame and time of its first packet."""

    second: int
    time: int
    frame: int
    packets: int


Row = tuple[Any, ...]  # of rtp_seconds, as in Second


def media_events(rtp_streams: pd.DataFrame, rtp_seconds: pd.DataFrame) -> Iterator[Event]:
    """Yield start, gaps and end of each stream with a call."""
    seconds = _seconds(rtp_seconds)
    ids = records(rtp_streams, "capture", "call", "leg", "stream", "frame", *ENDS)
    rows = map(Stream._make, records(rtp_streams, *Stream._fields))
    for (capture, call, leg, number, frame, *ends), stream in zip(ids, rows, strict=True):
        if call is None:
            continue
        stream_seconds = seconds.get(number, [])
        last = max(stream_seconds)[2] if stream_seconds else frame
        for kind, at, time, label, severity in (
            ("start", frame, stream.first_time, _start(stream), NORMAL),
            *_resumptions(stream, stream_seconds),
            ("end", last, stream.last_time, _end(stream), WARNING if _is_lossy(stream) else NORMAL),
        ):
            yield Event(capture, at, time, call, leg, "media", kind, label, *places(*ends), severity)


def _start(stream: Stream) -> str:
    return (
        f"{stream.codec or 'RTP'} starts, {'SRTP, ' if stream.secured else ''}SSRC 0x{stream.ssrc or 0:08x}"
    )


def _end(stream: Stream) -> str:
    return f"{stream.codec or 'RTP'} ends, {stream.packets or 0} packets, {stream.lost or 0} lost"


def _resumptions(stream: Stream, seconds: list[Row]) -> Iterator[tuple[str, int, int, str, str]]:
    for second, gap in _gaps(seconds, stream.max_gap_ms or 0):
        label = f"{stream.codec or 'RTP'} resumes after {milliseconds(gap / 1e6)}"
        yield "gap", second.frame, second.time, label, WARNING


def _seconds(rtp_seconds: pd.DataFrame) -> dict[int, list[Row]]:
    """Return the seconds in which each stream has packets, as rows: of most streams none is looked at."""
    by_stream: dict[int, list[Row]] = {}
    told = records(rtp_seconds, "stream", "time", "packets")
    for (stream, time, packets), row in zip(told, records(rtp_seconds, *Second._fields), strict=True):
        if stream is not None and time is not None and packets:
            by_stream.setdefault(stream, []).append(row)
    return by_stream


def _gaps(rows: list[Row], longest_ms: float) -> Iterator[tuple[Second, float]]:
    """Yield the second that follows each gap, and the gap's length in ns.

    The first packet after a gap of a second opens a row of rtp_seconds. The time of the packet before
    it is not in the table, and is estimated from the packet rate. ``longest_ms`` is the stream's longest
    gap as measured.
    """
    longest = longest_ms * 1e6
    if longest <= GAP or len(rows) < 2:
        return
    seconds = sorted(map(Second._make, rows))
    spacing = NS_PER_S / median(second.packets for second in seconds)
    gaps = [
        (after, after.time - before.time - (before.packets - 1) * spacing)
        for before, after in pairwise(seconds)
    ]
    widest = max(gap for _, gap in gaps)
    for after, gap in gaps:
        if gap == widest or gap > GAP:
            yield after, longest if gap == widest else min(gap, longest)


def _is_lossy(stream: Stream) -> bool:
    lost = stream.lost or 0
    return lost > LOSSY * ((stream.packets or 0) + lost)


# ICMP errors that answer a call's packets.


def icmp_events(icmp_errors: pd.DataFrame, legs: pd.DataFrame) -> Iterator[Event]:
    """Yield the errors that quote a packet of a call; after the end of its leg they are normal."""
    living = lives(legs)
    told = records(icmp_errors, "copy_of", "reporter", "version", "type", "code", *ENDS)
    for at, (copy_of, reporter, version, kind, code, *src_and_dst) in zip(
        moments(icmp_errors), told, strict=True
    ):
        _, _, time, call, leg = at
        if call is not None and copy_of is None:
            ended = time is not None and time > living.get((call, leg), ALWAYS)[1]
            src, dst = places(*src_and_dst)
            label = f"{meaning(version, kind, code)}: {dst or '?'}"
            yield Event(*at, "icmp", "error", label, reporter, src, NOTE if ended else WARNING)
