"""A program we started ends when we do, even if we are killed and it has nothing to tell us."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


class Leash:
    """Linux: the program's standard input is a pipe whose other end only we hold.

    When we are gone the system closes that end, and sends whoever was named for
    it a signal. Elsewhere a program ends when it finds that nobody reads what it writes.
    No code of ours runs in the program's process, as that is not safe beside threads.
    """

    def __init__(self, stdin: int) -> None:
        self.stdin = stdin

    def tie(self, pid: int) -> None:
        """Name the program that was started with our standard input."""
        if fcntl is None or not hasattr(fcntl, "F_SETSIG"):
            return
        with suppress(ProcessLookupError):  # it has ended already
            fcntl.fcntl(self.stdin, fcntl.F_SETSIG, signal.SIGKILL)
            fcntl.fcntl(self.stdin, fcntl.F_SETOWN, pid)
            fcntl.fcntl(self.stdin, fcntl.F_SETFL, fcntl.fcntl(self.stdin, fcntl.F_GETFL) | os.O_ASYNC)


@contextmanager
def leash() -> Iterator[Leash]:
    """A leash for one program, which has ended when the block is left."""
    reads, holds = os.pipe()
    try:
        yield Leash(reads)
    finally:
        os.close(holds)
        os.close(reads)
