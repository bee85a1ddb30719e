"""Lines on a terminal or in a pipe, and the progress of a run.

Printed text may come from strangers: control characters, bidi characters and escapes are shown as text. In a
pipe there are no colors, no progress bar and no broken lines.
"""

import os
import shlex
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import wrap
from typing import NamedTuple, TextIO

import pandas as pd
from rich.console import Console
from rich.filesize import decimal
from rich.text import Text as Styled

from postproc.model.messages import in_language
from postproc.model.text import Lang, Text, clean
from postproc.model.vocabulary import decimal as with_comma

__all__ = ["clean", "command_line", "console", "error_line", "folded", "say", "trace", "warning_lines"]

NARROWEST = 40  # cells; a choice: on a narrower terminal its own line breaks read no worse
ASCII = str.maketrans({"→": ">", "–": "-", "…": "~", "━": "-"})


WARNING = Text("warning", "Warnung")


def error_line(path: Path, reason: str, lang: Lang = "en") -> str:
    """Return ``postproc: FILE: reason``, with the path relative to the current folder where it is inside."""
    here = Path.cwd()
    shown = path.relative_to(here) if path.is_relative_to(here) else path
    return clean(f"postproc: {shown}: {in_language(reason, lang)}")


def trace(error: BaseException) -> str:
    """Return the traceback of an error, cleaned since its message may quote a capture."""
    return "\n".join(map(clean, "".join(traceback.format_exception(error)).split("\n"))).rstrip()


def console(stream: TextIO) -> Console:
    """Return a console that prints text unchanged: no markup, no guessed colors."""
    return Console(file=stream, highlight=False, markup=False, emoji=False)


def say(to: Console, line: Styled | str) -> None:
    """Print one line; characters missing from the stream's encoding become ASCII ones or "?"."""
    text = Styled(line) if isinstance(line, str) else line.copy()
    text.plain = _printable(text.plain, to.encoding)
    text.rstrip()
    if to.is_terminal:
        to.print(text, soft_wrap=True)
    else:
        to.file.write(text.plain + "\n")


def _printable(line: str, encoding: str) -> str:
    """Replace the line character for character, so that style positions remain valid."""
    try:
        line.encode(encoding)
    except UnicodeEncodeError:
        return line.translate(ASCII).encode(encoding, "replace").decode(encoding)
    return line


def command_line(words: Sequence[str]) -> str:
    """Quote the words for this system's shell."""
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def folded(text: str, width: int | None, hanging: int = 2) -> list[str]:
    """Fold the text to a terminal's width; in a pipe (None) it stays one line. Blank text gives none."""
    if width is None or not text.strip():
        return [text] if text.strip() else []
    return wrap(text, max(width, NARROWEST), subsequent_indent=" " * hanging, break_on_hyphens=False)


def warning_lines(captures: pd.DataFrame, lang: Lang = "en") -> list[str]:
    """Return ``warning: CAPTURE: text`` for each line of a capture's warnings."""
    warned = captures.dropna(subset=["warnings"])
    return [
        clean(f"{WARNING.of(lang)}: {name}: {in_language(line, lang)}")
        for name, warnings in zip(warned["capture"], warned["warnings"], strict=True)
        for line in warnings.splitlines()
    ]


READING = Text("reading", "lese")
LOOKING = Text("looking at the captures", "sehe die Mitschnitte durch")
READ = Text("read, {rate}/s, {left} s left", "gelesen, {rate}/s, noch {left} s")


class Step(NamedTuple):
    """Progress of a run: what it does now and, while it reads, captures and bytes done of how many."""

    doing: Text
    capture: str | None = None  # the one just read
    reason: str | None = None  # why it could not be read
    captures_done: int = 0
    captures: int = 0
    bytes_done: int = 0
    bytes: int = 0


Tell = Callable[[Step], None]


def silence(step: Step) -> None:
    """Ignore the step."""


@contextmanager
def watching(lang: Lang = "en", *, quiet: bool = False) -> Iterator[Tell]:
    """Yield the function to call with each step of a run; the bar is removed when the block is left."""
    to = console(sys.stderr)
    if quiet:
        yield silence
    elif to.is_terminal:
        with _bar(to, lang) as tell:
            yield tell
    else:
        yield _progress_lines(to, lang)


@contextmanager
def _bar(to: Console, lang: Lang) -> Iterator[Tell]:
    from rich import progress as bars  # noqa: PLC0415  (in a pipe there is no bar)

    columns = (
        bars.SpinnerColumn(),
        bars.TextColumn("{task.description}"),
        bars.BarColumn(bar_width=None),
        bars.DownloadColumn(),
        bars.TransferSpeedColumn(),
        bars.TimeRemainingColumn(compact=True),
    )
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


def _progress_lines(to: Console, lang: Lang) -> Tell:
    since = time.monotonic()

    def tell(step: Step) -> None:
        if step.capture is not None:
            count = f"{step.captures_done}/{step.captures}"
            outcome = in_language(step.reason, lang) if step.reason else _rate(step, since, lang)
            say(to, clean(f"{count} {step.capture}: {outcome}"))
        elif not step.bytes:
            say(to, clean(step.doing.of(lang)))

    return tell


def _rate(step: Step, since: float, lang: Lang) -> str:
    rate = step.bytes_done / max(time.monotonic() - since, 0.001)
    left = (step.bytes - step.bytes_done) / rate if rate else 0
    return READ.of(lang, rate=with_comma(decimal(int(rate)), lang), left=f"{left:.0f}")
