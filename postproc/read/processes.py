"""How Wireshark's programs are run: isolated from the user's settings, within limits, and never outliving us.

No profile, no preferences, no Lua, no plug-ins, no decode-as and no hosts files of the user take
part, nor does the current folder: the same capture gives the same tables for everybody, and
nothing in a stranger's folder is loaded. The program gets an empty folder for all of these, and
of the environment only what is named here.
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

# What a program needs of the environment to start at all, and to know the time zone
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
SEARCH_PATHS = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")  # folders; those that are whole paths stay
# Where Wireshark and its libraries look for what is the user's
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

IMPLIED_TIME = 300.0  # seconds a program may take besides its file's share: a slow disk, a busy machine
SLOWEST = 500_000  # bytes a second: a tenth of what tshark does where it is slowest
IMPLIED_MEMORY = 4 << 30  # address space a program may take besides four times the file
IMPLIED_OUTPUT = 1 << 30  # bytes a program may make of a file, besides
OUTPUT_SHARE = 100  # times its size: silence packs to a hundredth; what unpacks without end, to a thousandth
PATIENCE = 60.0  # seconds for a program that reads no capture: its first start from a slow disk
GLANCE = 0.05  # seconds between looks at what a program has written


def environment(folder: Path, own: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment in which a program knows only ``folder``, which should be empty."""
    kept = {name: own[name] for name in PASSED_ON if name in own}
    searched = {name: os.pathsep.join(whole_paths(own[name])) for name in SEARCH_PATHS if name in own}
    return kept | searched | dict.fromkeys(USER_FOLDERS, str(folder)) | {"LC_ALL": LOCALE}


@contextmanager
def empty_folder() -> Iterator[Path]:
    """A folder in which a program finds nothing; to be its current one, too."""
    with scratch.folder() as folder:
        yield folder


def run(
    program: Path | str, *arguments: str, given: bytes = b"", patience: float = PATIENCE
) -> subprocess.CompletedProcess[str]:
    """Run a program alone to its end; SetupError where it does not start, or does not come to one."""
    with empty_folder() as folder:
        try:
            done = subprocess.run(
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
    said = (each.decode(errors="replace") for each in (done.stdout, done.stderr))
    return subprocess.CompletedProcess(done.args, done.returncode, *said)


def patience(size: int) -> float:
    """Seconds that a program may take over a file of so many bytes."""
    return IMPLIED_TIME + size / SLOWEST


def most(size: int) -> int:
    """Bytes that a program may make of a file of so many."""
    return IMPLIED_OUTPUT + OUTPUT_SHARE * size


class TooMuchError(CaptureError):
    """A file of which a program makes more than any honest one gives, or takes too long over it."""


def limit_memory(pid: int, size: int) -> None:
    """Limit the address space of a program that reads a file of so many bytes; on Linux only."""
    try:
        import resource  # noqa: PLC0415  (not on Windows)

        limit = IMPLIED_MEMORY + 4 * size
        resource.prlimit(pid, resource.RLIMIT_AS, (limit, limit))  # Linux only
    except (ImportError, AttributeError, ProcessLookupError, PermissionError, ValueError):
        pass


def make(target: Path, size: int, program: Path, *arguments: str) -> tuple[int, str]:
    """Have a program make ``target`` of a file of so many bytes; return its status, and what it complains of.

    Raises TooMuchError when it makes too much of it. Half of the free space stays free: what
    is kept of the capture is written beside it.
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
    """Raise TooMuchError where more is made of a file of ``size`` bytes than may be, or than has room."""
    if written > most(size):
        raise TooMuchError(f"unpacked it is larger than {most(size) / 1e9:.1f} GB, from {size} bytes")
    if written > room:
        raise TooMuchError("too little temporary space to unpack it: free some, or point TMPDIR elsewhere")


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


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
