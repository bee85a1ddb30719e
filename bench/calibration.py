"""Report how often findings were true, by the confidence they were stated with.

    python -m bench.calibration > docs/CALIBRATION.md

Diagnoses every capture of pcaps/ and pcaps/cases/ whose truth file has verdict and cause, with and without
its server's log, and compares each fault and suspicion with the truth. Exit status 1 if one stated with SURE
or more is false.
"""

import sys
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pcaps.truths import CASES, Case, cases
from postproc import pipeline
from postproc.model.tables import Tables

SURE = 0.9  # findings stated with at least this confidence must be true without exception; a choice
BANDS = ((0.0, 0.5), (0.5, 0.7), (0.7, SURE), (SURE, 1.01))
ACCUSING = ("fault", "suspect")

PAGE = """\
# Calibration

How often a finding was true, by the confidence it was stated with: {captures} captures with a truth file,
judged alone and, where there is one, with the server's log. Made by `python -m bench.calibration`.

A fault or a suspicion is **true** when the truth names it, as the cause or as what has to be found, or when
it follows from such a one. It is **false** when nothing is wrong with the call, when the truth says that it
must not be found, or when it is named as the cause of a call and is not. Of the others, which stand beside
the cause, the truth says nothing.

| confidence | findings | true | false | not said |
| --- | --- | --- | --- | --- |
{rows}

{false}"""


class Statement(NamedTuple):
    """A fault or suspicion found in a capture; ``true`` is None if the truth does not cover it."""

    capture: str
    rule: str
    confidence: float
    true: bool | None


def statements(case: Case, tables: Tables) -> Iterator[Statement]:
    """Yield the faults and suspicions of a capture, compared with its truth."""
    rows = tables.findings.astype(object).where(tables.findings.notna(), None)
    causes = tables.calls.astype(object).where(tables.calls.notna(), None).set_index("call")["cause"]
    explained = {(row.call, row.name): row.caused_by for row in rows.itertuples(index=False)}
    for row in rows.itertuples(index=False):
        if row.verdict in ACCUSING:
            origins = set(_origins(row.call, row.name, explained))
            is_cause = causes.get(row.call) == row.name
            yield Statement(
                case.name, row.name, row.confidence, _true(case, row.name, origins, is_cause=is_cause)
            )


def _origins(call: object, name: str, explained: dict[tuple[object, str], str | None]) -> Iterator[str]:
    """Yield a finding's rule, then the rules of its cause, of that one's cause, and so on."""
    at: str | None = name
    visited: set[str] = set()
    while at is not None and at not in visited:
        visited.add(at)
        yield at
        at = explained.get((call, at))


def _true(case: Case, name: str, origins: set[str], *, is_cause: bool) -> bool | None:
    if name in case.never or (case.verdicts and not set(ACCUSING) & set(case.verdicts)):
        return False
    if origins & (set(case.causes) | case.must):
        return True
    return False if is_cause and case.causes else None


def page(stated: Iterable[Statement], captures: int) -> str:
    """Return the document docs/CALIBRATION.md."""
    every = list(stated)
    rows = [_row(low, high, [each for each in every if low <= each.confidence < high]) for low, high in BANDS]
    false = sorted(
        {
            f"- `{each.rule}` at {each.confidence:g} in `{each.capture}`"
            for each in every
            if each.true is False
        }
    )
    listed = "\n".join(["The false ones:", "", *false]) if false else "None was false."
    return PAGE.format(captures=captures, rows="\n".join(rows), false=f"{listed}\n")


def _row(low: float, high: float, stated: list[Statement]) -> str:
    counts = [sum(each.true is kind for each in stated) for kind in (True, False, None)]
    name = f"{low:g} and above" if high > 1 else f"below {high:g}" if low == 0 else f"{low:g} to {high:g}"
    return f"| {name} | {len(stated)} | {' | '.join(map(str, counts))} |"


def judged() -> Iterator[tuple[Case, Tables]]:
    for case in (*cases(CASES.parent), *cases(CASES)):
        for logs in ((), case.logs) if case.logs else ((),):
            yield case, pipeline.run([case.capture], jobs=1, fs_logs=logs).tables


def main() -> int:
    tables = list(judged())
    stated = [each for case, result_tables in tables for each in statements(case, result_tables)]
    sys.stdout.write(page(stated, len({case.name for case, _ in tables})))
    return int(any(each.true is False and each.confidence >= SURE for each in stated))


if __name__ == "__main__":
    sys.exit(main())
