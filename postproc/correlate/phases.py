"""Phases: a leg's media from one answered offer/answer to the next (RFC 3264, RFC 6337).

A phase begins where an answer takes effect: in a provisional response (early media), in the 2xx of the
INVITE, or in the answer to a re-INVITE, UPDATE or PRACK, even if it changes nothing (a session refresh,
RFC 4028, can still break media). A retransmitted response, the same response on the next hop, and a
refusal begin none.

``client`` in the columns is the leg's far end: the client, or on a leg without one the gateway or other
peer. ``server`` is the near end, the server's. If a leg has no server, the caller is the client.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import pandas as pd

from postproc.correlate.calls import Calls
from postproc.correlate.endpoints import recording_of
from postproc.correlate.openings import EARLY, Leg, Opening, Sections, answered_legs, may_send
from postproc.correlate.parties import PARTIES, End, Side
from postproc.correlate.rows import NS_PER_S, records
from postproc.correlate.spans import LegKey
from postproc.model.audio import describes_audio, proves_audio
from postproc.model.deployment import CLIENT, SERVER
from postproc.model.tables import PHASES, Tables

# Media this long before the first answer is a phase of its own: it came without a description, like a
# ringback tone sent with a bare 180. Sooner, it has merely overtaken the answer: over TCP or TLS the answer
# takes a round trip longer than over UDP, and up to a second longer where a segment is lost (RFC 6298,
# section 2). Shorter, a retransmitted segment makes a false early phase; longer hides short early media.
OVERTAKES = NS_PER_S
STATES = ("none", "alert", "client_hello_only", "incomplete", "complete")  # of a handshake, the best last


class Heard(NamedTuple):
    """Packets of one direction within a second, and the times of its first and last; ns since 1970."""

    first: int
    last: int
    packets: int


class Stream(NamedTuple):
    """A row of rtp_streams with a call."""

    stream: int
    capture: str
    frame: int
    call: int
    leg: int | None
    ssrc: int | None
    src_side: str | None
    direct: bool | None
    media: str | None
    packets: int
    first_time: int
    last_time: int


class Handshake(NamedTuple):
    """A row of dtls with a call."""

    started: int
    state: str
    ends: frozenset[tuple[str | None, int | None]]


Directions = dict[str | None, list[Heard]]  # by the sender's side: server, client (the far end) or None


def phases(tables: Tables, joined: Calls, recordings: "pd.Series[int]") -> pd.DataFrame:
    """Return PHASES of every leg that was answered or has media; streams in ``tables`` have their leg."""
    return PHASES.rows(_of_legs(tables, joined, recordings), by=("call", "leg", "phase"))


def _of_legs(tables: Tables, joined: Calls, recordings: "pd.Series[int]") -> Iterator[dict[str, Any]]:
    numbers = {str(capture): number for capture, number in recordings.items()}
    streams = _streams(tables.rtp_streams)
    seconds = _seconds(tables)
    handshakes = _handshakes(tables.dtls)
    answered = _last_answered(tables.bindings)
    sections = records(tables.sdp_media, "call_id", "media", "port")
    with_audio = {call_id for call_id, media, port in sections if describes_audio(media, port)}
    for leg, openings in answered_legs(tables, joined, numbers):
        key = (leg.call, leg.leg)
        described = leg.call_id in with_audio
        carried = streams.get(key) or _of_other_legs(streams, key)
        once = seen_once((s for s in carried if proves_audio(s.media, described=described)), numbers)
        directions = _directions(once, seconds)
        begun = _with_media_before([*openings], once)
        ended = leg._replace(end_time=leg.end_time or _last_sign(begun, directions, answered.get(key)))
        far = _far_party(leg.call_id, joined.sides)
        yield from _rows(ended, begun, far, directions, handshakes.get(key, []))


def _far_party(call_id: str | None, sides: Mapping[End, Side]) -> str:
    """Return the party at a leg's far end: the client, else the one that is no server, else the caller."""
    uac, uas = (sides.get((call_id or "", party), ("", ""))[0] for party in PARTIES)
    if CLIENT in (uac, uas):
        return "uac" if uac == CLIENT else "uas"
    return "uas" if uac == SERVER != uas else "uac"


# Media of a leg, each packet counted once.


def _streams(rtp_streams: pd.DataFrame) -> dict[LegKey, list[Stream]]:
    by_leg: dict[LegKey, list[Stream]] = {}
    for counted_in, *row in records(rtp_streams, "counted_in", *Stream._fields):
        stream = Stream(*row)
        needed = (stream.call, stream.packets, stream.first_time, stream.last_time)
        if counted_in is None and None not in needed:
            by_leg.setdefault((stream.call, stream.leg), []).append(stream)
    return by_leg


def _of_other_legs(streams: Mapping[LegKey, list[Stream]], key: LegKey) -> list[Stream]:
    """Return the call's media that bypasses the server: it is this leg's too, from its other end."""
    return [
        stream._replace(src_side=CLIENT if stream.src_side == SERVER else SERVER)
        for (call, _), leg_streams in streams.items()
        for stream in leg_streams
        if call == key[0] and stream.direct
    ]


def seen_once(streams: Iterable[Stream], numbers: Mapping[str, int]) -> list[Stream]:
    """Drop streams that show the same packets again: at another vantage point, or beyond a relay.

    Of the recordings of an SSRC the one with most packets counts, since their clocks may differ and time
    alone does not identify duplicates. Within a recording, consecutive streams of one SSRC add up.
    """
    by_ssrc: dict[tuple[str | None, int | None], list[Stream]] = {}
    for stream in streams:
        by_ssrc.setdefault((stream.src_side, stream.ssrc), []).append(stream)
    return [stream for views in by_ssrc.values() for stream in _fullest(views, numbers)]


def _fullest(views: list[Stream], numbers: Mapping[str, int]) -> list[Stream]:
    by_recording: dict[int | str, list[Stream]] = {}
    for stream in sorted(views, key=lambda view: -view.packets):
        chosen = by_recording.setdefault(recording_of(numbers, stream.capture), [])
        if stream.src_side is None or not any(_at_once(stream, other) for other in chosen):
            chosen.append(stream)
    return max(by_recording.values(), key=lambda chosen: sum(stream.packets for stream in chosen))


def _at_once(one: Stream, other: Stream) -> bool:
    return one.first_time <= other.last_time and other.first_time <= one.last_time


def _seconds(tables: Tables) -> dict[int, list[Heard]]:
    by_stream: dict[int, list[Heard]] = {}
    for stream, first, last, packets in records(tables.rtp_seconds, "stream", "time", "last_time", "packets"):
        if first is not None and packets:
            by_stream.setdefault(stream, []).append(Heard(first, first if last is None else last, packets))
    return by_stream


def _directions(streams: Iterable[Stream], seconds: Mapping[int, list[Heard]]) -> Directions:
    by_sender: Directions = {}
    for stream in streams:
        sender = stream.src_side if stream.src_side in (None, SERVER) else CLIENT
        whole = [Heard(stream.first_time, stream.last_time, stream.packets)]
        by_sender.setdefault(sender, []).extend(seconds.get(stream.stream, whole))
    return {sender: sorted(heard) for sender, heard in by_sender.items()}


def _with_media_before(openings: list[Opening], streams: Sequence[Stream]) -> list[Opening]:
    """Add a phase of early media where media came more than OVERTAKES before the first opening."""
    if not streams:
        return openings
    first = min(streams, key=lambda stream: stream.first_time)
    if openings and first.first_time >= openings[0].time - OVERTAKES:
        return openings
    return [Opening(first.first_time, first.capture, first.frame, EARLY, None, {}), *openings]


# Rows of PHASES.


def _rows(
    leg: Leg, openings: Sequence[Opening], far: str, directions: Directions, handshakes: Sequence[Handshake]
) -> Iterator[dict[str, Any]]:
    if not openings:
        return
    near = PARTIES[1 - PARTIES.index(far)]
    starts = [opening.time for opening in openings]
    bounds = [*pairwise([*starts, max(leg.end_time or 0, starts[-1])])]
    dtls: str | None = None
    for number, (opening, (start, stop)) in enumerate(zip(openings, bounds, strict=True), 1):
        span = _span(number, len(openings), start, stop)
        offered = opening.offer.time if opening.offer else span[0]  # ICE and DTLS need not await the answer
        dtls = _dtls(handshakes, (min(offered, span[0]), span[1])) or dtls
        local, remote = (_media_address(opening.agreement.get(party, ())) for party in (near, far))
        yield {
            "capture": opening.capture,
            "frame": opening.frame,
            "time": opening.time,
            "call": leg.call,
            "leg": leg.leg,
            "phase": number,
            "kind": opening.kind,
            "started": start,
            "ended": stop,
            "opened_by": opening.offer.frame if opening.offer else opening.frame,
            "may_send_client": may_send(opening.agreement, far, near),
            "may_send_server": may_send(opening.agreement, near, far),
            "local_addr": local[0],
            "local_port": local[1],
            "remote_addr": remote[0],
            "remote_port": remote[1],
            **_direction("client", directions.get(CLIENT, ()), span, start, stop),
            **_direction("server", directions.get(SERVER, ()), span, start, stop),
            "packets_undirected": sum(part.packets for part in _within(directions.get(None, ()), span)),
            "dtls": dtls,
        }


def _last_sign(openings: Iterable[Opening], heard: Directions, answered: int | None) -> int | None:
    """Return the last sign of life of a leg whose end was not captured: answer, media or answered check."""
    signs = [opening.time for opening in openings] + [packets[-1].last for packets in heard.values()]
    return max([*signs, *([] if answered is None else [answered])], default=None)


def _last_answered(bindings: pd.DataFrame) -> dict[LegKey, int]:
    """Return per leg when its last answered check was sent; consent (RFC 7675) outlives the media."""
    last: dict[LegKey, int] = {}
    for call, leg, time, outcome, purpose in records(bindings, "call", "leg", "time", "outcome", "purpose"):
        if outcome == "success" and purpose == "check" and None not in (call, time):
            last[call, leg] = max(time, last.get((call, leg), time))
    return last


def _span(number: int, of: int, start: int, stop: int) -> tuple[float, float]:
    """Widen a phase: packets of the first may overtake its answer, those of the last outlast the BYE."""
    before = OVERTAKES if number == 1 else 0
    return start - before, (stop + OVERTAKES if number == of else stop)


def _media_address(sections: Sections) -> tuple[str | None, int | None]:
    section = next((s for s in sections if s.media == "audio"), sections[0] if sections else None)
    return (section.addr, section.port) if section else (None, None)


def _direction(
    name: str, heard: Sequence[Heard], span: tuple[float, float], start: int, stop: int
) -> dict[str, Any]:
    """Return the columns of one direction: packets, first, last and silence from ``name``."""
    received = [*_within(heard, span)]
    return {
        f"packets_from_{name}": sum(part.packets for part in received),
        f"first_from_{name}": min((part.first for part in received), default=None),
        f"last_from_{name}": max((part.last for part in received), default=None),
        f"silence_from_{name}_s": _longest_silence(received, start, stop) / NS_PER_S,
    }


def _within(heard: Iterable[Heard], span: tuple[float, float]) -> Iterator[Heard]:
    """Yield the packets in a span of time; a second cut by its bounds contributes in proportion to time."""
    start, stop = span
    for part in heard:
        if part.first >= stop:
            return  # they are in order of time
        if part.last < start:
            continue
        if start <= part.first and part.last < stop:
            yield part
            continue
        first, last = max(part.first, int(start)), min(part.last, int(stop))
        before, upto = (_share(part, moment) for moment in (first, last))
        upto = part.packets if last == part.last else upto
        if upto > before:
            yield Heard(first, last, upto - before)


def _share(part: Heard, moment: int) -> int:
    """Return how many packets came before a moment if they were evenly spaced."""
    length = part.last - part.first
    return round(part.packets * (moment - part.first) / length) if length else 0


def _longest_silence(heard: Iterable[Heard], start: int, stop: int) -> int:
    longest, quiet_since = 0, start
    for part in sorted(heard):
        longest = max(longest, part.first - quiet_since)
        quiet_since = max(quiet_since, part.last)
    return max(longest, stop - quiet_since)


def _handshakes(dtls: pd.DataFrame) -> dict[LegKey, list[Handshake]]:
    by_leg: dict[LegKey, list[Handshake]] = {}
    rows = records(dtls, "call", "leg", "started", "state")
    ends = records(dtls, "client_addr", "client_port", "server_addr", "server_port")
    for (call, leg, started, state), end in zip(rows, ends, strict=True):
        if call is not None and started is not None and state is not None:
            shake = Handshake(started, state, frozenset((end[:2], end[2:])))
            by_leg.setdefault((call, leg), []).append(shake)
    return by_leg


def _dtls(handshakes: Iterable[Handshake], span: tuple[float, float]) -> str | None:
    """Return the best state among the last handshake on each 5-tuple begun in the span; None without any."""
    latest: dict[frozenset[tuple[str | None, int | None]], Handshake] = {}
    for handshake in sorted(handshakes):
        if span[0] <= handshake.started < span[1]:
            latest[handshake.ends] = handshake
    return max((handshake.state for handshake in latest.values()), key=STATES.index, default=None)
