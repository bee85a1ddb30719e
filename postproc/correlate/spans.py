"""Who was there at that time: spans of time, searched by overlap.

A maximum tree over the ends finds each match in logarithmic time, however many
spans share one address: thousands of calls on one media port, or a call whose
end was never seen, must not make the search quadratic.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple

Time = float
LegKey = tuple[int, int | None]
ALWAYS = (float("-inf"), float("inf"))


class Span(NamedTuple):
    """A leg's right to an address; times in ns, infinite where unknown."""

    start: Time
    end: Time
    leg: LegKey
    side: str | None


class Spans(NamedTuple):
    """Spans sorted by start, their starts, the maximum tree of their ends, and spans by leg."""

    spans: list[Span]
    starts: list[Time]
    latest_end: list[Time]
    by_leg: dict[LegKey, list[Span]]


def spans(items: Iterable[Span]) -> Spans:
    """Index the spans."""
    ordered = sorted(items, key=lambda span: span.start)
    by_leg: dict[LegKey, list[Span]] = {}
    for span in ordered:
        by_leg.setdefault(span.leg, []).append(span)
    return Spans(ordered, [span.start for span in ordered], _maximum_tree([s.end for s in ordered]), by_leg)


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
    held = index.by_leg.get(leg, ())
    return next((span for span in held if span.start <= last and span.end >= first), None)
