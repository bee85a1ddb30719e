"""Which legs a log's channels are, and which of them were bridged to each other.

A channel (UUID) is a leg by its Call-ID, which the log names with the INVITE. Where it does not
("call-id: (null)", or a log that begins later), by the session descriptions it shows, whose origin and
port are those of one leg in the captures; or by the Call-ID being the UUID itself. A channel that is not
in the captures belongs to the leg it was bridged to. Two legs bridged to each other are one call.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import pandas as pd

from postproc import constants
from postproc.correlate.log_channels import LogLine, Told
from postproc.correlate.records import column, records
from postproc.logtexts import origin
from postproc.tables import Tables

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


def ties(lines: list[Told], events: Tables) -> LogTies:
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


def _legs(lines: list[Told], known: set[str], by_origin: Mapping[Origin, str]) -> Owners:
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


def _pairs(lines: list[Told]) -> list[tuple[str, str]]:
    """Return which channel was bridged to which, each once: who is bridged again was transferred."""
    found: list[tuple[str, str]] = []
    paired: set[str] = set()
    for each in lines:
        peer = each.facts.get("peer", "").lower() if each.line.kind == "peer" else ""
        if each.uuid and peer and not {each.uuid, peer} & paired:
            found.append((each.uuid, peer))
            paired |= {each.uuid, peer}
    return found
