"""Captures of one call at several places: which they are, their clocks, and what was lost between them.

``find`` finds captures that show the same packets, from the event tables and a second walk of those files.
Correlation gets them by one clock (``Places.by_one_clock``) and attributes the packets to legs. Then
``Places.compared`` adds the tables ``clocks`` and ``passages``, and makes duplicates count once.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np

from postproc.model.clocks import ONE_CLOCK, Correction, corrections_of, with_times_moved
from postproc.model.columns import TIME
from postproc.model.recordings import INVITE_DIALOG, recordings, views
from postproc.model.tables import CLOCKS, PASSAGES, Tables
from postproc.places.apart import with_places_apart
from postproc.places.datagrams import SIP, ByCapture, Datagrams, Files, datagrams
from postproc.places.matches import matches
from postproc.places.once import Once, marked
from postproc.places.overlaps import Overlap
from postproc.places.owners import owners
from postproc.places.passages import best_for_calls, clocks, clocks_by_root, courses, passages, stretches
from postproc.places.shared import groups
from postproc.read.arrays import Array

__all__ = ["Places", "by_own_clocks", "find"]

NONE: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True)
class Places:
    """Captures that show the same packets, by group."""

    overlaps: tuple[Overlap, ...]

    @property
    def groups(self) -> list[list[str]]:
        return [overlap.captures for overlap in self.overlaps]

    @property
    def repeated(self) -> frozenset[tuple[str, int]]:
        """Frames of SIP messages that the root of their group also shows, else a capture named earlier."""
        frames = set()
        for overlap in self.overlaps:
            for (_, other), common in overlap.common.items():
                rows = common.one if other == overlap.root else common.other
                sip = overlap.packets[rows[overlap.packets["kind"][rows] == SIP]]
                names = (overlap.captures[number] for number in sip["capture"].tolist())
                frames |= set(zip(names, sip["frame"].tolist(), strict=True))
        return frozenset(frames)

    def by_one_clock(self, tables: Tables) -> Tables:
        """Return the tables with times by the clock of each group's root."""
        return with_times_moved(tables, self._corrections)

    def by_own_clocks(self, tables: Tables, read: Tables) -> Tables:
        """Return the tables with times by each capture's own clock, as in the tables ``read``."""
        times = {name: [at] for name, at in _times(read, self._corrections).items()}
        for overlap in self.overlaps:
            for number, name in enumerate(overlap.captures):
                if name in times:
                    times[name].append(overlap.packets["time"][overlap.packets["capture"] == number])
        whole = {name: np.concatenate(each) for name, each in times.items()}
        return with_times_moved(tables, _back(self._corrections, whole))

    @cached_property
    def _corrections(self) -> dict[str, Correction]:
        corrections: dict[str, Correction] = {}
        for overlap in self.overlaps:
            for number, name in enumerate(overlap.captures):
                comparison = overlap.comparison(overlap.root, number)
                if comparison and abs(sum(clock.offset for clock in comparison.clocks)) > ONE_CLOCK:
                    corrections[name] = comparison.corrected
        return corrections

    def compared(self, tables: Tables) -> Tables:
        """Return the tables with ``clocks`` and ``passages``, and ``counted_in`` set for duplicates."""
        if len(tables.captures) < 2:
            return tables
        by_clock: dict[tuple[str, str], dict[str, Any]] = {}
        rows: list[dict[str, Any]] = []
        elsewhere = []
        cut = ByCapture(tables)
        for overlap in self.overlaps:
            of_group = cut.of(overlap.captures)
            legs = courses(overlap, owners(overlap, of_group), of_group.captures, of_group.sip_messages)
            every = [row for course in legs for row in clocks(overlap, course)]
            every += clocks_by_root(overlap)
            for row in sorted(every, key=lambda row: row["reference"] != overlap.captures[overlap.root]):
                by_clock.setdefault((row["capture"], row["reference"]), row)
            rows += [row for course in legs for row in passages(overlap, course)]
            elsewhere.append(Once(overlap, legs).elsewhere(of_group))
        tables = marked(tables, elsewhere)
        placed = Tables(clocks=CLOCKS.rows(by_clock.values()), passages=PASSAGES.rows(rows))
        placed = self.by_one_clock(placed)
        return with_places_apart(tables.with_(clocks=placed.clocks, passages=placed.passages))

    def lost(self, tables: Tables) -> dict[str, dict[int, list[str]]]:
        """Return, by capture and frame, the captures that lack the packet though they are next on its way."""
        missing: dict[str, dict[int, list[str]]] = {}
        cut = ByCapture(tables)
        for overlap in self.overlaps:
            of_group = cut.of(overlap.captures)
            for course in courses(
                overlap, owners(overlap, of_group), of_group.captures, of_group.sip_messages
            ):
                for stretch in stretches(overlap, course):
                    frames = missing.setdefault(overlap.captures[stretch.sender], {})
                    for frame in overlap.packets["frame"][stretch.lost].tolist():
                        frames.setdefault(frame, []).append(overlap.captures[stretch.receiver])
        return missing


def find(events: Tables, files: Mapping[str, Files], offsets_ms: Mapping[str, float] = NONE) -> Places:
    """Find the captures that show the same packets; ``files`` has the files of each capture.

    ``offsets_ms`` has known offsets of clocks from the reference's. Raises CaptureError if a file
    cannot be read again.
    """
    if len(events.captures) < 2:
        return Places(())
    overlaps = []
    cut = ByCapture(events)
    for group in groups(events, recordings(events.captures, events.sip_messages, views(events))):
        of_group = cut.of(group.captures)
        packets = datagrams({name: files[name] for name in group.captures}, group.pairs, ByCapture(of_group))
        same = matches(packets, of_group)
        if len(same.one):
            offsets = [offsets_ms.get(name) for name in packets.captures]
            overlaps.append(Overlap(packets, same, _root(packets, of_group), of_group.captures, offsets))
    return Places(tuple(overlaps))


def _root(group: Datagrams, events: Tables) -> int:
    """Return the number of the capture whose clock is the reference for all."""
    messages = events.sip_messages
    methods = messages["method"].fillna(messages["cseq_method"])
    legs = messages[methods.isin(INVITE_DIALOG)].groupby("capture")["call_id"].nunique().to_dict()
    packets = dict(zip(events.captures["capture"], events.captures["packets"], strict=True))
    rated = [(legs.get(name, 0), packets[name]) for name in group.captures]
    return best_for_calls(rated, range(len(rated)))


def by_own_clocks(tables: Tables, own: Tables) -> Tables:
    """Return ``tables`` with times by each capture's own clock; ``own`` are the tables of the run."""
    corrections = corrections_of(own)
    return with_times_moved(tables, _back(corrections, _times(own, corrections)))


def _times(tables: Tables, names: Collection[str]) -> dict[str, Array]:
    """Return all times in the rows of these captures, sorted."""
    if not names:
        return {}
    times_of: dict[str, list[Array]] = {name: [np.zeros(0, np.int64)] for name in names}
    for table, rows in tables.items():
        columns = [column.name for column in table.columns if column.dtype == TIME]
        for name, at in rows.groupby("capture").indices.items() if table is not CLOCKS else ():
            if str(name) in times_of:
                for column in columns:
                    times = rows[column].iloc[at].dropna()
                    times_of[str(name)].append(times.to_numpy("datetime64[ns]").astype(np.int64))
    return {name: np.unique(np.concatenate(each)) for name, each in times_of.items()}


def _back(corrections: Mapping[str, Correction], own: Mapping[str, Array]) -> dict[str, Correction]:
    """Return the inverse corrections: each looks up the time that was corrected, which avoids rounding."""

    def way(name: str) -> Correction:
        times = own[name]
        corrected = corrections[name](times)
        order = np.argsort(corrected)

        def back(time: Array) -> Array:
            at = np.minimum(np.searchsorted(corrected, time, sorter=order), len(order) - 1)
            own_time: Array = times[order[at]] + (time - corrected[order[at]])
            return own_time

        return back

    return {name: way(name) for name in corrections if len(own[name])}
