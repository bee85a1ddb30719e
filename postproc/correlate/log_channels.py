"""Whose line it is: the channel (UUID) of every line of a log, where it does not say so itself.

A logger may leave UUIDs out, and some lines never have one (access lists, STUN). Then a line is given to
a channel only where no other can be meant: by the channel's name, by the INVITE just before from the same
address, or because only one channel of that moment can have written it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from postproc.correlate.records import NS_PER_S
from postproc.logtexts import said

PROMPT = NS_PER_S // 10  # an access list is asked within this time of its INVITE
OF_ICE = {"ice", "ice_move", "dtls", "candidate"}
BY_INVITE = {"candidate", "sdp", "media", "response", "ice", "dtls"}  # written while an INVITE is taken in

Facts = dict[str, str]


class LogLine(NamedTuple):
    """A row of log_events as it is walked; time in ns since 1970 by the log's own clock."""

    log: str
    frame: int
    time: int
    kind: str
    text: str
    uuid: str | None
    call_id: str | None


class Told(NamedTuple):
    """A line with its channel and what it says."""

    line: LogLine
    uuid: str | None
    facts: Facts


@dataclass
class _State:
    """What is known at one moment of a log: channels by name, those alive, and what they are."""

    by_name: dict[str, str] = field(default_factory=dict)
    alive: dict[str, None] = field(default_factory=dict)
    inbound: dict[str, None] = field(default_factory=dict)  # of those alive
    with_ice: dict[str, None] = field(default_factory=dict)
    invite: tuple[str, int, str | None] | None = None  # address, time and channel of the last one received


def told(lines: Iterable[LogLine]) -> list[Told]:
    """Return the lines, given in the order they were written, each with its channel."""
    known = [(line, (said(line.text) or (line.kind, {}))[1]) for line in lines]
    invites = Counter(line.time for line, facts in known if line.kind == "invite" and "addr" in facts)
    state = _State()
    found = [Told(line, _walk(state, line, facts, invites[line.time]), facts) for line, facts in known]
    return list(_between(found))


def _walk(state: _State, line: LogLine, facts: Facts, invites: int) -> str | None:
    """Return the line's channel and remember what it tells; ``invites`` came in at this very time."""
    uuid = line.uuid or _unsaid(state, line, facts, invites)
    if uuid:
        _learn(state, line.kind, uuid, facts)
    if line.kind == "invite" and "addr" in facts:
        state.invite = (facts["addr"], line.time, uuid)
    return uuid


def _learn(state: _State, kind: str, uuid: str, facts: Facts) -> None:
    if kind == "hangup":
        for channels in (state.alive, state.inbound, state.with_ice):
            channels.pop(uuid, None)
        return
    if kind == "channel" and "channel" in facts:
        state.by_name[facts["channel"]] = uuid
        state.alive[uuid] = None
    if kind == "invite" and "addr" in facts:
        state.inbound[uuid] = None
    if kind in {"ice", "candidate"}:
        state.with_ice[uuid] = None


def _unsaid(state: _State, line: LogLine, facts: Facts, invites: int) -> str | None:
    if line.kind == "peer":  # the channel it names is the other one
        return _only(state.inbound)
    if "channel" in facts:
        return state.by_name.get(facts["channel"])
    last = state.invite
    if line.kind == "acl":
        fits = last and last[0] == facts.get("addr") and 0 <= line.time - last[1] <= PROMPT
        return last[2] if last and fits else None
    if line.kind in BY_INVITE and last and last[1] == line.time and invites == 1:
        return last[2]
    if line.kind in OF_ICE and state.with_ice:
        return _only(state.with_ice)
    return _only(state.alive) if line.kind != "stun" else None


def _only(channels: dict[str, None]) -> str | None:
    return next(iter(channels)) if len(channels) == 1 else None


def _between(found: list[Told]) -> Iterator[Told]:
    """Give a STUN look-up to the channel whose lines stand before and after it."""
    for number, each in enumerate(found):
        if each.uuid or each.line.kind != "stun" or not 0 < number < len(found) - 1:
            yield each
            continue
        before, after = found[number - 1].uuid, found[number + 1].uuid
        yield each._replace(uuid=before if before == after else None)


def lines(rows: Iterable[tuple[Any, ...]]) -> list[LogLine]:
    """Return rows of log_events, given as records of LogLine's fields, as lines."""
    return list(map(LogLine._make, rows))
