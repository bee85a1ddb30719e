"""What must hold whatever came in: of tables, of what is written from them, of what is said about them."""

import ast
import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import get_args

import nbformat
import orjson
import pandas as pd

from postproc.model.columns import INTEGER, REAL, TEXT, TIME
from postproc.model.errors import SchemaError
from postproc.model.tables import TABLES, Table, Tables
from postproc.show.report import page
from tests.hostile import MOVES
from tests.show.report.pages import Page

PORTS, STATUSES, ERRORS = range(65_536), range(100, 700), range(800)
EARLIEST, LATEST = pd.Timestamp("1970-01-01", tz="UTC"), pd.Timestamp("2200-01-01", tz="UTC")
STATUS_COLUMNS, ERROR_COLUMNS = {"status", "final_status"}, {"error_code", "error_seen"}
NOT_NUMBERS = {"offset_ms", "drift_ppm", "score"}  # may be below zero
SCRIPTS = page.EARLY + (page.FOLDER / "page.js").read_text(encoding="utf-8")
# Places in the page, and the documents that rules cite.
OURS = ("#", "https://www.rfc-editor.org/", "https://datatracker.ietf.org/doc/draft-ietf-")
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
CHOICES: Mapping[str, frozenset[str]] = {
    f"{table.name}.{column.name}": frozenset(get_args(column.words))
    for table in TABLES
    for column in table.columns
    if column.words is not None
} | {"icmp_errors.transport": frozenset({"udp", "tcp"})}
# What other captures of the run may change: numbers of the run, and how telling its legs' resemblance is,
# as a number many calls share tells less.
OF_THE_RUN = ["call", "stream", "recording", "path", "confidence", "joined_confidence", "evidence", "score"]


def of_tables(tables: Tables) -> Iterator[str]:
    """What is wrong with tables, as ``table.column: what``."""
    for table, rows in tables.items():
        try:
            table.conform(rows)
        except SchemaError as error:
            yield str(error)
            continue
        yield from (f"{table.name}.{said}" for said in _of_columns(table, rows))
    yield from _of_places(tables)


def _of_columns(table: Table, rows: pd.DataFrame) -> Iterator[str]:
    for column in table.columns:
        name, held = column.name, rows[column.name].dropna()
        if str(rows[name].dtype) != column.dtype:
            yield f"{name}: {rows[name].dtype} instead of {column.dtype}"
        elif column.dtype == TIME:
            yield from _outside(name, held, EARLIEST, LATEST)
        elif column.dtype == INTEGER:
            least, most = _limits(name)
            yield from _outside(name, held, least, most)
        elif column.dtype == REAL and name not in NOT_NUMBERS:
            yield from _outside(name, held, 0, float(2**53))
        elif column.dtype == TEXT:
            yield from _of_texts(f"{table.name}.{name}", name, set(held))


def _limits(name: str) -> tuple[int, int]:
    if name.endswith("port"):
        return PORTS[0], PORTS[-1]
    if name in STATUS_COLUMNS:
        return STATUSES[0], STATUSES[-1]
    return (0, ERRORS[-1]) if name in ERROR_COLUMNS else (0, 2**63 - 1)


def _outside(name: str, held: "pd.Series", least: object, most: object) -> Iterator[str]:
    odd = held[(held < least) | (held > most)]
    if len(odd):
        yield f"{name}: {odd.iloc[0]} is not within {least} and {most}"


def _of_texts(place: str, name: str, held: set[str]) -> Iterator[str]:
    if any("\ud800" <= char <= "\udfff" for text in held for char in text):
        yield f"{name}: half of a surrogate pair"
    if place in CHOICES and (odd := held - CHOICES[place]):
        yield f"{name}: {min(odd)[:60]!r} is none of what is declared"


def _of_places(tables: Tables) -> Iterator[str]:
    """Rows lead back to a frame of a capture, or to a line of a log; calls are those of the run."""
    files = {*tables.captures["capture"], *tables.logs["capture"]}
    packets = dict(zip(tables.captures["capture"], tables.captures["packets"].fillna(0), strict=True))
    calls = set(tables.calls["call"].dropna())
    for table, rows in tables.items():
        if strange := set(rows["capture"].dropna()) - files:
            yield f"{table.name}.capture: {min(strange)[:60]!r} is no capture of this run"
        last = rows["capture"].map(packets)
        if len(rows) and ((rows["frame"] > last) & (last > 0)).fillna(value=False).any():
            yield f"{table.name}.frame: behind the last packet"
        if calls and "call" in rows and (strange := set(rows["call"].dropna()) - calls):
            yield f"{table.name}.call: {min(strange)} is no call of this run"


def of_capture(tables: Tables, name: str) -> dict[str, pd.DataFrame]:
    """The rows of one capture, without what other captures of a run may change."""
    held = {}
    for table, rows in tables.items():
        mine = rows[(rows["capture"] == name).fillna(value=False)].drop(columns=OF_THE_RUN, errors="ignore")
        held[table.name] = mine.sort_values(list(mine.columns)).reset_index(drop=True)
    return held


def of_neighbour(alone: Mapping[str, pd.DataFrame], beside: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    """Which tables say something else of a capture when others are read with it."""
    for name, rows in alone.items():
        if not rows.equals(beside[name]):
            yield f"{name}: {len(beside[name])} rows of a good neighbour differ from its own {len(rows)}"


def of_round_trip(written: Tables, read: Tables) -> Iterator[str]:
    for table, rows in written.items():
        if not rows.reset_index(drop=True).equals(getattr(read, table.name)):
            yield f"{table.name}: what was loaded is not what was written"


def of_results(out: Path, tables: Tables) -> Iterator[str]:
    """What is wrong with the files of a run: each is read as those read it who get it."""
    for name in ("findings.json", "summary.json"):
        try:
            orjson.loads((out / name).read_bytes())
        except (OSError, ValueError) as error:
            yield f"{name}: {error}"
    yield from of_page((out / "report.html").read_text(encoding="utf-8"))
    for table, rows in tables.items():
        text = (out / "tables" / f"{table.name}.csv").read_text(encoding="utf-8", errors="surrogateescape")
        yield from (f"{table.name}.csv: {said}" for said in _of_csv(table, len(rows), text))
    for path in sorted(out.glob("notebooks/*.ipynb")):
        yield from (f"a notebook: {said}" for said in _of_notebook(path))


def of_page(html: str) -> Iterator[str]:
    """A page with the two scripts that are ours, nothing that acts, and no sign that is not to be seen."""
    held = Page(html)
    if held.elements["script"] != 2 or held.raw["script"] != SCRIPTS:
        yield "report.html: another script than ours"
    if acting := sorted({name for _, name, _ in held.attributes if name.startswith("on")}):
        yield f"report.html: attributes that act: {acting[0]}"
    away = [each for each in held.values("href") if not each.startswith(OURS)]
    if (
        away
        or held.values("src")
        or set(held.elements) & {"iframe", "object", "embed", "base", "link", "form"}
    ):
        yield f"report.html: it leads away: {(away or ['an element'])[0][:60]!r}"
    if moving := sorted((MOVES - {"\t"}) & set(html)):
        yield f"report.html: {moving[0]!r} as it is"


def _of_csv(table: Table, count: int, text: str) -> Iterator[str]:
    csv.field_size_limit(len(text) + 1)  # a cell may be as long as the message it shows
    rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    if len(rows) != count:
        yield f"{len(rows)} rows instead of {count}"
    texts = [column.name for column in table.columns if column.dtype == TEXT]
    if odd := [row[name] for row in rows for name in texts if (row[name] or "").startswith(FORMULA)]:
        yield f"a formula: {odd[0][:40]!r}"


def _of_notebook(path: Path) -> Iterator[str]:
    held = nbformat.read(path, as_version=4)
    nbformat.validate(held)
    for cell in held.cells:
        if cell.cell_type == "code":
            try:
                ast.parse(cell.source)
            except SyntaxError as error:
                yield f"a cell that is no Python: {error}"


def of_said(text: str) -> Iterator[str]:
    """What a command prints: lines, none of which does anything to a terminal, and no traceback."""
    if "Traceback (most recent call last)" in text:
        yield f"a traceback: {text.strip().splitlines()[-1][:200]}"
    if "internal error" in text:
        yield text[text.index("internal error") :].splitlines()[0][:200]
    if moving := sorted(MOVES & set(text)):
        yield f"{moving[0]!r} on the terminal"
