"""Run Wireshark's programs isolated from the user's settings, within limits, and no longer than this process.

The user's profiles, preferences, Lua scripts, plug-ins, decode-as and hosts files have no effect, nor has
the current folder: the same capture gives the same tables for everyone, and nothing in a stranger's folder
is loaded. For all of these the program gets an empty folder, and of the environment only what is named here.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from postproc.current_folder import whole_paths
from postproc.files import scratch
from postproc.model.errors import CaptureError, SetupError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

# Variables that a program needs to start at all, and to know the time zone.
PASSED_ON = (
    "SYSTEMROOT",
    "SYSTEMDRIVE",
    "WINDIR",
    "COMSPEC",
    "PROGRAMFILES",
    "PROGRAMDATA",
    "TMPDIR",
    "TEMP",
    "TMP",
    "TZ",
    "TZDIR",
)
SEARCH_PATHS = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")  # only absolute folders in them are kept
# Variables that lead Wireshark and its libraries to the user's files.
USER_FOLDERS = (
    "HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_CACHE_HOME",
    "XDG_STATE_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_DIRS",
    "XDG_DATA_DIRS",
    "APPDATA",
    "LOCALAPPDATA",
    "USERPROFILE",
    "WIRESHARK_CONFIG_DIR",
    "WIRESHARK_PLUGIN_DIR",
    "WIRESHARK_EXTCAP_DIR",
    "WIRESHARK_DATA_DIR",
)
LOCALE = "C.UTF-8"

# Limits of a program that reads a capture: a fixed allowance and one by the file's size. They only have to
# stop a hostile file; a lower limit would first hit honest captures on a slow machine.
IMPLIED_TIME = 300.0  # s, for a slow disk or a busy machine
SLOWEST = 500_000  # bytes/s: a tenth of tshark's rate where it is slowest
IMPLIED_MEMORY = 4 << 30  # bytes of address space, in addition to four times the file
IMPLIED_OUTPUT = 1 << 30  # bytes
OUTPUT_SHARE = 100  # times the file's size: silence compresses to a hundredth, gzip bombs to a thousandth
PATIENCE = 60.0  # s for a program that reads no capture: its first start from a slow disk
GLANCE = 0.05  # s between looks at the size of a program's output


def environment(folder: Path, own: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment of a program that finds user files only in ``folder``, which should be empty."""
    passed = {name: own[name] for name in PASSED_ON if name in own}
    searched = {name: os.pathsep.join(whole_paths(own[name])) for name in SEARCH_PATHS if name in own}
    return passed | searched | dict.fromkeys(USER_FOLDERS, str(folder)) | {"LC_ALL": LOCALE}


@contextmanager
def empty_folder() -> Iterator[Path]:
    """Make an empty folder for a program's user files and as its current folder."""
    with scratch.folder() as folder:
        yield folder


def run(
    program: Path | str, *arguments: str, given: bytes = b"", patience: float = PATIENCE
) -> subprocess.CompletedProcess[str]:
    """Run a program isolated; SetupError if it does not start or does not end within ``patience`` s."""
    with empty_folder() as folder:
        try:
            completed = subprocess.run(
                [program, *arguments],
                input=given,
                capture_output=True,
                check=False,
                timeout=patience,
                cwd=folder,
                env=environment(folder),
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SetupError(f"{program} does not run: {error}") from error
    outputs = (each.decode(errors="replace") for each in (completed.stdout, completed.stderr))
    return subprocess.CompletedProcess(completed.args, completed.returncode, *outputs)


def patience(size: int) -> float:
    """Return the seconds that a program may take for a file of ``size`` bytes."""
    return IMPLIED_TIME + size / SLOWEST


def most(size: int) -> int:
    """Return the bytes that a program may make of a file of ``size`` bytes."""
    return IMPLIED_OUTPUT + OUTPUT_SHARE * size


class TooMuchError(CaptureError):
    """A file for which a program produces too much or takes too long."""


def limit_memory(pid: int, size: int) -> None:
    """Limit the address space of a program that reads a file of ``size`` bytes; on Linux only."""
    try:
        import resource  # noqa: PLC0415  (not on Windows)

        limit = IMPLIED_MEMORY + 4 * size
        resource.prlimit(pid, resource.RLIMIT_AS, (limit, limit))  # Linux only
    except (ImportError, AttributeError, ProcessLookupError, PermissionError, ValueError):
        pass


def make(target: Path, size: int, program: Path, *arguments: str) -> tuple[int, str]:
    """Run a program that makes ``target`` of a file of ``size`` bytes; return its status and stderr.

    Raises TooMuchError if it produces too much or takes too long. Half of the free space stays free for
    the reduced capture.
    """
    end = time.monotonic() + patience(size)
    room = shutil.disk_usage(target.parent).free // 2
    with (
        empty_folder() as folder,
        leash() as tied,
        (folder / "said").open("w+b") as said,
        subprocess.Popen(
            [program, *arguments],
            stdin=tied.stdin,
            stdout=subprocess.DEVNULL,
            stderr=said,
            cwd=folder,
            env=environment(folder),
        ) as process,
    ):
        try:
            tied.tie(process.pid)
            limit_memory(process.pid, size)
            while not _ended(process):
                check_made(target.stat().st_size if target.exists() else 0, size, room)
                if time.monotonic() > end:
                    raise TooMuchError(f"{program.stem} took too long and was stopped")
        finally:
            process.kill()
        said.seek(0)
        return process.wait(), said.read().decode(errors="replace")


def _ended(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(GLANCE)
    except subprocess.TimeoutExpired:
        return False
    return True


def check_made(written: int, size: int, room: int) -> None:
    """Raise TooMuchError if ``written`` exceeds the limit for a file of ``size`` bytes, or ``room``."""
    if written > most(size):
        raise TooMuchError(f"unpacked it is larger than {most(size) / 1e9:.1f} GB, from {size} bytes")
    if written > room:
        raise TooMuchError("too little temporary space to unpack it: free some, or point TMPDIR elsewhere")


class Leash:
    """Ends a program together with this process, by a pipe as its standard input (Linux).

    Only this process holds the other end. When it dies, the system closes that end and signals the
    program registered for the pipe. On other systems a program ends when its output pipe is closed.
    No code runs between fork and exec, which would not be safe with threads.
    """

    def __init__(self, stdin: int) -> None:
        self.stdin = stdin

    def tie(self, pid: int) -> None:
        """Register the program that was started with ``stdin``."""
        if fcntl is None or not hasattr(fcntl, "F_SETSIG"):
            return
        with suppress(ProcessLookupError):  # it has already ended
            fcntl.fcntl(self.stdin, fcntl.F_SETSIG, signal.SIGKILL)
            fcntl.fcntl(self.stdin, fcntl.F_SETOWN, pid)
            fcntl.fcntl(self.stdin, fcntl.F_SETFL, fcntl.fcntl(self.stdin, fcntl.F_GETFL) | os.O_ASYNC)


@contextmanager
def leash() -> Iterator[Leash]:
    """Make a leash for one program, which must have ended when the block is left."""
    reads, holds = os.pipe()
    try:
        yield Leash(reads)
    finally:
        os.close(holds)
        os.close(reads)


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
