"""A recording of several files as one capture, and its rows, evidence and facts back in their files.

Its frames are numbered consecutively across files. A second frame of a row (FURTHER) is counted from the
row's own file: up to 0 it is in an earlier file, above the file's number of packets in a later one.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd

from postproc.model.calls import recording_name
from postproc.model.columns import INTEGER, TEXT, array, plain
from postproc.model.findings import Evidence
from postproc.model.loading import FrameNumber
from postproc.model.tables import Tables

FURTHER = (
    "response_frame",
    "final_frame",
    "opened_by",
    "copy_of",
    "report_frame",
)  # columns that name a second frame

T = TypeVar("T")


class Recording(NamedTuple):
    """Files treated as one capture; ``before`` has the number of frames before each."""

    name: str
    files: tuple[str, ...]
    before: tuple[int, ...]

    @classmethod
    def of(cls, files: Sequence[str], packets: Sequence[int], name: str = "") -> "Recording":
        return cls(name or recording_name(files), tuple(files), tuple(np.cumsum([0, *packets[:-1]]).tolist()))

    def places(self, frames: "pd.Series[int]") -> "np.ndarray[Any, np.dtype[np.int64]]":
        """Return the index of the file that each frame is in; 0 for NA."""
        places = np.searchsorted(self.before, frames.fillna(1).to_numpy("int64"), side="left") - 1
        return np.maximum(places, 0)


class Recordings(NamedTuple):
    """The recordings of a run that have several files, and the original table ``captures``."""

    several: tuple[Recording, ...]
    captures: pd.DataFrame

    def apart(self, tables: Tables) -> Tables:
        """Return the tables with each row assigned to its file again."""
        nonempty = ((table, rows) for table, rows in tables.items() if len(rows))
        cut = {table.name: in_files(rows, self.several) for table, rows in nonempty} if self.several else {}
        return tables.with_(**(cut | {"captures": self._numbered()}))

    def _numbered(self) -> pd.DataFrame:
        """Return the captures with their recording numbers."""
        of = {name: each.name for each in self.several for name in each.files}
        names, times = (plain(self.captures[name]) for name in ("capture", "first_time"))
        by_time = sorted(zip(times, names, strict=True), key=lambda file: (file[0] is None, *file))
        numbers: dict[str, int] = {}
        for _, name in by_time:
            numbers.setdefault(of.get(name, name), len(numbers))
        recording = [numbers[of.get(name, name)] for name in names]
        return self.captures.assign(recording=array(recording, INTEGER))

    def paths(self, files: Mapping[str, Path]) -> dict[str, list[tuple[Path, int]]]:
        """Return, by capture or recording, its files with the number of frames before each."""
        paths = {name: [(path, 0)] for name, path in files.items()}
        for recording in self.several:
            paths[recording.name] = [
                (files[name], before) for name, before in zip(recording.files, recording.before, strict=True)
            ]
        return paths

    def by_recording(self, by_file: Mapping[str, T]) -> dict[str, T]:
        """Rename the keys from captures to recordings; a file's value becomes its recording's."""
        name_of = {file: each.name for each in self.several for file in each.files}
        return {name_of.get(file, file): value for file, value in by_file.items()}

    def evidence(self, evidence: Evidence) -> Evidence:
        """Convert evidence in a recording to the file of its first frame, with the frames in that file."""
        recording = self._of(evidence.capture)
        if recording is None:
            return evidence
        places = recording.places(pd.Series(evidence.frames, dtype="Int64")).tolist() or [0]
        first = places[0]
        pairs = zip(evidence.frames, places, strict=False)
        frames = tuple(frame - recording.before[first] for frame, place in pairs if place == first)
        return Evidence(recording.files[first], frames, evidence.time)

    def facts(self, facts: Mapping[str, Any], evidence: Evidence | None) -> dict[str, Any]:
        """Convert frame numbers in facts to the evidence's file; others become text with their file."""
        recording = self._of(evidence.capture) if evidence else None
        if evidence is None or recording is None:
            return dict(facts)
        here = self.evidence(evidence).capture
        return {name: _called(value, recording, here) for name, value in facts.items()}

    def _of(self, name: str) -> Recording | None:
        return next((each for each in self.several if each.name == name), None)


def _called(value: Any, recording: Recording, here: str) -> Any:  # noqa: ANN401  (any fact)
    if isinstance(value, tuple | list):
        return type(value)(_called(each, recording, here) for each in value)
    if not isinstance(value, FrameNumber):
        return value
    place = int(recording.places(pd.Series([value], dtype="Int64"))[0])
    frame, file = value - recording.before[place], recording.files[place]
    return FrameNumber(frame) if file == here else f"{frame} ({file})"


def in_files(rows: pd.DataFrame, several: Iterable[Recording]) -> pd.DataFrame:
    """Replace recording and frame with file and frame in the rows of a table."""
    captures, of = rows["capture"], {}
    for recording in several:
        which = (captures == recording.name).fillna(False).to_numpy(bool)
        if which.any():
            of[recording] = np.flatnonzero(which)
    if not of:
        return rows
    names, less = np.array(plain(captures), object), np.zeros(len(rows), np.int64)
    for recording, rows_of_it in of.items():
        places = recording.places(rows["frame"].iloc[rows_of_it])
        names[rows_of_it] = np.array(recording.files, object)[places]
        less[rows_of_it] = np.array(recording.before)[places]
    return moved_rows(rows, names.tolist(), -less)


def moved_rows(
    rows: pd.DataFrame, names: list[str], by: "np.ndarray[Any, np.dtype[np.int64]]"
) -> pd.DataFrame:
    more = array(by.tolist(), INTEGER)
    columns = ["frame", *(name for name in FURTHER if name in rows)]
    return rows.assign(capture=array(names, TEXT), **{name: rows[name] + more for name in columns})
