"""What the report is made of: cells, sheets of them, texts to copy, and the rows they show.

Texts come from strangers: what moves the cursor or turns the writing is shown
as an escape, and nothing is longer than a page can bear.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pandas as pd

from postproc.model.addresses import endpoint
from postproc.model.tables import Tables
from postproc.model.text import Lang
from postproc.show.pictures.records import column
from postproc.show.report.words import PAGE, TITLES, headings
from postproc.show.terminal import clean

Row = SimpleNamespace  # has the columns of NEEDED as attributes; NA is None, times are ns since 1970
Rows = list[Row]

ENDS = "src_addr src_port dst_addr dst_port"
NEEDED = {
    name: tuple(columns.split())
    for name, columns in {
        "calls": "capture call legs from_user to_user cause joined_by confidence ambiguous start answer end "
        "final_status verdict headline media_ok",
        "legs": "capture frame call leg call_id uac_addr uac_port uas_addr uas_port from_user to_user "
        "uac_agent uas_agent role invite_time ringing_time answer_time end_time final_status final_reason "
        "ended_by state",
        "candidates": "time capture frame call leg side sdp_owner mid component transport priority addr port "
        "type related_addr related_port ufrag addr_class acl_verdict",
        "bindings": f"time capture frame call leg purpose direction {ENDS} requests outcome error_code "
        "rtt_ms response_frame mapped_addr mapped_port icmp",
        "pairs": "time capture frame call leg local_addr local_port local_type remote_addr remote_port "
        "remote_type sent answered errors first_time last_time nominated dtls media_packets state",
        "dtls": "time capture frame call leg client_addr client_port server_addr server_port state "
        "client_hellos alert started completed duration_ms fingerprint_matches",
        "rtp_streams": f"capture frame call leg {ENDS} direction codec secured packets lost expected "
        "jitter_ms max_gap_ms first_time last_time",
    }.items()
}  # fmt: skip
CallRows = dict[str, Rows]  # by table


def rows(name: str, table: pd.DataFrame) -> Rows:
    """The rows of a table with the columns needed."""
    names = NEEDED[name]
    values = zip(*(column(table[each]) for each in names), strict=True)
    return [Row(**dict(zip(names, row, strict=True))) for row in values]


def by_call(tables: Tables) -> dict[int, CallRows]:
    """call -> its rows in the order of each table; every table of NEEDED is there."""
    found: dict[int, CallRows] = defaultdict(lambda: {name: [] for name in NEEDED})
    for name in NEEDED:
        for row in rows(name, getattr(tables, name)):
            if row.call is not None:
                found[row.call][name].append(row)
    return {call: held for call, held in sorted(found.items()) if held["calls"]}


LONGEST = 240  # characters of a text that are shown
UNBROKEN = 54  # characters of an IPv6 address with port and type
COPIED = 20_000  # characters of a text that can be copied
NONE = "–"
NS = 1_000_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Cell:
    """A text of a sheet; ``kind`` is how it looks: good, bad, doubt, faint, figure, leg1, ..."""

    text: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A small table: headings, rows of as many cells, and a line on rows left out."""

    name: str
    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    more: str = ""


@dataclass(frozen=True, slots=True)
class Copy:
    """A text with a button that copies it, in one line or ``long``; ``where``: its capture."""

    label: str
    text: str
    where: str = ""
    long: bool = False


def shown(text: object, limit: int = LONGEST) -> str:
    """A stranger's text in one line, at most ``limit`` characters; NONE for None and ""."""
    if text is None or text == "":
        return NONE
    held = text if isinstance(text, str) else str(text)
    return clean(held[:limit]) + ("…" if len(held) > limit else "")


def place(addr: str | None, port: int | None) -> str:
    """A transport address: ``192.0.2.1:5060``, ``[2001:db8::1]:5060``."""
    return shown(endpoint(addr, port)) if addr else NONE


def code(text: str) -> Cell:
    """An address or the like, unbroken unless it is longer than any address."""
    if text == NONE:
        return Cell(text, "faint")
    return Cell(text, "code long" if len(text) > UNBROKEN else "code")


def clock(ns: int | None) -> str:
    """Time of day in UTC with milliseconds, of ns since 1970."""
    return f"{_second(ns):%H:%M:%S}.{ns % NS // 1_000_000:03}" if ns is not None else NONE


def day(ns: int | None) -> str:
    """The date in UTC."""
    return f"{_second(ns):%Y-%m-%d}" if ns is not None else ""


def _second(ns: int) -> datetime:
    return EPOCH + timedelta(seconds=ns // NS)


def span(first: int | None, last: int | None, lang: Lang) -> str:
    """Seconds from one time to another: ``12.3 s``."""
    return f"{decimal((last - first) / NS, lang)} s" if first is not None and last is not None else NONE


def decimal(number: float, lang: Lang, digits: int = 1) -> str:
    """A number with a decimal point, or comma."""
    text = f"{number:.{digits}f}"
    return text.replace(".", ",") if lang == "de" else text


def amount(number: int | None) -> str:
    """A whole number; NONE if unknown."""
    return str(number) if number is not None else NONE


def millis(number: float | None, lang: Lang, digits: int = 1) -> str:
    """Milliseconds: ``12.3 ms``; NONE if unknown."""
    return f"{decimal(number, lang, digits)} ms" if number is not None else NONE


def leg_kind(leg: int | None) -> str:
    """How a leg is coloured: leg1, leg2, or legs for all further ones."""
    return f"leg{leg}" if leg in (1, 2) else "legs"


def leg_cell(leg: int | None) -> Cell:
    return Cell(str(leg) if leg is not None else NONE, f"leg {leg_kind(leg)}")


def sheet(name: str, lang: Lang, columns: str, rows: Sequence[tuple[Cell, ...]], limit: int) -> Sheet | None:
    """The first rows of what comes from table ``name``, with the headings named; None without any."""
    if not rows:
        return None
    left_out = len(rows) - limit
    more = PAGE["more_rows"].of(lang, n=left_out, table=name) if left_out > 0 else ""
    return Sheet(name, TITLES[name].of(lang), headings(columns, lang), tuple(rows[:limit]), more)


def copies(*held: tuple[str, str | None, str | None]) -> tuple[Copy, ...]:
    """Label, text, capture of each; what is empty, or longer than anybody would paste, is left out."""
    return tuple(
        Copy(label, clean(text), shown(where, 120) if where else "")
        for label, text, where in held
        if text and len(text) <= COPIED
    )


def frame_filter(frames: Sequence[int]) -> str:
    """A display filter of these frames: "" if there are none."""
    if len(frames) > 1:
        return f"frame.number in {{{', '.join(map(str, frames))}}}"
    return f"frame.number == {frames[0]}" if frames else ""
