"""Run a program and measure its resources and those of all its descendants.

CPU is user and system time of all processes. The peak is that of the largest
single process (``ru_maxrss``), not a sum, and never below our own 20 MB, which
a child occupies until exec. On Linux, orphans of the program
become our children and are waited for, so all are counted.
"""

import ctypes
import os
import signal
import sys
import tempfile
from dataclasses import dataclass
from resource import struct_rusage
from threading import Timer
from time import perf_counter

PR_SET_CHILD_SUBREAPER = 36
RSS_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes, or kibibytes (getrusage(2))
TIMEOUT = 3600.0  # seconds
MEGABYTE = 1e6


@dataclass(frozen=True)
class Usage:
    """Resources used. ``failure`` is the reason why they are invalid; None if the program succeeded."""

    cpu_s: float
    wall_s: float
    peak_mb: float
    failure: str | None = None


def adopt_orphans() -> None:
    """Make descendants whose parent ends children of this process (PR_SET_CHILD_SUBREAPER, Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def measure(command: list[str], environment: dict[str, str], timeout: float = TIMEOUT) -> Usage:
    """Run a command to its end with empty stdin, discarding its output; ``timeout`` is in s."""
    with tempfile.TemporaryFile() as errors:
        begin = perf_counter()
        pid = _start(command, environment, errors.fileno())
        status, used = _wait(pid, timeout)
        wall = perf_counter() - begin
        everything = [used, *_left_behind(pid)]
        errors.seek(0)
        failure = _failure(os.waitstatus_to_exitcode(status), errors.read().decode(errors="replace"))
    cpu = sum(each.ru_utime + each.ru_stime for each in everything)
    peak = max(each.ru_maxrss for each in everything) * RSS_UNIT / MEGABYTE
    return Usage(cpu, wall, peak, failure)


def undisturbed(usages: list[Usage]) -> Usage:
    """Return the least times, as other load only adds to them, the highest peak, and any failure."""
    failures = [each.failure for each in usages if each.failure]
    return Usage(
        cpu_s=min(each.cpu_s for each in usages),
        wall_s=min(each.wall_s for each in usages),
        peak_mb=max(each.peak_mb for each in usages),
        failure=failures[0] if failures else None,
    )


def _start(command: list[str], environment: dict[str, str], errors: int) -> int:
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_DUP2, errors, 2),
    ]
    return os.posix_spawnp(command[0], command, environment, file_actions=files, setpgroup=0)


def _wait(pid: int, timeout: float) -> tuple[int, struct_rusage]:
    """Return exit status and usage of the program; kill its process group after ``timeout`` s."""
    killer = Timer(timeout, os.killpg, (pid, signal.SIGKILL))
    killer.start()
    try:
        _, status, used = os.wait4(pid, 0)
    except KeyboardInterrupt:
        os.killpg(pid, signal.SIGKILL)
        raise
    finally:
        killer.cancel()
    return status, used


def _left_behind(group: int) -> list[struct_rusage]:
    """Wait for the remaining processes of the program's group; return their usage."""
    usages = []
    while True:
        try:
            usages.append(os.wait4(-group, 0)[2])
        except ChildProcessError:
            return usages


def _failure(code: int, errors: str) -> str | None:
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    return f"exit {code}: {lines[-1] if lines else 'no message'}" if code else None
