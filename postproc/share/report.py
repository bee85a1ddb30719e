"""The report with pseudonyms: that of the captures and logs of a run after they were redacted.

It cannot tell more than the redacted captures do, and is written only if nothing
of the originals is left in it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from postproc import pipeline
from postproc.files import scratch
from postproc.model.deployment import Deployment
from postproc.model.errors import SetupError
from postproc.pipeline import Run
from postproc.read import deployment as deployments
from postproc.read.inputs import located
from postproc.share import prose
from postproc.share.account import Account, Look, goes_on
from postproc.share.checking import check
from postproc.share.copying import moved
from postproc.share.disguise import disguised
from postproc.share.redact import Source, Work, products, redact
from postproc.share.staged import placed

JUDGED = ["call", "legs", "verdict", "cause"]


@dataclass(frozen=True)
class Reported:
    """Whether the redacted captures lead to the same verdicts, and what was redacted."""

    same: bool
    account: Account


def report(
    done: Run, target: Path, *, calls: Collection[int] = (), deployment: Deployment | None = None,
    key: str | None = None, hidden: Collection[str] = (), look: Look = goes_on,
) -> Reported:  # fmt: skip
    """Write the redacted report of a run.

    ``look`` is shown what remains before: it raises SetupError to stop. So is SetupError raised, and
    nothing written, when a capture or log of the run is gone, or an original is left; LookupError
    when the run has not one of the calls.
    """
    for call in calls:
        done.call(call)
    known = deployment or deployments.read(deployments.DEFAULT)
    with scratch.folder() as place:
        captures = [Source(path, place / f"{n}.pcapng") for n, path in enumerate(_files(done.captures), 1)]
        logs = {path: place / f"{n}.log" for n, path in enumerate(_files(done.logs), 1)}
        redacted = redact(Work(captures, logs, products=products(known), hidden=hidden), key)
        unjudged = {path.name: words for path, words in redacted.unjudged.items()}
        account = Account(redacted.pseudonyms.tally, unjudged)
        look(account)
        again = pipeline.run(
            [source.target for source in captures], fs_logs=list(logs.values()),
            deployment=disguised(known, redacted.pseudonyms), lang=done.lang, only=set(done.findings["name"]),
        )  # fmt: skip
        page = place / pipeline.REPORT
        pipeline.write_report(placed(again, place), page, calls)
        check([page], redacted.originals.besides(prose.words()))
        moved(page, target)
    return Reported(bool(again.calls[JUDGED].equals(done.calls[JUDGED])), account)


def _files(rows: pd.DataFrame) -> list[Path]:
    """The files of a run, each once; SetupError if one is gone."""
    paths = [located(path) for path in dict.fromkeys(rows["path"].dropna())]
    for path in paths:
        if not path.is_file():
            raise SetupError(f"{path}: gone; a redacted report is made from the captures and logs themselves")
    return paths
