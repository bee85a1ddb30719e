"""What comparing several captures of one call shows, as text for a ticket."""

from collections.abc import Iterable, Iterator, Mapping

from postproc.model.calls import Call, Calls
from postproc.model.rows import ClockRow
from postproc.model.tables import Tables
from postproc.model.text import Lang, Text
from postproc.model.transit import Transit, courses
from postproc.model.vocabulary import CALL_NUMBER, LEG_NUMBER, PASSING, PLACES, way, word
from postproc.show.terminal import clean

NONE_IN_COMMON = Text(
    "The captures show no packet in common: they are of different calls, or were cut too short to tell.",
    "Die Mitschnitte zeigen kein gemeinsames Paket: Sie sind von verschiedenen Anrufen oder zu kurz "
    "abgeschnitten, um es zu erkennen.",
)
ALONG = Text("From the server on: {places}", "Vom Server aus: {places}")
RIGHT = Text("the others' clocks are compared with its", "mit ihrer Uhr werden die anderen verglichen")
UNKNOWN = Text("its clock cannot be told", "ihre Uhr ist nicht bestimmbar")
AHEAD = Text("its clock is {ms} ms ahead", "ihre Uhr geht {ms} ms vor")
BEHIND = Text("its clock is {ms} ms behind", "ihre Uhr geht {ms} ms nach")
BOUND = Text(" ± {ms} ms", " ± {ms} ms")
ONE_WAY = Text(", the delay included", ", die Laufzeit eingeschlossen")
DRIFT = Text(", drift {ppm} ± {bound} ppm", ", Drift {ppm} ± {bound} ppm")
MATCHED = Text("; {count} packets in common", "; {count} gemeinsame Pakete")
DELAY = Text("; delay {ms} ms", "; Laufzeit {ms} ms")


def comparison(tables: Tables, names: Mapping[str, str], lang: Lang) -> list[str]:
    """Return the lines: places and clocks, then by call the packets that left one place and reached the next.

    ``names`` are given to captures, recordings by one of their files; the others have the name of their
    place, else their own.
    """
    calls = Calls(tables)
    if not calls.clocks:
        return [NONE_IN_COMMON.of(lang)]
    clocks = _in_order(calls.clocks)
    labels = place_names(calls.clocks, {calls.place(file): name for file, name in names.items()}, lang)
    lines = [ALONG.of(lang, places=" → ".join(labels.values()))]
    lines += [f"  {labels[row.capture]} ({row.capture}): {_clock(row, lang)}" for row in clocks]
    for call in calls:
        if call.passages:
            lines += ["", f"{CALL_NUMBER.of(lang, call=call.number)}: {call.call.headline or ''}"]
            lines += [f"  {line}" for line in _passages(call, labels, lang)]
    return [clean(line) for line in lines]


def _in_order(clocks: Iterable[ClockRow]) -> list[ClockRow]:
    """Return one row per capture, ordered from the server to the client."""
    rows: dict[str, ClockRow] = {}
    for row in clocks:
        rows.setdefault(row.capture, row)
    return sorted(rows.values(), key=lambda row: (row.position is None, row.position or 0, row.capture))


def place_names(clocks: Iterable[ClockRow], names: Mapping[str, str], lang: Lang) -> dict[str, str]:
    """Return capture -> the name given to it, else its place's if no other capture has that, else its own."""
    rows = _in_order(clocks)
    places = [row.place for row in rows]
    labels = {row.capture: row.capture for row in rows}
    labels |= {
        row.capture: PLACES[row.place].of(lang)
        for row in rows
        if row.place is not None and places.count(row.place) == 1
    }
    return labels | {capture: name for capture, name in names.items() if capture in labels}


def _clock(row: ClockRow, lang: Lang) -> str:
    if row.capture == row.reference:
        return RIGHT.of(lang)
    if row.offset_ms is None:
        return UNKNOWN.of(lang)
    text = (AHEAD if row.offset_ms >= 0 else BEHIND).of(lang, ms=_decimal(abs(row.offset_ms), lang))
    text += ONE_WAY.of(lang) if row.bound_ms is None else BOUND.of(lang, ms=_decimal(row.bound_ms, lang))
    if row.drift_ppm is not None and row.drift_bound_ppm is not None:
        text += DRIFT.of(lang, ppm=_decimal(row.drift_ppm, lang), bound=_decimal(row.drift_bound_ppm, lang))
    return text + MATCHED.of(lang, count=row.matched)


def _passages(call: Call, labels: Mapping[str, str], lang: Lang) -> Iterator[str]:
    """Yield lines like ``STUN packets, leg 1: server → WAN 17 of 17 · WAN → client 0 of 17``."""
    for stretches in courses(call):
        first = stretches[0]
        leg = f", {LEG_NUMBER.of(lang, leg=first.leg)}" if first.leg is not None else ""
        yield f"{word(PASSING, first.kind, lang)}{leg}: {_stretches(stretches, labels, lang)}"


def _stretches(stretches: tuple[Transit, ...], labels: Mapping[str, str], lang: Lang) -> str:
    ends = [
        [labels.get(spot.capture, spot.name) for spot in (stretch.origin, stretch.target)]
        for stretch in stretches
    ]
    counts = [(*names, stretch.arrived, stretch.sent) for names, stretch in zip(ends, stretches, strict=True)]
    delays = [stretch.delay_ms for stretch in stretches if stretch.delay_ms is not None]
    complete = len(delays) == len(stretches)
    return way(counts, lang) + (DELAY.of(lang, ms=_decimal(sum(delays), lang)) if complete else "")


def _decimal(number: float, lang: Lang) -> str:
    text = f"{number:.1f}"
    return text.replace(".", ",") if lang == "de" else text
