"""Make each thing count once in a call that several captures show.

A stream, check, pair or handshake at several places counts at one of them: a stream at the place nearest to
its receiver, since that is what arrived; a check on whose outcome places differ, where its response has to
arrive; anything else at the reference. The other rows name the capture that counts.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from postproc.correlate.rows import records
from postproc.model.columns import TEXT, array
from postproc.model.tables import Tables
from postproc.places.datagrams import Flow
from postproc.places.overlaps import Overlap
from postproc.places.owners import SIGNS
from postproc.places.passages import Course

PAIR = ("local_addr", "local_port", "remote_addr", "remote_port")
HANDSHAKE = ("client_addr", "client_port", "server_addr", "server_port")


class View(NamedTuple):
    """A row of one capture; ``way`` is 1 to the client, -1 to the server, else 0."""

    row: int
    capture: int
    leg: int | None
    way: int = 0
    outcome: str | None = None


Views = dict[tuple[int, Hashable], list[View]]  # by call and identity


class Once:
    """Decides at which capture things seen in several of them count."""

    def __init__(self, overlap: Overlap, courses: Sequence[Course]) -> None:
        self._names = overlap.captures
        self._captures = {name: number for number, name in enumerate(overlap.captures)}
        self._flows = {(capture, flow): number for number, (capture, flow) in enumerate(overlap.flows)}
        self._same = _joined(overlap, ())
        self._same_ends = _joined(overlap, self._back())
        self._courses = {(course.leg.call, course.leg.leg): course for course in reversed(courses)}
        self._of_call = {course.leg.call: course for course in reversed(courses)}

    def elsewhere(self, tables: Tables) -> dict[str, dict[int, str]]:
        """Return, by table and row label, the capture that counts, for rows that do not count themselves."""
        by_table = {
            "bindings": self._checks(tables.bindings),
            "rtp_streams": self._streams(tables.rtp_streams),
            "pairs": self._at_reference(tables.pairs, PAIR),
            "dtls": self._at_reference(tables.dtls, HANDSHAKE),
        }
        return {
            name: {int(getattr(tables, name).index[row]): capture for row, capture in rows}
            for name, rows in by_table.items()
        }

    def _checks(self, bindings: pd.DataFrame) -> Iterator[tuple[int, str]]:
        """Yield checks that count elsewhere: at the requester, unless the reference has the same outcome."""
        views_of: Views = defaultdict(list)
        names = ("capture", "call", "leg", "transaction_id", "direction", "outcome")
        for row, (capture, call, leg, key, direction, outcome) in enumerate(records(bindings, *names)):
            if call is not None and capture in self._captures:
                way = SIGNS.get(direction, 0)
                views_of[call, key].append(View(row, self._captures[capture], leg, way, outcome))
        for views, course in self._several(views_of):
            requesters = _farthest(course, views, -1 if views[0].way >= 0 else 1)
            reference = next((each for each in views if each.capture == course.reference), requesters)
            counts = reference if reference.outcome == requesters.outcome else requesters
            yield from self._elsewhere(views, counts.capture)

    def _streams(self, streams: pd.DataFrame) -> Iterator[tuple[int, str]]:
        """Yield streams that count elsewhere: nearer to the receiver."""
        views_of: Views = defaultdict(list)
        names = ("capture", "call", "leg", "ssrc", *Flow._fields)
        for row, (capture, call, leg, ssrc, *ends) in enumerate(records(streams, *names)):
            flow = self._flow(capture, ends)
            course = self._course(call, leg)
            if flow is not None and course is not None:
                view = View(row, self._captures[capture], leg, course.signs.get(flow, 0))
                views_of[call, (ssrc, self._same[flow])].append(view)
        for views, course in self._several(views_of):
            way = next((each.way for each in views if each.way), 1)
            counts = _farthest(course, views, way)
            yield from self._elsewhere(views, counts.capture)

    def _at_reference(self, rows: pd.DataFrame, ends: Sequence[str]) -> Iterator[tuple[int, str]]:
        """Yield rows with two ends that count elsewhere: at the reference, else nearest to the server."""
        views_of: Views = defaultdict(list)
        names = ("capture", "call", "leg", *ends)
        for row, (capture, call, leg, *addresses) in enumerate(records(rows, *names)):
            ways = (self._flow(capture, each) for each in (addresses, [*addresses[2:], *addresses[:2]]))
            flow = next((each for each in ways if each is not None), None)
            if call is not None and flow is not None:
                views_of[call, self._same_ends[flow]].append(View(row, self._captures[capture], leg))
        for views, course in self._several(views_of):
            at_reference = any(each.capture == course.reference for each in views)
            counts = course.reference if at_reference else _farthest(course, views, -1).capture
            yield from self._elsewhere(views, counts)

    def _several(self, views_of: Views) -> Iterator[tuple[list[View], Course]]:
        """Yield the views of things in several captures, with the course of their leg."""
        for (call, _), views in views_of.items():
            course = next((each for view in views if (each := self._course(call, view.leg))), None)
            if course is not None and len({view.capture for view in views}) > 1:
                yield views, course

    def _elsewhere(self, views: Iterable[View], counts: int) -> Iterator[tuple[int, str]]:
        """Yield the rows of other captures, and the capture that counts."""
        return ((each.row, self._names[counts]) for each in views if each.capture != counts)

    def _course(self, call: int | None, leg: int | None) -> Course | None:
        return self._courses.get((call, leg)) or self._of_call.get(call)

    def _flow(self, capture: str, ends: Sequence[object]) -> int | None:
        number = self._captures.get(capture)
        return None if number is None else self._flows.get((number, Flow(*ends)))  # type: ignore[arg-type]

    def _back(self) -> Iterator[tuple[int, int]]:
        for (capture, flow), number in self._flows.items():
            if (back := self._flows.get((capture, flow.reverse))) is not None:
                yield number, back


def _farthest(course: Course, views: Iterable[View], way: int) -> View:
    """Return the view nearest to the client (1) or to the server (-1)."""
    order = {capture: place for place, capture in enumerate(course.captures)}
    return max(views, key=lambda view: way * order.get(view.capture, 0))


def _joined(overlap: Overlap, more: Iterable[tuple[int, int]]) -> list[int]:
    """Return by flow the first of its connected group."""
    first = list(range(len(overlap.flows)))

    def root(flow: int) -> int:
        while first[flow] != flow:
            first[flow] = flow = first[first[flow]]
        return flow

    pairs = (each.flows for common in overlap.common.values() for each in common.joined)
    for one, other in (*pairs, *more):
        low, high = sorted((root(one), root(other)))
        first[high] = low
    return [root(flow) for flow in range(len(first))]


def marked(tables: Tables, elsewhere: Iterable[Mapping[str, Mapping[int, str]]]) -> Tables:
    """Return the tables with ``counted_in`` set in rows that count in another capture."""
    captures: dict[str, dict[int, str]] = defaultdict(dict)
    for by_table in elsewhere:
        for name, rows in by_table.items():
            captures[name].update(rows)
    changed = {}
    for name, rows in captures.items():
        if rows:
            table: pd.DataFrame = getattr(tables, name)
            changed[name] = table.assign(counted_in=array([rows.get(row) for row in table.index], TEXT))
    return tables.with_(**changed)
