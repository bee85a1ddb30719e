"""Captures of one call at several places: found by what both show; their clocks, and what got lost between.

``find`` tells which captures show the same packets, from the event tables and a second look at the files
concerned. Whose packets those are correlation says: ``compared`` adds the tables ``clocks`` and ``passages``.
"""

from collections.abc import Mapping
from typing import Any

from postproc.model.recordings import recordings, views
from postproc.model.tables import CLOCKS, PASSAGES, Tables
from postproc.places.apart import with_places_apart
from postproc.places.datagrams import Files, datagrams
from postproc.places.matches import matches
from postproc.places.overlaps import Overlap
from postproc.places.owners import owners
from postproc.places.passages import clocks, courses, passages
from postproc.places.shared import groups

__all__ = ["compared", "find"]


def find(events: Tables, files: Mapping[str, Files]) -> list[Overlap]:
    """The captures that show the same packets, by group; ``files`` are what each capture is read from.

    Raises CaptureError where a file that was read cannot be read again.
    """
    found = []
    for group in groups(events, recordings(events.captures, events.sip_messages, views(events))):
        seen = datagrams({name: files[name] for name in group.captures}, group.pairs, events)
        same = matches(seen, events)
        if len(same.one):
            found.append(Overlap(seen, same, events.captures))
    return found


def compared(tables: Tables, overlaps: list[Overlap]) -> Tables:
    """The tables with ``clocks`` and ``passages``."""
    by_clock: dict[tuple[str, str], dict[str, Any]] = {}
    rows: list[dict[str, Any]] = []
    for seen in overlaps:
        for course in courses(seen, owners(seen, tables), tables.captures, tables.sip_messages):
            for row in clocks(seen, course):
                by_clock.setdefault((row["capture"], row["reference"]), row)
            rows += passages(seen, course)
    return with_places_apart(
        tables.with_(clocks=CLOCKS.rows(by_clock.values()), passages=PASSAGES.rows(rows))
    )
