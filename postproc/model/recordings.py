"""Group captures into recordings, find those that overlap, and merge a recording's tables into one capture.

Files of the same interfaces that follow each other without overlap (a ring buffer) are one recording;
overlapping ones are vantage points. Two captures of one machine with a longer pause between them stay
separate, unless a call continues from one into the other.

Correlation and diagnosis see a recording as one capture if its files are seamless or something continues
across them. Its frames are numbered consecutively across files, so that a request in one file and its
response in the next pair up. Outside these stages, each row names its file and the frame in it (see
``merged``).
"""

from bisect import bisect_left, bisect_right, insort
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from postproc.model import constants
from postproc.model.columns import plain
from postproc.model.merged import Recording, Recordings, moved_rows
from postproc.model.tables import CAPTURES, Tables

SECOND = 1_000_000_000
# A choice: a capture restarted later than this is another recording unless a call continues. Larger values
# join unrelated captures, smaller ones split quiet ring buffers.
LONGEST_PAUSE = 60 * SECOND
# Files of a ring buffer are no further apart than two packets. Stopping a capture by hand and starting the
# next takes longer; a quiet ring may pause longer too, but then nothing continues across the pause.
SEAM = SECOND
# dumpcap writes packets of several interfaces up to 0.25 s out of order, also at a file's end.
DISORDER = SECOND // 2
NEAREST = 8  # latest chains searched for a file's predecessor; a choice, enough for 8 parallel captures
INVITE_DIALOG = frozenset(constants.words("sip.invite_dialog"))  # methods that prove a call
SUMS = (
    "packets",
    "media_packets",
    "foreign_packets",
    "dissected_packets",
    "packets_not_looked_at",
    "messages_cut",
)

# Common messages, and their share of the smaller capture's messages, that make two captures vantage points
# whatever their clocks say: files of a ring buffer share only retransmissions at a seam.
FEWEST_SAME, SHARE_SAME = 3, 0.5
# A message seen in more captures than this, like a phone's first OPTIONS, is no evidence.
MOST_VIEWS = 32
STUN_KEY = ["transaction_id", "kind"]
SIP_KEY = ["call_id", "cseq", "cseq_method", "branch", "method", "status"]

Known = Mapping[str, int]  # capture -> number of its recording, if known
Views = Mapping[str, set[str]]  # capture -> others that show the same messages
Identities = Mapping[str, set[str]]  # capture -> Call-IDs, streams and transactions in it


class File(NamedTuple):
    """The times and interfaces of a capture."""

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
        """Sort key for the distance to an earlier file; a file in the same folder is nearer."""
        folders = (each.capture.rpartition("/")[0] for each in (self, earlier))
        return len(set(folders)) > 1, abs(self.start - earlier.end)


# Whether a later file continues an earlier one: True if their content proves it, False if it does not,
# None if only their times suggest it.
GoesOn = Callable[[File, File], bool | None]


def near(earlier: File, later: File) -> bool | None:
    """Whether two files may be one recording: None (possible) up to LONGEST_PAUSE, else False."""
    return None if later.start - earlier.end <= LONGEST_PAUSE else False


def seamless(earlier: File, later: File) -> bool | None:
    """Whether nothing is missing between two files: None (possible) up to SEAM, else False."""
    return None if later.start - earlier.end <= SEAM else False


def recordings(
    captures: pd.DataFrame, sip_messages: pd.DataFrame, apart: Views | None = None
) -> "pd.Series[int]":
    """Return the recording number per capture name, from 0 by first packet.

    No recording contains two captures that are ``apart``. Captures without packets stand alone, at the end.
    """
    files_by_recording = chains(_files(captures), near, _calls(sip_messages), apart)
    names = [[file.capture for file in chain] for chain in files_by_recording]
    names += [[name] for name, first in _rows(captures, "capture", "first_time") if first is None]
    numbers = {name: number for number, chain in enumerate(names) for name in chain}
    return pd.Series(numbers, dtype="int64", name="recording").rename_axis("capture")


def overlapping(captures: pd.DataFrame, recordings: "pd.Series[int]") -> Callable[[int, int], bool]:
    """Return a predicate: did two recordings overlap in time?"""
    numbers = recordings.to_dict()
    starts: dict[int, pd.Timestamp] = {}
    ends: dict[int, pd.Timestamp] = {}
    for capture, first, last in _rows(captures, "capture", "first_time", "last_time"):
        if capture in numbers and None not in (first, last):
            number = numbers[capture]
            starts[number] = min(first, starts.get(number, first))
            ends[number] = max(last, ends.get(number, last))

    def overlap(one: int, other: int) -> bool:
        have_times = one in starts and other in starts
        return one == other or (have_times and starts[one] <= ends[other] and starts[other] <= ends[one])

    return overlap


def views(tables: Tables) -> Views:
    """Return the captures with common messages: vantage points rather than files of one recording."""
    stun, sip = tables.stun_messages, tables.sip_messages
    if len({*plain(stun["capture"]), *plain(sip["capture"])}) < 2:
        return {}
    keyed = [
        pd.DataFrame({"capture": rows["capture"], "key": message_keys(rows, columns)}).drop_duplicates()
        for rows, columns in ((stun, STUN_KEY), (sip, SIP_KEY))
    ]
    messages = pd.concat(keyed, ignore_index=True)
    every = messages["capture"].value_counts()
    several = messages[messages.groupby("key")["capture"].transform("size").between(2, MOST_VIEWS)]
    same = Counter(
        pair
        for _, captures in several.groupby("key")["capture"]
        for pair in combinations(sorted(captures), 2)
    )
    same_view: dict[str, set[str]] = defaultdict(set)
    for (one, other), count in same.items():
        if count >= max(FEWEST_SAME, SHARE_SAME * min(every[one], every[other])):
            same_view[one].add(other)
            same_view[other].add(one)
    return same_view


def message_keys(messages: pd.DataFrame, columns: list[str]) -> "pd.Series[int]":
    """Return a hash of these columns, equal wherever the message is seen."""
    return pd.util.hash_pandas_object(messages[columns].astype("string"), index=False)


def chains(
    files: Iterable[File],
    goes_on: GoesOn,
    going_on: Identities | None = None,
    apart: Views | None = None,
    known: Known | None = None,
) -> list[list[File]]:
    """Return the recordings in order of time, each as its files in order of time.

    ``goes_on`` decides for two consecutive files; common content (``going_on``) joins files too, unless they
    are ``apart``. Files ``known`` to be one recording stay together. Another place's first file may begin
    just when a file ends: times alone do not join a file that another one is proven to continue.
    """
    by_interfaces: dict[tuple[str, str], list[File]] = defaultdict(list)
    same: dict[int, tuple[str, str]] = {}  # a file that could not be walked has no interfaces
    for number, file in enumerate(sorted(files)):
        interfaces = same.setdefault((known or {}).get(file.capture, -number - 1), file.interfaces)
        by_interfaces[interfaces].append(file)
    return sorted(
        chain
        for group in by_interfaces.values()
        for chain in _chains(group, goes_on, going_on or {}, apart or {}, known or {})
    )


def _calls(sip_messages: pd.DataFrame) -> dict[str, set[str]]:
    calls: dict[str, set[str]] = defaultdict(set)
    names = ("capture", "call_id", "method", "cseq_method")
    for capture, call_id, method, about in _rows(sip_messages, *names):
        if None not in (capture, call_id) and (method or about) in INVITE_DIALOG:
            calls[capture].add(call_id)
    return calls


def _streams_and_transactions(tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield (capture, identity) of streams and transactions, common to two files only if they continue."""
    asks = tables.stun_messages[["capture", "transaction_id"]].dropna().drop_duplicates()
    yield from zip(plain(asks["capture"]), plain(asks["transaction_id"]), strict=True)
    names = ("capture", "src_addr", "src_port", "dst_addr", "dst_port", "ssrc")
    for capture, *stream in zip(*(plain(tables.rtp_streams[name]) for name in names), strict=True):
        yield capture, f"rtp {stream}"


def _files(captures: pd.DataFrame) -> list[File]:
    """Return the captures that have packets."""
    names = ("capture", "first_time", "last_time", "interfaces", "link_types")
    return [
        File(first.value, last.value, capture, (interfaces or "", link_types or ""))
        for capture, first, last, interfaces, link_types in _rows(captures, *names)
        if None not in (first, last)
    ]


def _rows(table: pd.DataFrame, *names: str) -> Iterator[tuple[Any, ...]]:
    return zip(*(plain(table[name]) for name in names), strict=True)


def _chains(
    files: list[File], goes_on: GoesOn, going_on: Identities, apart: Views, known: Known
) -> list[list[File]]:
    """Split files of the same interfaces, sorted by time, into recordings."""
    chains: list[list[File]] = []
    ends: list[tuple[int, int]] = []  # end and number of each chain, sorted
    latest: dict[str, int] = {}  # identity -> number of the chain it was last in
    chain_of: dict[str, int] = {}
    of_known: dict[int, int] = {}
    followers = _followers(files, goes_on, going_on, apart, known)

    def follows(earlier: File, later: File) -> bool | None:
        answer = goes_on(earlier, later)
        has_other_follower = followers.get(earlier.capture, later.capture) != later.capture
        return False if answer is None and has_other_follower else answer

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
    """Return the latest chain before the file among those that share an identity with it."""
    before = [(chains[number][-1].end, number) for number in shared if file.follows(chains[number][-1])]
    return max(before)[1] if before else None


def _just_ended(
    file: File, chains: list[list[File]], ends: list[tuple[int, int]], goes_on: GoesOn, apart: set[int]
) -> int | None:
    """Return the nearest chain, not kept apart, that the file continues; proven ones first."""
    place = bisect_right(ends, (file.start + DISORDER, len(chains)))
    near = [number for _, number in ends[max(place - NEAREST, 0) : place] if number not in apart]
    last = [(number, chains[number][-1]) for number in near]
    by_distance = sorted((file.apart(earlier), number) for number, earlier in last)
    answers = {
        number: goes_on(earlier, file)
        for _, number in by_distance
        if file.follows(earlier := chains[number][-1])
    }
    seeming = next((number for number, answer in answers.items() if answer is None), None)
    return next((number for number, answer in answers.items() if answer), seeming)


def _followers(
    files: list[File], goes_on: GoesOn, going_on: Identities, apart: Views, known: Known
) -> dict[str, str]:
    """Return, by capture, the one proven to continue it."""
    followers: dict[str, str] = {}
    latest: dict[str | int, File] = {}  # identity or known recording -> its last file
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
                followers.setdefault(earlier.capture, file.capture)
        latest |= dict.fromkeys(marks, file)
    return followers


def joined(tables: Tables) -> tuple[Tables, Recordings]:
    """Return the tables with recordings in place of captures, and the means to convert back."""
    if len(tables.captures) < 2:
        return tables, Recordings((), tables.captures)
    going_on = _calls(tables.sip_messages)
    for capture, identity in _streams_and_transactions(tables):
        going_on[capture].add(identity)
    rows = tables.captures.set_index("capture")
    numbers = zip(plain(tables.captures["capture"]), plain(tables.captures["recording"]), strict=True)
    number_of = {name: number for name, number in numbers if number is not None}
    several = tuple(
        Recording.of(files, plain(rows.loc[files, "packets"].fillna(0)))
        for chain in chains(_files(tables.captures), seamless, going_on, views(tables), number_of)
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
        table.name: moved_rows(
            rows_of_table,
            [names.get(name, name) for name in plain(rows_of_table["capture"])],
            np.array([before.get(name, 0) for name in plain(rows_of_table["capture"])], np.int64),
        )
        for table, rows_of_table in tables.items()
        if len(rows_of_table) and table is not CAPTURES
    }
    captures = [_as_one(rows.loc[list(each.files)], each.name) for each in several]
    alone = tables.captures[~tables.captures["capture"].isin(names)]
    whole = pd.concat([alone, CAPTURES.rows(captures)]).sort_values("capture")
    return tables.with_(**moved, captures=whole), Recordings(several, tables.captures)


def _as_one(files: pd.DataFrame, name: str) -> dict[str, object]:
    """Merge the rows of a recording's files, in order of time; only the last file's ``cut_short`` counts."""
    last = files.iloc[-1]
    texts = {
        column: separator.join(dict.fromkeys(files[column].dropna())) or None
        for column, separator in (("not_looked_at", "; "), ("missing", "; "), ("warnings", "\n"))
    }
    same = {column: last[column] for column in ("format", "interfaces", "link_types", "cut_short")}
    ends = {"first_time": files["first_time"].min(), "last_time": files["last_time"].max()}
    sums = {column: int(files[column].fillna(0).sum()) for column in SUMS}
    return {"capture": name} | same | ends | sums | texts
