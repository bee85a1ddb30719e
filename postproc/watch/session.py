"""Analyse the window repeatedly by the stages of a run, and report each call once, when it has ended.

A report equals that of ``run`` over the files in the window at that time. An analysis costs as much as such
a run, so it is made when SIP has arrived, and otherwise only from time to time.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import orjson
import pandas as pd

from postproc import memory
from postproc.files.signals import undisturbed
from postproc.model.columns import TEXT, array, plain
from postproc.results import Run
from postproc.show.terminal import silence
from postproc.stages import Work, analysed
from postproc.watch.ending import State, Told, let_go, needed_since, states
from postproc.watch.window import Window

# s between checks of the files, each of which lists the folder. Of the 5 s from a call's end to its report,
# dumpcap's buffer takes up to 0.5, SETTLE 1.75, and one or two analyses the rest.
PACE = 0.5
# Without new SIP, the window is analysed again after QUIET s or SHARE times the last analysis, whichever is
# longer, so for a third of the time at most. Media and checks matter to early reports only, which wait 5 s.
QUIET, SHARE = 5.0, 2.0
EARLY = 5.0  # s that a fault of an open call must last before it is reported
SURE = 0.9  # least confidence of an early report: findings of 0.9 are always true (docs/CALIBRATION.md)
# Rules whose title states an observation, which is true at any confidence once it has lasted EARLY; its cause
# may turn out later. Their facts have its duration as ``seconds``.
OBSERVED = ("no-media",)


class Ending(NamedTuple):
    """A call to be reported."""

    run: Run  # of the window
    state: State
    late_s: float  # since its end in the packets, by this machine's clock
    open: bool  # its end was not captured


class Early(NamedTuple):
    """A fault of an open call."""

    run: Run
    state: State
    rule: str
    title: str


@dataclass
class Counters:
    """Counters of the watch."""

    packets: int = 0
    dropped: int = 0
    open: int = 0
    told: int = 0
    lag_s: float = 0.0  # greatest possible age of packets not analysed yet
    judging_s: float = 0.0  # duration of the last analysis


@dataclass
class Watch:
    """A window, callbacks for its calls, and what has been reported."""

    window: Window
    work: Work
    ended: Callable[[list[Ending]], None]
    early: Callable[[Early], None]
    unread: Callable[[str, str], None]  # called with name and reason of an unreadable file
    counters: Counters = field(default_factory=Counters)
    run: Run | None = None  # of the last analysis
    _states: list[State] = field(default_factory=list)
    _told: Told = field(default_factory=Told)
    _faults: dict[tuple[str, str], float] = field(default_factory=dict)  # since when; inf: reported
    _packets: dict[str, int] = field(default_factory=dict)
    _refused: dict[str, str] = field(default_factory=dict)  # files unreadable in the last analysis, and why
    _unjudged_since: float | None = None  # by the monotonic clock; None if nothing has arrived since
    _looked_at: float = 0.0
    _judged_at: float = -1e9
    _latest: int = 0  # last packet read, ns
    _taken_at: float = 0.0  # when that was read, by the monotonic clock

    def until(self, end: float, beat: Callable[[], None]) -> None:
        """Step until ``end`` of the monotonic clock, calling ``beat`` after each step."""
        while (begin := time.monotonic()) < end:
            self.step()
            beat()
            if self.window.behind is None:
                time.sleep(max(min(begin + PACE, end) - time.monotonic(), 0))

    def step(self) -> None:
        """Check the files once; analyse them and report calls if due."""
        if self._look() and self._is_time():
            self._judge()
        self._tell(state for state in self._states if state.is_due(self._now()))
        self._let_go()

    @property
    def going_on(self) -> list[int]:
        """Numbers of the open calls of ``run``."""
        return [each.number for each in self._states]

    def close(self) -> None:
        """Analyse the remaining files, and report every call, unfinished ones as open."""
        while self._look() or self.window.behind is not None:
            self._judge()
            self._tell(state for state in self._states if state.is_due(self._now()))
            self._let_go()
        self._tell(self._states)

    def _look(self) -> bool:
        """Check the files; return whether anything has not been analysed."""
        before, self._looked_at = self._looked_at or time.monotonic(), time.monotonic()
        if (self.window.look() or self.window.behind is not None) and self._unjudged_since is None:
            self._unjudged_since = before
        return self._unjudged_since is not None

    def _is_time(self) -> bool:
        since = time.monotonic() - self._judged_at
        if self.window.signalled or self.window.behind is not None:
            return True
        if any(state.is_due(self._now()) for state in self._states):  # include what followed its end
            return True
        return since > max(QUIET, SHARE * self.counters.judging_s)

    def _judge(self) -> None:
        begin = self._taken_at = time.monotonic()
        captures = self.window.captures()
        run = analysed(captures, [], None, self.work, silence)
        self.run, self._states = run, self._told.fresh(states(run.tables))
        reasons = {each.path: each.reason for each in run.unread}
        self._refused = {each.name: reasons[each.path] for each in captures if each.path in reasons}
        timed = run.captures.dropna(subset=["last_time"])
        self._latest = max((time.value for time in plain(timed["last_time"])), default=self._latest)
        packets = dict(zip(plain(run.captures["capture"]), plain(run.captures["packets"]), strict=True))
        for name, count in packets.items():
            self.counters.packets += (count or 0) - self._packets.get(name, 0)
            self._packets[name] = count or 0
        if self.window.behind is None:  # after an interrupt before this, close() analyses again
            self._unjudged_since = None
        self._look_for_faults(run)
        memory.give_back()
        self._judged_at = time.monotonic()
        self.counters.judging_s = self._judged_at - begin

    def _now(self) -> int:
        """Return the current time of the packets: the last one's, advancing unless older files wait."""
        if self.window.behind is not None:
            return min(self._latest, self.window.behind)
        return self._latest + int((time.monotonic() - self._taken_at) * 1e9)

    def _tell(self, due: Iterable[State]) -> None:
        reported = sorted(due, key=lambda each: (each.ended or each.last, each.uid))
        if reported and self.run is not None:
            now = time.time()
            endings = [
                Ending(self.run, each, now - (each.ended or each.last) / 1e9, each.ended is None)
                for each in reported
            ]
            with undisturbed():  # an interrupt here would report the calls twice
                self.ended(endings)
                for each in reported:
                    self._told.add(each)
                self._states = [each for each in self._states if each not in reported]
            self.counters.told += len(reported)
        self.counters.open, self.counters.dropped = len(self._states), self.window.dropped
        since = self._looked_at if self._unjudged_since is None else self._unjudged_since
        self.counters.lag_s = time.monotonic() - since

    def _look_for_faults(self, run: Run) -> None:
        """Report faults of open calls that have lasted EARLY: before that a response may be on its way."""
        now = time.monotonic()
        by_call = {each.number: each for each in self._states if each.ended is None}
        standing = {}
        for call, rule, title, lasted in _faults(run.findings):
            if call not in by_call:
                continue
            key = by_call[call].uid, rule
            since = standing[key] = self._faults.get(key, now)
            if since <= now and max(now - since, lasted) >= EARLY:
                self.early(Early(run, by_call[call], rule, title))
                standing[key] = float("inf")
        self._faults = standing

    def _let_go(self) -> None:
        """Drop the files that no call needs any longer."""
        if self.run is None:
            return
        names = {readable: name for name, readable in self.window.names().items()}
        since = needed_since(self._states, self._now())
        unneeded = let_go(self.run.captures, since)
        dropped = [names[each] for each in unneeded if each in names and self.window.rests(names[each])]
        refused = {names[each]: why for each, why in self._refused.items() if each in names}
        refused = {name: why for name, why in refused.items() if self.window.rests(name)}
        for name, why in refused.items():
            self.unread(name, why)
        dropped += refused
        if dropped:
            self.window.drop(dropped)
            self._packets = {name: self._packets[name] for name in self._packets if name not in dropped}
            self._told.forget(since)


def _faults(findings: pd.DataFrame) -> Iterator[tuple[int, str, str, float]]:
    """Yield call, rule and title of findings that may be reported early, and the s they have lasted."""
    columns = ("call", "name", "title", "verdict", "confidence", "caused_by", "facts")
    for call, name, title, verdict, sure, cause, facts in zip(
        *(plain(findings[each]) for each in columns), strict=True
    ):
        if call is None or verdict != "fault" or cause is not None:
            continue
        if name in OBSERVED:
            lasted = orjson.loads(facts)["seconds"]
            if lasted >= EARLY:
                yield call, name, title, lasted
        elif sure >= SURE:
            yield call, name, title, 0.0


def at_their_places(run: Run, paths: Mapping[str, str]) -> Run:
    """Return the run with the captures' original paths instead of those of the copies."""
    original = [paths.get(name, path) for name, path in zip(*_names_and_paths(run), strict=True)]
    return replace(run, tables=run.tables.with_(captures=run.captures.assign(path=array(original, TEXT))))


def _names_and_paths(run: Run) -> tuple[list[Any], list[Any]]:
    return plain(run.captures["capture"]), plain(run.captures["path"])
