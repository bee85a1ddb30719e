"""Executors: a thread of this process, or persistent processes that do one task after the other.

A process that dies loses only its current task. Ctrl-C does not reach it; it ends with its parent.
"""

import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple, ParamSpec, TypeVar, cast

from postproc import current_folder, memory
from postproc.files import scratch
from postproc.files.signals import ENDING, undisturbed

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext

LONGEST_FOLDER = 70  # bytes: the fork server's socket is 31 deeper, and macOS takes 104, Linux 108
P = ParamSpec("P")
T = TypeVar("T")


@contextmanager
def workers(count: int) -> Iterator[Executor]:
    """An executor for so many pieces of work at a time: this process for one, else a process for each.

    When the block is left early, what is still at work is stopped.
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
    """Does pieces of work in this process, one after the other.

    A thread cannot be stopped: it ends with its piece. What it is storing then is
    stored to the end, and nothing after that, so that nothing half done is left.
    """

    def __init__(self) -> None:
        super().__init__(1)
        self._storing = threading.Lock()
        self._stopped = False

    def storing(self, store: Callable[[], T]) -> T:
        """Store something to the end, if nobody has stopped this."""
        with self._storing:
            if self._stopped:
                raise BrokenExecutor("nothing more is stored")
            return store()

    def stop(self) -> None:
        with self._storing:
            self._stopped = True
        self.shutdown(wait=False, cancel_futures=True)


Answer = tuple[object, BaseException | None]  # what came of a piece of work, and what it raised


class Worker(NamedTuple):
    """A process that does one task after the other, and the pipe that sends it tasks."""

    process: BaseProcess
    pipe: "Connection[Callable[[], object], Answer]"

    def answer(self, work: Callable[[], object]) -> Answer | None:
        """Return the result of the task; None if the process dies."""
        try:
            self.pipe.send(work)
            return self.pipe.recv()
        except (EOFError, ConnectionError):
            return None


class Processes(ThreadPoolExecutor):
    """Run tasks in own processes, one at a time in each; a process that dies loses only its task."""

    def __init__(self, count: int, folder: Path) -> None:
        super().__init__(count)
        self._folder = folder
        self._context = _context()
        self._idle: list[Worker] = []
        self._workers: set[Worker] = set()  # all that have not ended
        self._starting = threading.Lock()
        self._stopped = False

    def submit(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        return super().submit(self._elsewhere, partial(work, *args, **kwargs))

    def stop(self) -> None:
        """Stop all running tasks and start no more."""
        with self._starting:
            self._stopped = True
            for worker in self._workers:
                worker.process.kill()  # not terminate(): signals wait there
        self.shutdown(cancel_futures=True)
        for worker in list(self._workers):
            self._end(worker)

    def _elsewhere(self, work: Callable[[], T]) -> T:
        """Run the task in an idle process, or in a new one if there is none."""
        with self._starting:
            if self._stopped:
                raise BrokenExecutor("no more work is begun")
            worker = self._idle.pop() if self._idle else self._started()
        answer = worker.answer(work)
        if answer is None:
            worker.process.kill()  # it may live on without its pipe
            self._end(worker)
            raise BrokenExecutor("the process died")
        self._idle.append(worker)
        done, error = answer
        if error:
            raise error
        return cast("T", done)

    def _started(self) -> Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_do, args=(theirs, str(self._folder), dict(os.environ)), daemon=True
        )
        with theirs, _signals_wait(), _script_left_out():
            process.start()
        worker = Worker(process, ours)
        self._workers.add(worker)
        return worker

    def _end(self, worker: Worker) -> None:
        worker.process.join()
        worker.pipe.close()
        with self._starting:
            self._workers.discard(worker)


def get_ready() -> None:
    """Start the server that processes come from: it imports what they need while this process does the same.

    Nothing is lost but its time if no process is needed after all; it ends with this one.
    """
    with current_folder.left_out():
        _context()


def _context() -> "SpawnContext | ForkServerContext":
    """Return a context other than fork: locks held by threads would stay held in the child."""
    if "forkserver" not in multiprocessing.get_all_start_methods():  # Windows
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver, resource_tracker  # noqa: PLC0415

    # Whoever starts it, the server or a thread that starts a process, lets signals through from then on.
    resource_tracker.ensure_running()
    if len(os.fsencode(tempfile.gettempdir())) >= LONGEST_FOLDER:
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["postproc.preloaded"])
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


def _do(pipe: "Connection[Answer, Callable[[], object]]", folder: str, environment: dict[str, str]) -> None:
    """Do what the pipe brings and tell what came of it; temporary files go where they are cleared away."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Windows lets no signal wait
    os.environ.update(environment)  # the server this process comes from may have an older one
    tempfile.tempdir = folder
    memory.keep()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with pipe, ThreadPoolExecutor(1) as here:  # whatever is raised is the parent's to judge
        while True:
            try:
                work = pipe.recv()
            except EOFError:
                return
            done = here.submit(work)
            if error := done.exception():
                error.add_note(
                    "".join(traceback.format_exception(error))
                )  # where it was raised does not travel
            pipe.send((None if error else done.result(), error))


def _end_with_parent() -> None:
    """End this process when its parent ends: nobody else would."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)
