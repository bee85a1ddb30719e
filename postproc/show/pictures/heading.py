"""What stands above the pictures of a call: who called whom, when, and what came of it."""

import pandas as pd

from postproc.model.text import Lang
from postproc.show.colors import INK, MUTED
from postproc.show.pictures.cut import CallRows
from postproc.show.pictures.lettering import plain, shortened
from postproc.show.pictures.picture import Label, Picture
from postproc.show.pictures.records import records
from postproc.show.pictures.wording import say

HIGH = 40.0  # points a heading takes
VERDICTS = ("ok", "fault", "suspect", "cannot_tell")


def title(tables: CallRows, what: str, lang: Lang) -> str:
    """``Ladder: call 1, 721 → +49...``, in one line."""
    caller, called = _users(tables)
    return f"{say(what, lang)}: {say('call', lang, call=tables.number)}, {caller} → {called}"


def write(picture: Picture, tables: CallRows, what: str, left: float, lang: Lang) -> None:
    """Write the heading into the top of a picture."""
    caller, called = _users(tables)
    text = f"{say('call', lang, call=tables.number)}: {caller} → {called}"
    room = picture.width - left - 10
    picture.write(
        Label(left, 14, shortened(text, room, 10.5, bold=True), 10.5, color=INK, bold=True),
        Label(left, 29, shortened(_below(tables, what, lang), room, 7.5), 7.5, color=MUTED),
    )


def clock(time: int) -> str:
    """``2026-11-22 22:38:49.496 UTC``."""
    return f"{pd.Timestamp(time, tz='UTC'):%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC"


def _users(tables: CallRows) -> tuple[str, str]:
    for row in records(tables.calls, "from_user", "to_user"):
        caller, called = (plain(user) or "–" for user in row)
        return caller, called
    return "–", "–"


def _below(tables: CallRows, what: str, lang: Lang) -> str:
    for start, verdict, headline in records(tables.calls, "start", "verdict", "headline"):
        said = [
            say(what, lang),
            clock(start) if start is not None else "",
            say(verdict, lang) if verdict in VERDICTS else "",
            plain(headline),
        ]
        return " · ".join(part for part in said if part)
    return say(what, lang)
