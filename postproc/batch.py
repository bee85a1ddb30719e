"""Read many captures, small ones in chunks, and isolate those that fail.

The files of a ring buffer are read as one; if that fails, the file at fault is read by itself.

An Executor does the work: a thread of this process, worker processes, or a dask
cluster's ``Client.get_executor()`` whose workers see the same files. If the process of
a chunk dies, its captures are read one by one, so that only a capture that cannot be
read, or kills its process, is lost. Captures that were read are in the cache next time.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    ThreadPoolExecutor,
    wait,
)
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import NamedTuple

from postproc import cache, memory
from postproc.model.errors import CaptureError, SetupError
from postproc.model.events import Events
from postproc.read import inputs, together
from postproc.read.capture import Files, Seen, read_files
from postproc.read.inputs import Capture, Unread
from postproc.read.option_files import Options
from postproc.read.split import BrokenChainError
from postproc.show.terminal import READING, Step, Tell
from postproc.workers import OneThread, Processes, workers

# Captures of at most so many bytes share a tshark with so many others at most. What a larger one costs is
# its walk; more of them together save little, as tshark's start is a hundredth of a second for each then,
# and would lose more when their process dies. With fewer at the end tshark starts more often; with more one
# process waits longer for the last.
SMALL, MOST_TOGETHER, FEWEST_TOGETHER = 4 << 20, 32, 8


class Job(NamedTuple):
    """A capture, in one file or several by time, to be read into one place of the cache."""

    captures: tuple[Capture, ...]
    place: Path
    options: Options
    key: str = ""  # what its place is named after, but for the files
    recording: int = 0  # its number: parts keep it

    @property
    def size(self) -> int:
        return sum(capture.size for capture in self.captures)

    @property
    def name(self) -> str:
        return self.captures[0].name

    @property
    def files(self) -> Files:
        """The files by name; several files are named by their position."""
        if len(self.captures) == 1:
            return [(capture.path, capture.name) for capture in self.captures]
        return [(capture.path, str(place)) for place, capture in enumerate(self.captures)]

    @property
    def hashed(self) -> bool:
        return all(capture.sha256 for capture in self.captures)

    @property
    def file(self) -> Path:
        """The file of its events, once its bytes have been hashed."""
        return cache.file(self.place, [capture.sha256 for capture in self.captures])

    def with_hashes(self, hashes: Iterable[str]) -> "Job":
        pairs = zip(self.captures, hashes, strict=True)
        return self._replace(captures=tuple(capture._replace(sha256=sha256) for capture, sha256 in pairs))

    def parts(self, error: BaseException | None) -> list["Job"]:
        """Return the jobs to do if its files cannot be read as one: the file at fault by itself."""
        place = error.place if isinstance(error, BrokenChainError) else None
        if place is None:
            return [self._of(slice(each, each + 1)) for each in range(len(self.captures))]
        pieces = (slice(0, place), slice(place, place + 1), slice(place + 1, None))
        return [self._of(piece) for piece in pieces if self.captures[piece]]

    def _of(self, which: slice) -> "Job":
        captures = self.captures[which]
        place = cache.place(self.place.parent, self.key, [each.size for each in captures])
        return self._replace(captures=captures, place=place)


Chunk = tuple[Job, ...]


class Outcome(NamedTuple):
    """The result of a job; the worker knows the hash. Events are not sent between processes."""

    job: Job
    events: Events | None = None
    error: BaseException | None = None


Store = Callable[[Job, Events], Outcome]


def read_into_cache(chunk: Chunk) -> list[Outcome]:
    """Read captures and store their events, without returning them; the task of a worker process."""
    return [outcome._replace(events=None) for outcome in read_here(chunk, seen=lambda _: None)]


def read_here(chunk: Chunk, seen: Seen, store: Store | None = None) -> list[Outcome]:
    """Read captures and store the events of each; what comes of each is in the order of the jobs.

    Several are read together, so that whatever is raised but CaptureError may be the fault of any.
    """
    keep = store or _stored
    try:
        if len(chunk) == 1:
            return [_read_alone(chunk[0], seen, keep)]
        captures = [job.files for job in chunk]
        outcomes = {
            place: Outcome(chunk[place], error=found)
            if isinstance(found, CaptureError)
            else keep(chunk[place], found)
            for place, found in together.read_each(captures, chunk[0].options, seen)
        }
        return [outcomes[place] for place in range(len(chunk))]
    finally:  # when the tables are gone
        memory.give_back()


def _read_alone(job: Job, seen: Seen, store: Store) -> Outcome:
    try:
        events = read_files(job.files, job.options, seen)
    except CaptureError as error:
        return Outcome(job, error=error)
    return store(job, events)


def _stored(job: Job, events: Events) -> Outcome:
    """Store events in the cache; if that fails, results cannot be stored either, and the run stops."""
    done = job.with_hashes(events["captures"]["sha256"].to_pylist())
    try:
        cache.write(events, done.file)
    except OSError as error:
        raise SetupError(f"{done.file.parent}: {inputs.said(error)}") from error
    return Outcome(done, events)


def _unless_stopped(thread: OneThread) -> Store:
    return lambda job, events: thread.storing(partial(_stored, job, events))


def read_all(
    jobs: Iterable[Job], executor: Executor | None, count: int, tell: Tell
) -> tuple[dict[Job, Events], list[Unread]]:
    """Do the jobs, by ``executor`` or ``count`` at a time; return them with their events, and what was lost.

    Raises SetupError when this machine can read no capture at all.
    """
    events: dict[Job, Events] = {}
    lost: list[Unread] = []
    done = read_bytes = 0
    waiting = list(jobs)
    every = sum(job.size for job in waiting)
    captures = sum(len(job.captures) for job in waiting)
    work = chunks(waiting, count)

    def ticking(seen: int) -> None:
        tell(Step(READING, captures=captures, bytes_done=read_bytes + seen, bytes=every))

    with nullcontext(executor) if executor else workers(min(count, len(work))) as doing:
        # Only this process can be told how far a capture is.
        here = isinstance(doing, ThreadPoolExecutor) and not isinstance(doing, Processes)
        store = _unless_stopped(doing) if isinstance(doing, OneThread) else None
        worker = partial(read_here, seen=ticking, store=store) if here else read_into_cache
        for job, outcome in _finished(work, doing, worker):
            found = cache.read(outcome.job.file) if _is_elsewhere(outcome) else outcome.events
            why = None
            if found is None:
                why = reason(outcome.error)
                lost += [Unread(capture.path, why, outcome.error) for capture in job.captures]
            else:
                events[outcome.job] = found
            for capture in job.captures:
                read_bytes += capture.size
                done += 1
                tell(Step(READING, capture.name, why, done, captures, read_bytes, every))
    return events, lost


def _is_elsewhere(outcome: Outcome) -> bool:
    return outcome.error is None and outcome.events is None


def chunks(jobs: Iterable[Job], count: int) -> list[Chunk]:
    """What is read together by ``count`` processes: big captures alone and first, small ones in chunks.

    Of several processes each chunk is half of what would be each one's share of the rest, so that they end
    at about the same time. A chunk takes from all sizes.
    """
    biggest_first = sorted(jobs, key=lambda job: -job.size)
    alone = [job for job in biggest_first if job.size > SMALL]
    left = biggest_first[len(alone) :]
    work: list[Chunk] = [(job,) for job in alone]
    fewest = min(FEWEST_TOGETHER, -(-len(left) // count))
    while left:
        half = -(-len(left) // (2 * count if count > 1 else 1))
        size = min(max(half, fewest), MOST_TOGETHER)
        step = len(left) // size or 1
        taken = slice(0, step * size, step)
        work.append(tuple(left[taken]))
        del left[taken]
    return work


def _finished(
    work: list[Chunk], executor: Executor, worker: Callable[[Chunk], list[Outcome]]
) -> Iterator[tuple[Job, Outcome]]:
    """Process the chunks; yield each job when it is done.

    Of a chunk that fails each job is tried alone, and of a job that fails each part.
    """
    futures = {executor.submit(worker, chunk): chunk for chunk in work}
    try:
        while futures:
            for future in wait(futures, return_when=FIRST_COMPLETED).done:
                chunk, error = futures.pop(future), future.exception()
                if isinstance(error, SetupError):
                    raise error
                if error is None:
                    done = zip(chunk, future.result(), strict=True)
                elif len(chunk) == 1:
                    done = zip(chunk, [Outcome(chunk[0], error=error)], strict=True)
                else:
                    futures |= {executor.submit(worker, (job,)): (job,) for job in chunk}
                    continue
                for job, outcome in done:
                    if outcome.error is None or len(job.captures) == 1:
                        yield job, outcome
                    else:
                        parts = job.parts(outcome.error)
                        futures |= {executor.submit(worker, (part,)): (part,) for part in parts}
    finally:
        for future in futures:
            future.cancel()


def reason(error: BaseException | None) -> str:
    """Return the reason why a capture was lost, in one line."""
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
