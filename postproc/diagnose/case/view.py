"""What the captures of a call can show, before anything is concluded from what they do not."""

from datetime import datetime

from postproc.diagnose.case.case import Case
from postproc.diagnose.case.media import both_ways


def one_direction(case: Case) -> bool:
    """Packets go one way only between every two machines that talk UDP in this call, SIP included.

    Then nothing can be said of what comes back. An ICMP error or any answer proves sight both ways.
    """
    if case.icmp:
        return False
    flows = {(row.src_addr, row.dst_addr) for row in (*case.messages, *case.streams, *case.dtls_messages)}
    flows |= {(row.src_addr, row.dst_addr) for row in case.bindings}
    answered = any(row.response_frame is not None for row in case.bindings)
    apart = {(one, other) for one, other in flows if one != other}
    return bool(apart) and not answered and not any((other, one) in apart for one, other in apart)


def watched_after(case: Case, time: datetime) -> float:
    """Seconds that the captures go on after a moment."""
    return (case.last_time - time).total_seconds() if case.last_time else 0.0


def end(case: Case) -> datetime | None:
    """When the call was over, or the captures were."""
    ends = [time for time in (case.call.end, case.last_time) if time is not None]
    return min(ends, default=None)


def connected(case: Case, leg: int | None) -> bool:
    """ICE did its work on a leg: a check was answered both ways, or DTLS or media came through."""
    done = any(row.leg == leg and row.state == "complete" for row in case.dtls)
    paired = any(row.leg == leg and row.state == "succeeded" for row in case.pairs)
    return done or paired or both_ways(case, leg) is True
