"""Which captures are one recording, which ran at the same time, and recordings in place of captures.

Files of the same interfaces that follow each other without overlap (a ring buffer) are one recording;
overlapping ones are vantage points. Two captures of one machine with a longer pause between them stay
apart, unless a call goes on from one into the other.

Correlation and diagnosis see a recording as one capture, if nothing is missing between its files or something
goes on. Its frames are numbered on from file to file: a request in one file and its response in the next are
a pair like any other. Before and after, each row names its file and the frame in that. Where a row names a
second frame (FURTHER), that is counted from the row's own file: up to 0 it is in a file before, above the
file's number of packets in one behind.
"""

from bisect import bisect_left, bisect_right, insort
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd

from postproc.model import constants
from postproc.model.calls import recording_name
from postproc.model.columns import INTEGER, TEXT, array, plain
from postproc.model.findings import Evidence
from postproc.model.loading import FrameNumber
from postproc.model.tables import CAPTURES, Tables

SECOND = 1_000_000_000
LONGEST_PAUSE = 60 * SECOND
# Between two files of a ring buffer there is no more than between two packets. Who stops a capture by hand
# and starts the next needs longer; a quiet ring may pause longer, too, but then nothing goes on in it.
SEAM = SECOND
# dumpcap writes packets of several interfaces up to a quarter of a second out of order, at a file's end too.
DISORDER = SECOND // 2
NEAREST = 8  # chains that ended about then, among which the one that a file goes on from is looked for
INVITE_DIALOG = frozenset(constants.words("sip.invite_dialog"))  # methods that prove a call
FURTHER = ("response_frame", "final_frame", "opened_by", "copy_of")  # columns that name a second frame
SUMS = (
    "packets",
    "media_packets",
    "foreign_packets",
    "dissected_packets",
    "packets_not_looked_at",
)

# Messages, and share of the smaller capture's, that two captures must both show to be vantage points of one
# another whatever their clocks say: in a ring buffer only what is sent again just at a seam is in two files.
FEWEST_SAME, SHARE_SAME = 3, 0.5
# Captures that show one message: one that more of them show, like a phone's first OPTIONS, tells nothing.
MOST_VIEWS = 32
STUN_KEY = ["transaction_id", "kind"]
SIP_KEY = ["call_id", "cseq", "cseq_method", "branch", "method", "status"]

T = TypeVar("T")
Known = Mapping[str, int]  # capture -> number of its recording, where that is known
Views = Mapping[str, set[str]]  # capture -> others that show the same messages
Identities = Mapping[str, set[str]]  # capture -> Call-IDs of the calls in it, and what else goes on


class File(NamedTuple):
    """A capture as far as it matters here."""

    start: int  # ns since 1970
    end: int
    capture: str
    interfaces: tuple[str, str]  # names and link types

    @property
    def lasts(self) -> int:
        return self.end - self.start

    def follows(self, earlier: "File") -> bool:
        disorder = min(DISORDER, max(self.lasts, earlier.lasts) // 2)
        after = earlier.start < self.start and earlier.end <= self.end
        return after and earlier.end <= self.start + disorder

    def apart(self, earlier: "File") -> tuple[bool, int]:
        """How far apart two are that follow each other: those of one folder are nearer."""
        folders = (each.capture.rpartition("/")[0] for each in (self, earlier))
        return len(set(folders)) > 1, abs(self.start - earlier.end)


# Of an earlier and a later file: True where what is in them shows that they are one recording, False where
# they are not, None where only their times let it seem so.
GoesOn = Callable[[File, File], bool | None]


def near(earlier: File, later: File) -> bool | None:
    """So short a pause lets them seem one recording."""
    return None if later.start - earlier.end <= LONGEST_PAUSE else False


def seamless(earlier: File, later: File) -> bool | None:
    """So short a pause lets nothing seem to be missing between them."""
    return None if later.start - earlier.end <= SEAM else False


def recordings(
    captures: pd.DataFrame, sip_messages: pd.DataFrame, apart: Views | None = None
) -> "pd.Series[int]":
    """Return the recording, numbered from 0 by first packet, per capture name; none has two of ``apart``.

    Captures without a packet stand alone and come last.
    """
    found = chains(_files(captures), near, _calls(sip_messages), apart)
    names = [[file.capture for file in chain] for chain in found]
    names += [[name] for name in captures.loc[captures["first_time"].isna(), "capture"]]
    numbers = {name: number for number, chain in enumerate(names) for name in chain}
    return pd.Series(numbers, dtype="int64", name="recording").rename_axis("capture")


def overlapping(captures: pd.DataFrame, recordings: "pd.Series[int]") -> Callable[[int, int], bool]:
    """Return the question whether two recordings ran at the same time, at least for a moment."""
    timed = captures.dropna(subset=["first_time", "last_time"])
    number = timed["capture"].map(recordings)
    starts = timed["first_time"].groupby(number).min().to_dict()
    ends = timed["last_time"].groupby(number).max().to_dict()

    def overlap(one: int, other: int) -> bool:
        known = one in starts and other in starts
        return one == other or (known and starts[one] <= ends[other] and starts[other] <= ends[one])

    return overlap


def views(tables: Tables) -> Views:
    """The captures that show the same messages as others: vantage points, and no files of one recording."""
    stun, sip = tables.stun_messages, tables.sip_messages
    if len({*stun["capture"].unique(), *sip["capture"].unique()}) < 2:
        return {}
    keyed = [
        pd.DataFrame({"capture": rows["capture"], "key": message_keys(rows, columns)}).drop_duplicates()
        for rows, columns in ((stun, STUN_KEY), (sip, SIP_KEY))
    ]
    messages = pd.concat(keyed, ignore_index=True)
    every = messages["capture"].value_counts()
    several = messages[messages.groupby("key")["capture"].transform("size").between(2, MOST_VIEWS)]
    same = Counter(
        pair for _, held in several.groupby("key")["capture"] for pair in combinations(sorted(held), 2)
    )
    found: dict[str, set[str]] = defaultdict(set)
    for (one, other), count in same.items():
        if count >= max(FEWEST_SAME, SHARE_SAME * min(every[one], every[other])):
            found[one].add(other)
            found[other].add(one)
    return found


def message_keys(messages: pd.DataFrame, columns: list[str]) -> "pd.Series[int]":
    """A number of these columns, the same wherever the message is seen."""
    return pd.util.hash_pandas_object(messages[columns].astype("string"), index=False)


def chains(
    files: Iterable[File],
    goes_on: GoesOn,
    going_on: Identities | None = None,
    apart: Views | None = None,
    known: Known | None = None,
) -> list[list[File]]:
    """The files by recording, and the recordings, by time.

    ``goes_on`` is asked of two that follow each other; what is in both joins them, too, unless it keeps
    them ``apart``. Those ``known`` to be one recording are. Another place's first file may begin just when
    a file ends: times alone join none to a file that goes on in another.
    """
    by_interfaces: dict[tuple[str, str], list[File]] = defaultdict(list)
    same: dict[int, tuple[str, str]] = {}  # what cannot be walked does not tell its interfaces
    for number, file in enumerate(sorted(files)):
        interfaces = same.setdefault((known or {}).get(file.capture, -number - 1), file.interfaces)
        by_interfaces[interfaces].append(file)
    return sorted(
        chain
        for held in by_interfaces.values()
        for chain in _chains(held, goes_on, going_on or {}, apart or {}, known or {})
    )


def _calls(sip_messages: pd.DataFrame) -> dict[str, set[str]]:
    kinds = sip_messages["method"].fillna(sip_messages["cseq_method"])
    of_calls = sip_messages.loc[kinds.isin(INVITE_DIALOG), ["capture", "call_id"]].dropna().drop_duplicates()
    calls: dict[str, set[str]] = defaultdict(set)
    for capture, call_id in zip(of_calls["capture"], of_calls["call_id"], strict=True):
        calls[capture].add(call_id)
    return calls


def _streams_and_transactions(tables: Tables) -> Iterator[tuple[str, str]]:
    """What is the same in two files only if it goes on from one into the other."""
    asks = tables.stun_messages[["capture", "transaction_id"]].dropna().drop_duplicates()
    yield from zip(plain(asks["capture"]), plain(asks["transaction_id"]), strict=True)
    names = ("capture", "src_addr", "src_port", "dst_addr", "dst_port", "ssrc")
    for capture, *stream in zip(*(plain(tables.rtp_streams[name]) for name in names), strict=True):
        yield capture, f"rtp {stream}"


def _files(captures: pd.DataFrame) -> list[File]:
    """Return the captures that have packets."""
    timed = captures.dropna(subset=["first_time", "last_time"])
    interfaces = zip(timed["interfaces"].fillna(""), timed["link_types"].fillna(""), strict=True)
    start, end = (timed[name].astype("int64") for name in ("first_time", "last_time"))
    return list(map(File, start, end, timed["capture"], interfaces))


def _chains(
    files: list[File], goes_on: GoesOn, going_on: Identities, apart: Views, known: Known
) -> list[list[File]]:
    """Split files of the same interfaces, given by time, into recordings."""
    chains: list[list[File]] = []
    ends: list[tuple[int, int]] = []  # end and number of each chain, sorted
    latest: dict[str, int] = {}  # what goes on -> number of the chain it was last in
    chain_of: dict[str, int] = {}
    of_known: dict[int, int] = {}
    followers = _followers(files, goes_on, going_on, apart, known)

    def follows(earlier: File, later: File) -> bool | None:
        told = goes_on(earlier, later)
        taken = followers.get(earlier.capture, later.capture) != later.capture
        return False if told is None and taken else told

    for file in files:
        identities = going_on.get(file.capture, set())
        others = {chain_of[each] for each in apart.get(file.capture, ()) if each in chain_of}
        number = of_known.get(known.get(file.capture, -1))
        if number is None:
            number = _going_on(file, chains, {latest[each] for each in identities if each in latest} - others)
        number = _just_ended(file, chains, ends, follows, others) if number is None else number
        if number is None:
            number = len(chains)
            chains.append([])
        else:
            ends.pop(bisect_left(ends, (chains[number][-1].end, number)))
        chains[number].append(file)
        insort(ends, (file.end, number))
        latest |= dict.fromkeys(identities, number)
        chain_of[file.capture] = number
        of_known[known.get(file.capture, -2)] = number
    return chains


def _going_on(file: File, chains: list[list[File]], shared: set[int]) -> int | None:
    """Return the last chain to end before the file among those that share something with it."""
    before = [(chains[number][-1].end, number) for number in shared if file.follows(chains[number][-1])]
    return max(before)[1] if before else None


def _just_ended(
    file: File, chains: list[list[File]], ends: list[tuple[int, int]], goes_on: GoesOn, apart: set[int]
) -> int | None:
    """Return the chain that the file goes on from: the nearest, if any does that is not kept apart."""
    place = bisect_right(ends, (file.start + DISORDER, len(chains)))
    near = [number for _, number in ends[max(place - NEAREST, 0) : place] if number not in apart]
    last = [(number, chains[number][-1]) for number in near]
    by_distance = sorted((file.apart(earlier), number) for number, earlier in last)
    told = {
        number: goes_on(earlier, file)
        for _, number in by_distance
        if file.follows(earlier := chains[number][-1])
    }
    seeming = next((number for number, answer in told.items() if answer is None), None)
    return next((number for number, answer in told.items() if answer), seeming)


def _followers(
    files: list[File], goes_on: GoesOn, going_on: Identities, apart: Views, known: Known
) -> dict[str, str]:
    """By capture, the one that is shown to go on from it."""
    found: dict[str, str] = {}
    latest: dict[str | int, File] = {}  # what goes on, or the known recording -> the last with it
    by_end = sorted(files, key=lambda file: file.end)
    ends = [file.end for file in by_end]
    for file in files:
        marks = {*going_on.get(file.capture, ()), *({known[file.capture]} if file.capture in known else ())}
        before = [latest[each] for each in marks if each in latest]
        if not before:
            place = bisect_right(ends, file.start + DISORDER)
            near = reversed(by_end[max(place - NEAREST, 0) : place])
            before = [earlier for earlier in near if file.follows(earlier) and goes_on(earlier, file)][:1]
        for earlier in before:
            if file.follows(earlier) and earlier.capture not in apart.get(file.capture, ()):
                found.setdefault(earlier.capture, file.capture)
        latest |= dict.fromkeys(marks, file)
    return found


@dataclass(frozen=True)
class Recording:
    """Files that are one capture to those who look at them; ``before`` each are so many frames."""

    name: str
    files: tuple[str, ...]
    before: tuple[int, ...]

    @classmethod
    def of(cls, files: Sequence[str], packets: Sequence[int], name: str = "") -> "Recording":
        return cls(name or recording_name(files), tuple(files), tuple(np.cumsum([0, *packets[:-1]]).tolist()))

    def places(self, frames: "pd.Series[int]") -> "np.ndarray[Any, np.dtype[np.int64]]":
        """Which file each frame is in; no frame is in the first."""
        found = np.searchsorted(self.before, frames.fillna(1).to_numpy("int64"), side="left") - 1
        return np.maximum(found, 0)


@dataclass(frozen=True)
class Recordings:
    """The recordings of a run that have several files, and the rows of these files in ``captures``."""

    several: tuple[Recording, ...]
    captures: pd.DataFrame

    def apart(self, tables: Tables) -> Tables:
        """The tables with each row named after its file again."""
        held = tables.items() if self.several else ()
        cut = {table.name: in_files(rows, self.several) for table, rows in held if len(rows)}
        return tables.with_(**(cut | {"captures": self._numbered()}))

    def _numbered(self) -> pd.DataFrame:
        """The captures with the number of each one's recording."""
        of = {name: each.name for each in self.several for name in each.files}
        by_time = self.captures.sort_values(["first_time", "capture"], kind="stable")["capture"]
        numbers: dict[str, int] = {}
        for name in by_time:
            numbers.setdefault(of.get(name, name), len(numbers))
        recording = [numbers[of.get(name, name)] for name in self.captures["capture"]]
        return self.captures.assign(recording=array(recording, INTEGER))

    def paths(self, files: Mapping[str, Path]) -> dict[str, list[tuple[Path, int]]]:
        """By capture, recordings among them, its files, and how many frames are before each."""
        found = {name: [(path, 0)] for name, path in files.items()}
        for each in self.several:
            found[each.name] = [
                (files[name], before) for name, before in zip(each.files, each.before, strict=True)
            ]
        return found

    def by_recording(self, by_file: Mapping[str, T]) -> dict[str, T]:
        """What is given for captures, by name; what is for a file of a recording goes for the recording."""
        name_of = {file: each.name for each in self.several for file in each.files}
        return {name_of.get(file, file): value for file, value in by_file.items()}

    def evidence(self, found: Evidence) -> Evidence:
        """Evidence in a file: that of its first frame, and the frames in it."""
        recording = self._of(found.capture)
        if recording is None:
            return found
        places = recording.places(pd.Series(found.frames, dtype="Int64")).tolist() or [0]
        first = places[0]
        pairs = zip(found.frames, places, strict=False)
        frames = tuple(frame - recording.before[first] for frame, place in pairs if place == first)
        return Evidence(recording.files[first], frames, found.time)

    def facts(self, facts: Mapping[str, Any], found: Evidence | None) -> dict[str, Any]:
        """Facts with frames as they are called in the file of the evidence, or with the file they are in."""
        recording = self._of(found.capture) if found else None
        if found is None or recording is None:
            return dict(facts)
        here = self.evidence(found).capture
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
    """The rows of a table with file and frame in place of those of recordings."""
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
    return _moved(rows, names.tolist(), -less)


def _moved(rows: pd.DataFrame, names: list[str], by: "np.ndarray[Any, np.dtype[np.int64]]") -> pd.DataFrame:
    more = array(by.tolist(), INTEGER)
    columns = ["frame", *(name for name in FURTHER if name in rows)]
    return rows.assign(capture=array(names, TEXT), **{name: rows[name] + more for name in columns})


def joined(tables: Tables) -> tuple[Tables, Recordings]:
    """The tables with recordings in place of captures, and the way back."""
    going_on = _calls(tables.sip_messages)
    for capture, identity in _streams_and_transactions(tables):
        going_on[capture].add(identity)
    rows = tables.captures.set_index("capture")
    numbers = zip(plain(tables.captures["capture"]), plain(tables.captures["recording"]), strict=True)
    known = {name: number for name, number in numbers if number is not None}
    several = tuple(
        Recording.of(files, plain(rows.loc[files, "packets"].fillna(0)))
        for chain in chains(_files(tables.captures), seamless, going_on, views(tables), known)
        if len(files := [file.capture for file in chain]) > 1
    )
    if not several:
        return tables, Recordings((), tables.captures)
    names = {file: recording.name for recording in several for file in recording.files}
    before = {
        file: less
        for recording in several
        for file, less in zip(recording.files, recording.before, strict=True)
    }
    moved = {
        table.name: _moved(
            held,
            [names.get(name, name) for name in plain(held["capture"])],
            np.array([before.get(name, 0) for name in plain(held["capture"])], np.int64),
        )
        for table, held in tables.items()
        if len(held) and table is not CAPTURES
    }
    captures = [_as_one(rows.loc[list(each.files)], each.name) for each in several]
    alone = tables.captures[~tables.captures["capture"].isin(names)]
    whole = pd.concat([alone, CAPTURES.rows(captures)]).sort_values("capture")
    return tables.with_(**moved, captures=whole), Recordings(several, tables.captures)


def _as_one(files: pd.DataFrame, name: str) -> dict[str, object]:
    """The row of a recording's files, by time; a file between that is cut short is not its end."""
    last = files.iloc[-1]
    texts = {
        column: separator.join(dict.fromkeys(files[column].dropna())) or None
        for column, separator in (("not_looked_at", "; "), ("missing", "; "), ("warnings", "\n"))
    }
    same = {column: last[column] for column in ("format", "interfaces", "link_types", "cut_short")}
    ends = {"first_time": files["first_time"].min(), "last_time": files["last_time"].max()}
    sums = {column: int(files[column].fillna(0).sum()) for column in SUMS}
    return {"capture": name} | same | ends | sums | texts
