"""What users do with what strangers give them, in one process: read it, judge it, hand it on.

``reading`` and ``of_text`` look at one input without tshark, in milliseconds;
``whole`` runs the whole program over a folder of them. All return what went wrong.
"""

import sys
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from click.testing import CliRunner

from postproc import pipeline
from postproc.cli import cli
from postproc.model.deployment import Deployment
from postproc.model.errors import CaptureError, PostprocError
from postproc.model.events import captured, tables
from postproc.model.tables import Tables
from postproc.read import access as access_files
from postproc.read import deployment, direct, fslog, inputs
from postproc.read.events import events
from postproc.read.extract import frames_of
from postproc.read.split import split
from postproc.read.walk import open_container, windows
from postproc.share import notebooks
from postproc.share.copying import copy
from postproc.share.redact import Source, Work, redact
from postproc.share.ticket import read_answers
from postproc.show import checklist
from tests.fuzz import rules

NEIGHBOUR = "neighbour.pcapng"
CODE = Path(inputs.__file__).parents[1]


@dataclass(frozen=True)
class Fault:
    """Something that must not be: ``what`` is the same whenever it is the same fault."""

    what: str
    said: str
    path: str = ""  # the input, where it is known


@dataclass
class Faults:
    """Notes what goes wrong in ``with`` blocks, each of which is a step; the next is done all the same."""

    found: list[Fault] = field(default_factory=list)

    def step(self, name: str, path: Path | None = None) -> "Step":
        return Step(self, name, str(path or ""))

    def note(self, name: str, said: Iterable[str], path: Path | None = None) -> None:
        self.found += [Fault(f"{name}: {_kind(each)}", each, str(path or "")) for each in said]


@dataclass
class Step:
    """One step: PostprocError is how the program says no, anything else is a fault."""

    faults: Faults
    name: str
    path: str

    def __enter__(self) -> "Step":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> bool:
        if error is None or isinstance(error, KeyboardInterrupt):
            return False
        if not isinstance(error, PostprocError):
            self.faults.found.append(_raised(self.name, error, self.path))
        elif said := list(rules.of_said(str(error).replace(self.path, ""))):
            self.faults.found.append(Fault(f"{self.name}: {_kind(said[0])}", said[0], self.path))
        return True


def _raised(name: str, error: BaseException, path: str) -> Fault:
    """The place of ours that is nearest to where it went wrong."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [each for each in frames if Path(each.filename).is_relative_to(CODE)] or frames
    place = f"{Path(ours[-1].filename).name}:{ours[-1].name}" if ours else "?"
    told = "".join(traceback.format_exception(error))[-3000:]
    return Fault(f"{name}: {type(error).__name__} in {place}", told, path)


def _kind(said: str) -> str:
    """What was said up to the value in question."""
    return said.partition(": ")[0][:80]


def reading(path: Path, scratch: Path) -> list[Fault]:
    """Read a capture as far as no tshark is needed; copy it; pseudonymise it."""
    faults = Faults()
    with faults.step("find", path):
        inputs.find([path])
    with faults.step("split", path):
        kept, aside = scratch / "kept", scratch / "aside"
        parted = split(path, kept, aside)
        found = events(direct.direct_frames(aside, parted.direct_frames, parted.direct_times), path.name, [])
        media = {name: getattr(parted, name) for name in ("rtp_streams", "rtp_seconds")}
        found |= {name: captured(rows, path.name) for name, rows in media.items()}
        said = (each for each in rules.of_tables(tables(found)) if "no capture of" not in each)
        faults.note("tables", said, path)
        for each in (kept, aside):
            _walked(each)
    with faults.step("extract", path):
        frames_of(path, [1, 2, 3], [("10.0.50.118", 31802, "198.51.100.77", 33246, 0, 2**62)])
    with faults.step("copy", path):
        target = scratch / "copy.pcapng"
        count = copy(path, target, comments=lambda frame: (f"frame {frame}",))
        if count != _walked(target):
            faults.note("copy", ["the copy has another number of packets"], path)
    with faults.step("redact", path):
        target = scratch / "redacted.pcapng"
        count = redact(Work([Source(path, target)]), "key").written[target]
        if count != _walked(target):
            faults.note("redact", ["the redacted copy has another number of packets"], path)
    return faults.found


def _walked(path: Path) -> int:
    with path.open("rb", buffering=0) as file:
        container = open_container(file)
        for _ in windows(file, container):
            pass
    return container.packets


def of_text(of: str, path: Path, scratch: Path) -> list[Fault]:
    """Read a text of this kind as its command does."""
    faults = Faults()
    with faults.step(of, path):
        match of:
            case "log":
                tables, _ = fslog.read_all([path])
                faults.note("log", rules.of_tables(tables), path)
                redact(Work([], {path: scratch / "redacted.log"}), "key")
            case "acl":
                access = access_files.read(path)
                for held in access.lists.values():
                    for addr in ("10.0.0.1", "fe80::1", None, "x"):
                        held.decide(addr)
            case "deployment":
                known = deployment.read(path)
                known.products_in(["x" * 30, "a" * 30 + "!"])
            case "answers":
                answered = checklist.answers(Tables(), {}, read_answers(path), "de")
                faults.note("answers", rules.of_said(checklist.markdown(answered, "de")), path)
    return faults.found


@dataclass(frozen=True)
class Batch:
    """A folder to be run over: captures in ``in``; logs, lists and settings beside it."""

    folder: Path
    number: int = 0

    @property
    def captures(self) -> Path:
        return self.folder / "in"

    def beside(self, pattern: str) -> list[Path]:
        return sorted(self.folder.glob(pattern))


class Alone:
    """What the good neighbour's rows are when nothing else is read, by deployment."""

    def __init__(self, neighbour: Path, folder: Path) -> None:
        self.neighbour, self.folder = neighbour, folder
        self._known: dict[str, dict[str, object]] = {}

    def rows(self, known: Deployment) -> dict[str, object]:
        key = repr(known)
        if key not in self._known:
            done = pipeline.run([self.neighbour], self.folder, jobs=1, deployment=known, report=False)
            self._known = {key: rules.of_capture(done.tables, NEIGHBOUR)}
        return self._known[key]


def whole(batch: Batch, alone: Alone) -> list[Fault]:
    """Run everything over a folder, look at the results, and hand some of it on."""
    faults, out = Faults(), batch.folder / "out"
    known = _known(batch, faults)
    with faults.step("run"):
        run = pipeline.run(
            [batch.captures],
            out,
            jobs=1,
            csv=True,
            deployment=known,
            fs_logs=batch.beside("*.log"),
            beside=pipeline.Beside("notebooks", lambda run, results: notebooks.write_all(run, results).lost),
        )
        for each in run.unread:
            _of_unread(each, faults)
        faults.note("tables", rules.of_tables(run.tables))
        faults.note("load", rules.of_round_trip(run.tables, pipeline.load(out).tables))
        faults.note("results", rules.of_results(out, run.tables))
        if (batch.captures / NEIGHBOUR).exists():
            beside = rules.of_capture(run.tables, NEIGHBOUR)
            faults.note("neighbour", rules.of_neighbour(alone.rows(known), beside))
    _commands(batch, faults)
    return faults.found


def _known(batch: Batch, faults: Faults) -> Deployment:
    """The deployment with the lists given, as far as they can be read."""
    known = deployment.read(deployment.DEFAULT)
    for path in batch.beside("deployment*"):
        with faults.step("deployment", path):
            known = deployment.read(path)
    for path in batch.beside("acl*"):
        with faults.step("acl", path):
            known = access_files.read(path).into(known)
    return known


def _of_unread(each: inputs.Unread, faults: Faults) -> None:
    if each.error is not None and not isinstance(each.error, CaptureError | OSError):
        faults.found.append(_raised("read", each.error, str(each.path)))
    faults.note("unread", rules.of_said(each.reason.replace(str(each.path), "")), each.path)
    if "\n" in each.reason:
        faults.note("unread", ["a reason of several lines"], each.path)


def _commands(batch: Batch, faults: Faults) -> None:
    """One of the commands, another one for each batch, by its command line."""
    captures = sorted(path for path in batch.captures.iterdir() if path.name != NEIGHBOUR)
    if not captures:
        return
    capture, folder, out = captures[batch.number % len(captures)], batch.folder, batch.folder / "out"
    logs = [word for log in batch.beside("*.log") for word in ("--fs-log", log)]
    answers = [word for held in batch.beside("answers*") for word in ("--answers", held)]
    commands: tuple[list[object], ...] = (
        ["run", batch.captures, "-o", out, "-j", "1", "-v", "--lang", "de", *logs],
        ["filter", capture],
        ["annotate", capture, "--findings", out, "-o", folder / "annotated.pcapng"],
        ["export", capture, "--call", "1", "-o", folder / "export.pcapng"],
        ["ticket", capture, "--redact", "--yes", "--key", "k", *logs, *answers, "-o", folder / "ticket.zip"],
        ["export", capture, "--call", "1", "--redact", "--yes", "-o", folder / "redacted.pcapng"],
        ["report", out, "--call", "1", "--lang", "de", "-o", folder / "one.html"],
        ["ticket", capture, *answers, "-o", folder / "plain.zip"],
        ["notebook", capture, "-o", folder / "one.ipynb"],
        ["wireshark", "color", capture],
        *(
            ["acl", "check", held, "--addr", "10.0.0.1", "--capture", capture]
            for held in batch.beside("acl*")
        ),
    )
    words = list(map(str, commands[batch.number % len(commands)]))
    command(words, faults, folder)


def command(words: list[str], faults: Faults, folder: Path) -> int:
    """Run a command in this process; its exit status."""
    done = CliRunner().invoke(cli, words)
    if done.exception and not isinstance(done.exception, SystemExit):
        faults.found.append(_raised(words[0], done.exception, ""))
    faults.note(words[0], rules.of_said(done.output.replace(str(folder), "")))
    if done.exit_code not in (0, 1, 2):
        faults.note(words[0], [f"exit status {done.exit_code}"])
    if done.exit_code == 2 and done.output.count("\n") > 40:
        faults.note(words[0], ["a refusal of many lines"])
    return done.exit_code


def peaks() -> tuple[int, int]:
    """The most memory this process, and any child of it that has ended, ever had, in bytes."""
    import resource  # noqa: PLC0415  (not on Windows)

    unit = 1 if sys.platform == "darwin" else 1024
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit
    status = Path(
        "/proc/self/status"
    )  # Linux' ru_maxrss begins with what the process had that started this one
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit, children
    own = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(own.split()[1]) * 1024, children


STAGES: dict[str, Callable[..., list[Fault]]] = {"reading": reading, "text": of_text, "whole": whole}
