"""Phases: a leg's media from one answered offer/answer to the next (RFC 3264, RFC 6337).

A phase begins where an answer takes effect: in a provisional response (early media), in the 2xx of the
INVITE, in the answer to a re-INVITE, UPDATE or PRACK, though it change nothing (a session refresh, RFC 4028,
may break media all the same). A response sent again or seen on the next hop begins none, nor a refusal.

``client`` in the columns is the far end of the leg: the client, on a leg without one the gateway or
whoever is there. ``server`` is the near end, the server's. If a leg has no server, the caller is the client.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import pandas as pd

from postproc.correlate.calls import Calls
from postproc.correlate.endpoints import LegKey, recording_of
from postproc.correlate.openings import EARLY, Leg, Opening, Sections, answered_legs, may_send
from postproc.correlate.parties import PARTIES, End, Side
from postproc.correlate.rows import NS_PER_S, records, timestamp
from postproc.model.deployment import CLIENT, SERVER
from postproc.model.tables import PHASES, Tables, counting

# Media this long before the first answer is a phase of its own: it came without a description, like a
# ringing tone sent with a bare 180. Below, it has overtaken the answer: over TCP or TLS that takes a round
# trip more than UDP, and up to a second where a segment is lost (RFC 6298, section 2).
OVERTAKES = NS_PER_S
STATES = ("none", "alert", "client_hello_only", "incomplete", "complete")  # of a handshake, the best last


class Heard(NamedTuple):
    """Packets of a direction within a second, and the first and last of them; ns since 1970."""

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


def phases(tables: Tables, found: Calls, recordings: "pd.Series[int]") -> pd.DataFrame:
    """Return PHASES of every leg that was answered or has media; ``tables`` has streams tied to legs."""
    numbers = {str(capture): number for capture, number in recordings.items()}
    streams = _streams(counting(tables.rtp_streams))
    seconds = _seconds(tables)
    handshakes = _handshakes(tables.dtls)
    answered = _last_answered(tables.bindings)
    rows: list[dict[str, Any]] = []
    for leg, openings in answered_legs(tables, found, numbers):
        key = (leg.call, leg.leg)
        carried = _audio(streams.get(key) or _of_other_legs(streams, key), openings)
        once = seen_once(carried, numbers)
        heard = _directions(once, seconds)
        begun = _with_media_before([*openings], once)
        ended = leg._replace(end_time=leg.end_time or _last_sign(begun, heard, answered.get(key)))
        far = _far_party(leg.call_id, found.sides)
        rows += _rows(ended, begun, far, heard, handshakes.get(key, []))
    return PHASES.rows(sorted(rows, key=lambda row: (row["call"], row["leg"] or 0, row["phase"])))


def _far_party(call_id: str | None, sides: Mapping[End, Side]) -> str:
    """Return who of a leg is the far end: the client, else who is no server, else the caller."""
    uac, uas = (sides.get((call_id or "", party), ("", ""))[0] for party in PARTIES)
    if CLIENT in (uac, uas):
        return "uac" if uac == CLIENT else "uas"
    return "uas" if uac == SERVER != uas else "uac"


# Media of a leg, each packet once.


def _streams(rtp_streams: pd.DataFrame) -> dict[LegKey, list[Stream]]:
    held: dict[LegKey, list[Stream]] = {}
    for row in records(rtp_streams[rtp_streams["call"].notna()], *Stream._fields):
        if None not in row[-3:]:
            stream = Stream(*row)
            held.setdefault((stream.call, stream.leg), []).append(stream)
    return held


def _audio(streams: list[Stream], openings: Iterable[Opening]) -> list[Stream]:
    """Leave video out where audio is described: a picture that comes is no sound that does."""
    spoken = any(
        s.media == "audio" and s.port for each in openings for held in each.agreement.values() for s in held
    )
    return [stream for stream in streams if stream.media != "video"] if spoken else streams


def _of_other_legs(streams: Mapping[LegKey, list[Stream]], key: LegKey) -> list[Stream]:
    """Return the call's media that goes past the server: it is this leg's, too, from its other end."""
    return [
        stream._replace(src_side=CLIENT if stream.src_side == SERVER else SERVER)
        for (call, _), held in streams.items()
        for stream in held
        if call == key[0] and stream.direct
    ]


def seen_once(streams: Iterable[Stream], numbers: Mapping[str, int]) -> list[Stream]:
    """Leave out what shows the same packets again: another vantage point, or the other side of a relay.

    Of an SSRC's recordings the fullest counts: two of them may have clocks apart, so that time does not
    tell that they saw the same. Within a recording streams of one SSRC that follow each other add up.
    """
    held: dict[tuple[str | None, int | None], list[Stream]] = {}
    for stream in streams:
        held.setdefault((stream.src_side, stream.ssrc), []).append(stream)
    return [stream for views in held.values() for stream in _fullest(views, numbers)]


def _fullest(views: list[Stream], numbers: Mapping[str, int]) -> list[Stream]:
    kept: dict[int | str, list[Stream]] = {}
    for stream in sorted(views, key=lambda view: -view.packets):
        chosen = kept.setdefault(recording_of(numbers, stream.capture), [])
        if stream.src_side is None or not any(_at_once(stream, other) for other in chosen):
            chosen.append(stream)
    return max(kept.values(), key=lambda chosen: sum(stream.packets for stream in chosen))


def _at_once(one: Stream, other: Stream) -> bool:
    return one.first_time <= other.last_time and other.first_time <= one.last_time


def _seconds(tables: Tables) -> dict[int, list[Heard]]:
    held: dict[int, list[Heard]] = {}
    for stream, first, last, packets in records(tables.rtp_seconds, "stream", "time", "last_time", "packets"):
        if first is not None and packets:
            held.setdefault(stream, []).append(Heard(first, first if last is None else last, packets))
    return held


def _directions(streams: Iterable[Stream], seconds: Mapping[int, list[Heard]]) -> Directions:
    found: Directions = {}
    for stream in streams:
        sender = stream.src_side if stream.src_side in (None, SERVER) else CLIENT
        whole = [Heard(stream.first_time, stream.last_time, stream.packets)]
        found.setdefault(sender, []).extend(seconds.get(stream.stream, whole))
    return {sender: sorted(heard) for sender, heard in found.items()}


def _with_media_before(openings: list[Opening], streams: Sequence[Stream]) -> list[Opening]:
    """Put a phase before the first where media came long before it."""
    if not streams:
        return openings
    first = min(streams, key=lambda stream: stream.first_time)
    if openings and first.first_time >= openings[0].time - OVERTAKES:
        return openings
    return [Opening(first.first_time, first.capture, first.frame, EARLY, None, {}), *openings]


# Rows.


def _rows(
    leg: Leg, openings: Sequence[Opening], far: str, heard: Directions, handshakes: Sequence[Handshake]
) -> Iterator[dict[str, Any]]:
    if not openings:
        return
    near = PARTIES[1 - PARTIES.index(far)]
    starts = [opening.time for opening in openings]
    bounds = [*pairwise([*starts, max(leg.end_time or 0, starts[-1])])]
    dtls: str | None = None
    for number, (opening, (start, stop)) in enumerate(zip(openings, bounds, strict=True), 1):
        span = _span(number, len(openings), start, stop)
        asked = opening.offer.time if opening.offer else span[0]  # ICE and DTLS need not await the answer
        dtls = _dtls(handshakes, (min(asked, span[0]), span[1])) or dtls
        local, remote = (_media_address(opening.agreement.get(party, ())) for party in (near, far))
        yield {
            "capture": opening.capture,
            "frame": opening.frame,
            "time": timestamp(opening.time),
            "call": leg.call,
            "leg": leg.leg,
            "phase": number,
            "kind": opening.kind,
            "started": timestamp(start),
            "ended": timestamp(stop),
            "opened_by": opening.offer.frame if opening.offer else opening.frame,
            "may_send_client": may_send(opening.agreement, far, near),
            "may_send_server": may_send(opening.agreement, near, far),
            "local_addr": local[0],
            "local_port": local[1],
            "remote_addr": remote[0],
            "remote_port": remote[1],
            **_direction("client", heard.get(CLIENT, ()), span, start, stop),
            **_direction("server", heard.get(SERVER, ()), span, start, stop),
            "packets_undirected": sum(part.packets for part in _within(heard.get(None, ()), span)),
            "dtls": dtls,
        }


def _last_sign(openings: Iterable[Opening], heard: Directions, answered: int | None) -> int | None:
    """Return until when a leg whose end is not captured was up: its last answer, media or answered check."""
    signs = [opening.time for opening in openings] + [held[-1].last for held in heard.values()]
    return max([*signs, *([] if answered is None else [answered])], default=None)


def _last_answered(bindings: pd.DataFrame) -> dict[LegKey, int]:
    """Return per leg when its last answered check was sent; consent (RFC 7675) outlives the media."""
    last: dict[LegKey, int] = {}
    checks = bindings[(bindings["outcome"] == "success") & (bindings["purpose"] == "check")]
    for call, leg, time in records(checks, "call", "leg", "time"):
        if call is not None and time is not None:
            last[call, leg] = max(time, last.get((call, leg), time))
    return last


def _span(number: int, of: int, start: int, stop: int) -> tuple[float, float]:
    """Packets of the first phase may have overtaken its answer, those of the last outlive the BYE."""
    before = OVERTAKES if number == 1 else 0
    return start - before, (stop + OVERTAKES if number == of else stop)


def _media_address(sections: Sections) -> tuple[str | None, int | None]:
    section = next((s for s in sections if s.media == "audio"), sections[0] if sections else None)
    return (section.addr, section.port) if section else (None, None)


def _direction(
    name: str, heard: Sequence[Heard], span: tuple[float, float], start: int, stop: int
) -> dict[str, Any]:
    """Columns of one direction: what came from ``name``."""
    held = [*_within(heard, span)]
    return {
        f"packets_from_{name}": sum(part.packets for part in held),
        f"first_from_{name}": timestamp(min((part.first for part in held), default=None)),
        f"last_from_{name}": timestamp(max((part.last for part in held), default=None)),
        f"silence_from_{name}_s": _longest_silence(held, start, stop) / NS_PER_S,
    }


def _within(heard: Iterable[Heard], span: tuple[float, float]) -> Iterator[Heard]:
    """Yield what came in a span of time; of a second that its bounds cut, a share of its packets by time."""
    start, stop = span
    for part in heard:
        if part.last < start or part.first >= stop:
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
    """Return how many of the packets came before a moment, had they come evenly."""
    length = part.last - part.first
    return round(part.packets * (moment - part.first) / length) if length else 0


def _longest_silence(heard: Iterable[Heard], start: int, stop: int) -> int:
    longest, quiet_since = 0, start
    for part in sorted(heard):
        longest = max(longest, part.first - quiet_since)
        quiet_since = max(quiet_since, part.last)
    return max(longest, stop - quiet_since)


def _handshakes(dtls: pd.DataFrame) -> dict[LegKey, list[Handshake]]:
    held: dict[LegKey, list[Handshake]] = {}
    rows = records(dtls, "call", "leg", "started", "state")
    ends = records(dtls, "client_addr", "client_port", "server_addr", "server_port")
    for (call, leg, started, state), end in zip(rows, ends, strict=True):
        if call is not None and started is not None and state is not None:
            shake = Handshake(started, state, frozenset((end[:2], end[2:])))
            held.setdefault((call, leg), []).append(shake)
    return held


def _dtls(handshakes: Iterable[Handshake], span: tuple[float, float]) -> str | None:
    """Return the state of the handshakes begun in a span: the last on each 5-tuple, of these the best."""
    latest: dict[frozenset[tuple[str | None, int | None]], Handshake] = {}
    for handshake in sorted(handshakes):
        if span[0] <= handshake.started < span[1]:
            latest[handshake.ends] = handshake
    return max((handshake.state for handshake in latest.values()), key=STATES.index, default=None)
