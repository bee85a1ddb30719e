"""The candidates of both sides, as the latest ICE session has them, each once."""

from collections.abc import Iterable
from dataclasses import dataclass

from postproc.model.text import Lang
from postproc.model.vocabulary import ACL_VERDICTS, ADDRESS_CLASSES, SIDES, capital, word
from postproc.show.report.cells import NONE, Cell, Sheet, amount, code, leg_cell, place, sheet, shown
from postproc.show.report.rows import CallRows, Row, Rows
from postproc.show.report.words import PAGE

COLUMNS = ("leg", "type", "address", "class", "base", "acl", "checks", "frame")
MOST = 40
ACL = {"allowed": "good", "denied": "bad", "unknown": "faint"}
Place = tuple[str | None, int | None]


@dataclass(frozen=True, slots=True)
class Side:
    """One side's candidates; ``owner`` is what its session description calls itself."""

    name: str
    title: str
    owner: str
    sheet: Sheet | None


@dataclass(frozen=True, slots=True)
class Offered:
    """The candidates of a call, side by side; whether there were others before an ICE restart."""

    sides: tuple[Side, ...]
    restarted: bool = False


def offered(call: CallRows, lang: Lang) -> Offered:
    """Client and server always, a third side if it offers any; no sides at all without candidates."""
    every = call["candidates"]
    if not every:
        return Offered(())
    held = latest(every)
    columns = _columns(held)
    checked = _checked(call["pairs"])
    sides = []
    for name in SIDES:
        own = [row for row in held if (row.side or "other") == name]
        if own or name != "other":
            sides.append(_side(name, [_cells(row, checked, lang) for row in own], own, columns, lang))
    return Offered(tuple(sides), restarted=len(_distinct(every)) > len(held))


def _columns(rows: Rows) -> list[str]:
    """What there is to show: the leg only where there are several, the access list where one was asked."""
    idle = {
        "leg": len({row.leg for row in rows}) < 2,
        "base": not any(row.related_addr for row in rows),
        "acl": not any(row.acl_verdict for row in rows),
    }
    return [name for name in COLUMNS if not idle.get(name)]


def latest(rows: Rows) -> Rows:
    """Of each leg and side the candidates of the ufrags in its last message, each once."""
    last: dict[tuple[object, object], int] = {}
    for row in rows:
        last[row.leg, row.side] = max(last.get((row.leg, row.side), row.time or 0), row.time or 0)
    current = {(row.leg, row.side, row.ufrag) for row in rows if (row.time or 0) == last[row.leg, row.side]}
    return _distinct(row for row in rows if (row.leg, row.side, row.ufrag) in current)


def _distinct(rows: Iterable[Row]) -> Rows:
    found: dict[tuple[object, ...], Row] = {}
    for row in rows:
        found.setdefault((row.leg, row.side, row.transport, row.addr, row.port, row.type), row)
    return list(found.values())


def _side(name: str, cells: list[dict[str, Cell]], rows: Rows, columns: list[str], lang: Lang) -> Side:
    owner = next((row.sdp_owner for row in rows if row.sdp_owner), None)
    title = capital(SIDES[name]).of(lang) if name in SIDES else name
    if rows and rows[0].leg is not None and "leg" not in columns:
        title = f"{title}, {PAGE['leg'].of(lang)} {rows[0].leg}"
    shown_cells = [tuple(row[column] for column in columns) for row in cells]
    table = sheet("candidates", lang, " ".join(columns), shown_cells, MOST)
    return Side(name, title, shown(owner) if owner else "", table)


def _cells(row: Row, checked: dict[Place, list[int]], lang: Lang) -> dict[str, Cell]:
    """A cell for each of COLUMNS."""
    answered, sent = checked.get((row.addr, row.port), (0, 0))
    transport = f" {shown(row.transport)}" if row.transport not in (None, "udp") else ""
    return {
        "leg": leg_cell(row.leg),
        "type": Cell(shown(row.type) + transport),
        "address": code(place(row.addr, row.port)),
        "class": Cell(shown(word(ADDRESS_CLASSES, row.addr_class, lang))),
        "base": code(place(row.related_addr, row.related_port)),
        "acl": Cell(
            shown(word(ACL_VERDICTS, row.acl_verdict, lang)), ACL.get(row.acl_verdict or "", "faint")
        ),
        "checks": Cell(f"{answered}/{sent}", _rated(answered, sent)) if sent else Cell(NONE, "faint"),
        "frame": Cell(amount(row.frame), "figure"),
    }


def _rated(answered: int, sent: int) -> str:
    return "figure good" if answered == sent else "figure doubt" if answered else "figure bad"


def _checked(pairs: Rows) -> dict[Place, list[int]]:
    """Address -> checks answered and sent on pairs with it."""
    found: dict[Place, list[int]] = {}
    for pair in pairs:
        ends = {(pair.local_addr, pair.local_port), (pair.remote_addr, pair.remote_port)}
        for end in ends:
            counts = found.setdefault(end, [0, 0])
            counts[0] += pair.answered or 0
            counts[1] += pair.sent or 0
    return found
