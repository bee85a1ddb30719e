"""Limits on what is accepted from a capture: numbers of rows, host names and times.

The counts keep a hostile file from filling the memory. Each is far above what a call needs, and what is
dropped is counted in the capture's warnings.

Times are int64 nanoseconds since 1970, in numpy and in pandas, which end on 2262-04-11, while 64 bits in a
file may mean any year. So that sums, differences and margins never overflow, no time outside 1970 to 2200
is passed on: such a packet is kept with the time of the one before it.
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
    """Return the text if it is an IP address or a host name (RFC 1123, section 2.1), else None."""
    if ADDRESS.fullmatch(text):
        try:
            ip_address(text)
        except ValueError:
            pass
        else:
            return text
    return text if len(text) <= LONGEST_NAME and NAME.fullmatch(text) else None


SECOND = 10**9
EARLIEST, LATEST = 0, 7_258_118_400 * SECOND  # 1970-01-01, and 2200-01-01, which is excluded
OUTSIDE = -(2**63)  # stands for an implausible time


def believed(time: int) -> bool:
    return EARLIEST <= time < LATEST


@dataclass
class Clock:
    """The last plausible time of a file; number and first frame of the packets without one."""

    last: int | None = None
    count: int = 0
    first_frame: int = 0

    def settle(self, times: Array, first_frame: int) -> tuple[Array, Array]:
        """Return the times with OUTSIDE replaced, and the positions replaced.

        A packet gets the last plausible time before it; at the beginning the first one after it, or
        EARLIEST if there is none in ``times``.
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
        """Return one time, replaced if implausible; ``start`` is used before the first plausible one."""
        if believed(time):
            self.last = time
            return time
        self.first_frame = self.first_frame or frame
        self.count += 1
        return self.last if self.last is not None else start or EARLIEST

    @property
    def warning(self) -> str | None:
        """The warning about packets with implausible times, None if there are none."""
        if not self.count:
            return None
        return (
            f"clock outside 1970 to 2200 in {self.count} of the packets, first in frame {self.first_frame}: "
            "each bears the time of the packet before it, and no duration counts them"
        )
