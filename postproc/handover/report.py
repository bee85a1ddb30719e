"""The report with pseudonyms: that of the captures and logs of a run after they were redacted.

It cannot tell more than the redacted captures do, and is written only if nothing
of the originals is left in it.
"""

from collections.abc import Collection
from pathlib import Path

import pandas as pd

from postproc import pipeline
from postproc.deployment import Deployment
from postproc.errors import SetupError
from postproc.files import scratch
from postproc.files.private import replace_file
from postproc.handover.redact import Source, Work, check, products, redact
from postproc.pipeline import Run
from postproc.read import deployment as deployments
from postproc.read.inputs import located, said

JUDGED = ["call", "legs", "verdict", "cause"]


def report(
    done: Run, target: Path, *, calls: Collection[int] = (), deployment: Deployment | None = None,
    key: str | None = None,
) -> bool:  # fmt: skip
    """Write the redacted report of a run; whether the redacted captures lead to the same verdicts.

    Raises SetupError, and writes nothing, when a capture or log of the run is gone, or an
    original is left; LookupError when the run has not one of the calls.
    """
    for call in calls:
        done.call(call)
    known = deployment or deployments.read(deployments.DEFAULT)
    with scratch.folder() as place:
        captures = [Source(path, place / f"{n}.pcapng") for n, path in enumerate(_files(done.captures), 1)]
        logs = {path: place / f"{n}.log" for n, path in enumerate(_files(done.logs), 1)}
        redacted = redact(Work(captures, logs, products(known)), key)
        again = pipeline.run(
            [source.target for source in captures], fs_logs=list(logs.values()), deployment=known,
            lang=done.lang, only=set(done.findings["name"]),
        )  # fmt: skip
        page = place / pipeline.REPORT
        pipeline.write_report(again, page, calls)
        check([page], redacted.originals.numbered())  # prose may hold what is a name, too
        try:
            replace_file(target, lambda path: path.write_bytes(page.read_bytes()))
        except OSError as error:
            raise SetupError(f"{target}: {said(error)}") from error
    return bool(again.calls[JUDGED].equals(done.calls[JUDGED]))


def _files(rows: pd.DataFrame) -> list[Path]:
    """The files of a run, each once; SetupError if one is gone."""
    paths = [located(path) for path in dict.fromkeys(rows["path"].dropna())]
    for path in paths:
        if not path.is_file():
            raise SetupError(f"{path}: gone; a redacted report is made from the captures and logs themselves")
    return paths
