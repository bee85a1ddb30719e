"""The table of calls as lines of text: headings, one row per call, the legend."""

from collections.abc import Sequence
from itertools import pairwise

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from postproc.model.text import Lang
from postproc.model.text import Text as Words
from postproc.model.vocabulary import (
    CALL,
    CHECKS,
    DTLS,
    DTLS_SHORT,
    EVERYDAY_ENDS,
    LEGS,
    PARTIES,
    PICTURES,
    SIP,
    TIME,
    VERDICT,
    VERDICTS,
)
from postproc.show.overview import Line
from postproc.show.terminal import clean

Cell = tuple[str, str]  # text and style

# Two headings above each other; None: the heading to the left goes on.
HEADINGS: tuple[tuple[Words | None, str], ...] = (
    (CALL, ""), (TIME, "UTC"), (PARTIES, ""),
    (LEGS, ""), (SIP, ""), (Words("cand.", "Kand."), "c/s"),
    (CHECKS, "s→c"), (None, "c→s"), (DTLS, ""),
    (PICTURES["media"], "s→c"), (None, "c→s"), (VERDICT, ""),
)  # fmt: skip
GIVES_WAY = 2  # the column that gives way
WORDS = {1, GIVES_WAY, 8, 11}  # columns set from the left; the others are figures
NARROW, WIDE = 13, 72  # of the parties: however small the terminal, and in a pipe
LEGEND = Words(
    "c: client, s: server; checks: answered/sent; media: RTP packets",
    "c: Client, s: Server; Checks: beantwortet/gesendet; Medien: RTP-Pakete",
)
WITHOUT_SIDES = Words(
    "(n): of a call in which no side is known to be the client",
    "(n): eines Anrufs, bei dem keine Seite als Client bekannt ist",
)
AMBIGUOUS = Words(
    "n?: other legs would fit this call as well; see the table joins",
    "n?: andere Legs passen ebenso zu diesem Anruf; siehe Tabelle joins",
)
STYLES = {"ok": "green", "fault": "red", "suspect": "yellow", "cannot_tell": "", "note": ""}
NONE: Cell = ("–", "dim")
DTLS_STYLES = {"complete": "green"}  # the others red


def table(lines: Sequence[Line], width: int | None, lang: Lang = "en") -> list[Text]:
    """The table within so many cells; None: as wide as need be."""
    rows = [_cells(line, lang) for line in lines]
    widths = _widths(rows, width, lang)
    drawn = [_heading(widths, lang), _row([(below, "bold") for _, below in HEADINGS], widths)]
    for line, row, day in zip(lines, rows, _days(lines), strict=True):
        if day:
            drawn.append(Text(day, "bold"))
        row[GIVES_WAY] = (_parties(line, widths[GIVES_WAY]), "")
        drawn.append(_row(row, widths))
    unsided = any(_without_sides(line) or _checked_without_sides(line) for line in lines)
    legend = [LEGEND]
    legend += [WITHOUT_SIDES] if unsided else []
    legend += [AMBIGUOUS] if any(line.ambiguous for line in lines) else []
    return drawn + [Text(line.of(lang), "dim") for line in legend]


def _cells(line: Line, lang: Lang) -> list[Cell]:
    return [
        (str(line.call), ""),
        (f"{line.start:%H:%M:%S}", "") if line.start is not None else NONE,
        (_parties(line, WIDE), ""),
        (f"{line.legs}{'?' * line.ambiguous}", "yellow" if line.ambiguous else ""),
        _status(line.final_status),
        (f"{line.candidates[0]}/{line.candidates[1]}", "") if any(line.candidates) else NONE,
        *_checks(line),
        _dtls(line.dtls, lang),
        *_media(line),
        _verdict(line, lang),
    ]


def _status(status: int | None) -> Cell:
    if status is None:
        return NONE
    return str(status), "green" if status < 300 else "yellow" if status in EVERYDAY_ENDS else "red"


def _checks(line: Line) -> list[Cell]:
    """Checks to the client and to the server; of both ways together where no side is known."""
    if _checked_without_sides(line):
        text, style = _answered(line.checks_other)
        return [(f"({text})", style), NONE]
    return [_answered(line.checks_to_client), _answered(line.checks_to_server)]


def _checked_without_sides(line: Line) -> bool:
    return bool(line.checks_other[1]) and not line.checks_to_client[1] and not line.checks_to_server[1]


def _answered(checks: tuple[int, int]) -> Cell:
    good, every = checks
    if not every:
        return NONE
    return f"{good}/{every}", "green" if good == every else "yellow" if good else "red"


def _media(line: Line) -> list[Cell]:
    """Packets to the client and to the server; none at all stands out where a call was answered."""
    if _without_sides(line):
        return [(f"({_amount(line.packets_other or 0)})", ""), NONE]
    ways = (line.packets_to_client, line.packets_to_server)
    answered = line.final_status is not None and line.final_status < 300
    if ways == (None, None) and not (answered and any(line.candidates)):
        return [NONE, NONE]
    return [(_amount(packets), "green") if packets else ("0", "red") for packets in ways]


def _without_sides(line: Line) -> bool:
    ways = (line.packets_to_client, line.packets_to_server)
    return bool(line.packets_other) and ways == (None, None) and not any(line.candidates)


def _amount(packets: int) -> str:
    return str(packets) if packets < 1_000_000 else f"{packets / 1e6:.1f}M"


def _dtls(state: str | None, lang: Lang) -> Cell:
    return (DTLS_SHORT[state].of(lang), DTLS_STYLES.get(state, "red")) if state else NONE


def _verdict(line: Line, lang: Lang) -> Cell:
    if line.verdict is None:
        return NONE
    return VERDICTS[line.verdict].of(lang), STYLES[line.verdict]


def _parties(line: Line, width: int) -> str:
    """``caller → called`` within the width: the longer one loses its middle first."""
    caller, called = (clean(user) if user else NONE[0] for user in (line.from_user, line.to_user))
    room = width - 3
    shorter = min(cell_len(caller), cell_len(called))
    caller = _shortened(caller, max(room - shorter, room // 2))
    return f"{caller} → {_shortened(called, room - cell_len(caller))}"


def _shortened(text: str, width: int) -> str:
    """The text without its middle: numbers are told apart by their ends."""
    if cell_len(text) <= width:
        return text
    tail = (width - 1) * 2 // 3
    return set_cell_size(text[: width - 1 - tail] + "…" + text[len(text) - tail :], width)


def _days(lines: Sequence[Line]) -> list[str]:
    """For each line its date where that is another than the line's before, else ""."""
    dates = ["", *(f"{line.start:%Y-%m-%d}" if line.start is not None else "" for line in lines)]
    return [day if day != before else "" for before, day in pairwise(dates)]


def _widths(rows: Sequence[Sequence[Cell]], width: int | None, lang: Lang) -> list[int]:
    texts = [[below for _, below in HEADINGS], *([text for text, _ in row] for row in rows)]
    widths = [max(map(cell_len, column)) for column in zip(*texts, strict=True)]
    for n, (above, _) in enumerate(HEADINGS):
        if above and not _goes_on(n):
            widths[n] = max(widths[n], cell_len(above.of(lang)))
    if width is not None:
        others = sum(widths) - widths[GIVES_WAY] + len(widths) - 1
        widths[GIVES_WAY] = max(min(widths[GIVES_WAY], width - others), NARROW)
    return widths


def _goes_on(n: int) -> bool:
    return n + 1 < len(HEADINGS) and HEADINGS[n + 1][0] is None


def _heading(widths: Sequence[int], lang: Lang) -> Text:
    parts = []
    for n, (above, _) in enumerate(HEADINGS):
        if above is None:
            continue
        if _goes_on(n):
            parts.append(above.of(lang).center(widths[n] + 1 + widths[n + 1]))
        else:
            parts.append(_padded(above.of(lang), n, widths[n]))
    return Text(" ".join(parts), "bold")


def _row(cells: Sequence[Cell], widths: Sequence[int]) -> Text:
    row = Text()
    for n, ((text, style), width) in enumerate(zip(cells, widths, strict=True)):
        row.append(" " * bool(n)).append(_padded(text, n, width), style)
    return row


def _padded(text: str, n: int, width: int) -> str:
    return set_cell_size(text, width) if n in WORDS else " " * (width - cell_len(text)) + text
