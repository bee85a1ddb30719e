"""A copy of a capture in which every finding stands at its frames, as packet comment."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from postproc.model.errors import CaptureError, SetupError
from postproc.pipeline import Run
from postproc.read.inputs import said, sha256
from postproc.share.copying import copy
from postproc.show.terminal import clean

EVIDENCE_TOLD = 500  # frames of one finding that get its comment


def annotate(capture: Path, name: str, findings: pd.DataFrame, target: Path) -> int:
    """Write a copy of the capture with the findings about it; return how many comments were added.

    ``name`` is what the findings' table calls the capture. Comments that are there already
    stay. SetupError when the copy would overwrite the capture.
    """
    if target.exists() and target.samefile(capture):
        raise SetupError(f"{target}: the copy cannot replace the capture itself; name another with -o")
    told = comments(findings[(findings["capture"] == name).fillna(value=False)])
    copy(capture, target, comments=lambda frame: told.get(frame, ()))
    return sum(map(len, told.values()))


def comments(findings: pd.DataFrame) -> dict[int, list[str]]:
    """What is said of each frame: the finding whole at its first frame, its name at the others."""
    said: dict[int, list[str]] = defaultdict(list)
    columns = ["frame", "frames", "code", "name", "severity", "call", "title", "detail"]
    for row in zip(*(findings[column] for column in columns), strict=True):
        first, evidence, *rest = row
        head, whole = _texts(rest)
        frames = list(dict.fromkeys([*_numbers(first), *_evidence(evidence)]))
        for place, frame in enumerate(frames[:EVIDENCE_TOLD]):
            said[frame].append(head if place else whole)
    return dict(said)


def _texts(row: list[Any]) -> tuple[str, str]:
    """A finding in short, and with its detail."""
    code, name, severity, call, title, detail = row
    known = [clean(str(each)) for each in (severity, code, name) if not pd.isna(each)]
    about = " ".join(known) + ("" if pd.isna(call) else f" (call {call})")
    head = about if pd.isna(title) else f"{about}: {clean(str(title))}"
    return head, head if pd.isna(detail) else f"{head} - {clean(' '.join(str(detail).split()))}"


def _numbers(frame: Any) -> Iterator[int]:  # noqa: ANN401
    if not pd.isna(frame):
        yield int(frame)


def _evidence(frames: Any) -> Iterator[int]:  # noqa: ANN401
    if not pd.isna(frames):
        yield from (int(each) for each in str(frames).split(",") if each.strip().isdecimal())


def name_in(run: Run, capture: Path) -> str:
    """What a run's tables call a capture; SetupError when the run did not read it."""
    try:
        digest = sha256(capture)
    except OSError as error:
        raise CaptureError(f"{capture}: {said(error)}") from error
    names = run.captures.loc[(run.captures["sha256"] == digest).fillna(value=False), "capture"]
    if names.empty:
        reasons = [each.reason for each in run.unread] or ["it is not among the captures of these results"]
        raise SetupError(f"{capture}: {reasons[0]}")
    return str(names.iloc[0])
