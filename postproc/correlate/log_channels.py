"""Attribute log lines: to a channel of FreeSWITCH, and the channel to a leg in the captures."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pandas as pd

from postproc.correlate.rows import NS_PER_S, column, records
from postproc.model import constants
from postproc.model.logtexts import channel_named, origin, said
from postproc.model.tables import Tables

# The channel (UUID) of lines that do not name it.
#
# A logger may leave UUIDs out, and some lines never have one (access lists, STUN). Such a line is assigned to
# a channel only where no other qualifies: by the channel's name, by the INVITE just before from the same
# address, or because only one channel alive at that moment can have written it.


# An access list is checked within this time of its INVITE (a log has steps of some 20 ms). A choice: longer,
# and a second INVITE from the same address may come between.
PROMPT = NS_PER_S // 10
OF_ICE = {"ice", "ice_move", "dtls", "candidate"}
BY_INVITE = {"candidate", "sdp", "media", "response", "ice", "dtls"}  # written while an INVITE is processed

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
    """A line with its channel, None if unknown, and the facts parsed from its text."""

    line: LogLine
    uuid: str | None
    facts: Facts


@dataclass
class _State:
    """Channels at one moment of a log: by name, those alive, and their kind."""

    by_name: dict[str, str] = field(default_factory=dict)
    alive: dict[str, None] = field(default_factory=dict)
    inbound: dict[str, None] = field(default_factory=dict)  # of those alive
    with_ice: dict[str, None] = field(default_factory=dict)
    invite: tuple[str, int, str | None] | None = None  # address, time and channel of the last one received


def with_channels(lines: Iterable[LogLine]) -> list[ChannelLine]:
    """Return the lines, given in the order they were written, each with its channel."""
    parsed = [(line, _facts(line)) for line in lines]
    invites = Counter(line.time for line, facts in parsed if line.kind == "invite" and "addr" in facts)
    state = _State()
    attributed = [
        ChannelLine(line, _walk(state, line, facts, invites[line.time]), facts) for line, facts in parsed
    ]
    return list(_between(attributed))


def _facts(line: LogLine) -> Facts:
    """Return the facts in a line's text; of an unknown text only the channel it names."""
    if match := said(line.text):
        return match[1]
    channel = channel_named(line.text)
    return {"channel": channel} if channel else {}


def _walk(state: _State, line: LogLine, facts: Facts, invites: int) -> str | None:
    """Return the line's channel and update ``state``; ``invites`` is how many arrived at the line's time."""
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


def _between(lines: list[ChannelLine]) -> Iterator[ChannelLine]:
    """Assign a STUN look-up to the channel whose lines precede and follow it."""
    for place, line in enumerate(lines):
        if line.uuid or line.line.kind != "stun" or not 0 < place < len(lines) - 1:
            yield line
            continue
        before, after = lines[place - 1].uuid, lines[place + 1].uuid
        yield line._replace(uuid=before if before == after else None)


def lines(rows: Iterable[tuple[Any, ...]]) -> list[LogLine]:
    """Return rows of log_events, given as records of LogLine's fields, as lines."""
    return list(map(LogLine._make, rows))


# The legs of a log's channels, and which channels were bridged to each other.
#
# A channel (UUID) is matched to a leg by the Call-ID that the log names with the INVITE. Where it does not
# ("call-id: (null)", or the log begins later), by the session descriptions in the log whose origin and port
# are those of exactly one leg in the captures, or because the Call-ID is the UUID itself. A channel that is
# not in the captures belongs to the leg it was bridged to. Two legs bridged to each other are one call.


SHORTEST_SESSION_ID = constants.count("ids.shortest_session_id")

Owners = dict[str, str]  # Call-ID by UUID
Origin = tuple[str, str, int]  # owner, session id, port


class LogTies(NamedTuple):
    """Channels matched to Call-IDs.

    ``legs``: Call-ID by UUID of channels in the captures. ``owners``: the same, and of channels bridged
    to one of them. ``joins``: pairs of Call-IDs bridged to each other.
    """

    legs: Owners
    owners: Owners
    joins: list[tuple[str, str]]


def channel_legs(lines: list[ChannelLine], events: Tables) -> LogTies:
    """Match the channels of ``lines`` to the legs in ``events``."""
    call_ids = {call_id for call_id in column(events.sip_messages["call_id"]) if call_id}
    legs = _legs(lines, call_ids, _by_origin(events.sdp_media))
    pairs = _pairs(lines)
    owners = dict(legs)
    for one, other in pairs:
        for channel, peer in ((one, other), (other, one)):
            if channel not in legs and peer in legs:
                owners[channel] = legs[peer]
    joins = [(legs[one], legs[other]) for one, other in pairs if one in legs and other in legs]
    return LogTies(legs, owners, [pair for pair in joins if pair[0] != pair[1]])


def _legs(lines: list[ChannelLine], known: set[str], by_origin: Mapping[Origin, str]) -> Owners:
    """Return the Call-ID of channels in the captures; a Call-ID that the log names takes precedence."""
    owners: Owners = {}
    described: dict[str, set[str]] = defaultdict(set)
    for line in lines:
        if line.uuid is None:
            continue
        if line.line.call_id:
            owners.setdefault(line.uuid, line.line.call_id)
        described[line.uuid].update(_described(line.line, by_origin))
    matched = {uuid: next(iter(call_ids)) for uuid, call_ids in described.items() if len(call_ids) == 1}
    matched |= {uuid: uuid for uuid in described if uuid in known}
    return {uuid: call_id for uuid, call_id in (matched | owners).items() if call_id in known}


def _described(line: LogLine, by_origin: Mapping[Origin, str]) -> Iterator[str]:
    parsed = origin(line.text) if line.kind == "sdp" else None
    if parsed:
        owner, session, ports = parsed
        yield from (by_origin[key] for port in ports if (key := (owner, session, port)) in by_origin)


def _by_origin(sdp_media: pd.DataFrame) -> dict[Origin, str]:
    """Return the Call-ID of each origin and port that belongs to exactly one Call-ID."""
    holders: dict[Origin, set[str]] = defaultdict(set)
    for owner, session, port, call_id in records(sdp_media, "sdp_owner", "session_id", "port", "call_id"):
        if owner and session and port and call_id and len(session) >= SHORTEST_SESSION_ID:
            holders[owner, session, port].add(call_id)
    return {key: next(iter(call_ids)) for key, call_ids in holders.items() if len(call_ids) == 1}


def _pairs(lines: list[ChannelLine]) -> list[tuple[str, str]]:
    """Return the channels bridged to each other, each by its first bridge: later ones are transfers."""
    pairs: list[tuple[str, str]] = []
    paired: set[str] = set()
    for line in lines:
        peer = line.facts.get("peer", "").lower() if line.line.kind == "peer" else ""
        if line.uuid and peer and not {line.uuid, peer} & paired:
            pairs.append((line.uuid, peer))
            paired |= {line.uuid, peer}
    return pairs
