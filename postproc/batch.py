"""Many captures, one process each: who reads them, and what becomes of those that fail.

Where the work is done is an Executor's business: a thread of this process, a
process per capture, or a dask cluster's ``Client.get_executor()`` whose workers
see the same files. A capture that cannot be read, or whose process dies, is
lost alone. What has been read is found in the cache the next time.
"""

import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    Future,
    ThreadPoolExecutor,
    as_completed,
)
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from postproc import cache, current_folder, memory
from postproc.files import scratch
from postproc.files.signals import ENDING, undisturbed
from postproc.model.errors import CaptureError, SetupError
from postproc.model.tables import Tables
from postproc.read import inputs
from postproc.read.capture import Options, Seen, read
from postproc.read.inputs import Capture, Unread
from postproc.show.terminal import READING, Step, Tell

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext

LONGEST_FOLDER = 70  # bytes: the fork server's socket is 31 deeper, and macOS takes 104, Linux 108
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Job:
    """One capture to be read into one place of the cache."""

    capture: Capture
    place: Path
    options: Options

    @property
    def folder(self) -> Path:
        """Where its events are, once its bytes have been hashed."""
        return cache.folder(self.place, self.capture.sha256)

    def with_hash(self, sha256: str) -> "Job":
        return replace(self, capture=replace(self.capture, sha256=sha256))


Outcome = tuple[Job, cache.Events | None]


def read_into_cache(job: Job) -> Outcome:
    """Read a capture and store its events; what a worker elsewhere does: events do not travel."""
    return read_here(job, seen=lambda _: None)[0], None


def read_here(job: Job, seen: Seen, store: "Callable[[Job, Tables], Outcome] | None" = None) -> Outcome:
    """Read a capture, store its events, and return them with the job, which knows the hash now."""
    try:
        return (store or _stored)(job, read(job.capture.path, job.capture.name, job.options, seen))
    finally:  # when the tables are gone
        memory.give_back()


def _stored(job: Job, tables: Tables) -> Outcome:
    """The events in the cache: where they cannot be kept, neither can results, so all comes to a stop."""
    done = job.with_hash(tables.captures["sha256"].iloc[0])
    try:
        return done, cache.write(tables, done.folder)
    except OSError as error:
        raise SetupError(f"{done.folder.parent}: {inputs.said(error)}") from error


def read_all(
    jobs: Iterable[Job], executor: Executor | None, count: int, tell: Tell
) -> tuple[dict[Job, cache.Events], list[Unread]]:
    """Do the jobs, by ``executor`` or ``count`` at a time; return them with their events, and what was lost.

    Raises SetupError when this machine can read no capture at all.
    """
    events: dict[Job, cache.Events] = {}
    lost, read_bytes = [], 0
    waiting = list(jobs)
    every = sum(job.capture.size for job in waiting)

    def ticking(seen: int) -> None:
        tell(Step(READING, captures=len(waiting), bytes_done=read_bytes + seen, bytes=every))

    with nullcontext(executor) if executor else workers(min(count, len(waiting))) as doing:
        # Only this process can be told how far a capture is.
        here = isinstance(doing, ThreadPoolExecutor) and not isinstance(doing, Processes)
        store = doing.store if isinstance(doing, OneThread) else None
        worker = partial(read_here, seen=ticking, store=store) if here else read_into_cache
        for number, (job, future) in enumerate(_finished(waiting, doing, worker), 1):
            read_bytes += job.capture.size
            if done := _done(future):
                events.update([done])
                why = None
            else:
                error = future.exception()
                why = reason(error)
                lost.append(Unread(job.capture.path, why, error))
            tell(Step(READING, job.capture.name, why, number, len(waiting), read_bytes, every))
    return events, lost


def _finished(
    jobs: list[Job], executor: Executor, worker: Callable[[Job], Outcome]
) -> Iterator[tuple[Job, "Future[Outcome]"]]:
    """Have the jobs done, the biggest first; yield each when it is done."""
    biggest_first = sorted(jobs, key=lambda job: -job.capture.size)
    futures = {executor.submit(worker, job): job for job in biggest_first}
    try:
        for future in as_completed(futures):
            if isinstance(error := future.exception(), SetupError):
                raise error
            yield futures[future], future
    finally:
        for future in futures:
            future.cancel()


def _done(future: "Future[Outcome]") -> tuple[Job, cache.Events] | None:
    """The job with its events; None when it failed, or they are not where they should be."""
    if future.exception():
        return None
    job, events = future.result()
    events = cache.read(job.folder) if events is None else events
    return None if events is None else (job, events)


def reason(error: BaseException | None) -> str:
    """Why a capture was lost, in one line."""
    match error:
        case None:
            return "its events did not arrive in the cache: do the workers see the same folder?"
        case CaptureError():
            return str(error)
        case _ if isinstance(error, BrokenExecutor) or type(error).__name__ == "KilledWorker":  # dask's
            return "the process that read it died (out of memory?)"
        case MemoryError():
            return "out of memory"
        case OSError():
            return inputs.said(error)
    said = " ".join(str(error).split())[:200]
    return f"internal error, please report it: {type(error).__name__}: {said}"


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def workers(count: int) -> Iterator[Executor]:
    """An executor for so many captures at a time: this process for one, else a process for each.

    When the block is left early, what is still being read is stopped.
    """
    if count <= 1:
        executor = OneThread()
        try:
            yield executor
        finally:
            with undisturbed():
                executor.stop()
        return
    with current_folder.left_out(), scratch.folder() as folder:
        processes = Processes(count, folder)
        try:
            yield processes
        finally:
            with undisturbed():
                processes.stop()


class OneThread(ThreadPoolExecutor):
    """Reads in this process, one capture after the other.

    A thread cannot be stopped: it ends with its capture. What it is storing then is
    stored to the end, and nothing after that, so that nothing half done is left.
    """

    def __init__(self) -> None:
        super().__init__(1)
        self._storing = threading.Lock()
        self._stopped = False

    def store(self, job: Job, tables: Tables) -> Outcome:
        with self._storing:
            if self._stopped:
                raise BrokenExecutor("nothing more is stored")
            return _stored(job, tables)

    def stop(self) -> None:
        with self._storing:
            self._stopped = True
        self.shutdown(wait=False, cancel_futures=True)


class Processes(ThreadPoolExecutor):
    """Does each piece of work in a process of its own: its death loses that piece only."""

    def __init__(self, count: int, folder: Path) -> None:
        super().__init__(count)
        self._folder = folder
        self._context = _context()
        self._running: set[BaseProcess] = set()
        self._starting = threading.Lock()
        self._stopped = False

    def submit(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        return super().submit(self._alone, partial(work, *args, **kwargs))

    def stop(self) -> None:
        """End what is still at work, and begin nothing more."""
        with self._starting:
            self._stopped = True
            for process in self._running:
                process.kill()  # not terminate(): signals wait there
        self.shutdown(cancel_futures=True)

    def _alone(self, work: Callable[[], T]) -> T:
        """Have the work done elsewhere; a pipe brings what came of it, and ends with the process."""
        hears, tells = self._context.Pipe(duplex=False)
        process = self._context.Process(
            target=_do, args=(tells, str(self._folder), dict(os.environ), work), daemon=True
        )
        with hears:
            with tells, self._starting, _signals_wait(), _script_left_out():
                if self._stopped:
                    raise BrokenExecutor("no more work is begun")
                process.start()
                self._running.add(process)
            try:
                done, error = hears.recv()
            except EOFError:
                raise BrokenExecutor("the process died") from None
            finally:
                process.join()
                with self._starting:
                    self._running.discard(process)
        if error:
            raise error
        result: T = done
        return result


def _context() -> "SpawnContext | ForkServerContext":
    """Not plain fork: there are threads here, and locks they hold would stay held in the child."""
    if "forkserver" not in multiprocessing.get_all_start_methods():  # Windows
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver, resource_tracker  # noqa: PLC0415

    # Whoever starts it, the server or a thread that starts a process, lets signals through from then on.
    resource_tracker.ensure_running()
    if len(os.fsencode(tempfile.gettempdir())) >= LONGEST_FOLDER:
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with _signals_wait():  # in the server, and so in all that come from it
        forkserver.ensure_running()
    return context


@contextmanager
def _signals_wait() -> Iterator[None]:
    """Start processes that no Ctrl-C reaches: the terminal sends it to all, and one line is enough.

    They end when we end them, or when we are gone.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _script_left_out() -> Iterator[None]:
    """Start processes that do not run the script that called us once more, to have its functions: ours do.

    Without ``if __name__ == "__main__":`` each of them would begin a run of its own.
    """
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


def _do(tells: Connection, folder: str, environment: dict[str, str], work: Callable[[], object]) -> None:
    """Do the work and tell what came of it; temporary files go where they are cleared away."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Windows lets no signal wait
    os.environ.update(environment)  # the server this process comes from may have an older one
    tempfile.tempdir = folder
    memory.keep()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with tells, ThreadPoolExecutor(1) as here:  # whatever is raised is the parent's to judge
        done = here.submit(work)
        error = done.exception()
        if error:
            error.add_note("".join(traceback.format_exception(error)))  # where it was raised does not travel
        tells.send((None if error else done.result(), error))


def _end_with_parent() -> None:
    """Be gone when the process that waits for our work is: nobody else would ever end us."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)
