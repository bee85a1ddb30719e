"""What is accepted of a capture: how many rows, which numbers, host names and times.

Counts keep a file made for it from filling the memory; each is far above what a call needs,
and what is cut is counted in the capture's warnings.

Times are int64 nanoseconds since 1970, in numpy and in pandas: they end on 2262-04-11, but 64
bits in a file may mean any year. So that sums, differences and some slack always fit, no time
outside 1970 to 2200 is passed on: such a packet is kept with the time of the one before it.
"""

import re
from dataclasses import dataclass
from ipaddress import ip_address

import numpy as np

from postproc.read.arrays import Array

INTERFACES = 4096  # of a file; merged ones have one for each of their parts
INTERFACE_NAME = 255  # characters of its name
ROWS = 2000  # of all tables, from one frame: headers, descriptions and candidates of its SIP messages

NAME = re.compile(r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})\.)*[A-Za-z_][A-Za-z0-9_-]{0,62}\.?")
ADDRESS = re.compile(r"[0-9A-Fa-f.:]+(?:%[\w.:-]{1,64})?", re.ASCII)
LONGEST_NAME = 253  # RFC 1035, section 2.3.4


def host(text: str) -> str | None:
    """An IP address, or a name as hosts have (RFC 1123, section 2.1); None for anything else."""
    if ADDRESS.fullmatch(text):
        try:
            ip_address(text)
        except ValueError:
            pass
        else:
            return text
    return text if len(text) <= LONGEST_NAME and NAME.fullmatch(text) else None


SECOND = 10**9
EARLIEST, LATEST = 0, 7_258_118_400 * SECOND  # 2200-01-01, which is no longer believed
OUTSIDE = -(2**63)  # stands for a time that is not believed


def believed(time: int) -> bool:
    return EARLIEST <= time < LATEST


@dataclass
class Clock:
    """The last believed time of a file, how many of its packets were not believed, and the first of these."""

    last: int | None = None
    count: int = 0
    first_frame: int = 0

    def settle(self, times: Array, first_frame: int) -> tuple[Array, Array]:
        """Times that can be reckoned with, and the positions of those put in place of OUTSIDE.

        A packet bears the last believed time before it; at the beginning the first one
        that comes, EARLIEST if none does among these.
        """
        outside = np.flatnonzero(times == OUTSIDE)
        if not len(outside):
            self.last = int(times[-1]) if len(times) else self.last
            return times, outside
        place = np.arange(len(times))
        good = np.where(times == OUTSIDE, -1, place)
        latest = np.maximum.accumulate(good)
        ahead = int(times[np.argmax(good >= 0)]) if (good >= 0).any() else EARLIEST
        start = ahead if self.last is None else self.last
        settled = np.where(latest < 0, start, times[np.maximum(latest, 0)])
        if latest[-1] >= 0 or self.last is not None:
            self.last = int(settled[-1])
        self.first_frame = self.first_frame or first_frame + int(outside[0])
        self.count += len(outside)
        return settled, outside

    def follow(self, time: int, start: int | None, frame: int) -> int:
        """The same for one time after the other; ``start`` is what the first ones bear."""
        if believed(time):
            self.last = time
            return time
        self.first_frame = self.first_frame or frame
        self.count += 1
        return self.last if self.last is not None else start or EARLIEST

    @property
    def warning(self) -> str | None:
        """What to know of the packets that were not believed."""
        if not self.count:
            return None
        return (
            f"clock outside 1970 to 2200 in {self.count} of the packets, first in frame {self.first_frame}: "
            "each bears the time of the packet before it, and no duration counts them"
        )
