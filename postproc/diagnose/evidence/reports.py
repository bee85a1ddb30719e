"""What receivers say of streams in their RTCP reports (RFC 3550, section 6.4).

It reaches beyond the capture point: packets that passed it may still not arrive.
"""

from typing import NamedTuple

import pandas as pd

from postproc.diagnose.evidence.case import Case, answered_once
from postproc.diagnose.evidence.media import audio, due
from postproc.model.rows import PhaseRow, RtpStreamRow

# Reports in a row by which nothing arrived. One may have been made just before packets came again; two are
# usually 5 s apart (RFC 3550, section 6.2).
IN_A_ROW = 2


class Reported(NamedTuple):
    """A stream's hops in order, from its sender to its receiver, over relays that keep its SSRC.

    Relays pass reports on, and some decrypt them: what one hop does not show the other may.
    """

    hops: tuple[RtpStreamRow, ...]

    @property
    def last(self) -> RtpStreamRow:
        return self.hops[-1]

    @property
    def silent(self) -> RtpStreamRow | None:
        """The hop whose reports say earliest that nothing arrives any more; None if none says so."""
        told = [row for row in self.hops if (row.unreported or 0) >= IN_A_ROW]
        return min(told, key=lambda row: row.reported_until or row.last_time, default=None)

    @property
    def lost(self) -> tuple[int, int]:
        """Packets that the receiver lacks beyond those missing here, and how many it expected."""
        row = max(self.hops, key=lambda row: row.reported_expected or 0)
        expected = row.reported_expected or 0
        return min(max((row.reported_lost or 0) - (row.lost or 0), 0), expected), expected


@answered_once
def reported(case: Case, leg: int | None) -> list[Reported]:
    """Return the streams of a leg with reports."""
    streams: dict[tuple[int | None, str | None], list[RtpStreamRow]] = {}
    for row in sorted(audio(case, leg), key=lambda row: row.first_time):
        if row.reports:
            streams.setdefault((row.ssrc, row.direction), []).append(row)
    return [Reported(tuple(hops)) for hops in streams.values()]


def unreceived(case: Case, leg: int | None) -> list[Reported]:
    """Return streams that went on although by their receivers' reports nothing arrived any more.

    Not if that was for less than a while, or while the receiver was on hold.
    """
    return [stream for stream in reported(case, leg) if missed(case, stream)]


def missed(case: Case, stream: Reported) -> dict[PhaseRow, float]:
    """Return the phases of which the receiver missed long stretches, with the seconds of each."""
    row, least = stream.silent, case.deployment.thresholds.stopped_seconds
    since: pd.Timestamp | None = row and row.reported_until
    if row is None or since is None:
        return {}
    seconds = {
        phase: (min(row.last_time, phase.ended) - max(since, phase.started)).total_seconds()
        for phase in due(case, row.leg)
        if phase.started is not None and phase.ended is not None
    }
    return {phase: lasted for phase, lasted in seconds.items() if lasted >= least}
