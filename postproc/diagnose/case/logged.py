"""What the server's log says of a call, and how it is quoted."""

from collections.abc import Iterable
from typing import NamedTuple

from postproc.diagnose.case.case import Case
from postproc.model.logtexts import said
from postproc.model.rows import LogEventRow

LONGEST = 160  # characters quoted of a line


class Line(NamedTuple):
    """A line of the log and its facts by name (see ``postproc.model.logtexts``)."""

    row: LogEventRow
    facts: dict[str, str]


def logged(case: Case, kind: str, *, call_id: str | None = None) -> list[Line]:
    """The call's lines of a kind, in order of time; of one leg where its Call-ID is given."""
    return [
        Line(row, told[1])
        for row in case.log
        if row.kind == kind and call_id in (None, row.call_id) and (told := said(row.text or ""))
    ]


def quoted(lines: Iterable[Line]) -> list[str]:
    """``log:line text`` of each."""
    return [f"{line.row.capture}:{line.row.frame} {line.row.text[:LONGEST].rstrip(' .')}" for line in lines]
