"""Print a line per call like ``run``, or a JSON object; early reports; a heartbeat."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, TextIO

import orjson
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text as Styled

from postproc.model.text import Lang, Text
from postproc.results import Run
from postproc.show import answers, calls, store
from postproc.show.terminal import clean, console, say
from postproc.show.zones import AS_TABLES, Zone, shifted
from postproc.watch.session import Counters, Early, Ending

OPEN = Text("call {call}: no end was seen", "Anruf {call}: kein Ende gesehen")
EARLY = Text("going on: {parties}: {title}", "läuft noch: {parties}: {title}")
HEARTBEAT = Text(
    "watch: {told} calls ended, {open} going on, {packets} packets, {dropped} dropped, {lag:.1f} s behind, "
    "last judgement {judging:.1f} s",
    "watch: {told} Anrufe beendet, {open} laufen, {packets} Pakete, {dropped} verloren, {lag:.1f} s zurück, "
    "letzte Beurteilung {judging:.1f} s",
)
OBJECT = ("call_uid", "verdict", "cause", "headline", "start", "end", "from_user", "to_user", "final_status")
SHOWN = 20  # open calls in the live table


@dataclass
class Telling:
    """Prints reports. Calls are numbered in the order they are reported."""

    lang: Lang
    as_json: bool
    out: Console
    zone: Zone = AS_TABLES
    live: Live | None = None
    number: int = 0
    _draw: Callable[[calls.Line], Styled] | None = None
    _headings: list[Styled] = field(default_factory=list)

    def ended(self, endings: Sequence[Ending]) -> None:
        lines = {line.call: line for line in calls.call_lines(endings[0].run.tables)}
        rows = {row["call"]: row for row in store.records(endings[0].run.calls)}
        for each in endings:
            self.number += 1
            if self.as_json:
                self._object(each, rows[each.state.number])
            else:
                self._line(each, lines[each.state.number]._replace(call=self.number))
        self.out.file.flush()

    def _object(self, ending: Ending, row: dict[str, Any]) -> None:
        report = {"call": self.number} | {name: row[name] for name in OBJECT}
        report |= {"reported_after_s": round(ending.late_s, 3), "open": ending.open}
        self.out.file.write(orjson.dumps(report).decode() + "\n")

    def _line(self, ending: Ending, line: calls.Line) -> None:
        (line,) = shifted([line], self.zone)
        width = self.out.width if self.out.is_terminal else None
        if self._draw is None:
            self._headings, self._draw = calls.as_they_come(width, self.lang, self.zone.label([line.start]))
            for heading in self._headings:
                say(self.out, heading)
        say(self.out, self._draw(line))
        for text in answers.headlines([line], width, self.lang):
            say(self.out, text)
        if ending.open:
            say(self.out, OPEN.of(self.lang, call=self.number))

    def early(self, fault: Early) -> None:
        if self.as_json:
            report = {"call_uid": fault.state.uid, "early": fault.rule, "headline": fault.title}
            self.out.file.write(orjson.dumps(report).decode() + "\n")
        else:
            row = fault.run.calls[fault.run.calls["call"] == fault.state.number].iloc[0]
            users = [user if isinstance(user, str) else "–" for user in (row["from_user"], row["to_user"])]
            say(self.out, clean(EARLY.of(self.lang, parties=" → ".join(users), title=fault.title)))
        self.out.file.flush()

    def going_on(self, run: Run | None, open_: Sequence[int], counters: Counters) -> None:
        """Show the open calls, on a terminal only."""
        if self.live is None:
            return
        lines = shifted(calls.call_lines(run.tables) if run is not None and open_ else [], self.zone)
        clock = self.zone.label(line.start for line in lines)
        headings, draw = calls.as_they_come(self.out.width, self.lang, clock)
        drawn = [draw(line) for line in lines if line.call in open_][:SHOWN]
        self.live.update(
            Group(*(headings if drawn else []), *drawn, heartbeat(counters, self.lang)), refresh=True
        )


def heartbeat(counters: Counters, lang: Lang) -> str:
    return HEARTBEAT.of(
        lang,
        told=counters.told,
        open=counters.open,
        packets=counters.packets,
        dropped=counters.dropped,
        lag=counters.lag_s,
        judging=counters.judging_s,
    )


@contextmanager
def telling(
    lang: Lang, *, as_json: bool, stream: TextIO | None = None, zone: Zone = AS_TABLES
) -> Iterator[Telling]:
    """Open the output: a live table below the lines on a terminal, plain lines in a pipe."""
    out = console(stream or sys.stdout)
    with ExitStack() as stack:
        live = None
        if out.is_terminal and not as_json:
            live = stack.enter_context(Live(console=out, transient=True, auto_refresh=False))
        yield Telling(lang, as_json, out, zone, live)


@dataclass
class Heartbeat:
    """Prints a status line on stderr every so many seconds."""

    every: float
    lang: Lang
    _next: float = field(default_factory=time.monotonic)

    def beat(self, counters: Counters) -> None:
        if self.every and time.monotonic() >= self._next:
            self._next = time.monotonic() + self.every
            self.last(counters)

    def last(self, counters: Counters) -> None:
        """Print it at the end."""
        if self.every:
            say(console(sys.stderr), heartbeat(counters, self.lang))
