"""The RTP of a call, per leg and direction; what media a leg should have, and whether they came.

A stream that two captures saw counts once, by the fuller view.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from postproc.diagnose.evidence.case import Case, answered_once
from postproc.diagnose.evidence.paths import EITHER_WAY, TO_CLIENT, TO_SERVER
from postproc.diagnose.evidence.signalling import server_calls
from postproc.diagnose.evidence.view import end, ends_seen, goes_on
from postproc.model.enumerations import Direction
from postproc.model.loading import PacketRow
from postproc.model.rows import PhaseRow, RtpStreamRow, SdpMediaRow


@dataclass(frozen=True)
class Way:
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
    """The streams of a leg; no video where audio is described: a picture that comes is no sound that does."""
    spoken = bool(sections(case, leg))
    return [row for row in case.rtp_streams if row.leg == leg and not (spoken and row.media == "video")]


@answered_once
def ways(case: Case, leg: int | None) -> dict[tuple[str, str], Way]:
    """(source address, destination address) -> RTP on a leg; machines, as ports and SSRCs may change."""
    flows: dict[tuple[str, str], list[RtpStreamRow]] = {}
    for row in _once(audio(case, leg)):
        flows.setdefault((row.src_addr, row.dst_addr), []).append(row)
    return {ends: Way(tuple(held)) for ends, held in flows.items()}


@answered_once
def way(case: Case, leg: int | None, direction: Direction) -> Way:
    """RTP on a leg towards the client or the server."""
    return Way(tuple(_once(row for row in audio(case, leg) if (row.direction or EITHER_WAY) == direction)))


def _once(streams: Iterable[RtpStreamRow]) -> list[RtpStreamRow]:
    """Each SSRC once at a time: of overlapping views the one with more packets."""
    held: dict[tuple[str | None, int | None], list[RtpStreamRow]] = {}
    for row in sorted(streams, key=lambda row: -(row.packets or 0)):
        views = held.setdefault((row.direction, row.ssrc), [])
        if not any(_overlap(row, other) for other in views):
            views.append(row)
    return sorted((row for views in held.values() for row in views), key=lambda row: row.time)


def _overlap(one: RtpStreamRow, other: RtpStreamRow) -> bool:
    if one.capture == other.capture and one.direction == EITHER_WAY:
        return False  # two directions may share an SSRC
    return bool(one.first_time <= other.last_time and other.first_time <= one.last_time)


@answered_once
def both_ways(case: Case, leg: int | None) -> bool | None:
    """Whether a leg has audio both ways; None where it has none that could be judged."""
    directed = [way(case, leg, TO_CLIENT), way(case, leg, TO_SERVER)]
    if any(each.rows for each in directed):
        return _balanced(case, *(_arriving(case, each) for each in directed))
    flows = {ends: _arriving(case, each) for ends, each in ways(case, leg).items()}
    if not flows:
        return None
    return any(_balanced(case, held, flows.get(ends[::-1], Way(()))) for ends, held in flows.items())


def _arriving(case: Case, sent: Way) -> Way:
    """Without what a place nearer to the receiver does not show, and what ends at a relay."""
    return Way(
        tuple(
            row
            for row in sent.rows
            if (row.capture, row.src_addr, row.src_port, row.dst_addr, row.dst_port) not in case.lost_flows
            and not _ends_at_relay(case, row)
        )
    )


def _ends_at_relay(case: Case, row: RtpStreamRow) -> bool:
    """A relay between two hops of a leg passes the other direction on, and nothing of what this stream brings."""
    hops = [each for each in case.rtp_streams if (each.capture, each.leg) == (row.capture, row.leg)]
    if any(each.ssrc == row.ssrc and _sent(each) != _sent(row) for each in hops):
        return False
    back = [each for each in hops if _sent(each) == (row.dst_addr, row.dst_port, row.src_addr, row.src_port)]
    before = [
        arrived
        for passed in back
        for arrived in hops
        if arrived.ssrc == passed.ssrc
        and arrived.dst_addr != row.src_addr
        and arrived.src_addr != row.dst_addr
    ]
    return bool(before) and not any(
        (each.src_addr, each.dst_addr) == (arrived.dst_addr, arrived.src_addr)
        for each in hops
        for arrived in before
    )


def _sent(row: RtpStreamRow) -> tuple[object, ...]:
    return row.src_addr, row.src_port, row.dst_addr, row.dst_port


def _balanced(case: Case, one: Way, other: Way) -> bool:
    """Whether both have audio, and neither is but a scrap of the other, unless throughout its time."""
    less, more = sorted((one, other), key=lambda way: way.packets)
    if missing(case, less, more) and more.seconds >= case.deployment.thresholds.one_way_seconds:
        return throughout(case, less, more)
    return less.packets >= case.deployment.thresholds.one_way_packets


def missing(case: Case, less: Way, more: Way) -> bool:
    """Whether a direction has too few packets to be audio, beside the other's."""
    limits = case.deployment.thresholds
    return less.packets < limits.one_way_packets or less.packets < limits.one_way_share * more.packets


def throughout(case: Case, less: Way, more: Way) -> bool:
    """A few packets over most of the other direction's time: silence suppression, and a path that works."""
    enough = less.packets >= case.deployment.thresholds.one_way_packets
    return enough and less.seconds >= more.seconds / 2


@answered_once
def media_ok(case: Case) -> bool | None:
    """Audio both ways wherever the captures show media, and on every client's leg. None: cannot be judged.

    What they do not show of another leg, as behind the B2BUA, proves nothing; of a client's leg, on which they
    show checks or handshakes, it does. Silence that nobody can judge leaves open whether media are ok.
    """
    heard = {leg: True if as_agreed(case, leg) else both_ways(case, leg) for leg in _answered(case)}
    wanted = [heard[leg] for leg in talking(case)]
    if all(each is None for each in wanted):
        return None
    needs_proof = bool(case.client_legs) or not case.legs
    enough = all(seen or (seen is None and not needs_proof) for seen in wanted)
    if not enough or any(unheard(case, leg) for leg, seen in heard.items() if seen is not None):
        return False
    open_end = any(unproven(case, leg) for leg, seen in heard.items() if seen)
    return None if open_end or callers_leg_missing(case) else True


def as_agreed(case: Case, leg: int | None) -> bool:
    """By every description of a leg one side only sends, and its media came: paging, an announcement, a listener."""
    phases = [each for each in case.phases if each.leg == leg and each.kind != "early"]
    came = [
        (each.packets_from_client if each.may_send_client else each.packets_from_server) or 0
        for each in phases
        if {each.may_send_client, each.may_send_server} == {True, False}
    ]
    return bool(came) and len(came) == len(phases) and sum(came) >= case.deployment.thresholds.one_way_packets


def callers_leg_missing(case: Case) -> bool:
    """The server makes the only leg in sight: of whom it makes it for, nothing is seen."""
    return (
        len(case.numbers) == 1 and not case.client_legs and all(server_calls(case, leg) for leg in case.legs)
    )


def unproven(case: Case, leg: int | None) -> bool:
    """Media of a leg ended on one side, and the captures show neither an agreed hold nor for how long it lasted.

    Without offer and answer nobody knows whether the side might have sent; where the captures end before the
    call does, a short silence may be the beginning of a long one.
    """
    phases = [
        each
        for each in case.phases
        if each.leg == leg and each.kind != "early" and each.started and each.ended
    ]
    failed = _handshake_failed_after_media(case, leg)
    return failed or any(_unproven_in(case, phase, is_last=phase is phases[-1]) for phase in phases)


def _handshake_failed_after_media(case: Case, leg: int | None) -> bool:
    """The last handshake of a leg failed, and no media came after it: the path to what follows is not proven."""
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
    """Of media whose direction nobody knows one sender's ended long before the phase did."""
    last: dict[str, datetime] = {}
    for row in case.rtp_streams:
        if row.leg == phase.leg and (row.packets or 0) >= case.deployment.thresholds.one_way_packets:
            last[row.src_addr] = max(last.get(row.src_addr, row.last_time), row.last_time)
    silent = (phase.ended - min(last.values())).total_seconds() if last and phase.ended else 0.0
    return silent >= case.deployment.thresholds.stopped_seconds


def unheard(case: Case, leg: int | None) -> bool:
    """A phase in which both might send for long enough went by with nothing from one of them."""
    return any(heard(case, phase) is False for phase in case.phases if phase.leg == leg)


def heard(case: Case, phase: PhaseRow) -> bool | None:
    """Whether media came in a phase from everybody from whom it was due; None where that cannot be told.

    Early media comes from one side; in a hold nobody need send (RFC 3264, section 8.4, makes music optional).
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
    """The server's description names another leg's far end: media goes past it, where no capture sees it.

    So does a server that connects the parties directly (Asterisk's directmedia), and a proxy without a relay.
    """
    named = phase.local_addr, phase.local_port
    if not all(named) or phase.packets_from_client or phase.packets_from_server or phase.packets_undirected:
        return False
    elsewhere = any(
        each.leg != phase.leg and named == (each.remote_addr, each.remote_port) for each in case.phases
    )
    return elsewhere and not any(row.direct and row.leg == phase.leg for row in case.rtp_streams)


def due(case: Case, leg: int | None) -> list[PhaseRow]:
    """The phases after the answer in which both sides might send, for as long as silence means something."""
    return [phase for phase in case.phases if phase.leg == leg and _due(case, phase)]


def _due(case: Case, phase: PhaseRow) -> bool:
    if phase.kind == "early" or not phase.may_send_client or not phase.may_send_server:
        return False
    least = timedelta(seconds=case.deployment.thresholds.one_way_seconds)
    return phase.started is not None and phase.ended is not None and phase.ended - phase.started >= least


def talking(case: Case) -> list[int | None]:
    """Legs that should have audio: the client's, else all, as far as they were answered."""
    up = _answered(case)
    return [leg for leg in up if leg in case.client_legs] if case.legs and case.client_legs else list(up)


def _answered(case: Case) -> Sequence[int | None]:
    if not case.legs:
        return [None]  # an ICE session without SIP
    up = {leg.leg for leg in case.legs if leg.answer_time is not None or leg.state == "starts_mid_call"}
    # A leg whose SIP cannot be read stands as long as the one beside it does.
    return sorted(up | {*case.unread_legs} if up else up)


@dataclass(frozen=True)
class Talk:
    """A leg that was answered: from when to when audio was due."""

    leg: int | None
    start: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()


@answered_once
def talks(case: Case) -> list[Talk]:
    """Every answered leg with the time in which audio was due on it."""
    until = end(case)
    if until is None:
        return []
    starts: dict[int, datetime] = {}
    for leg in case.legs:
        if leg.answer_time is not None:
            starts[leg.leg] = min(starts.get(leg.leg, leg.answer_time), leg.answer_time)
    return [Talk(leg, start, until) for leg, start in sorted(starts.items()) if start < until]


@answered_once
def sections(case: Case, leg: int | None) -> list[SdpMediaRow]:
    """The audio sections of a leg's descriptions that were not refused."""
    return [s for s in case.sdp_media if case.leg_of.get(s.call_id) == leg and s.media == "audio" and s.port]


def both_may_send(case: Case, leg: int | None) -> bool:
    """Offer and answer are known, and nobody put the leg on hold or refused audio (RFC 8866, 6.7)."""
    found = sections(case, leg)
    return described(case, leg) and all(section.direction in (None, "sendrecv") for section in found)


@answered_once
def described(case: Case, leg: int | None) -> bool:
    """Both sides' descriptions are in the captures: one in a request, one in a response."""
    spoken = {(row.capture, row.frame) for row in sections(case, leg)}
    kinds = {
        row.method is not None
        for row in case.sip_messages
        if case.leg_of.get(row.call_id) == leg and (row.capture, row.frame) in spoken
    }
    return len(kinds) == 2


@answered_once
def main_flow(case: Case, leg: int | None) -> tuple[Way, Way] | None:
    """The fuller direction of a leg's RTP and the other one; None without RTP.

    By side where it is known, so that the views of several captures, in which
    NAT changes the addresses, do not look like one-way flows.
    """
    directed = [way(case, leg, direction) for direction in (TO_CLIENT, TO_SERVER)]
    if any(each.rows for each in directed):
        directed = [_arriving(case, each) for each in directed]
        less, more = sorted(directed, key=lambda each: each.packets)
        return more, less
    held = ways(case, leg)
    if not held:
        return None
    ends = max(held, key=lambda key: held[key].packets)
    return held[ends], held.get(ends[::-1], Way(()))


def seen_both_ways(case: Case, one: str, other: str) -> bool:
    """The captures show packets both ways between two machines, so a missing direction is missing indeed."""
    rows: tuple[PacketRow, ...] = (*case.sip_messages, *case.rtp_streams, *case.dtls_messages)
    flows = {(row.src_addr, row.dst_addr) for row in rows}
    flows |= {ends for binding in case.bindings for ends in ends_seen(binding)}
    return {(one, other), (other, one)} <= flows


def connected(case: Case, leg: int | None) -> bool:
    """ICE did its work on a leg: a check was answered both ways, or DTLS or media came through."""
    done = any(row.leg == leg and row.state == "complete" for row in case.dtls)
    paired = any(row.leg == leg and row.state == "succeeded" for row in case.pairs)
    return done or paired or both_ways(case, leg) is True
