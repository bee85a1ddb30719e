"""What the captures of a call can show, before anything is concluded from what they do not."""

from datetime import datetime

from postproc.diagnose.case.case import Case
from postproc.diagnose.case.media import both_ways


def watched_after(case: Case, time: datetime) -> float:
    """Seconds that the captures go on after a moment."""
    return (case.last_time - time).total_seconds() if case.last_time else 0.0


def goes_on(case: Case) -> bool:
    """The captures end before the call does: no leg's end is in them."""
    return not any(leg.end_time for leg in case.legs)


def end(case: Case) -> datetime | None:
    """When the call was over, or the captures were."""
    ends = [time for time in (case.call.end, case.last_time) if time is not None]
    return min(ends, default=None)


def connected(case: Case, leg: int | None) -> bool:
    """ICE did its work on a leg: a check was answered both ways, or DTLS or media came through."""
    done = any(row.leg == leg and row.state == "complete" for row in case.dtls)
    paired = any(row.leg == leg and row.state == "succeeded" for row in case.pairs)
    return done or paired or both_ways(case, leg) is True
