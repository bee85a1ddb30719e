"""Many captures, one process each: who reads them, and what becomes of those that fail.

Where the work is done is an Executor's business: a thread of this process, a
process per capture, or a dask cluster's ``Client.get_executor()`` whose workers
see the same files. A capture that cannot be read, or whose process dies, is
lost alone. What has been read is found in the cache the next time.
"""

import multiprocessing
import os
import signal
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    as_completed,
)
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

from postproc import cache, current_folder, memory
from postproc.errors import CaptureError, SetupError
from postproc.present.progress import READING, Step, Tell
from postproc.read import inputs
from postproc.read.capture import Options, Seen, read
from postproc.read.inputs import Capture, Unread
from postproc.tables import Tables

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


def read_here(job: Job, seen: Seen) -> Outcome:
    """Read a capture, store its events, and return them with the job, which knows the hash now."""
    try:
        return _stored(job, read(job.capture.path, job.capture.name, job.options, seen))
    finally:  # when the tables are gone
        memory.give_back()


def _stored(job: Job, tables: Tables) -> Outcome:
    done = job.with_hash(tables.captures["sha256"].iloc[0])
    return done, cache.write(tables, done.folder)


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
        worker = partial(read_here, seen=ticking) if here else read_into_cache
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
    before = {child.pid for child in multiprocessing.active_children()}
    with (
        current_folder.left_out(),
        tempfile.TemporaryDirectory(prefix="postproc-", ignore_cleanup_errors=True) as scratch,
    ):
        executor = Processes(count, scratch) if count > 1 else ThreadPoolExecutor(1)
        try:
            yield executor
        finally:
            executor.shutdown(wait=False, cancel_futures=True)
            for child in multiprocessing.active_children():
                if child.pid not in before:
                    child.terminate()
            executor.shutdown(wait=count > 1)  # a thread cannot be stopped: it ends with its capture


class Processes(ThreadPoolExecutor):
    """Does each piece of work in a process of its own: its death loses that piece only."""

    def __init__(self, count: int, scratch: str) -> None:
        super().__init__(count)
        self._scratch = scratch

    def submit(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        return super().submit(_alone, self._scratch, partial(work, *args, **kwargs))


def _alone(scratch: str, work: Callable[[], T]) -> T:
    with ProcessPoolExecutor(
        1, _context(), initializer=_prepare, initargs=(scratch, dict(os.environ))
    ) as pool:
        return pool.submit(work).result()


def _context() -> multiprocessing.context.BaseContext:
    """Not plain fork: there are threads here, and locks they hold would stay held in the child."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def _prepare(scratch: str, environment: dict[str, str]) -> None:
    """Die without a word on Ctrl-C, and leave temporary files where they are cleared away."""
    os.environ.update(environment)  # the server this process comes from may have an older one
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    tempfile.tempdir = scratch
    memory.keep()
