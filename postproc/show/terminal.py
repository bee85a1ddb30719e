"""Lines on a terminal or in a pipe.

What is printed comes from strangers: control characters, bidi marks and escapes
are shown as text. In a pipe there is no colour, and no line is ever broken.
"""

import traceback
from pathlib import Path
from textwrap import wrap
from typing import TextIO

import pandas as pd
from rich.console import Console
from rich.text import Text

from postproc.model.text import Lang, clean
from postproc.model.text import Text as Words

__all__ = ["clean", "console", "error_line", "folded", "say", "trace", "warning_lines"]

NARROWEST = 40  # cells; a narrower terminal breaks lines itself
ASCII = str.maketrans({"→": ">", "–": "-", "…": "~", "━": "-"})


WARNING = Words("warning", "Warnung")


def error_line(path: Path, reason: str) -> str:
    """``postproc: FILE: reason``, the file as seen from the current folder."""
    here = Path.cwd()
    shown = path.relative_to(here) if path.is_relative_to(here) else path
    return clean(f"postproc: {shown}: {reason}")


def trace(error: BaseException) -> str:
    """The traceback of an error, whose words may be a stranger's, too."""
    return "\n".join(map(clean, "".join(traceback.format_exception(error)).split("\n"))).rstrip()


def console(stream: TextIO) -> Console:
    """A console that prints what it is given: no markup, no guessing of colours."""
    return Console(file=stream, highlight=False, markup=False, emoji=False)


def say(to: Console, line: Text | str) -> None:
    """Print one line; signs the stream's encoding lacks become plain ones or "?"."""
    text = Text(line) if isinstance(line, str) else line.copy()
    text.plain = _printable(text.plain, to.encoding)
    text.rstrip()
    if to.is_terminal:
        to.print(text, soft_wrap=True)
    else:
        to.file.write(text.plain + "\n")


def _printable(line: str, encoding: str) -> str:
    """The line, character for character, so that styles stay in place."""
    try:
        line.encode(encoding)
    except UnicodeEncodeError:
        return line.translate(ASCII).encode(encoding, "replace").decode(encoding)
    return line


def folded(text: str, width: int | None, hanging: int = 2) -> list[str]:
    """The text in lines of a terminal's width; in a pipe (None) one line."""
    if width is None or not text.strip():
        return [text] if text.strip() else []
    return wrap(text, max(width, NARROWEST), subsequent_indent=" " * hanging, break_on_hyphens=False)


def warning_lines(captures: pd.DataFrame, lang: Lang = "en") -> list[str]:
    """``warning: CAPTURE: what to know`` for each line of a capture's warnings."""
    told = captures.dropna(subset=["warnings"])
    return [
        clean(f"{WARNING.of(lang)}: {name}: {line}")
        for name, warnings in zip(told["capture"], told["warnings"], strict=True)
        for line in warnings.splitlines()
    ]
