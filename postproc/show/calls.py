"""The calls of a run, one line each, and their table on a terminal, ordered by severity."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import pandas as pd
from rich.cells import cell_len, set_cell_size
from rich.text import Text as Styled

from postproc.model.columns import plain
from postproc.model.findings import VERDICTS as RANKED
from postproc.model.statuses import is_success
from postproc.model.tables import Tables, counting
from postproc.model.text import Lang, Text
from postproc.model.vocabulary import (
    CALL,
    CHECKS,
    DTLS,
    DTLS_PROGRESS,
    DTLS_SHORT,
    LEGS,
    PARTIES,
    PICTURES,
    SIP,
    TIME,
    VERDICT,
    VERDICTS,
    ends_every_day,
)
from postproc.show.terminal import clean

TO_CLIENT, TO_SERVER, OTHER = "server_to_client", "client_to_server", "other"


class Line(NamedTuple):
    """One call of the overview; None means "not known" or "not seen"."""

    call: int
    start: pd.Timestamp | None
    from_user: str | None
    to_user: str | None
    legs: int
    final_status: int | None
    candidates: tuple[int, int]  # client's, server's
    checks_to_client: tuple[int, int]  # answered with success, sent
    checks_to_server: tuple[int, int]
    checks_other: tuple[int, int]
    dtls: str | None
    packets_to_client: int | None
    packets_to_server: int | None
    packets_other: int | None
    ambiguous: bool
    verdict: str | None = None
    headline: str | None = None


def call_lines(tables: Tables) -> list[Line]:
    """Return one Line per call, ordered by call number."""
    candidates = candidate_counts(tables.candidates)
    checks = check_counts(counting(tables.bindings))
    dtls = dtls_states(counting(tables.dtls))
    media = media_packets(counting(tables.rtp_streams))
    calls = tables.calls.sort_values("call")
    return [
        Line(
            call=row["call"],
            start=row["start"],
            from_user=row["from_user"],
            to_user=row["to_user"],
            legs=row["legs"] or 0,
            final_status=row["final_status"],
            candidates=(candidates.get((call, "client"), 0), candidates.get((call, "server"), 0)),
            checks_to_client=checks.get((call, TO_CLIENT), (0, 0)),
            checks_to_server=checks.get((call, TO_SERVER), (0, 0)),
            checks_other=checks.get((call, OTHER), (0, 0)),
            dtls=dtls.get(call),
            packets_to_client=media.get((call, TO_CLIENT)),
            packets_to_server=media.get((call, TO_SERVER)),
            packets_other=media.get((call, OTHER)),
            ambiguous=bool(row["ambiguous"]),
            verdict=row["verdict"],
            headline=row["headline"],
        )
        for row in _records(calls)
        for call in [row["call"]]
    ]


def candidate_counts(candidates: pd.DataFrame) -> dict[Hashable, int]:
    """Return (call, side) -> number of distinct candidates offered.

    Counted are those of the ufrag in the side's latest description, leg by leg.
    """
    names = ("call", "leg", "side", "ufrag", "time", "addr", "port", "type")
    offered = [row for row in _rows(candidates, names) if None not in (row[0], row[2], row[5])]
    latest: dict[Hashable, pd.Timestamp] = {}
    for *party, _, time, _, _, _ in offered:
        if time is not None:
            latest[tuple(party)] = max(latest.get(tuple(party), time), time)
    current = {row[:4] for row in offered if row[4] is not None and row[4] == latest[row[:3]]}
    distinct = {(row[0], row[2], *row[5:]) for row in offered if row[:4] in current}
    return Counter((call, side) for call, side, *_ in distinct)


def check_counts(bindings: pd.DataFrame) -> dict[Hashable, tuple[int, int]]:
    """Return (call, direction) -> connectivity checks answered with success, and checks sent."""
    sent: dict[Hashable, set[str]] = defaultdict(set)  # by call and direction, the transactions
    answered: dict[Hashable, set[str]] = defaultdict(set)
    names = ("call", "direction", "purpose", "outcome", "transaction_id")
    for call, direction, purpose, outcome, transaction in _rows(bindings, names):
        if purpose == "check" and outcome != "response_only" and None not in (call, direction):
            sent[call, direction].add(transaction)
            if outcome == "success":
                answered[call, direction].add(transaction)
    return {place: (len(answered.get(place, ())), len(transactions)) for place, transactions in sent.items()}


def dtls_states(dtls: pd.DataFrame) -> dict[int, str]:
    """Return call -> the state of the handshake that got farthest, in the order of ``DTLS_PROGRESS``."""
    best: dict[int, str] = {}
    handshakes = dtls[dtls["call"].notna() & dtls["state"].isin(DTLS_PROGRESS)]
    for call, state in zip(handshakes["call"], handshakes["state"], strict=True):
        best[call] = min(best.get(call, "none"), state, key=DTLS_PROGRESS.index)
    return best


def media_packets(rtp_streams: pd.DataFrame) -> dict[Hashable, int]:
    """Return (call, direction) -> RTP packets.

    Where two streams with the same SSRC overlap in time, they are views of one stream: the larger count is
    used.
    """
    columns = ["call", "direction", "ssrc", "first_time", "last_time", "packets"]
    streams = rtp_streams.dropna(subset=["call", "first_time", "last_time", "packets"])[columns]
    streams = streams.fillna({"direction": OTHER})
    total: dict[Hashable, int] = {}
    views: dict[Hashable, tuple[pd.Timestamp, int]] = {}  # end and packets of the view counted last
    for call, direction, ssrc, first, last, packets in streams.sort_values("first_time").itertuples(
        index=False
    ):
        end, counted = views.get((call, direction, ssrc), (first, 0))
        overlaps = counted and first < end
        more = max(0, packets - counted) if overlaps else packets
        total[call, direction] = total.get((call, direction), 0) + more
        views[call, direction, ssrc] = (max(end, last), max(counted, packets) if overlaps else packets)
    return total


def _rows(rows: pd.DataFrame, names: Sequence[str]) -> Iterable[tuple[Any, ...]]:
    return zip(*(plain(rows[name]) for name in names), strict=True)


def _records(rows: pd.DataFrame) -> Iterable[dict[str, Any]]:
    names = rows.columns.tolist()
    return (dict(zip(names, row, strict=True)) for row in _rows(rows, names))


UNJUDGED = len(RANKED)


def worst_first(calls: pd.DataFrame, findings: pd.DataFrame) -> pd.DataFrame:
    """Return the calls ordered by verdict, then by number of faults, most first, then by number."""
    rank = calls["verdict"].map({verdict: at for at, verdict in enumerate(RANKED)})
    faults = findings.loc[findings["verdict"] == "fault", "call"].value_counts()
    order = pd.DataFrame(
        {
            "rank": rank.fillna(UNJUDGED).astype("int64"),
            "faults": -calls["call"].map(faults).fillna(0).astype("int64"),
            "call": calls["call"],
        }
    ).sort_values(["rank", "faults", "call"])
    return calls.loc[order.index].reset_index(drop=True)


Rating = Literal["good", "doubt", "bad", "faint", ""]


class Cell(NamedTuple):
    """A text of the overview and its rating, which sets the color; ``faint``: there is nothing to show."""

    text: str
    rating: Rating = ""


class Cells(NamedTuple):
    """The cells of a call that the terminal and the report have in common."""

    legs: Cell
    status: Cell
    checks: tuple[Cell, Cell]  # to the client, to the server
    dtls: Cell
    media: tuple[Cell, Cell]


# The two heading lines; None: the heading to the left spans this column, too.
HEADINGS: tuple[tuple[Text | None, str], ...] = (
    (CALL, ""),
    (TIME, "UTC"),
    (PARTIES, ""),
    (LEGS, ""),
    (SIP, ""),
    (Text("cand.", "Kand."), "c/s"),
    (CHECKS, "s→c"),
    (None, "c→s"),
    (DTLS, ""),
    (PICTURES["media"], "s→c"),
    (None, "c→s"),
    (VERDICT, ""),
)
FLEXIBLE = 2  # the column of the parties, which shrinks to fit the terminal
LEFT_ALIGNED = {1, FLEXIBLE, 8, 11}  # columns of words; those of figures are right-aligned
# Least and greatest width of the parties, in cells. A choice: two numbers of five digits and the arrow
# remain readable at the least; at the greatest, two SIP user parts of 34 characters fit into a pipe.
NARROW, WIDE = 13, 72
LEGEND = Text(
    "c: client, s: server; checks: answered/sent, repeats aside; media: RTP packets",
    "c: Client, s: Server; Checks: beantwortet/gesendet, ohne Wiederholungen; Medien: RTP-Pakete",
)
WITHOUT_SIDES = Text(
    "(n): of a call in which no side is known to be the client",
    "(n): eines Anrufs, bei dem keine Seite als Client bekannt ist",
)
AMBIGUOUS = Text(
    "n?: other legs would fit this call as well; see the table joins",
    "n?: andere Legs passen ebenso zu diesem Anruf; siehe Tabelle joins",
)
RATINGS: Mapping[str, Rating] = {"ok": "good", "fault": "bad", "suspect": "doubt"}
STYLES: Mapping[Rating, str] = {"good": "green", "doubt": "yellow", "bad": "red", "faint": "dim", "": ""}
NONE = Cell("–", "faint")


def table(lines: Sequence[Line], width: int | None, lang: Lang = "en", clock: str = "UTC") -> list[Styled]:
    """Return the table within ``width`` cells, unlimited if None; ``clock`` is the heading of the times."""
    rows = [_cells(line, lang) for line in lines]
    widths = _widths(rows, width, lang)
    drawn = [
        _heading(widths, lang),
        _below(widths, clock),
    ]
    for line, row, day in zip(lines, rows, _days(lines), strict=True):
        if day:
            drawn.append(Styled(day, "bold"))
        row[FLEXIBLE] = Cell(_parties(line, widths[FLEXIBLE]))
        drawn.append(_row(row, widths))
    unsided = any(_without_sides(line) or _checked_without_sides(line) for line in lines)
    legend = [LEGEND]
    legend += [WITHOUT_SIDES] if unsided else []
    legend += [AMBIGUOUS] if any(line.ambiguous for line in lines) else []
    return drawn + [Styled(line.of(lang), "dim") for line in legend]


# Widest usual text of each column, for lines printed before the later ones are known; wider texts shift
# the columns to their right.
USUAL = (
    "99999",
    "00:00:00",
    "1" * 16 + " → " + "1" * 16,
    "2?",
    "486",
    "12/12",
    "999/999",
    "999/999",
    "incomplete",
    "9999999",
    "9999999",
    "cannot tell",
)
# The same for a terminal narrower than ROOMY columns, which the widths above need: 4 digits of packets
# are a call of three minutes at 50 packets/s.
ROOMY = 100
TIGHT = ("999", *USUAL[1:5], "2/2", "99/99", "99/99", "hello", "9999", "9999", "suspect")


def as_they_come(
    width: int | None, lang: Lang = "en", clock: str = "UTC"
) -> tuple[list[Styled], Callable[[Line], Styled]]:
    """Return the two heading lines, and a function that formats a call's line without the others."""
    usual = USUAL if width is None or width >= ROOMY else TIGHT
    widths = _widths([[Cell(text) for text in usual]], width, lang)

    def drawn(line: Line) -> Styled:
        row = _cells(line, lang)
        row[FLEXIBLE] = Cell(_parties(line, widths[FLEXIBLE]))
        return _row(row, widths)

    return [_heading(widths, lang), _below(widths, clock)], drawn


def _cells(line: Line, lang: Lang) -> list[Cell]:
    shared = cells(line, lang)
    return [
        Cell(str(line.call)),
        Cell(f"{line.start:%H:%M:%S}") if line.start is not None else NONE,
        Cell(_parties(line, WIDE)),
        shared.legs,
        shared.status,
        Cell(f"{line.candidates[0]}/{line.candidates[1]}") if any(line.candidates) else NONE,
        *shared.checks,
        shared.dtls,
        *shared.media,
        _verdict(line, lang),
    ]


def cells(line: Line, lang: Lang) -> Cells:
    """Return the cells shown of a call wherever calls are listed."""
    return Cells(
        Cell(f"{line.legs}{'?' * line.ambiguous}", "doubt" if line.ambiguous else ""),
        _status(line),
        _checks(line),
        _dtls(line.dtls, lang),
        _media(line),
    )


def _status(line: Line) -> Cell:
    """Return the final response; statuses with which calls end every day are not rated as errors."""
    status = line.final_status
    if status is None:
        return NONE
    ordinary = line.verdict == "ok" or ends_every_day(status)
    return Cell(str(status), "good" if is_success(status) else "doubt" if ordinary else "bad")


def _checks(line: Line) -> tuple[Cell, Cell]:
    """Return checks to the client and to the server; where no side is known, all of them in parentheses."""
    if _checked_without_sides(line):
        text, rating = _answered(line.checks_other)
        return Cell(f"({text})", rating), NONE
    return _answered(line.checks_to_client), _answered(line.checks_to_server)


def _checked_without_sides(line: Line) -> bool:
    return bool(line.checks_other[1]) and not line.checks_to_client[1] and not line.checks_to_server[1]


def _answered(checks: tuple[int, int]) -> Cell:
    successes, sent = checks
    if not sent:
        return NONE
    return Cell(f"{successes}/{sent}", "good" if successes == sent else "doubt" if successes else "bad")


def _media(line: Line) -> tuple[Cell, Cell]:
    """Return packets to client and server; in an answered call with candidates, no packets count as bad."""
    if _without_sides(line):
        return Cell(f"({_amount(line.packets_other or 0)})"), NONE
    packets = (line.packets_to_client, line.packets_to_server)
    answered = is_success(line.final_status)
    if packets == (None, None) and not (answered and any(line.candidates)):
        return NONE, NONE
    one, other = (Cell(_amount(count), "good") if count else Cell("0", "bad") for count in packets)
    return one, other


def _without_sides(line: Line) -> bool:
    packets = (line.packets_to_client, line.packets_to_server)
    return bool(line.packets_other) and packets == (None, None) and not any(line.candidates)


def _amount(packets: int) -> str:
    return str(packets) if packets < 1_000_000 else f"{packets / 1e6:.1f}M"


def _dtls(state: str | None, lang: Lang) -> Cell:
    return Cell(DTLS_SHORT[state].of(lang), "good" if state == "complete" else "bad") if state else NONE


def _verdict(line: Line, lang: Lang) -> Cell:
    if line.verdict is None:
        return NONE
    return Cell(VERDICTS[line.verdict].of(lang), RATINGS.get(line.verdict, ""))


def _parties(line: Line, width: int) -> str:
    """Return ``caller → called`` within the width; the longer one is shortened first."""
    caller, called = (clean(user) if user else NONE.text for user in (line.from_user, line.to_user))
    room = width - 3
    shorter = min(cell_len(caller), cell_len(called))
    caller = _shortened(caller, max(room - shorter, room // 2))
    return f"{caller} → {_shortened(called, room - cell_len(caller))}"


def _shortened(text: str, width: int) -> str:
    """Cut the middle out of the text: phone numbers are distinguished by their ends."""
    if cell_len(text) <= width:
        return text
    tail = (width - 1) * 2 // 3
    return set_cell_size(text[: width - 1 - tail] + "…" + text[len(text) - tail :], width)


def _days(lines: Sequence[Line]) -> list[str]:
    """Return each line's date where it differs from the line before, else ""."""
    dates = ["", *(f"{line.start:%Y-%m-%d}" if line.start is not None else "" for line in lines)]
    return [day if day != before else "" for before, day in pairwise(dates)]


def _widths(rows: Sequence[Sequence[Cell]], width: int | None, lang: Lang) -> list[int]:
    texts = [[below for _, below in HEADINGS], *([text for text, _ in row] for row in rows)]
    widths = [max(map(cell_len, column)) for column in zip(*texts, strict=True)]
    for n, (above, _) in enumerate(HEADINGS):
        if above and not _spans_next(n):
            widths[n] = max(widths[n], cell_len(above.of(lang)))
    if width is not None:
        others = sum(widths) - widths[FLEXIBLE] + len(widths) - 1
        widths[FLEXIBLE] = max(min(widths[FLEXIBLE], width - others), NARROW)
    return widths


def _spans_next(n: int) -> bool:
    return n + 1 < len(HEADINGS) and HEADINGS[n + 1][0] is None


def _heading(widths: Sequence[int], lang: Lang) -> Styled:
    parts = []
    for n, (above, _) in enumerate(HEADINGS):
        if above is None:
            continue
        if _spans_next(n):
            parts.append(above.of(lang).center(widths[n] + 1 + widths[n + 1]))
        else:
            parts.append(_padded(above.of(lang), n, widths[n]))
    return Styled(" ".join(parts), "bold")


def _below(widths: Sequence[int], clock: str) -> Styled:
    """Return the second heading line; the name of the time zone is cut to the column's width."""
    texts = [clock[: widths[n]] if text == "UTC" else text for n, (_, text) in enumerate(HEADINGS)]
    return Styled(" ".join(_padded(text, n, widths[n]) for n, text in enumerate(texts)), "bold")


def _row(cells: Sequence[Cell], widths: Sequence[int]) -> Styled:
    row = Styled()
    for n, ((text, rating), width) in enumerate(zip(cells, widths, strict=True)):
        row.append(" " * bool(n)).append(_padded(text, n, width), STYLES[rating])
    return row


def _padded(text: str, n: int, width: int) -> str:
    room = " " * (width - cell_len(text))
    return text + room if n in LEFT_ALIGNED else room + text
