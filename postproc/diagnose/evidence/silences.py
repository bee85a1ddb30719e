"""Media that stopped while it was due, per phase and sender (RFC 3264, section 5.1); a phase's verdict.

Totals over the call do not show it: 5 s of audio and 15 s of silence look like audio both ways.
"""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from postproc.diagnose.evidence.case import CLIENT, OTHER, SERVER, Case, answered_once
from postproc.diagnose.evidence.holds import PASSED_ON, kept
from postproc.diagnose.evidence.hops import next_hops
from postproc.diagnose.evidence.media import audio, bypassed, due, heard
from postproc.diagnose.evidence.paths import TO_CLIENT, TO_SERVER, checks
from postproc.diagnose.evidence.reports import missed, unreceived
from postproc.diagnose.evidence.timers import in_ms
from postproc.model.enumerations import CallVerdict
from postproc.model.findings import Finding
from postproc.model.rows import PhaseRow, RtpStreamRow
from postproc.model.statuses import is_success

# The holding party stops sending when the answer arrives, a round trip after the phase began: packets until
# then are not hold music. At a third of this, a slow mobile link turns a hold into a silence; at three times,
# music that breaks off in its first seconds is missed.
BEFORE_HELD = timedelta(seconds=1)

# A side that sends nothing while it listens (silence suppression without comfort noise) pauses again and again. So many
# pauses before, of at least this share of the last one, make that one usual: one may be an outage, and a third of the last
# one's length is common in any talk with silence suppression; at its full length a sentence more of the other looks like a fault.
PAUSES, AS_LONG = 2, 0.5


class Silence(NamedTuple):
    """Silence from ``since`` to the phase's end of a side that may send and had sent before.

    ``side``: CLIENT for the leg's far end, whatever it is, or SERVER.
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


class Withheld(NamedTuple):
    """A stream that a relay forwarded until ``since`` while it kept arriving until ``until``."""

    arriving: RtpStreamRow
    passed: RtpStreamRow
    since: datetime
    until: datetime

    @property
    def seconds(self) -> float:
        return (self.until - self.since).total_seconds()


def withheld(case: Case) -> Iterator[Withheld]:
    """Yield streams of multi-hop legs whose next hop stops while both sides may send.

    The phase's packet counts do not show it: they count packets where they arrive.
    """
    least = case.deployment.thresholds.one_way_packets
    for leg in case.numbers:
        streams = [row for row in audio(case, leg) if (row.packets or 0) >= least]
        for arriving in streams:
            hops = [row for row in next_hops(arriving, streams) if _begun_during(arriving, row)]
            passed = max(hops, key=lambda row: row.last_time, default=None)
            if passed is not None and (gap := _held_back(case, arriving, passed, streams)):
                yield gap


def _begun_during(arriving: RtpStreamRow, row: RtpStreamRow) -> bool:
    """Whether one stream begins after the other and goes on beside it.

    If it ends as the other begins, a sender has moved to another of its addresses (ICE that settles on IPv6, say).
    """
    begun = arriving.first_time <= row.first_time + PASSED_ON <= arriving.last_time
    return bool(begun and row.last_time >= arriving.first_time + PASSED_ON)


def _held_back(
    case: Case, arriving: RtpStreamRow, passed: RtpStreamRow, streams: Collection[RtpStreamRow]
) -> Withheld | None:
    """Return the gap; None if it is short or the relay sends something else instead (music, another codec)."""
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
    """Return the silences of a call where they originate, without those that a B2BUA only forwards.

    A leg whose party has handed the call on owes no media any more.
    """
    every = [
        silence
        for leg in case.numbers
        for silence in _of_leg(case, leg)
        if not (_handed_on(case, silence) or _hung_up(case, silence))
    ]
    begun = [silence for silence in every if silence.side == CLIENT]
    return [each for each in every if each.side == CLIENT or not any(_passes_on(each, one) for one in begun)]


def _handed_on(case: Case, silence: Silence) -> bool:
    """Whether the leg's party had asked for a transfer that succeeded (NOTIFY of 2xx, RFC 3515, section 2.4.5)."""
    rows = [row for row in case.sip_messages if row.leg == silence.leg]
    asked = [row.call_id for row in rows if row.method == "REFER" and row.time <= silence.since + BEFORE_HELD]
    return any(row.call_id in asked and is_success(row.fragment_status) for row in rows)


def _hung_up(case: Case, silence: Silence) -> bool:
    """Whether there was a BYE on the leg by then, even one that the other side refused: nobody owes media after it."""
    byes = (row for row in case.sip_messages if row.method == "BYE" and row.leg == silence.leg)
    return any(row.time <= silence.since + BEFORE_HELD for row in byes)


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
                and not _usual(case, silence)
            ):
                yield silence


def _usual(case: Case, silence: Silence) -> bool:
    """Whether the side had paused for about as long before, of its own accord (nothing was lost), and did not vanish."""
    phase, sides = silence.phase, (SERVER,) if silence.side == SERVER else (CLIENT, OTHER)
    least = timedelta(seconds=silence.seconds * AS_LONG)
    streams = [
        row
        for row in audio(case, silence.leg)
        if row.src_side in sides and in_ms(least) <= (row.max_gap_ms or 0.0)
    ]
    pauses = [
        after
        for row in streams
        for before, after in pairwise(case.seconds_of(row))
        if after.time - (before.last_time or after.time) >= least
        and not after.lost
        and (phase.started is None or phase.started <= (before.last_time or after.time))
        and after.time <= silence.since
    ]
    return len(pauses) >= PAUSES and alive(case, silence) is not False


def fed_by(case: Case, silence: Silence) -> PhaseRow | None:
    """Return the phase of another leg in which a B2BUA gets audio that it passes on no more; None if it gets none."""
    if silence.side != SERVER:
        return None
    lasting = silence.since + timedelta(seconds=case.deployment.thresholds.stopped_seconds)
    for phase in case.phases:
        last, started = phase.last_from_client, phase.started
        if phase.leg == silence.leg or last is None or started is None or phase.may_send_server is False:
            continue
        if last >= lasting and started <= silence.until and phase.kind not in ("early", "hold"):
            return phase
    return None


def alive(case: Case, silence: Silence) -> bool | None:
    """Whether checks or check responses came from the side after its media stopped.

    None if the leg has no checks.
    """
    incoming, asking = (TO_SERVER, TO_CLIENT) if silence.side == CLIENT else (TO_CLIENT, TO_SERVER)
    own, answered = checks(case, incoming, silence.leg).rows, checks(case, asking, silence.leg).of("success")
    if not own and not answered:
        return None
    return any((row.last_time or row.time) > silence.since for row in (*own, *answered))


def _disturbed(case: Case, leg: int | None) -> Iterator[PhaseRow]:
    """Yield the phases in which media stopped, and those that should have ended."""
    yield from (each.phase for each in _of_leg(case, leg))
    yield from (each.phase for each in kept(case))
    yield from (phase for stream in unreceived(case, leg) for phase in missed(case, stream))


def phase_verdict(case: Case, phase: PhaseRow, path_findings: Collection[Finding]) -> CallVerdict | None:
    """Return the verdict of a phase, by the criteria of ``media_ok``.

    ``path_findings`` are findings about the media path: missing media gets the worst verdict of those on its
    leg, or ``cannot_tell`` without any. None for early media that did not come: it is optional.
    """
    came = heard(case, phase)
    if came is None and phase.kind == "early":
        return None
    if came is False:
        worst = {each.verdict for each in path_findings if each.leg in (None, phase.leg)}
        return "fault" if "fault" in worst else "suspect" if "suspect" in worst else "cannot_tell"
    if phase in _disturbed(case, phase.leg):
        return "suspect"
    return "ok" if came else "cannot_tell"
