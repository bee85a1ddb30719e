"""Packets are missing between two files of a recording during a call: a gap in the capture, not a loss."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

import pandas as pd

from postproc.diagnose.evidence.case import Case, evidence
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.loading import PacketRow
from postproc.model.text import Text

TITLE = Text(
    "For {seconds:1} s of the call, from {start:clock} on, packets are missing between two files of the capture.",
    "Für {seconds:1} s des Anrufs, ab {start:clock}, fehlen Pakete zwischen zwei Dateien des Mitschnitts.",
)
UNKNOWN = Text(
    "Media missing there are not counted as lost; what else happened then cannot be told.",
    "Dort fehlende Medien zählen nicht als verloren; was in dieser Zeit sonst geschah, lässt sich nicht sagen.",
)


class Gap(NamedTuple):
    """A gap, from the last packet before it to the first one after it."""

    start: datetime
    end: datetime


def find(case: Case) -> Iterator[Finding]:
    rows: list[PacketRow] = [*case.sip_messages, *case.bindings, *case.dtls_messages, *case.rtp_streams]
    if not rows:
        return
    first = min(row.time for row in rows)
    last = max([row.time for row in rows] + [row.last_time for row in case.rtp_streams])
    for gap in sorted({gap for capture in case.captures for gap in _gaps(capture.missing)}):
        if first <= gap.start and gap.end <= last:
            facts = {"seconds": (gap.end - gap.start).total_seconds(), "start": gap.start}
            before = max((row for row in rows if row.time <= gap.start), key=_time)
            yield Finding(RULE.name, "note", 0.95, evidence(before), TITLE, (UNKNOWN,), facts)


def _time(row: PacketRow) -> datetime:
    return row.time


def _gaps(missing: str | None) -> Iterator[Gap]:
    for interval in (missing or "").split("; "):
        start, _, end = interval.partition("/")
        if end:
            yield Gap(pd.Timestamp(start), pd.Timestamp(end))


RULE = Rule(
    code="CAP005",
    name="files-missing",
    stage="capture",
    summary=Text("Gap in the capture", "Lücke im Mitschnitt"),
    claim=Text(
        "Between two files of one recording nothing was captured for a while, and media went on meanwhile.",
        "Zwischen zwei Dateien einer Aufzeichnung wurde eine Zeit lang nichts mitgeschnitten, während Medien"
        " weiterliefen.",
    ),
    causes=(
        cause(
            "A file of the ring buffer was not given, or is damaged.",
            "Eine Datei des Ringpuffers wurde nicht angegeben oder ist beschädigt.",
        ),
        cause(
            "The capture was stopped and started anew, or its disk or machine was too slow.",
            "Der Mitschnitt wurde angehalten und neu gestartet, oder Datenträger oder Rechner waren zu langsam.",
        ),
    ),
    remedies=(
        remedy(
            "Give all files of a ring buffer together.", "Alle Dateien eines Ringpuffers gemeinsam angeben."
        ),
    ),
    references=("RFC 3550, appendix A.3",),
    known_problems=Text(
        "Only media streams that go on show that packets are missing: without one the pause is taken for silence.",
        "Dass Pakete fehlen, zeigen nur Medienströme, die weiterlaufen: Ohne solche gilt die Pause als Stille.",
    ),
    find=find,
)
