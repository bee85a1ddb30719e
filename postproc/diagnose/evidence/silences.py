"""Media that fell silent while it was due, per phase and sender (RFC 3264, section 5.1); a phase's verdict.

A sum over the call cannot show it: 5 s of audio and 15 s of silence look like audio both ways.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from postproc.diagnose.evidence.case import CLIENT, SERVER, Case, answered_once
from postproc.diagnose.evidence.media import audio, bypassed, due, heard
from postproc.diagnose.evidence.paths import TO_CLIENT, TO_SERVER, checks
from postproc.model.enumerations import CallVerdict
from postproc.model.findings import Finding
from postproc.model.rows import PhaseRow, RtpStreamRow

# A B2BUA passes a sender's silence on to its other leg within a packet or two; a jitter buffer adds some
# 100 ms. With a third of it delays begin to look like silences of their own, with three times two parties
# who hang up one after the other look like one.
PASSED_ON = timedelta(seconds=1)

# Who puts the other on hold stops when the answer reaches it, a round trip after the phase began: what came until
# then is no music. With a third of it a slow mobile link makes a hold a silence, with three times it music that
# breaks off in its first seconds goes unmentioned.
BEFORE_HELD = timedelta(seconds=1)


@dataclass(frozen=True)
class Silence:
    """From ``since`` to the phase's end nothing came from a side that might send and had sent before.

    ``side``: CLIENT for the leg's far end, whoever that is, or SERVER.
    """

    phase: PhaseRow
    side: str
    since: datetime
    until: datetime

    @property
    def leg(self) -> int | None:
        return self.phase.leg

    @property
    def seconds(self) -> float:
        return (self.until - self.since).total_seconds()


@dataclass(frozen=True)
class Withheld:
    """A stream that a relay passed on until ``since``, and that goes on arriving there until ``until``."""

    arriving: RtpStreamRow
    passed: RtpStreamRow
    since: datetime
    until: datetime

    @property
    def seconds(self) -> float:
        return (self.until - self.since).total_seconds()


def withheld(case: Case) -> Iterator[Withheld]:
    """Streams of a leg with several hops whose next hop falls silent while both sides may send.

    The phase's packets cannot show it: they are counted where they arrive.
    """
    least = case.deployment.thresholds.one_way_packets
    for leg in case.numbers:
        streams = [row for row in audio(case, leg) if (row.packets or 0) >= least]
        for arriving in streams:
            hops = [row for row in streams if _next_hop(arriving, row)]
            passed = max(hops, key=lambda row: row.last_time, default=None)
            if passed is not None and (found := _held_back(case, arriving, passed, streams)):
                yield found


def _next_hop(arriving: RtpStreamRow, row: RtpStreamRow) -> bool:
    """The same stream between two other machines, begun while it arrived."""
    same = (row.capture, row.ssrc, row.direction) == (arriving.capture, arriving.ssrc, arriving.direction)
    elsewhere = row.src_addr != arriving.src_addr and row.dst_addr != arriving.dst_addr
    return same and elsewhere and arriving.first_time <= row.first_time + PASSED_ON <= arriving.last_time


def _held_back(
    case: Case, arriving: RtpStreamRow, passed: RtpStreamRow, streams: Collection[RtpStreamRow]
) -> Withheld | None:
    """None where the relay sends something else to there meanwhile: music, an announcement, another codec."""
    shortest = timedelta(seconds=case.deployment.thresholds.stopped_seconds)
    for phase in due(case, arriving.leg):
        if phase.started is None or phase.ended is None:
            continue
        since, until = max(passed.last_time, phase.started), min(arriving.last_time, phase.ended)
        instead = any(
            row.last_time > since + PASSED_ON
            and row.ssrc != passed.ssrc
            and (row.src_addr, row.dst_addr) == (passed.src_addr, passed.dst_addr)
            for row in streams
        )
        if until - since >= shortest and not instead:
            return Withheld(arriving, passed, since, until)
    return None


@answered_once
def silences(case: Case) -> list[Silence]:
    """The silences of a call where they begin: what a B2BUA only passes on to another leg is left out."""
    every = [silence for leg in case.numbers for silence in _of_leg(case, leg)]
    begun = [silence for silence in every if silence.side == CLIENT]
    return [each for each in every if each.side == CLIENT or not any(_passes_on(each, one) for one in begun)]


def _passes_on(silence: Silence, begun: Silence) -> bool:
    return silence.leg != begun.leg and abs(silence.since - begun.since) <= PASSED_ON


def _of_leg(case: Case, leg: int | None) -> Iterator[Silence]:
    limits = case.deployment.thresholds
    sent = {CLIENT: 0, SERVER: 0}
    for phase in case.phases:
        if phase.leg != leg or phase.kind == "early" or phase.started is None or phase.ended is None:
            continue
        if bypassed(case, phase):
            continue
        for side, may_send, packets, last in (
            (CLIENT, phase.may_send_client, phase.packets_from_client, phase.last_from_client),
            (SERVER, phase.may_send_server, phase.packets_from_server, phase.last_from_server),
        ):
            sent[side] += packets or 0
            if phase.kind == "hold" and (last is None or last - phase.started <= BEFORE_HELD):
                continue  # music is optional (RFC 3264, section 8.4)
            silence = Silence(phase, side, last or phase.started, phase.ended)
            if (
                may_send
                and sent[side] >= limits.one_way_packets
                and silence.seconds >= limits.stopped_seconds
            ):
                yield silence


def alive(case: Case, silence: Silence) -> bool | None:
    """Whether anything of ICE came from the side after its media: checks, or answers to the other's.

    None where the leg has no checks by which to tell.
    """
    came, asked = (TO_SERVER, TO_CLIENT) if silence.side == CLIENT else (TO_CLIENT, TO_SERVER)
    own, answered = checks(case, came, silence.leg).rows, checks(case, asked, silence.leg).of("success")
    if not own and not answered:
        return None
    return any((row.last_time or row.time) > silence.since for row in (*own, *answered))


def phase_verdict(case: Case, phase: PhaseRow, found: Collection[Finding]) -> CallVerdict | None:
    """The verdict of a phase, by what makes ``media_ok`` of a call; ``found``: findings about its media's path.

    Media that is missing is explained by the worst of them on its leg; without any, nobody knows.
    None for early media that did not come: nobody need send it.
    """
    came = heard(case, phase)
    if came is None and phase.kind == "early":
        return None
    if came is False:
        worst = {each.verdict for each in found if each.leg in (None, phase.leg)}
        return "fault" if "fault" in worst else "suspect" if "suspect" in worst else "cannot_tell"
    if any(silence.phase == phase for silence in _of_leg(case, phase.leg)):
        return "suspect"
    return "ok" if came else "cannot_tell"
