"""A copy of a capture with every finding as packet comment on its frames."""

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

EVIDENCE_COMMENTED = 500  # frames of one finding that get its comment; a choice that bounds the copy's growth


def annotate(capture: Path, name: str, findings: pd.DataFrame, target: Path) -> int:
    """Write a copy of the capture with the findings about it; return how many comments were added.

    ``name`` is the capture's in the table of findings. Existing comments are kept. Raises SetupError when the
    copy would overwrite the capture.
    """
    if target.exists() and target.samefile(capture):
        raise SetupError(f"{target}: the copy cannot replace the capture itself; name another with -o")
    by_frame = comments(finding for finding in of_table(findings) if finding.capture == name)
    copy(capture, target, comments=lambda frame: by_frame.get(frame, ()))
    return sum(map(len, by_frame.values()))


def comments(findings: Iterable[Described]) -> dict[int, list[str]]:
    """Return comments by frame: the whole finding on its first frame, its title on the others."""
    texts: dict[int, list[str]] = defaultdict(list)
    for finding in findings:
        head, whole = _texts(finding)
        for n, frame in enumerate(finding.frames[:EVIDENCE_COMMENTED]):
            texts[frame].append(head if n else whole)
    return dict(texts)


def _texts(finding: Described) -> tuple[str, str]:
    """Return a finding in short, and with its detail."""
    head = " ".join(filter(None, (finding.severity, clean(finding.code), clean(finding.name))))
    head += "" if finding.call is None else f" (call {finding.call})"
    head += f": {clean(finding.title)}" if finding.title else ""
    return head, f"{head} - {clean(' '.join(finding.detail.split()))}" if finding.detail else head


def name_in(run: Run, capture: Path) -> str:
    """Return the capture's name in a run's tables; raises SetupError when the run did not read it."""
    try:
        digest = sha256(capture)
    except OSError as error:
        raise CaptureError(f"{capture}: {said(error)}") from error
    names = run.captures.loc[(run.captures["sha256"] == digest).fillna(value=False), "capture"]
    if names.empty:
        reasons = [each.reason for each in run.unread] or ["it is not among the captures of these results"]
        raise SetupError(f"{capture}: {reasons[0]}")
    return str(names.iloc[0])
