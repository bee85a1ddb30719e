"""A process in which stages run: watched from outside, killed when it hangs, replaced when it dies.

One process does hundreds of inputs, as starting one takes longer than most of them.
"""

import faulthandler
import multiprocessing
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from tests.fuzz.stages import NEIGHBOUR, Alone, Batch, Fault, of_text, peaks, reading, whole

LONGEST = 60.0  # seconds one input may take: the promise; an engineer waits no longer
MOST_MEMORY = 1_000_000_000  # bytes of any process: the promise; a laptop does two at a time
RENEWED = 300  # inputs after which a process makes place for a new one, so that peaks are those of few
STARTING = 120.0  # seconds until a process has imported everything on a busy machine


@dataclass(frozen=True)
class Task:
    """What a worker is to do: a stage, its input, and what kind of input it is."""

    stage: str  # reading, text or whole
    path: Path
    of: str = "capture"
    number: int = 0
    inputs: int = 1


@dataclass(frozen=True)
class Answer:
    """What came of a task."""

    faults: list[Fault]
    seconds: float
    own: int = 0  # bytes: the most memory of the worker so far
    children: int = 0  # and of its children


@dataclass
class Worker:
    """A process that does one task after the other; ``neighbour`` is the capture that must not suffer.

    ``first`` is called in the process before all else: tests plant faults by it.
    """

    neighbour: Path
    scratch: Path
    first: Callable[[], None] | None = None
    _process: BaseProcess | None = None
    _pipe: Connection | None = None
    _done: int = 0
    most: dict[str, int] = field(default_factory=lambda: {"own": 0, "children": 0})

    def do(self, task: Task) -> Answer:
        """Have it done; a hang, a death and too much memory are faults, too."""
        pipe, begun = self._ready(), time.monotonic()
        limit = LONGEST * (1 + task.inputs / 20)  # a batch gets a twentieth of it for each further input
        try:
            pipe.send(task)
            while not pipe.poll(min(1, limit)):
                if time.monotonic() - begun > limit:
                    return self._lost(task, time.monotonic() - begun, hangs=True)
            return self._judged(pipe.recv(), task)
        except (EOFError, ConnectionError):  # the other end of the pipe is gone with its process
            return self._lost(task, time.monotonic() - begun, hangs=False)

    def _judged(self, answer: Answer, task: Task) -> Answer:
        self._done += task.inputs
        self.most["own"] = max(self.most["own"], answer.own)
        self.most["children"] = max(self.most["children"], answer.children)
        if max(answer.own, answer.children) > MOST_MEMORY:
            said = f"{answer.own / 1e6:.0f} MB, children {answer.children / 1e6:.0f} MB"
            answer.faults.append(Fault(f"{task.stage}: too much memory", said))
            self.stop()
        elif self._done > RENEWED:
            self.stop()
        return answer

    def _lost(self, task: Task, seconds: float, *, hangs: bool) -> Answer:
        told = self._where() if hangs else ""
        self.stop()
        what = "it hangs" if hangs else "the process died"
        return Answer([Fault(f"{task.stage}: {what}", f"after {seconds:.0f} s\n{told}")], seconds)

    def _where(self) -> str:
        """Where a worker that hangs is, by its own word."""
        if not self._process or not self._process.pid:
            return ""
        os.kill(self._process.pid, DUMP)
        time.sleep(0.5)
        held = self.scratch / "stack.txt"
        return held.read_text()[-3000:] if held.exists() else ""

    def _ready(self) -> Connection:
        if self._process and self._pipe and self._process.is_alive():
            return self._pipe
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, self.neighbour, self.scratch, self.first), daemon=False
        )
        self._process.start()
        theirs.close()
        if not self._pipe.poll(STARTING) or self._pipe.recv() != "ready":
            raise RuntimeError("the worker does not start")
        self._done = 0
        return self._pipe

    def stop(self) -> None:
        if self._process:
            _end(self._process)
            self._process = None
        for leftover in self.scratch.glob("tmp*"):
            shutil.rmtree(leftover, ignore_errors=True)


DUMP = 10  # SIGUSR1


def _end(process: BaseProcess) -> None:
    """End the process and those it has started."""
    children = _children(process.pid or 0)
    process.kill()
    for child in children:
        try:
            os.kill(child, 9)
        except ProcessLookupError:
            continue
    process.join(10)


def _children(pid: int) -> list[int]:
    """Processes started by this one; on Linux only."""
    held = Path(f"/proc/{pid}/task")
    found = [each / "children" for each in held.iterdir()] if held.is_dir() else []
    return [int(child) for each in found if each.exists() for child in each.read_text().split()]


def _serve(pipe: Connection, neighbour: Path, scratch: Path, first: Callable[[], None] | None) -> None:
    """Do what comes down the pipe, until it is closed."""
    stack = (scratch / "stack.txt").open("w")
    faulthandler.register(DUMP, file=stack)
    home = scratch / "home"
    home.mkdir(exist_ok=True)
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        os.environ[name] = str(home)  # commands that write to personal folders write here
    tempfile.tempdir = str(scratch)
    os.chdir(home)
    alone = Alone(neighbour, scratch / "alone")
    if first:
        first()
    pipe.send("ready")
    while True:
        try:
            task = pipe.recv()
        except EOFError:
            return
        begun = time.monotonic()
        faults = _done(task, alone, scratch)
        pipe.send(Answer(faults, time.monotonic() - begun, *peaks()))


def _done(task: Task, alone: Alone, scratch: Path) -> list[Fault]:
    match task.stage:
        case "reading":
            return reading(task.path, scratch)
        case "text":
            return of_text(task.of, task.path, scratch)
    return whole(Batch(task.path, task.number), alone)


@contextmanager
def worker(neighbour: bytes, first: Callable[[], None] | None = None) -> Iterator[Worker]:
    """A worker with a folder of its own, which goes with it."""
    with tempfile.TemporaryDirectory(prefix="legshark-fuzz-", ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        (place / NEIGHBOUR).write_bytes(neighbour)
        made = Worker(place / NEIGHBOUR, place, first)
        try:
            yield made
        finally:
            made.stop()
