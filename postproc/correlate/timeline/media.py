"""The lanes of STUN, DTLS, media and ICMP."""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import chain, pairwise, starmap
from statistics import median
from typing import NamedTuple

import pandas as pd

from postproc.correlate.dtls import FLIGHT
from postproc.correlate.endpoints import ALWAYS, Address, LegKey, Pair, Time, lives, pair_of
from postproc.correlate.ice import halves
from postproc.correlate.rows import NS_PER_S, column, records
from postproc.correlate.timeline.events import (
    ERROR,
    NORMAL,
    NOTE,
    WARNING,
    Event,
    milliseconds,
    of_calls,
    of_rows,
    place,
    places,
    table,
)
from postproc.model.icmp import meaning

# STUN Binding transactions of a call: the request, and the response.


LONG = 8  # a longer ufrag is shortened: the label of an event must stay readable
TITLES = {"check": "Binding Request", "keepalive": "keep-alive", "discovery": "STUN look-up"}
ENDS = ["src_addr", "src_port", "dst_addr", "dst_port"]


def stun_events(bindings: pd.DataFrame, stun_messages: pd.DataFrame) -> pd.DataFrame:
    """Return the request and the deciding response of each transaction with a call."""
    attributed = bindings[bindings["call"].notna()]
    requests = _requests(attributed[(attributed["outcome"] != "response_only").fillna(True)])
    return pd.concat([requests, _responses(_responses_on_wire(attributed, stun_messages))], ignore_index=True)


def _requests(bindings: pd.DataFrame) -> pd.DataFrame:
    return of_rows(
        "stun",
        bindings,
        kind=bindings["purpose"].fillna("check").array,
        label=[_request(*row) for row in records(bindings, "purpose", "username", "requests", "outcome")],
        src=places(bindings, "src"),
        dst=places(bindings, "dst"),
        severity=[WARNING if outcome == "unanswered" else NORMAL for outcome in column(bindings["outcome"])],
    )


def _responses_on_wire(bindings: pd.DataFrame, stun_messages: pd.DataFrame) -> pd.DataFrame:
    """Return the responses: time and ends from the message, else computed from the request."""
    answered = bindings[bindings["response_frame"].notna()]
    answered = answered.assign(
        frame=answered["response_frame"],
        time=answered["time"] + pd.to_timedelta(answered["rtt_ms"].fillna(0).astype(float), unit="ms"),
        **dict(zip(ENDS, (answered[end].array for end in (*ENDS[2:], *ENDS[:2])), strict=True)),
    )
    # Inside TURN the wire shows other ends.
    plain = ~stun_messages["relayed"].fillna(value=False).astype(bool)
    responses = stun_messages[stun_messages["kind"].isin(["success", "error"]) & plain]
    on_wire = responses[["capture", "frame", "time", *ENDS]].drop_duplicates(["capture", "frame"])
    both = answered.merge(on_wire, how="left", on=["capture", "frame"], suffixes=("", "_wire"))
    wire = {name: both[f"{name}_wire"].fillna(both[name]) for name in ("time", *ENDS)}
    return both.assign(**wire)


def _responses(answered: pd.DataFrame) -> pd.DataFrame:
    names = ("purpose", "error_code", "rtt_ms", "mapped_addr", "mapped_port")
    return of_rows(
        "stun",
        answered,
        kind=["success" if code is None else "error" for code in column(answered["error_code"])],
        label=[_response(*row) for row in records(answered, *names)],
        src=places(answered, "src"),
        dst=places(answered, "dst"),
        severity=[_severity(*row) for row in records(answered, "error_code", "outcome")],
    )


def _severity(error_code: int | None, outcome: str | None) -> str:
    if error_code is not None:
        return WARNING
    return NOTE if outcome == "response_only" else NORMAL


def _request(purpose: str | None, username: str | None, requests: int | None, outcome: str | None) -> str:
    title = TITLES.get(purpose or "check", "Binding Request")
    pair = halves(username) if purpose == "check" else None
    who = f" {_short(pair[0])}:{_short(pair[1])}" if pair else ""
    count = f", sent {requests} times" if (requests or 0) > 1 else ""
    return f"{title}{who}{count}" + (", unanswered" if outcome == "unanswered" else "")


def _short(ufrag: str) -> str:
    return ufrag if len(ufrag) <= LONG else f"{ufrag[: LONG // 2]}.."


def _response(
    purpose: str | None,
    error_code: int | None,
    rtt_ms: float | None,
    mapped_addr: str | None,
    mapped_port: int | None,
) -> str:
    label = "success" if error_code is None else f"error {error_code}"
    if purpose == "discovery" and mapped_addr:
        label = f"mapped {place(mapped_addr, mapped_port)}"
    return label if rtt_ms is None else f"{label}, {milliseconds(rtt_ms)}"


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


def dtls_events(dtls: pd.DataFrame, dtls_messages: pd.DataFrame) -> pd.DataFrame:
    """Return the events of each handshake with a call."""
    handshakes = _handshakes(dtls)
    return table("dtls", _dtls_events(handshakes, _messages(dtls_messages, handshakes)))


def _dtls_events(
    handshakes: dict[Place, list[Handshake]], messages: dict[Place, list[Message]]
) -> Iterator[Event]:
    for at, shakes in handshakes.items():
        between = messages.get(at, [])
        starts = [bisect_left(between, handshake.time, key=lambda m: m.time) for handshake in shakes]
        for handshake, begin, end in zip(shakes, starts, [*starts[1:], len(between)], strict=True):
            yield from _of_handshake(at[0], handshake, between[begin:end])


def _handshakes(dtls: pd.DataFrame) -> dict[Place, list[Handshake]]:
    """Return the handshakes by place, in time order."""
    attributed = dtls[dtls["call"].notna()].sort_values("time", kind="stable")
    ends = records(attributed, "client_addr", "client_port", "server_addr", "server_port")
    rows = records(attributed, "capture", *Handshake._fields)
    by_place: dict[Place, list[Handshake]] = {}
    for (capture, *row), end in zip(rows, ends, strict=True):
        if None not in end and row[0] is not None:
            by_place.setdefault((capture, pair_of(end[:2], end[2:])), []).append(Handshake(*row))
    return by_place


def _messages(
    dtls_messages: pd.DataFrame, handshakes: dict[Place, list[Handshake]]
) -> dict[Place, list[Message]]:
    """Return the messages on the address pairs of handshakes, in time order."""
    ordered = dtls_messages[dtls_messages["copy_of"].isna()].sort_values("time", kind="stable")
    ends = records(ordered, "src_addr", "src_port", "dst_addr", "dst_port")
    rows = records(ordered, "capture", "time", "frame", "handshake_type", "alert")
    by_place: dict[Place, list[Message]] = {}
    for (capture, time, frame, kind, alert), end in zip(rows, ends, strict=True):
        if time is None or None in end:
            continue
        src, dst = end[:2], end[2:]
        if (at := (capture, pair_of(src, dst))) in handshakes:
            by_place.setdefault(at, []).append(Message(time, frame, src, dst, kind, alert))
    return by_place


def _of_handshake(capture: str, handshake: Handshake, messages: list[Message]) -> Iterator[Event]:
    """Yield the events of one handshake."""
    for kind, message, label, severity in chain(
        _hellos(handshake, messages), _completion(handshake, messages), _alerts(handshake, messages)
    ):
        time = handshake.completed if kind == "complete" else message.time
        ends = place(*message.src), place(*message.dst)
        yield Event(capture, message.frame, time, handshake.call, handshake.leg, kind, label, *ends, severity)


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

    time: int
    frame: int
    packets: int


def media_events(rtp_streams: pd.DataFrame, rtp_seconds: pd.DataFrame) -> pd.DataFrame:
    """Return start, gaps and end of each stream with a call."""
    return table("media", _media_events(rtp_streams[rtp_streams["call"].notna()], _seconds(rtp_seconds)))


def _media_events(rtp_streams: pd.DataFrame, seconds: dict[int, list[Second]]) -> Iterator[Event]:
    ids = records(rtp_streams, "capture", "call", "leg", "stream", "frame")
    rows = map(Stream._make, records(rtp_streams, *Stream._fields))
    ends = zip(places(rtp_streams, "src"), places(rtp_streams, "dst"), strict=True)
    for (capture, call, leg, number, frame), stream, end in zip(ids, rows, ends, strict=True):
        stream_seconds = seconds.get(number, [])
        last = stream_seconds[-1].frame if stream_seconds else frame
        for kind, at, time, label, severity in (
            ("start", frame, stream.first_time, _start(stream), NORMAL),
            *_resumptions(stream, stream_seconds),
            ("end", last, stream.last_time, _end(stream), WARNING if _is_lossy(stream) else NORMAL),
        ):
            yield Event(capture, at, time, call, leg, kind, label, *end, severity)


def _start(stream: Stream) -> str:
    return (
        f"{stream.codec or 'RTP'} starts, {'SRTP, ' if stream.secured else ''}SSRC 0x{stream.ssrc or 0:08x}"
    )


def _end(stream: Stream) -> str:
    return f"{stream.codec or 'RTP'} ends, {stream.packets or 0} packets, {stream.lost or 0} lost"


def _resumptions(stream: Stream, seconds: list[Second]) -> Iterator[tuple[str, int, int, str, str]]:
    for second, gap in _gaps(seconds, stream.max_gap_ms or 0):
        label = f"{stream.codec or 'RTP'} resumes after {milliseconds(gap / 1e6)}"
        yield "gap", second.frame, second.time, label, WARNING


def _seconds(rtp_seconds: pd.DataFrame) -> dict[int, list[Second]]:
    """Return the seconds in which each stream has packets, in order."""
    by_stream: dict[int, list[Second]] = {}
    for stream, time, frame, packets in records(
        rtp_seconds.sort_values(["stream", "second"]), "stream", "time", "frame", "packets"
    ):
        if stream is not None and time is not None and packets:
            by_stream.setdefault(stream, []).append(Second(time, frame, packets))
    return by_stream


def _gaps(seconds: list[Second], longest_ms: float) -> Iterator[tuple[Second, float]]:
    """Yield the second that follows each gap, and the gap's length in ns.

    The first packet after a gap of a second opens a row of rtp_seconds. The time of the packet before
    it is not in the table, and is estimated from the packet rate. ``longest_ms`` is the stream's longest
    gap as measured.
    """
    longest = longest_ms * 1e6
    if longest <= GAP or len(seconds) < 2:
        return
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


def icmp_events(icmp_errors: pd.DataFrame, legs: pd.DataFrame) -> pd.DataFrame:
    """Return the errors that quote a packet of a call; after the end of its leg they are normal."""
    return table("icmp", _icmp_events(of_calls(icmp_errors), lives(legs)))


def _icmp_events(icmp_errors: pd.DataFrame, living: dict[LegKey, tuple[Time, Time]]) -> Iterator[Event]:
    ends = zip(places(icmp_errors, "src"), places(icmp_errors, "dst"), strict=True)
    ids = records(icmp_errors, "capture", "frame", "time", "call", "leg", "reporter")
    meanings = starmap(meaning, records(icmp_errors, "version", "type", "code"))
    for (capture, frame, time, call, leg, reporter), error, (src, dst) in zip(
        ids, meanings, ends, strict=True
    ):
        ended = time is not None and time > living.get((call, leg), ALWAYS)[1]
        label, severity = f"{error}: {dst or '?'}", NOTE if ended else WARNING
        yield Event(capture, frame, time, call, leg, "error", label, reporter, src, severity)
