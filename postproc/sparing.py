"""Leave out and name the captures that make the work on all of them fail.

Correlation and diagnosis process all captures together, so one that breaks them stops
the work for all. It is found by bisection: the captures that work are tried with one
half of the others, then with the other half.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Generic, TypeVar

from postproc.model.errors import SetupError

T = TypeVar("T")
MOST = 100  # attempts: each may take as long as all of the work; afterwards whole halves are given up


def sparing(
    work: Callable[[Sequence[str]], T], names: Sequence[str], executor: Executor
) -> tuple[T | None, dict[str, BaseException]]:
    """Do the work with as many of these as can be; return what came of it, and why the others were lost.

    Two that only fail together lose the later one. None where nothing can be done with any.
    Raises SetupError as the work does: that is nobody's fault among these.
    """
    attempts = _Attempts(work, executor)
    attempts.keep((), tuple(names))
    return attempts.done, attempts.lost


class _Attempts(Generic[T]):
    def __init__(self, work: Callable[[Sequence[str]], T], executor: Executor) -> None:
        self.done: T | None = None  # of the last attempt that came to an end
        self.lost: dict[str, BaseException] = {}
        self._work = work
        self._executor = executor
        self._failed: dict[tuple[str, ...], BaseException] = {}

    def keep(self, base: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
        """The base, with which the work can be done, and what of the others can be added to it."""
        error = self._attempt(base + more)
        if error is None:
            return base + more
        if len(more) < 2 or len(self._failed) >= MOST:
            self.lost |= dict.fromkeys(more, error)
            return base
        half = len(more) // 2
        return self.keep(self.keep(base, more[:half]), more[half:])

    def _attempt(self, names: tuple[str, ...]) -> BaseException | None:
        if names in self._failed:
            return self._failed[names]
        future = self._executor.submit(self._work, names)
        error = future.exception()
        if error is None:
            self.done = future.result()
        elif isinstance(error, SetupError) or not isinstance(error, Exception):
            raise error
        else:
            self._failed[names] = error
        return error
