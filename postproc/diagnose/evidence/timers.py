"""Timers of SIP (RFC 3261, section 17): when a message that is sent again was not heard, when its sender gives up."""

from collections.abc import Sequence
from datetime import timedelta

from postproc.model.rows import SipMessageRow

T1_S = 0.5  # the first retransmission over UDP
# 64 * T1, Timers B, F and H: after that a request without a response, or a 2xx without an ACK (section 13.3.1.4), has failed.
TIMEOUT_S = 64 * T1_S
# Servers' timers tick in seconds, and a BYE waits for the last transaction: with 0, half of them are missed; with a
# minute, people who happen to hang up are attributed to the timer.
ROOM_S = 5.0
# Over UDP a message is sent again after 0.5, 1.5, 3.5 and 7.5 s. A limit of 3 accuses a far end that looks up a number
# before it sends 100, a slow registrar, and ACKs over bad mobile networks; 6 misses short calls, and a server that
# tries the next gateway after 10 s.
REPEATED = 4
LASTING_S = 3.0


def timed_out(seconds: float) -> bool:
    """Whether who acts so long after a message does so because its timer has expired."""
    return abs(seconds - TIMEOUT_S) <= ROOM_S


def lasting(copies: Sequence[SipMessageRow]) -> bool:
    """Whether a message was sent so often, and for so long, that its sender heard no response."""
    return len(copies) >= REPEATED and span_s(copies) >= LASTING_S


def in_ms(duration: timedelta) -> float:
    return duration.total_seconds() * 1000


def span_s(copies: Sequence[SipMessageRow]) -> float:
    """Return the seconds from the first copy of a message to the last."""
    return (copies[-1].time - copies[0].time).total_seconds()
