"""Run chains in parallel, one piece of each at a time; each piece hands its state to the next.

The executor decides where: a thread of this process, other processes, or the workers of a Dask cluster, which
repeats the pieces of a lost worker. The state of a chain does not grow with its calls.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field, replace
from pathlib import Path

from postproc.batch import reason
from postproc.fleet.pieces import Done, Handed, Task, judged, timed
from postproc.fleet.sources import Chain, Source
from postproc.model.errors import SetupError
from postproc.read.inputs import Unread
from postproc.show.terminal import READING, Step, Tell


@dataclass
class _Going:
    """State of a chain in progress."""

    site: str
    left: list[Source]  # by time
    taken: list[Source] = field(default_factory=list)  # by the piece that is at work
    handed: Handed = field(default_factory=Handed)

    def begun(self, task: Task, executor: Executor) -> "Future[Done]":
        """Submit the next piece: new files of ``handed.step`` bytes, or as many bytes as are read again."""
        if not self.taken:
            room = max(self.handed.step, _bytes(self.handed.files)) - self.left[0].size
            self.taken.append(self.left.pop(0))
            while self.left and self.left[0].size <= room:
                room -= self.left[0].size
                self.taken.append(self.left.pop(0))
        after = self.left[0].first_ns if self.left else None
        return executor.submit(judged, task, self.site, self.handed, tuple(self.taken), after)

    def ended(self, future: "Future[Done]") -> Done:
        """Return the result of the piece; if it failed, halve it for the next attempt.

        If one file is left, those handed on are given up before it: together they may be too large.
        """
        error = future.exception()
        if error is None:
            result = future.result()
            self.handed, self.taken = result.handed, []
            return result
        if isinstance(error, SetupError):
            raise error
        if len(self.taken) > 1:
            half = len(self.taken) // 2
            self.taken, self.left = self.taken[:half], self.taken[half:] + self.left
            return Done(self.handed)
        given_up = self.handed.files or self.taken
        self.taken = self.taken if self.handed.files else []
        self.handed = replace(self.handed, files=())
        unread = tuple(Unread(Path(each.place), reason(error), error) for each in given_up)
        return Done(self.handed, unread=unread)


def run(chains: Iterable[Chain], task: Task, executor: Executor, tell: Tell) -> Iterator[Done]:
    """Analyse the captures of chains and add their calls to the dataset; yield the result of each piece.

    Raises SetupError from a piece, since repeating it would not help.
    """
    ordered = [(each.site, executor.submit(timed, each.sources)) for each in chains]
    every = [_Going(site, future.result()) for site, future in ordered]
    waiting = [each for each in every if each.left]
    files, size = _all_left(every)
    working: dict[Future[Done], _Going] = {}
    try:
        while working or waiting:
            working |= {each.begun(task, executor): each for each in waiting}
            waiting = []
            for future in wait(working, return_when=FIRST_COMPLETED).done:
                going = working.pop(future)
                result = going.ended(future)
                waiting += [going] if going.left or going.taken else []
                files_left, size_left = _all_left(every)
                tell(Step(READING, going.site, None, files - files_left, files, size - size_left, size))
                yield result
    finally:
        for future in working:
            future.cancel()


def _bytes(sources: Iterable[Source]) -> int:
    return sum(each.size for each in sources)


def _all_left(chains: Iterable[_Going]) -> tuple[int, int]:
    """Return the numbers of files and bytes that remain."""
    remaining = [each for going in chains for each in (*going.left, *going.taken)]
    return len(remaining), _bytes(remaining)
