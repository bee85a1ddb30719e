"""A copy of a capture in which every finding stands at its frames, as packet comment."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from postproc.model.described import Described, of_table
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
    told = comments(each for each in of_table(findings) if each.capture == name)
    copy(capture, target, comments=lambda frame: told.get(frame, ()))
    return sum(map(len, told.values()))


def comments(findings: Iterable[Described]) -> dict[int, list[str]]:
    """What is said of each frame: the finding whole at its first frame, its title at the others."""
    texts: dict[int, list[str]] = defaultdict(list)
    for each in findings:
        head, whole = _texts(each)
        for place, frame in enumerate(each.frames[:EVIDENCE_TOLD]):
            texts[frame].append(head if place else whole)
    return dict(texts)


def _texts(found: Described) -> tuple[str, str]:
    """A finding in short, and with its detail."""
    head = " ".join(filter(None, (found.severity, clean(found.code), clean(found.name))))
    head += "" if found.call is None else f" (call {found.call})"
    head += f": {clean(found.title)}" if found.title else ""
    return head, f"{head} - {clean(' '.join(found.detail.split()))}" if found.detail else head


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
