"""Event tables in; legs, calls, bindings, pairs, handshakes, streams and the timeline out.

Pure: tables in, tables out. All captures of a run are correlated together, since
the legs of one call are often in two files.
"""

from typing import Protocol

import pandas as pd

from postproc import memory
from postproc.correlate.attribution import attributed
from postproc.correlate.bindings import bindings
from postproc.correlate.calls import Calls, calls
from postproc.correlate.candidates import access, nat_mappings
from postproc.correlate.dtls import dtls
from postproc.correlate.endpoints import index, with_bindings
from postproc.correlate.legs import legs
from postproc.correlate.logs import logs
from postproc.correlate.pairs import pairs
from postproc.correlate.parties import Authors
from postproc.correlate.phases import phases
from postproc.correlate.relays import CLIENT_AND_SERVER, allocations, beyond, once
from postproc.correlate.sip import transactions
from postproc.correlate.streams import streams
from postproc.correlate.timeline import timeline
from postproc.model.deployment import Deployment
from postproc.model.recordings import overlapping, recordings, views
from postproc.model.tables import Tables


class Places(Protocol):
    """Captures that show the same packets, as ``postproc.places`` finds them."""

    @property
    def groups(self) -> list[list[str]]:
        """Names of the captures, one list per set of captures that share packets."""

    @property
    def repeated(self) -> frozenset[tuple[str, int]]:
        """Capture and frame of SIP messages that count in another capture of the group."""

    def compared(self, tables: Tables) -> Tables:
        """Return the correlated tables with duplicates across captures marked."""


def correlate(events: Tables, deployment: Deployment, places: Places | None = None) -> Tables:
    """Return ``events`` with every derived table filled in.

    ``deployment`` supplies markers of clients and servers, access lists and the region of national
    numbers; ``places`` the captures that show the same packets, None where each stands alone.
    """
    whole, authors = _with_phases(events, deployment, places)
    memory.give_back()  # here and below: after what makes many objects that are dropped again
    return whole.with_(timeline=timeline(whole, authors))


def _with_phases(events: Tables, deployment: Deployment, places: Places | None) -> tuple[Tables, Authors]:
    """Return every derived table but the timeline, and who wrote each session description."""
    sip = _once(events.sip_messages, places)
    recording = recordings(events.captures, sip, views(events))
    related, joined = _related(events, sip, recording, deployment, places)
    whole = related if places is None else places.compared(related)
    return whole.with_(phases=phases(whole, joined, recording)), joined.authors


def _related(
    events: Tables,
    sip: pd.DataFrame,
    recording: "pd.Series[int]",
    deployment: Deployment,
    places: Places | None,
) -> tuple[Tables, Calls]:
    """Return every derived table but phases and timeline, and the calls.

    ``sip``: the messages that count; ``recording``: of each capture.
    """
    sip_transactions = transactions(sip)
    seen_legs = legs(sip, sip_transactions, _together(recording, places))
    log_tables = logs(events, seen_legs, recording)
    relays = allocations(events.stun_messages)
    stun = beyond(once(events.stun_messages), relays)
    joined = calls(
        events.with_(stun_messages=stun),
        seen_legs,
        recording,
        overlapping(events.captures, recording),
        deployment=deployment,
        log_joins=log_tables.joins,
    )
    memory.give_back()
    ends = index(joined.legs, joined.endpoints, joined.ice_sessions, recording, events.sip_messages)
    checks = bindings(
        stun,
        ends,
        icmp_errors=events.icmp_errors,
        sip_messages=sip,
        rtp_streams=events.rtp_streams,
        dtls_messages=events.dtls_messages,
        captures=events.captures,
    )
    evidence = with_bindings(ends, checks)
    handshakes = dtls(
        events.dtls_messages, events.rtp_streams, events.sdp_media, joined.legs, evidence, relays=relays
    )
    media, seconds = streams(
        events.rtp_streams,
        events.rtp_seconds,
        events.sdp_media,
        legs=joined.legs,
        dtls=handshakes,
        index=evidence,
        relays=relays,
    )
    seen_pairs = pairs(
        checks,
        joined.ice_sessions,
        joined.candidates,
        events.stun_messages,
        dtls=beyond(handshakes, relays, "started", CLIENT_AND_SERVER),
        rtp_streams=beyond(media, relays, "first_time"),
    )
    tables = events.with_(
        transactions=sip_transactions,
        log_events=log_tables.events,
        logs=log_tables.about,
        legs=joined.legs,
        calls=joined.calls,
        joins=joined.joins,
        candidates=access(joined.candidates, deployment),
        bindings=checks,
        dtls=handshakes,
        rtp_streams=media,
        rtp_seconds=seconds,
        pairs=seen_pairs,
        nat_mappings=nat_mappings(checks, joined.candidates),
    )
    return attributed(tables, evidence), joined


def _once(sip_messages: pd.DataFrame, places: Places | None) -> pd.DataFrame:
    """Drop the messages that count in another capture of the same packets."""
    if places is None or not places.repeated:
        return sip_messages
    repeated = pd.MultiIndex.from_tuples(places.repeated)
    frames = pd.MultiIndex.from_frame(sip_messages[["capture", "frame"]])
    return sip_messages[~frames.isin(repeated)]


def _together(recording: "pd.Series[int]", places: Places | None) -> "pd.Series[int]":
    """Merge recordings that show the same packets, so that a leg seen in several is one leg."""
    numbers = recording.copy()
    for group in places.groups if places else ():
        numbers[group] = numbers[group].min()
    return numbers
