"""Write a copy of a capture with findings as packet comments."""

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

EVIDENCE_TOLD = 500  # frames of one finding that get its comment; keeps the copy small


def annotate(capture: Path, name: str, findings: pd.DataFrame, target: Path) -> int:
    """Write a copy of the capture with its findings; return the number of comments added.

    ``name`` is the capture's name in the findings. Existing comments remain. SetupError if the copy
    would overwrite the capture.
    """
    if target.exists() and target.samefile(capture):
        raise SetupError(f"{target}: the copy cannot replace the capture itself; name another with -o")
    by_frame = comments(each for each in of_table(findings) if each.capture == name)
    copy(capture, target, comments=lambda frame: by_frame.get(frame, ()))
    return sum(map(len, by_frame.values()))


def comments(findings: Iterable[Described]) -> dict[int, list[str]]:
    """Return the comments by frame: the full finding at its first frame, its title at the others."""
    texts: dict[int, list[str]] = defaultdict(list)
    for each in findings:
        head, whole = _texts(each)
        for place, frame in enumerate(each.frames[:EVIDENCE_TOLD]):
            texts[frame].append(head if place else whole)
    return dict(texts)


def _texts(finding: Described) -> tuple[str, str]:
    """Return a finding's short text, and the text with its detail."""
    head = " ".join(filter(None, (finding.severity, clean(finding.code), clean(finding.name))))
    head += "" if finding.call is None else f" (call {finding.call})"
    head += f": {clean(finding.title)}" if finding.title else ""
    return head, f"{head} - {clean(' '.join(finding.detail.split()))}" if finding.detail else head


def name_in(run: Run, capture: Path) -> str:
    """Return a capture's name in a run's tables; SetupError if the run did not read it."""
    try:
        digest = sha256(capture)
    except OSError as error:
        raise CaptureError(f"{capture}: {said(error)}") from error
    names = run.captures.loc[(run.captures["sha256"] == digest).fillna(value=False), "capture"]
    if names.empty:
        reasons = [each.reason for each in run.unread] or ["it is not among the captures of these results"]
        raise SetupError(f"{capture}: {reasons[0]}")
    return str(names.iloc[0])
