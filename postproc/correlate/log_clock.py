"""How far a log's clock is from the capture's, time zone and summer time included.

Learnt from lines whose packet is known: an INVITE, else the answer or the end of a call. A log ticks in
steps of some 20 ms and on some systems it is earlier than the packet: the median counts, the spread is told.
When the clock was changed by whole hours meanwhile, each stretch of the log has its own offset.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from statistics import median_low
from typing import NamedTuple

from postproc.correlate.records import NS_PER_S

HOUR = 3600 * NS_PER_S
OFF = 5 * NS_PER_S  # an anchor this far from the others is not about the packet it was taken for


class Anchor(NamedTuple):
    """A line and the packet it is about; times in ns."""

    frame: int
    log: int
    packet: int

    @property
    def offset(self) -> int:
        return self.log - self.packet


class Stretch(NamedTuple):
    """Anchor with the offset that holds around it."""

    anchor: Anchor
    offset: int


class Clock(NamedTuple):
    """A log's clock: ``offset`` in ns, ``spread`` of what it was learnt from, and how many those were."""

    offset: int
    spread: int
    anchors: int
    stretches: tuple[Stretch, ...] = ()  # in the order of the log, where the offset changed

    def offset_at(self, frame: int, time: int) -> int:
        """Offset of a line: of the stretches beside it that in which its time fits between theirs."""
        if not self.stretches:
            return self.offset
        place = bisect_left(self.stretches, frame, key=lambda stretch: stretch.anchor.frame)
        before, after = self.stretches[max(place - 1, 0)], self.stretches[min(place, len(self.stretches) - 1)]
        fits = before.anchor.packet - OFF <= time - before.offset <= after.anchor.packet + OFF
        return before.offset if fits else after.offset

    def away(self) -> "Clock":
        """Return the clock as another log of the same machine has it."""
        return self._replace(stretches=())


def clock(anchors: Iterable[Anchor]) -> Clock | None:
    """Return the clock that the anchors of one log show, or None where there are none."""
    known = sorted(anchors)
    if not known:
        return None
    middle = median_low(anchor.offset for anchor in known)
    steps = {anchor: round((anchor.offset - middle) / HOUR) * HOUR for anchor in known}
    rest = {anchor: anchor.offset - middle - step for anchor, step in steps.items()}
    good = [anchor for anchor in known if abs(rest[anchor]) <= OFF]
    skew = median_low(rest[anchor] for anchor in good)
    exact = [rest[anchor] for anchor in good]
    stretches = tuple(Stretch(anchor, middle + skew + steps[anchor]) for anchor in good)
    changed = len({stretch.offset for stretch in stretches}) > 1
    return Clock(middle + skew, max(exact) - min(exact), len(good), stretches if changed else ())


def anchored(lines: Iterable[tuple[int, int, str]], packets: Iterable[tuple[int, str, int]]) -> list[Anchor]:
    """Match a log's lines (frame, time, Call-ID) to ``packets`` (recording, Call-ID, time).

    Recordings have clocks of their own: the one that shows most of the log's calls is taken.
    """
    written = list(lines)
    seen: Mapping[int, dict[str, int]] = defaultdict(dict)
    for recording, call_id, time in packets:
        seen[recording].setdefault(call_id, time)
    matches = Counter({
        recording: sum(call_id in times for _, _, call_id in written) for recording, times in seen.items()
    })  # fmt: skip
    if not matches:
        return []
    times = seen[min(matches, key=lambda recording: (-matches[recording], recording))]
    return [Anchor(frame, time, times[call_id]) for frame, time, call_id in written if call_id in times]
