"""Event tables in; legs, calls, bindings, pairs, handshakes, streams and the timeline out.

Pure: tables in, tables out. All captures of a run are looked at together, as
the legs of a call are often in two files.
"""

from typing import Protocol

import pandas as pd

from postproc.correlate.attribution import attributed
from postproc.correlate.bindings import bindings
from postproc.correlate.calls import calls
from postproc.correlate.candidates import access, nat_mappings
from postproc.correlate.dtls import dtls
from postproc.correlate.endpoints import index, with_bindings
from postproc.correlate.legs import legs
from postproc.correlate.logs import logs
from postproc.correlate.pairs import pairs
from postproc.correlate.phases import phases
from postproc.correlate.relays import CLIENT_AND_SERVER, allocations, beyond, once
from postproc.correlate.sip import transactions
from postproc.correlate.streams import streams
from postproc.correlate.timeline import timeline
from postproc.model.deployment import Deployment
from postproc.model.recordings import overlapping, recordings, views
from postproc.model.tables import Tables


class Places(Protocol):
    """What is known of captures that show the same packets (postproc.places)."""

    @property
    def groups(self) -> list[list[str]]:
        """Their names."""

    @property
    def repeated(self) -> frozenset[tuple[str, int]]:
        """Frames with SIP messages that another of them shows, too."""

    def compared(self, tables: Tables) -> Tables:
        """The tables, correlated, with each thing once."""


def correlate(events: Tables, deployment: Deployment, places: Places | None = None) -> Tables:
    """Return the events with every table that follows from them and from what is known of the deployment."""
    sip = _once(events.sip_messages, places)
    recording = recordings(events.captures, sip, views(events))
    seen = transactions(sip)
    seen_legs = legs(sip, seen, _together(recording, places))
    written = logs(events, seen_legs, recording)
    relays = allocations(events.stun_messages)
    stun = beyond(once(events.stun_messages), relays)
    found = calls(
        events.with_(stun_messages=stun),
        seen_legs,
        recording,
        overlapping(events.captures, recording),
        deployment=deployment,
        log_joins=written.joins,
    )
    named = index(found.legs, found.endpoints, found.ice_sessions, recording)
    checks = bindings(
        stun,
        named,
        icmp_errors=events.icmp_errors,
        sip_messages=sip,
        rtp_streams=events.rtp_streams,
        dtls_messages=events.dtls_messages,
        captures=events.captures,
    )
    tied = with_bindings(named, checks)
    handshakes = dtls(
        events.dtls_messages, events.rtp_streams, events.sdp_media, found.legs, tied, relays=relays
    )
    media, seconds = streams(
        events.rtp_streams,
        events.rtp_seconds,
        events.sdp_media,
        legs=found.legs,
        dtls=handshakes,
        index=tied,
        relays=relays,
    )
    seen_pairs = pairs(
        checks,
        found.ice_sessions,
        found.candidates,
        events.stun_messages,
        dtls=beyond(handshakes, relays, "started", CLIENT_AND_SERVER),
        rtp_streams=beyond(media, relays, "first_time"),
    )
    tables = events.with_(
        transactions=seen,
        log_events=written.events,
        logs=written.about,
        legs=found.legs,
        calls=found.calls,
        joins=found.joins,
        candidates=access(found.candidates, deployment),
        bindings=checks,
        dtls=handshakes,
        rtp_streams=media,
        rtp_seconds=seconds,
        pairs=seen_pairs,
        nat_mappings=nat_mappings(checks, found.candidates),
    )
    whole = attributed(tables, tied)
    if places is not None:
        whole = places.compared(whole)
    whole = whole.with_(phases=phases(whole, found, recording))
    return whole.with_(timeline=timeline(whole))


def _once(sip_messages: pd.DataFrame, places: Places | None) -> pd.DataFrame:
    """The messages that no other capture of the same packets shows, too."""
    if places is None or not places.repeated:
        return sip_messages
    repeated = pd.MultiIndex.from_tuples(places.repeated)
    frames = pd.MultiIndex.from_frame(sip_messages[["capture", "frame"]])
    return sip_messages[~frames.isin(repeated)]


def _together(recording: "pd.Series[int]", places: Places | None) -> "pd.Series[int]":
    """The recordings, those that show the same packets as one: a leg in them is one."""
    numbers = recording.copy()
    for group in places.groups if places else ():
        numbers[group] = numbers[group].min()
    return numbers
