"""The RTP of a call, per leg and direction: which media a leg should have, and whether it arrived.

A stream seen by two captures counts once, with the larger packet count.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from postproc.diagnose.evidence import fax
from postproc.diagnose.evidence.case import Case, answered_once
from postproc.diagnose.evidence.complaints import complaint
from postproc.diagnose.evidence.hops import ends_at_relay, strays
from postproc.diagnose.evidence.paths import EITHER_WAY, TO_CLIENT, TO_SERVER
from postproc.diagnose.evidence.signalling import server_calls
from postproc.diagnose.evidence.view import end, ends_seen, goes_on
from postproc.diagnose.evidence.wordless import is_wordless
from postproc.model.addresses import UNSPECIFIED
from postproc.model.audio import describes_audio, proves_audio
from postproc.model.enumerations import Direction
from postproc.model.loading import PacketRow
from postproc.model.rows import PhaseRow, RtpStreamRow, SdpMediaRow

UNUSABLE = UNSPECIFIED | {None}
Sight = tuple[str, str, str]  # capture, source and destination address of a flow


class Way(NamedTuple):
    """RTP of one direction of a leg."""

    rows: tuple[RtpStreamRow, ...]

    @property
    def packets(self) -> int:
        return sum(row.packets or 0 for row in self.rows)

    @property
    def first(self) -> datetime | None:
        return min((row.first_time for row in self.rows if row.first_time), default=None)

    @property
    def last(self) -> datetime | None:
        return max((row.last_time for row in self.rows if row.last_time), default=None)

    @property
    def seconds(self) -> float:
        return (self.last - self.first).total_seconds() if self.first and self.last else 0.0


@answered_once
def audio(case: Case, leg: int | None) -> list[RtpStreamRow]:
    """Return the streams of a leg in which somebody may be heard."""
    described = bool(sections(case, leg))
    streams = [row for row in case.rtp_streams if row.leg == leg and not is_wordless(row)]
    return [row for row in streams if proves_audio(row.media, described=described)]


@answered_once
def ways(case: Case, leg: int | None) -> dict[tuple[str, str], Way]:
    """Return the RTP of a leg by (source address, destination address), as ports and SSRCs may change.

    Each direction counts at the place nearest to its receiver; the addresses are those of one place, so that both
    directions meet where NAT is between the places.
    """
    flows: dict[tuple[str, str], list[RtpStreamRow]] = {}
    at_one_place = _at_one_place(case, leg)
    for row in _once(audio(case, leg)):
        ends = row.src_addr, row.dst_addr
        flows.setdefault(at_one_place.get((row.capture, *ends), ends), []).append(row)
    return {ends: Way(tuple(rows)) for ends, rows in flows.items()}


@answered_once
def _at_one_place(case: Case, leg: int | None) -> dict[Sight, tuple[str, str]]:
    """Return source and destination in the leg's first capture by those in the others, as its media arrived."""
    home = next((each.capture for each in case.legs if each.leg == leg), case.call.capture)
    hops: list[tuple[Sight, Sight]] = []
    for row in case.passages:
        if row.leg == leg and row.kind == "rtp" and row.from_src_addr and row.from_dst_addr:
            near = row.from_capture, row.from_src_addr, row.from_dst_addr
            far = row.to_capture, row.to_src_addr or "", row.to_dst_addr or ""
            hops += [(near, far), (far, near)]
    seen: dict[Sight, tuple[str, str]] = {}
    for _ in {one[0] for one, _ in hops}:  # from place to place
        for one, other in hops:
            if one[0] == home:
                seen.setdefault(other, one[1:])
            elif one in seen and other[0] != home:
                seen.setdefault(other, seen[one])
    return seen


@answered_once
def way(case: Case, leg: int | None, direction: Direction) -> Way:
    """Return the RTP of a leg in one direction."""
    return Way(tuple(_once(row for row in audio(case, leg) if (row.direction or EITHER_WAY) == direction)))


def _once(streams: Iterable[RtpStreamRow]) -> list[RtpStreamRow]:
    """Return each stream once: of views of an SSRC that overlap in time, the one with most packets."""
    by_stream: dict[tuple[str | None, int | None], list[RtpStreamRow]] = {}
    for row in sorted(streams, key=lambda row: -(row.packets or 0)):
        views = by_stream.setdefault((row.direction, row.ssrc), [])
        if not any(_overlap(row, other) for other in views):
            views.append(row)
    return sorted((row for views in by_stream.values() for row in views), key=lambda row: row.time)


def _overlap(one: RtpStreamRow, other: RtpStreamRow) -> bool:
    if one.capture == other.capture and one.direction == EITHER_WAY:
        return False  # two directions may share an SSRC
    return bool(one.first_time <= other.last_time and other.first_time <= one.last_time)


@answered_once
def both_ways(case: Case, leg: int | None) -> bool | None:
    """Whether a leg has audio both ways; None without any RTP."""
    directed = [way(case, leg, TO_CLIENT), way(case, leg, TO_SERVER)]
    if any(each.rows for each in directed):
        return _balanced(case, *(_arriving(case, each) for each in directed))
    flows = {ends: _arriving(case, each) for ends, each in ways(case, leg).items()}
    if not flows:
        return None
    return any(_balanced(case, sent, flows.get(ends[::-1], Way(()))) for ends, sent in flows.items())


def _arriving(case: Case, sent: Way) -> Way:
    """Drop streams that a place nearer to the receiver does not show, that it misses, that end at a relay or go astray."""
    told = complaint(case)
    lacking = (*(told.streams if told else ()), *strays(case))
    return Way(
        tuple(
            row
            for row in sent.rows
            if row not in lacking
            and (row.capture, row.src_addr, row.src_port, row.dst_addr, row.dst_port) not in case.lost_flows
            and not ends_at_relay(case, row)
        )
    )


def _balanced(case: Case, one: Way, other: Way) -> bool:
    """Whether both directions have audio: neither is a tiny share of the other, except throughout its time."""
    less, more = sorted((one, other), key=lambda way: way.packets)
    if missing(case, less, more) and more.seconds >= case.deployment.thresholds.one_way_seconds:
        return throughout(case, less, more)
    return less.packets >= case.deployment.thresholds.one_way_packets


def missing(case: Case, less: Way, more: Way) -> bool:
    """Whether a direction has too few packets to be audio, compared with the other's."""
    limits = case.deployment.thresholds
    return less.packets < limits.one_way_packets or less.packets < limits.one_way_share * more.packets


def throughout(case: Case, less: Way, more: Way) -> bool:
    """Whether few packets span most of the other direction's time: silence suppression on a working path."""
    enough = less.packets >= case.deployment.thresholds.one_way_packets
    return enough and less.seconds >= more.seconds / 2


@answered_once
def media_ok(case: Case) -> bool | None:
    """Whether there is audio both ways wherever captures show media, and on every client's leg; None: unknown.

    Media missing on another leg, as behind the B2BUA, proves nothing; on a client's leg, where checks or
    handshakes are visible, it does. Silence that cannot be judged makes the result None.
    """
    told = complaint(case)
    if told is not None and not told.streams:
        return False  # ended for want of media that were not due
    has_audio = {leg: as_agreed(case, leg) or both_ways(case, leg) for leg in _answered(case)}
    if any(_faxed_unseen(case, leg) for leg in has_audio):
        return False
    talking_legs = [has_audio[leg] for leg in talking(case)]
    if all(each is None for each in talking_legs):
        return None
    needs_proof = bool(case.client_legs) or not case.legs
    enough = all(heard_both or (heard_both is None and not needs_proof) for heard_both in talking_legs)
    if not enough or any(
        unheard(case, leg) for leg, heard_both in has_audio.items() if heard_both is not None
    ):
        return False
    open_end = any(unproven(case, leg) for leg, heard_both in has_audio.items() if heard_both)
    return None if open_end or callers_leg_missing(case) else True


def as_agreed(case: Case, leg: int | None) -> bool:
    """Whether a leg has by agreement no audio both ways, and what was agreed arrived: paging, an announcement, fax."""
    phases = [each for each in case.phases if each.leg == leg and each.kind != "early"]
    if fax.sent(case, leg) and not ways(case, leg):
        return True
    came = [
        (each.packets_from_client if each.may_send_client else each.packets_from_server) or 0
        for each in phases
        if {each.may_send_client, each.may_send_server} == {True, False}
    ]
    if any(names_no_address(row) and row.direction == "sendrecv" for row in sections(case, leg)):
        return False  # the hold of RFC 2543 is for later: who begins with it and never ends it is heard by nobody
    return bool(came) and len(came) == len(phases) and sum(came) >= case.deployment.thresholds.one_way_packets


def _faxed_unseen(case: Case, leg: int | None) -> bool:
    return any(fax.would_show(case, sections) for _, sections in fax.missing(case, leg))


def callers_leg_missing(case: Case) -> bool:
    """Whether the only leg is one that the server makes, so that the caller's leg is not captured."""
    return (
        len(case.numbers) == 1 and not case.client_legs and all(server_calls(case, leg) for leg in case.legs)
    )


def unproven(case: Case, leg: int | None) -> bool:
    """Whether media of a leg ended on one side, and the captures show neither a hold nor how long it lasted.

    Without offer and answer it is unknown whether the side was allowed to send; if the captures end before
    the call, a short silence may be the start of a long one.
    """
    phases = [
        each
        for each in case.phases
        if each.leg == leg and each.kind != "early" and each.started and each.ended
    ]
    failed = _handshake_failed_after_media(case, leg) or bool(fax.missing(case, leg))
    return failed or any(_unproven_in(case, phase, is_last=phase is phases[-1]) for phase in phases)


def _handshake_failed_after_media(case: Case, leg: int | None) -> bool:
    """Whether the last handshake of a leg failed and no media followed it."""
    shakes = [(row.started or row.time, row.state) for row in case.dtls if row.leg == leg]
    failed, state = max(shakes, default=(None, None))
    if failed is None or state != "alert":
        return False
    near = timedelta(seconds=case.deployment.thresholds.one_way_seconds)
    return not any(row.last_time >= failed + near for row in case.rtp_streams if row.leg == leg)


def _unproven_in(case: Case, phase: PhaseRow, *, is_last: bool) -> bool:
    limits = case.deployment.thresholds
    if phase.started is None or phase.ended is None:
        return False
    if bypassed(case, phase) and _due(case, phase):
        return True
    if is_last and phase.packets_undirected and not (phase.packets_from_client or phase.packets_from_server):
        return phase.may_send_client is not False and _one_ended(case, phase)
    cut = is_last and bool(case.legs) and goes_on(case)
    for may_send, last in (
        (phase.may_send_client, phase.last_from_client),
        (phase.may_send_server, phase.last_from_server),
    ):
        silent = (phase.ended - (last or phase.started)).total_seconds()
        if may_send is None and silent >= limits.stopped_seconds:
            return True
        if may_send and cut and silent >= limits.one_way_seconds:
            return True
    return False


def _one_ended(case: Case, phase: PhaseRow) -> bool:
    """Whether, in media of unknown direction, one sender stopped long before the phase ended."""
    last: dict[str, datetime] = {}
    for row in case.rtp_streams:
        if row.leg == phase.leg and (row.packets or 0) >= case.deployment.thresholds.one_way_packets:
            last[row.src_addr] = max(last.get(row.src_addr, row.last_time), row.last_time)
    silent = (phase.ended - min(last.values())).total_seconds() if last and phase.ended else 0.0
    return silent >= case.deployment.thresholds.stopped_seconds


def unheard(case: Case, leg: int | None) -> bool:
    """Whether in some phase long enough one of two sides allowed to send sent nothing."""
    return any(heard(case, phase) is False for phase in case.phases if phase.leg == leg)


def heard(case: Case, phase: PhaseRow) -> bool | None:
    """Whether all media due in a phase arrived; None if unknown.

    Early media comes from one side; on hold nobody needs to send (RFC 3264, section 8.4, makes music optional).
    """
    client, server = phase.packets_from_client or 0, phase.packets_from_server or 0
    if phase.kind == "early":
        return True if client or server or phase.packets_undirected else None
    if phase.kind == "hold" or (client and server):
        return True
    if (client and phase.may_send_server is False) or (server and phase.may_send_client is False):
        return True
    if phase.packets_undirected:
        return both_ways(case, phase.leg) or None
    if bypassed(case, phase):
        return None
    return False if _due(case, phase) else None


def bypassed(case: Case, phase: PhaseRow) -> bool:
    """Whether the server's description names another leg's far end, so that media bypasses the server unseen.

    This is what a server that connects the parties directly (Asterisk's directmedia) and a proxy without
    a relay do.
    """
    local = phase.local_addr, phase.local_port
    if not all(local) or phase.packets_from_client or phase.packets_from_server or phase.packets_undirected:
        return False
    elsewhere = any(
        each.leg != phase.leg and local == (each.remote_addr, each.remote_port) for each in case.phases
    )
    return elsewhere and not any(row.direct and row.leg == phase.leg for row in case.rtp_streams)


def due(case: Case, leg: int | None) -> list[PhaseRow]:
    """Return the phases after the answer in which both sides may send, long enough for silence to count."""
    return [phase for phase in case.phases if phase.leg == leg and _due(case, phase)]


def _due(case: Case, phase: PhaseRow) -> bool:
    if phase.kind == "early" or not phase.may_send_client or not phase.may_send_server:
        return False
    least = timedelta(seconds=case.deployment.thresholds.one_way_seconds)
    return phase.started is not None and phase.ended is not None and phase.ended - phase.started >= least


def talking(case: Case) -> list[int | None]:
    """Return the answered legs that should have audio: the client's, or all if there are none."""
    up = _answered(case)
    return [leg for leg in up if leg in case.client_legs] if case.legs and case.client_legs else list(up)


def _answered(case: Case) -> Sequence[int | None]:
    if not case.legs:
        return [None]  # an ICE session without SIP
    up = {leg.leg for leg in case.legs if leg.answer_time is not None or leg.state == "starts_mid_call"}
    # A leg whose SIP cannot be read counts as answered if another leg is.
    return sorted(up | {*case.unread_legs} if up else up)


class Talk(NamedTuple):
    """The time in which audio was due on an answered leg."""

    leg: int | None
    start: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()


@answered_once
def talks(case: Case) -> list[Talk]:
    """Return the talks of all answered legs; empty if the end is unknown."""
    until = end(case)
    if until is None:
        return []
    starts: dict[int, datetime] = {}
    ends: dict[int, datetime] = {}
    for leg in case.legs:
        if leg.answer_time is not None:
            starts[leg.leg] = min(starts.get(leg.leg, leg.answer_time), leg.answer_time)
            ends[leg.leg] = max(ends.get(leg.leg, leg.answer_time), min(leg.end_time or until, until))
    return [Talk(leg, start, ends[leg]) for leg, start in sorted(starts.items()) if start < ends[leg]]


def names_no_address(section: SdpMediaRow) -> bool:
    """Whether a section without ICE names no address to send to: 0.0.0.0, or a c= line that cannot be read."""
    return section.ufrag is None and section.connection_addr in UNUSABLE


@answered_once
def sections(case: Case, leg: int | None) -> list[SdpMediaRow]:
    """Return the audio sections of a leg's descriptions that were not rejected."""
    mine = (row for row in case.sdp_media if case.leg_of.get(row.call_id) == leg)
    return [row for row in mine if describes_audio(row.media, row.port)]


def both_may_send(case: Case, leg: int | None) -> bool:
    """Whether offer and answer are known and every section is sendrecv (RFC 8866, section 6.7)."""
    audio_sections = sections(case, leg)
    return described(case, leg) and all(section.direction in (None, "sendrecv") for section in audio_sections)


@answered_once
def described(case: Case, leg: int | None) -> bool:
    """Whether both sides' descriptions are in the captures: one in a request, one in a response."""
    messages = {(row.capture, row.frame) for row in sections(case, leg)}
    kinds = {
        row.method is not None
        for row in case.sip_messages
        if case.leg_of.get(row.call_id) == leg and (row.capture, row.frame) in messages
    }
    return len(kinds) == 2


@answered_once
def main_flow(case: Case, leg: int | None) -> tuple[Way, Way] | None:
    """Return the direction of a leg's RTP with more packets, and the other one; None without RTP.

    Directions are by side if known: NAT changes addresses between captures, and views
    of one flow would look like one-way flows.
    """
    directed = [way(case, leg, direction) for direction in (TO_CLIENT, TO_SERVER)]
    if any(each.rows for each in directed):
        directed = [_arriving(case, each) for each in directed]
        less, more = sorted(directed, key=lambda each: each.packets)
        return more, less
    flows = ways(case, leg)
    if not flows:
        return None
    ends = max(flows, key=lambda key: flows[key].packets)
    return flows[ends], flows.get(ends[::-1], Way(()))


def seen_both_ways(case: Case, one: str, other: str) -> bool:
    """Whether the captures show packets both ways between two machines, so that absence is evidence."""
    rows: tuple[PacketRow, ...] = (*case.sip_messages, *case.rtp_streams, *case.dtls_messages)
    flows = {(row.src_addr, row.dst_addr) for row in rows}
    flows |= {ends for binding in case.bindings for ends in ends_seen(binding)}
    return {(one, other), (other, one)} <= flows


def connected(case: Case, leg: int | None) -> bool:
    """Whether ICE connected a leg: a pair succeeded, or DTLS completed, or audio went both ways."""
    has_keys = any(row.leg == leg and row.state == "complete" for row in case.dtls)
    paired = any(row.leg == leg and row.state == "succeeded" for row in case.pairs)
    return has_keys or paired or both_ways(case, leg) is True
