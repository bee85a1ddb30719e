"""Which captures are one recording, and which recordings ran at the same time.

Files of the same interfaces that follow each other without overlap (a ring buffer) are one recording;
overlapping ones are vantage points. Two captures of one machine with a longer pause between them stay
apart, unless a call goes on from one into the other.
"""

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple

import pandas as pd

from postproc.correlate.sip import INVITE_DIALOG

SECOND = 1_000_000_000
LONGEST_PAUSE = 60 * SECOND
# dumpcap writes packets of several interfaces up to a quarter of a second out of order, at a file's end too.
DISORDER = SECOND // 2

Calls = dict[str, set[str]]  # capture -> Call-IDs of the calls in it


class _File(NamedTuple):
    start: int  # ns since 1970
    end: int
    capture: str
    interfaces: tuple[str, str]  # names and link types

    @property
    def disorder(self) -> int:
        return min(DISORDER, (self.end - self.start) // 2)

    def follows(self, earlier: "_File") -> bool:
        return earlier.start < self.start and earlier.end <= self.start + self.disorder


def recordings(captures: pd.DataFrame, sip_messages: pd.DataFrame) -> "pd.Series[int]":
    """Return the recording, numbered from 0 by first packet, per capture name.

    Captures without a packet stand alone and come last.
    """
    calls = _calls(sip_messages)
    by_interfaces: dict[tuple[str, str], list[_File]] = defaultdict(list)
    for file in _files(captures):
        by_interfaces[file.interfaces].append(file)
    chains = sorted(chain for files in by_interfaces.values() for chain in _chains(files, calls))
    names = [[file.capture for file in chain] for chain in chains]
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


def _calls(sip_messages: pd.DataFrame) -> Calls:
    kinds = sip_messages["method"].fillna(sip_messages["cseq_method"])
    of_calls = sip_messages.loc[kinds.isin(INVITE_DIALOG), ["capture", "call_id"]].dropna().drop_duplicates()
    calls: Calls = defaultdict(set)
    for capture, call_id in zip(of_calls["capture"], of_calls["call_id"], strict=True):
        calls[capture].add(call_id)
    return calls


def _files(captures: pd.DataFrame) -> list[_File]:
    """Return the captures that have packets, by time."""
    timed = captures.dropna(subset=["first_time", "last_time"])
    interfaces = zip(timed["interfaces"].fillna(""), timed["link_types"].fillna(""), strict=True)
    start, end = (timed[name].astype("int64") for name in ("first_time", "last_time"))
    return sorted(map(_File, start, end, timed["capture"], interfaces))


def _chains(files: list[_File], calls: Calls) -> list[list[_File]]:
    """Split files of the same interfaces, given by time, into recordings."""
    chains: list[list[_File]] = []
    ends: list[tuple[int, int]] = []  # end and number of each chain, sorted
    latest: dict[str, int] = {}  # Call-ID -> number of the chain it was last in
    for file in files:
        held = calls.get(file.capture, set())
        number = _going_on(file, chains, {latest[call] for call in held if call in latest})
        number = _just_ended(file, chains, ends) if number is None else number
        if number is None:
            number = len(chains)
            chains.append([])
        else:
            ends.pop(bisect_left(ends, (chains[number][-1].end, number)))
        chains[number].append(file)
        insort(ends, (file.end, number))
        latest |= dict.fromkeys(held, number)
    return chains


def _going_on(file: _File, chains: list[list[_File]], shared: set[int]) -> int | None:
    """Return the last chain to end before the file among those that share a call with it."""
    before = [(chains[number][-1].end, number) for number in shared if file.follows(chains[number][-1])]
    return max(before)[1] if before else None


def _just_ended(file: _File, chains: list[list[_File]], ends: list[tuple[int, int]]) -> int | None:
    """Return the last chain to end before the file, if not long before."""
    place = bisect_right(ends, (file.start + file.disorder, len(chains))) - 1
    if place < 0:
        return None
    end, number = ends[place]
    near = file.start - end <= LONGEST_PAUSE and file.follows(chains[number][-1])
    return number if near else None
