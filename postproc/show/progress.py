"""How far a run is: a bar on a terminal, a line per capture where there is none."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.filesize import decimal

from postproc.model.text import Lang, Text
from postproc.show.terminal import clean, console, say

READING = Text("reading", "lese")
LOOKING = Text("looking at the captures", "sehe die Mitschnitte durch")
READ = Text("read, {rate}/s, {left} s left", "gelesen, {rate}/s, noch {left} s")


@dataclass(frozen=True)
class Step:
    """What a run does now; while it reads, captures and bytes done of those to do."""

    doing: Text
    capture: str | None = None  # the one just done
    reason: str | None = None  # why that one could not be read
    captures_done: int = 0
    captures: int = 0
    bytes_done: int = 0
    bytes: int = 0


Tell = Callable[[Step], None]


def silence(step: Step) -> None:
    """Tell nobody."""


@contextmanager
def watching(lang: Lang = "en", *, quiet: bool = False) -> Iterator[Tell]:
    """Whom to tell how far a run is; the bar is gone when the block is left."""
    to = console(sys.stderr)
    if quiet:
        yield silence
    elif to.is_terminal:
        with _bar(to, lang) as tell:
            yield tell
    else:
        yield _lines(to, lang)


@contextmanager
def _bar(to: Console, lang: Lang) -> Iterator[Tell]:
    from rich import progress as bars  # noqa: PLC0415  (in a pipe there is no bar)

    columns = (
        bars.SpinnerColumn(), bars.TextColumn("{task.description}"), bars.BarColumn(bar_width=None),
        bars.DownloadColumn(), bars.TransferSpeedColumn(), bars.TimeRemainingColumn(compact=True),
    )  # fmt: skip
    with bars.Progress(*columns, console=to, transient=True) as progress:
        task = progress.add_task(LOOKING.of(lang), total=None)

        def tell(step: Step) -> None:
            count = f" {step.captures_done}/{step.captures}" if step.capture else ""
            progress.update(
                task,
                description=clean(step.doing.of(lang)) + count,
                total=step.bytes or None,
                completed=step.bytes_done,
                refresh=True,
            )

        yield tell


def _lines(to: Console, lang: Lang) -> Tell:
    since = time.monotonic()

    def tell(step: Step) -> None:
        if step.capture is not None:
            count = f"{step.captures_done}/{step.captures}"
            say(to, clean(f"{count} {step.capture}: {step.reason or _rate(step, since, lang)}"))
        elif not step.bytes:
            say(to, clean(step.doing.of(lang)))

    return tell


def _rate(step: Step, since: float, lang: Lang) -> str:
    rate = step.bytes_done / max(time.monotonic() - since, 0.001)
    left = (step.bytes - step.bytes_done) / rate if rate else 0
    return READ.of(lang, rate=decimal(int(rate)), left=f"{left:.0f}")
