"""Export the packets of one call as pcapng, original or redacted; write a redacted report.

Exported are SIP and its TCP, STUN, TURN, DTLS, media and ICMP errors, each with its original frame number
as a comment. A redacted report is made by analysing the redacted captures and logs, so it cannot reveal
more than they do.
"""

from collections.abc import Collection, Iterable
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import pandas as pd

from postproc import pipeline
from postproc.files import scratch
from postproc.model.calls import no_such
from postproc.model.deployment import Deployment
from postproc.model.errors import SetupError
from postproc.pipeline import Run
from postproc.read import deployment as deployments
from postproc.read.extract import frames_of
from postproc.read.inputs import located
from postproc.share.account import Account, Look, goes_on
from postproc.share.copying import Comments, copy, moved
from postproc.share.packing import placed, safe_name
from postproc.share.redact import Source, Work, disguised, products, redact
from postproc.share.search import check, own_words
from postproc.show.selection import Belonging, belonging
from postproc.show.terminal import clean
from postproc.show.zones import LOCAL


def export(run: Run, call: int, out: Path | None = None) -> dict[Path, int]:
    """Write the packets of a call, one file per capture that has some; return the number in each.

    ``out`` names the file; with several captures their names are added to it. SetupError if there is
    no such call.
    """
    by_capture = _belonging(run, call)
    paths = _paths(run.captures)
    targets = file_names(out or Path(f"call-{call}.pcapng"), by_capture)
    written = {}
    for capture, of_call in by_capture.items():
        comments = _numbered(clean(capture))
        frames = frames_belonging(paths[capture], of_call)
        written[targets[capture]] = copy(paths[capture], targets[capture], only=frames, comments=comments)
    return written


class Exported(NamedTuple):
    """The files written with their numbers of packets, and the account of the redaction."""

    written: dict[Path, int]
    account: Account


def export_redacted(
    run: Run,
    call: int,
    out: Path | None = None,
    key: str | None = None,
    products: tuple[str, ...] = (),
    *,
    hidden: Collection[str] = (),
    look: Look = goes_on,
    keylog: Path | None = None,
) -> Exported:
    """Write the packets of a call redacted (see ``redact``), with frame numbers but no capture names.

    ``look`` is called with the account before files get their names, and raises SetupError to stop.
    """
    by_capture = _belonging(run, call)
    paths = _paths(run.captures)
    names = [f"{number}.pcapng" for number, _ in enumerate(by_capture, 1)]
    targets = file_names(out or Path(f"call-{call}.pcapng"), names)
    with scratch.folder() as folder:
        sources = [
            Source(paths[name], folder / new, frames_belonging(paths[name], of_call), True, keylog)
            for new, (name, of_call) in zip(names, by_capture.items(), strict=True)
        ]
        redacted = redact(Work(sources, products=products, hidden=hidden), key)
        unjudged = {targets[path.name].name: words for path, words in redacted.unjudged.items()}
        account = Account(redacted.pseudonyms.tally, unjudged, ambiguous=redacted.originals.ambiguous)
        look(account)
        for source in sources:
            moved(source.target, targets[source.target.name])
    return Exported({targets[path.name]: count for path, count in redacted.written.items()}, account)


def _belonging(run: Run, call: int) -> dict[str, Belonging]:
    numbers = sorted(run.calls["call"].dropna().astype(int))
    if call not in numbers:
        raise SetupError(no_such(call, numbers))
    return belonging(run.tables, call)


def frames_belonging(capture: Path, held: Belonging) -> frozenset[int]:
    """Return the numbers of the frames that belong to a call in a capture."""
    return frozenset(frames_of(capture, held.frames, held.flows, held.connections, held.whole).tolist())


def file_names(out: Path, captures: Iterable[str]) -> dict[str, Path]:
    """Return a file per capture: ``out`` itself, or with the capture's name added if there are several."""
    names = list(captures)
    if len(names) == 1:
        return {names[0]: out}
    stem, suffix = out.stem, out.suffix or ".pcapng"
    return {
        name: out.with_name(f"{stem}-{number}-{safe_name(PurePosixPath(name).stem)}{suffix}")
        for number, name in enumerate(names, 1)
    }


def _numbered(capture: str) -> Comments:
    return lambda frame: (f"frame {frame} of {capture}",)


def _paths(captures: pd.DataFrame) -> dict[str, Path]:
    return {name: located(path) for name, path in zip(captures["capture"], captures["path"], strict=True)}


JUDGED = ["call", "legs", "verdict", "cause"]


class Reported(NamedTuple):
    """Whether the redacted captures give the same verdicts, and the account of the redaction."""

    same: bool
    account: Account


def report(
    done: Run,
    target: Path,
    *,
    calls: Collection[int] = (),
    deployment: Deployment | None = None,
    key: str | None = None,
    hidden: Collection[str] = (),
    look: Look = goes_on,
    tz: str = LOCAL,
) -> Reported:
    """Write the redacted report of a run; ``tz`` is the time zone shown initially.

    ``look`` is called with the account before that, and raises SetupError to stop. Raises SetupError,
    without writing anything, if a capture or log of the run is missing or an original is left;
    LookupError if the run lacks one of the calls.
    """
    for call in calls:
        done.call(call)
    known = deployment or deployments.read(deployments.DEFAULT)
    with scratch.folder() as place:
        captures = [Source(path, place / f"{n}.pcapng") for n, path in enumerate(_files(done.captures), 1)]
        logs = {path: place / f"{n}.log" for n, path in enumerate(_files(done.logs), 1)}
        redacted = redact(Work(captures, logs, products=products(known), hidden=hidden), key)
        unjudged = {path.name: words for path, words in redacted.unjudged.items()}
        account = Account(redacted.pseudonyms.tally, unjudged, ambiguous=redacted.originals.ambiguous)
        look(account)
        rerun = pipeline.run(
            [source.target for source in captures],
            fs_logs=list(logs.values()),
            deployment=disguised(known, redacted.pseudonyms),
            lang=done.lang,
            only=set(done.findings["name"]),
        )
        page = place / pipeline.REPORT
        pipeline.write_report(placed(rerun, place), page, calls, base=place, tz=tz)
        check([page], redacted.originals.besides(own_words()))
        moved(page, target)
    return Reported(bool(rerun.calls[JUDGED].equals(done.calls[JUDGED])), account)


def _files(rows: pd.DataFrame) -> list[Path]:
    """Return the files of a run, each once; SetupError if one is missing."""
    paths = [located(path) for path in dict.fromkeys(rows["path"].dropna())]
    for path in paths:
        if not path.is_file():
            raise SetupError(f"{path}: gone; a redacted report is made from the captures and logs themselves")
    return paths
