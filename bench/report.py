"""Measurements and bars as tables, for the terminal and for the README."""

from collections.abc import Sequence

from bench.bars import Bar, Results
from bench.measure import Usage
from bench.programs import BASELINE_A, BASELINE_B

HEAD = ("capture", "program", "CPU s", "wall s", "peak MB", "CPU / A", "CPU / B", "note")
BARS_HEAD = ("capture", "bar", "measured", "limit", "")
WORDS = frozenset({"capture", "program", "note", "bar", ""})  # columns aligned to the left
Row = Sequence[str]


def measurements(results: Results) -> list[Row]:
    """Return one row per capture and program; ratios are relative to tshark on the same capture."""
    rows: list[Row] = []
    for spec, usages in results.items():
        bases = usages.get(BASELINE_A), usages.get(BASELINE_B)
        titles = [spec.title] + [""] * (len(usages) - 1)
        for title, (name, usage) in zip(titles, usages.items(), strict=True):
            ratios = [_ratio(usage, base) for base in bases]
            rows.append((title, name, *_figures(usage), *ratios, "see below" if usage.failure else ""))
    return rows


def failures(results: Results) -> list[str]:
    """Return one line per program that failed or gave wrong results."""
    return [
        f"{spec.title}: {name}: {usage.failure}"
        for spec, usages in results.items()
        for name, usage in usages.items()
        if usage.failure
    ]


def verdicts(bars: Sequence[Bar]) -> list[Row]:
    return [
        (
            bar.capture,
            bar.text,
            f"{bar.measured:.2f} {bar.unit}",
            f"{bar.limit:.2f} {bar.unit}",
            "met" if bar.met else "MISSED",
        )
        for bar in bars
    ]


def aligned(head: Row, rows: Sequence[Row]) -> str:
    """Return the table with padded columns, figures aligned right."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    rule = ["-" * width for width in widths]
    return "\n".join(_line(row, head, widths) for row in (head, rule, *rows))


def markdown(head: Row, rows: Sequence[Row]) -> str:
    rule = ["---" if name in WORDS else "---:" for name in head]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rule, *map(_escaped, rows)))


def _figures(usage: Usage) -> Row:
    """Return the figures as cells, empty if nothing was measured."""
    wall, peak = usage.wall_s, usage.peak_mb
    return f"{usage.cpu_s:.2f}", f"{wall:.2f}" if wall else "", f"{peak:.0f}" if peak else ""


def _ratio(usage: Usage, base: Usage | None) -> str:
    """Return the ratio as a cell, empty if either was not measured or failed."""
    if base is None or base.failure or usage.failure or not base.cpu_s:
        return ""
    return f"{usage.cpu_s / base.cpu_s:.2f}"


def _line(row: Row, head: Row, widths: Sequence[int]) -> str:
    cells = [
        cell.ljust(width) if name in WORDS else cell.rjust(width)
        for cell, name, width in zip(row, head, widths, strict=True)
    ]
    return "  ".join(cells).rstrip()


def _escaped(row: Row) -> Row:
    return [cell.replace("|", "\\|") for cell in row]
