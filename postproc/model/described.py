"""A finding in one language, the form from which everything that shows findings renders it.

Diagnosis describes its findings; the terminal, the report, the notebook, packet comments and
findings.json render these. The findings table stores one description per row; only this module
joins and splits the lists that the table stores as text.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
import pandas as pd

from postproc.model.columns import plain
from postproc.model.findings import SEVERITY, VERDICTS, Facts
from postproc.model.tables import FINDINGS

ADVISED = frozenset({"fault", "suspect"})


@dataclass(frozen=True, slots=True)
class Described:
    """A finding: its rule, its place, how sure it is, what it says and advises.

    ``title`` is one line; ``detail`` says what was seen and what would settle a doubt.
    ``frames`` are the evidence in order. Texts may contain untrusted characters: escape them.
    """

    code: str
    name: str
    verdict: str
    title: str
    detail: str = ""
    confidence: float | None = None
    call: int | None = None
    leg: int | None = None
    capture: str | None = None
    frames: tuple[int, ...] = ()
    time: datetime | None = None
    facts: Facts = field(default_factory=dict)
    causes: tuple[str, ...] = ()
    remedies: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    caused_by: str | None = None
    supported_by: tuple[int, ...] = ()
    refuted_by: tuple[int, ...] = ()

    @property
    def severity(self) -> str:
        """The verdict as a severity: error, warning, note or info."""
        return SEVERITY[self.verdict] if self.verdict in VERDICTS else "note"

    @property
    def advised(self) -> bool:
        """Whether causes and remedies are shown: for faults and suspects that no other finding explains."""
        return self.verdict in ADVISED and not self.caused_by

    def row(self) -> dict[str, Any]:
        """Return a record of the findings table."""
        return {
            "capture": self.capture,
            "frame": self.frames[0] if self.frames else None,
            "time": self.time,
            "code": self.code,
            "name": self.name,
            "severity": self.severity,
            "verdict": self.verdict,
            "confidence": self.confidence,
            "call": self.call,
            "leg": self.leg,
            "caused_by": self.caused_by,
            "supported_by": ",".join(map(str, self.supported_by)) or None,
            "refuted_by": ",".join(map(str, self.refuted_by)) or None,
            "frames": ",".join(map(str, self.frames)),
            "title": self.title,
            "detail": self.detail,
            "facts": orjson.dumps(dict(self.facts), default=_json).decode(),
            "causes": "\n".join(self.causes),
            "remedies": "\n".join(self.remedies),
            "reference": "; ".join(self.references),
        }


def of_table(findings: pd.DataFrame) -> Iterator[Described]:
    """Yield the rows of the findings table in order; malformed frame numbers are left out."""
    columns = [plain(findings[name]) for name in FINDINGS.names]
    for values in zip(*columns, strict=True):
        yield _of_row(dict(zip(FINDINGS.names, values, strict=True)))


def _of_row(row: Mapping[str, Any]) -> Described:
    evidence = list(_numbers(row["frames"]))
    if not evidence and row["frame"] is not None:
        evidence = [row["frame"]]
    return Described(
        code=row["code"] or "",
        name=row["name"] or "",
        verdict=row["verdict"] or "",
        title=row["title"] or "",
        detail=row["detail"] or "",
        confidence=row["confidence"],
        call=row["call"],
        leg=row["leg"],
        capture=row["capture"],
        frames=tuple(evidence),
        time=row["time"],
        facts=orjson.loads(row["facts"] or "{}"),
        causes=tuple((row["causes"] or "").splitlines()),
        remedies=tuple((row["remedies"] or "").splitlines()),
        references=tuple(filter(None, map(str.strip, (row["reference"] or "").split("; ")))),
        caused_by=row["caused_by"],
        supported_by=_numbers(row["supported_by"]),
        refuted_by=_numbers(row["refuted_by"]),
    )


def _numbers(joined: str | None) -> tuple[int, ...]:
    return tuple(int(number) for number in (joined or "").split(",") if number.strip().isdecimal())


def _json(value: Any) -> Any:  # noqa: ANN401
    """Convert facts for JSON: times to ISO 8601 UTC, sets to sorted lists, anything else to text."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)
