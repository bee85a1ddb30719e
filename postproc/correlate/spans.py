"""Spans of time in which something is a leg's, searched by overlap.

A maximum tree over the end times finds each match in logarithmic time, so thousands of calls on one
media port, or calls whose end was never captured, do not make the search quadratic.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

Time = float  # ns since 1970, infinite where unknown
LegKey = tuple[int, int | None]  # call and leg; an ICE session without SIP has no leg

ALWAYS = (float("-inf"), float("inf"))


class Span(NamedTuple):
    """When an address is a leg's; times in ns, infinite where unknown."""

    start: Time
    end: Time
    leg: LegKey
    side: str | None


@dataclass(frozen=True, eq=False)
class Spans:
    """Spans sorted by start. What a search needs is made for the first one: most are never searched."""

    spans: list[Span]

    @cached_property
    def starts(self) -> list[Time]:
        return [span.start for span in self.spans]

    @cached_property
    def latest_end(self) -> list[Time]:
        """The maximum tree of their ends."""
        return _maximum_tree([span.end for span in self.spans])

    @cached_property
    def by_leg(self) -> dict[LegKey, list[Span]]:
        legs: dict[LegKey, list[Span]] = {}
        for span in self.spans:
            legs.setdefault(span.leg, []).append(span)
        return legs


def spans(items: Iterable[Span]) -> Spans:
    return Spans(sorted(items, key=lambda span: span.start))


def _maximum_tree(values: list[Time]) -> list[Time]:
    """Return a binary tree in a list: node n has children 2n and 2n + 1, leaves are the values."""
    size = 1 << max(len(values) - 1, 0).bit_length()
    tree = [ALWAYS[0]] * size + values + [ALWAYS[0]] * (size - len(values))
    for node in range(size - 1, 0, -1):
        tree[node] = max(tree[2 * node], tree[2 * node + 1])
    return tree


def overlapping(index: Spans, first: Time, last: Time) -> Iterator[Span]:
    """Yield the spans that share time with first .. last, latest start first."""
    started = bisect_right(index.starts, last)
    todo = [(1, 0, len(index.latest_end) // 2)]
    while todo:
        node, begin, width = todo.pop()
        if begin >= started or index.latest_end[node] < first:
            continue
        if width == 1:
            yield index.spans[begin]
        else:
            half = width // 2
            todo += [(2 * node, begin, half), (2 * node + 1, begin + half, half)]


def span_of(index: Spans, leg: LegKey, first: Time, last: Time) -> Span | None:
    """Return the leg's span there that shares time with first .. last."""
    leg_spans = index.by_leg.get(leg, ())
    return next((span for span in leg_spans if span.start <= last and span.end >= first), None)
