"""The window judged again and again, by the stages of a run; each call told once, when it has ended.

What is told of a call is what ``run`` says of the files that the window holds then. A judgement costs what a
run over them does, so it is made when SIP has come, and of what has come without only now and then.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

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

# s between looks at the files. A look costs a listing of the folder; of the 5 s that a line may take after a
# call's end dumpcap's buffer takes up to 0.5, SETTLE 1.75, one or two judgements the rest.
PACE = 0.5
# Without SIP the window is judged again after so many s, but for no more than a third of the time: media and
# checks that come meanwhile matter to early words only, and those wait 5 s anyway.
QUIET, SHARE = 5.0, 2.0
EARLY = 5.0  # s that a fault has to stand before it is told of a call that goes on
SURE = (
    0.9  # confidence of what is told early: what is stated so is true without exception (docs/CALIBRATION.md)
)
# Rules whose title is an observation and true at any confidence, once it has lasted as long: why it is so may
# turn out later. Their facts say for how many ``seconds``.
OBSERVED = ("no-media",)


@dataclass(frozen=True)
class Ending:
    """A call that is told."""

    run: Run  # of the window
    state: State
    late_s: float  # since its end in the packets, by this machine's clock
    open: bool  # no end was seen


@dataclass(frozen=True)
class Early:
    """A fault of a call that goes on."""

    run: Run
    state: State
    rule: str
    title: str


@dataclass
class Counters:
    """How the watch is doing."""

    packets: int = 0
    dropped: int = 0
    open: int = 0
    told: int = 0
    lag_s: float = 0.0  # how long the oldest of what is not judged yet may have been there
    judging_s: float = 0.0  # what the last judgement took


@dataclass
class Watch:
    """A window, what is done with the calls in it, and what was told of them."""

    window: Window
    work: Work
    ended: Callable[[list[Ending]], None]
    early: Callable[[Early], None]
    unread: Callable[[str, str], None]  # of a file that cannot be read its name and why
    counters: Counters = field(default_factory=Counters)
    run: Run | None = None  # of the window as it was judged last
    _states: list[State] = field(default_factory=list)
    _told: Told = field(default_factory=Told)
    _faults: dict[tuple[str, str], float] = field(default_factory=dict)  # since when; inf: told
    _packets: dict[str, int] = field(default_factory=dict)
    _refused: dict[str, str] = field(default_factory=dict)  # files not read at the last judgement, and why
    _unjudged_since: float | None = None  # by the monotonic clock; None where nothing has come since
    _looked_at: float = 0.0
    _judged_at: float = -1e9
    _latest: int = 0  # last packet read, ns
    _taken_at: float = 0.0  # when that was taken from the files

    def until(self, end: float, beat: Callable[[], None]) -> None:
        """Step until that time of the monotonic clock; ``beat`` is called after each step."""
        while (begin := time.monotonic()) < end:
            self.step()
            beat()
            if self.window.behind is None:
                time.sleep(max(min(begin + PACE, end) - time.monotonic(), 0))

    def step(self) -> None:
        """Look at the files once; judge and tell what is due."""
        if self._look() and self._is_time():
            self._judge()
        self._tell(state for state in self._states if state.is_due(self._now()))
        self._let_go()

    @property
    def going_on(self) -> list[int]:
        """The calls of ``run`` that go on."""
        return [each.number for each in self._states]

    def close(self) -> None:
        """Take in all there is, and tell every call, those that go on as open."""
        while self._look() or self.window.behind is not None:
            self._judge()
            self._tell(state for state in self._states if state.is_due(self._now()))
            self._let_go()
        self._tell(self._states)

    def _look(self) -> bool:
        """Whether something is there that was not judged."""
        before, self._looked_at = self._looked_at or time.monotonic(), time.monotonic()
        if (self.window.look() or self.window.behind is not None) and self._unjudged_since is None:
            self._unjudged_since = before
        return self._unjudged_since is not None

    def _is_time(self) -> bool:
        since = time.monotonic() - self._judged_at
        if self.window.signalled or self.window.behind is not None:
            return True
        if any(state.is_due(self._now()) for state in self._states):  # with what has come since its end
            return True
        return since > max(QUIET, SHARE * self.counters.judging_s)

    def _judge(self) -> None:
        begin = self._taken_at = time.monotonic()
        captures = self.window.captures()
        done = analysed(captures, [], None, self.work, silence)
        self.run, self._states = done, self._told.fresh(states(done.tables))
        reasons = {each.path: each.reason for each in done.unread}
        self._refused = {each.name: reasons[each.path] for each in captures if each.path in reasons}
        known = done.captures.dropna(subset=["last_time"])
        self._latest = max((time.value for time in plain(known["last_time"])), default=self._latest)
        packets = dict(zip(plain(done.captures["capture"]), plain(done.captures["packets"]), strict=True))
        for name, count in packets.items():
            self.counters.packets += (count or 0) - self._packets.get(name, 0)
            self._packets[name] = count or 0
        if self.window.behind is None:  # who is interrupted before judges again at the end
            self._unjudged_since = None
        self._look_for_faults(done)
        memory.give_back()
        self._judged_at = time.monotonic()
        self.counters.judging_s = self._judged_at - begin

    def _now(self) -> int:
        """The time of the packets: that of the last one, and it goes on unless older ones wait."""
        if self.window.behind is not None:
            return min(self._latest, self.window.behind)
        return self._latest + int((time.monotonic() - self._taken_at) * 1e9)

    def _tell(self, due: Iterable[State]) -> None:
        told = sorted(due, key=lambda each: (each.ended or each.last, each.uid))
        if told and self.run is not None:
            now = time.time()
            endings = [
                Ending(self.run, each, now - (each.ended or each.last) / 1e9, each.ended is None)
                for each in told
            ]
            with undisturbed():  # or who is interrupted here tells it again at the end
                self.ended(endings)
                for each in told:
                    self._told.add(each)
                self._states = [each for each in self._states if each not in told]
            self.counters.told += len(told)
        self.counters.open, self.counters.dropped = len(self._states), self.window.dropped
        since = self._looked_at if self._unjudged_since is None else self._unjudged_since
        self.counters.lag_s = time.monotonic() - since

    def _look_for_faults(self, done: Run) -> None:
        """Tell of open calls what has stood for a while: until then an answer may just be on its way."""
        now = time.monotonic()
        by_call = {each.number: each for each in self._states if each.ended is None}
        standing = {}
        for call, rule, title, lasted in _faults(done.findings):
            if call not in by_call:
                continue
            key = by_call[call].uid, rule
            since = standing[key] = self._faults.get(key, now)
            if since <= now and max(now - since, lasted) >= EARLY:
                self.early(Early(done, by_call[call], rule, title))
                standing[key] = float("inf")
        self._faults = standing

    def _let_go(self) -> None:
        """Drop the files that no call needs any more."""
        if self.run is None:
            return
        names = {readable: name for name, readable in self.window.names().items()}
        since = needed_since(self._states, self._now())
        left = let_go(self.run.captures, since)
        gone = [names[each] for each in left if each in names and self.window.rests(names[each])]
        refused = {names[each]: why for each, why in self._refused.items() if each in names}
        refused = {name: why for name, why in refused.items() if self.window.rests(name)}
        for name, why in refused.items():
            self.unread(name, why)
        gone += refused
        if gone:
            self.window.drop(gone)
            self._packets = {name: self._packets[name] for name in self._packets if name not in gone}
            self._told.forget(since)


def _faults(findings: pd.DataFrame) -> Iterator[tuple[int, str, str, float]]:
    """Call, rule and title of what may be told early, and for how many s the packets show it."""
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
    """The run with captures at the paths they were found at, in place of our copies."""
    found = [paths.get(name, path) for name, path in zip(*_names_and_paths(run), strict=True)]
    return replace(run, tables=run.tables.with_(captures=run.captures.assign(path=array(found, TEXT))))


def _names_and_paths(run: Run) -> tuple[list[Any], list[Any]]:
    return plain(run.captures["capture"]), plain(run.captures["path"])
