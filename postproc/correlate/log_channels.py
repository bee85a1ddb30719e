"""Whose line of a log it is: its channel, and the leg in the captures that this channel is."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from typing import Any, NamedTuple

import pandas as pd

from postproc.correlate.rows import NS_PER_S, column, records
from postproc.dataclass import dataclass
from postproc.model import constants
from postproc.model.logtexts import channel_named, origin, said
from postproc.model.tables import Tables

# Whose line it is: the channel (UUID) of every line of a log, where it does not say so itself.
#
# A logger may leave UUIDs out, and some lines never have one (access lists, STUN). Then a line is given to
# a channel only where no other can be meant: by the channel's name, by the INVITE just before from the same
# address, or because only one channel of that moment can have written it.


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


class ChannelLine(NamedTuple):
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


def with_channels(lines: Iterable[LogLine]) -> list[ChannelLine]:
    """Return the lines, given in the order they were written, each with its channel."""
    known = [(line, _facts(line)) for line in lines]
    invites = Counter(line.time for line, facts in known if line.kind == "invite" and "addr" in facts)
    state = _State()
    found = [ChannelLine(line, _walk(state, line, facts, invites[line.time]), facts) for line, facts in known]
    return list(_between(found))


def _facts(line: LogLine) -> Facts:
    """What a line says; of one of no known text only the channel it names."""
    if told := said(line.text):
        return told[1]
    channel = channel_named(line.text)
    return {"channel": channel} if channel else {}


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


def _between(found: list[ChannelLine]) -> Iterator[ChannelLine]:
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


# Which legs a log's channels are, and which of them were bridged to each other.
#
# A channel (UUID) is a leg by its Call-ID, which the log names with the INVITE. Where it does not
# ("call-id: (null)", or a log that begins later), by the session descriptions it shows, whose origin and
# port are those of one leg in the captures; or by the Call-ID being the UUID itself. A channel that is not
# in the captures belongs to the leg it was bridged to. Two legs bridged to each other are one call.


SHORTEST_SESSION_ID = constants.count("ids.shortest_session_id")

Owners = dict[str, str]  # Call-ID by UUID
Origin = tuple[str, str, int]  # owner, session id, port


class LogTies(NamedTuple):
    """Call-IDs by UUID: ``legs`` those of channels that are in the captures, ``owners`` those of all that
    belong to one; ``joins`` are the pairs of legs bridged to each other.
    """

    legs: Owners
    owners: Owners
    joins: list[tuple[str, str]]


def channel_legs(lines: list[ChannelLine], events: Tables) -> LogTies:
    """Find the legs of the channels whose lines these are."""
    known = {call_id for call_id in column(events.sip_messages["call_id"]) if call_id}
    legs = _legs(lines, known, _by_origin(events.sdp_media))
    pairs = _pairs(lines)
    owners = dict(legs)
    for one, other in pairs:
        for channel, peer in ((one, other), (other, one)):
            if channel not in legs and peer in legs:
                owners[channel] = legs[peer]
    joins = [(legs[one], legs[other]) for one, other in pairs if one in legs and other in legs]
    return LogTies(legs, owners, [pair for pair in joins if pair[0] != pair[1]])


def _legs(lines: list[ChannelLine], known: set[str], by_origin: Mapping[Origin, str]) -> Owners:
    """Return the Call-ID of the channels that are in the captures; what the log itself says comes first."""
    said: Owners = {}
    described: dict[str, set[str]] = defaultdict(set)
    for each in lines:
        if each.uuid is None:
            continue
        if each.line.call_id:
            said.setdefault(each.uuid, each.line.call_id)
        described[each.uuid].update(_described(each.line, by_origin))
    found = {uuid: next(iter(call_ids)) for uuid, call_ids in described.items() if len(call_ids) == 1}
    found |= {uuid: uuid for uuid in described if uuid in known}
    return {uuid: call_id for uuid, call_id in (found | said).items() if call_id in known}


def _described(line: LogLine, by_origin: Mapping[Origin, str]) -> Iterator[str]:
    found = origin(line.text) if line.kind == "sdp" else None
    if found:
        owner, session, ports = found
        yield from (by_origin[key] for port in ports if (key := (owner, session, port)) in by_origin)


def _by_origin(sdp_media: pd.DataFrame) -> dict[Origin, str]:
    """Return the Call-ID of each origin and port that one Call-ID alone has."""
    holders: dict[Origin, set[str]] = defaultdict(set)
    for owner, session, port, call_id in records(sdp_media, "sdp_owner", "session_id", "port", "call_id"):
        if owner and session and port and call_id and len(session) >= SHORTEST_SESSION_ID:
            holders[owner, session, port].add(call_id)
    return {key: next(iter(held)) for key, held in holders.items() if len(held) == 1}


def _pairs(lines: list[ChannelLine]) -> list[tuple[str, str]]:
    """Return which channel was bridged to which, each once: who is bridged again was transferred."""
    found: list[tuple[str, str]] = []
    paired: set[str] = set()
    for each in lines:
        peer = each.facts.get("peer", "").lower() if each.line.kind == "peer" else ""
        if each.uuid and peer and not {each.uuid, peer} & paired:
            found.append((each.uuid, peer))
            paired |= {each.uuid, peer}
    return found
