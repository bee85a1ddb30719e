"""Find the tshark to run, the programs that come with it, and all installed Wiresharks.

POSTPROC_TSHARK decides, else PATH, else the folders that Wireshark's installers use without changing PATH.
Relative entries of PATH are ignored: a command is often started in a folder received from strangers.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from postproc.current_folder import whole_paths
from postproc.model.errors import SetupError
from postproc.read import processes

SETTING = "POSTPROC_TSHARK"  # environment variable; --tshark sets it, for workers and notebooks
OLDEST = (4, 0)
INSTALL = "install it: Debian/Ubuntu `apt-get install tshark`, Fedora `dnf install wireshark-cli`, macOS `brew install wireshark`, Windows `winget install WiresharkFoundation.Wireshark`"  # noqa: E501
SUFFIX = ".exe" if sys.platform == "win32" else ""
BUNDLE = Path("/Applications/Wireshark.app/Contents/MacOS")

How = Literal["setting", "PATH", "usual folder"]


class Found(NamedTuple):
    """A program, and how it was found."""

    path: Path
    how: How


def tshark() -> Found:
    """Return the tshark to run; SetupError if there is none, or the setting is wrong."""
    if setting := os.environ.get(SETTING):
        return Found(_set(setting), "setting")
    for how, folder in _places():
        if path := program_in(folder, "tshark"):
            return Found(path, how)
    raise SetupError(f"tshark not found; {INSTALL}")


def companion(name: str) -> Path | None:
    """Return a program of tshark's package, beside the file itself or beside a link to it; None without."""
    path = tshark().path
    beside = (program_in(folder, name) for folder in (path.resolve().parent, path.parent))
    return next(filter(None, beside), None)


def every(*names: str) -> Iterator[Path]:
    """Yield all programs of these names in the places searched, the one that is set first."""
    if setting := os.environ.get(SETTING):
        yield _set(setting)
    for _, folder in _places():
        yield from filter(None, (program_in(folder, name) for name in names))


def program_in(folder: Path, name: str) -> Path | None:
    """Return the executable program of this name in a folder, None if there is none."""
    path = folder / f"{name}{SUFFIX}"
    return path if _executable(path) else None


def _set(setting: str) -> Path:
    path = Path(setting)
    if not path.is_absolute():
        raise SetupError(f"{SETTING}: {setting}: the whole path of tshark is needed, from the root on")
    if not _executable(path):
        why = "not a program that can be executed" if path.exists() else "there is no such file"
        raise SetupError(f"--tshark, or {SETTING}: {setting}: {why}")
    return path


def _places() -> Iterator[tuple[How, Path]]:
    for entry in whole_paths(os.environ.get("PATH", "")):
        yield "PATH", Path(entry)
    for folder in _usual():
        yield "usual folder", folder


def _usual(platform: str = sys.platform) -> list[Path]:
    """Return the folders in which installers put Wireshark without adding them to PATH."""
    if platform == "darwin":
        return [BUNDLE]
    if platform != "win32":
        return []
    # In a 32-bit Python the first variable names another folder.
    roots = (os.environ.get(variable, "") for variable in ("ProgramFiles", "ProgramW6432"))
    return [Path(folder) / "Wireshark" for each in roots for folder in whole_paths(each)]


def _executable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


NAMES = ("tshark", "wireshark")
PATIENCE = 60  # seconds: the first start on a slow disk


class Program(NamedTuple):
    """A tshark or wireshark: its path and version, like "4.0.17" ("" if it does not say)."""

    path: Path
    version: str

    @property
    def is_tshark(self) -> bool:
        return self.path.stem.lower() == "tshark"


def installed() -> list[Program]:
    """Return every tshark and wireshark: the one set, on PATH, in the usual places; each file once."""
    paths = dict.fromkeys(path.resolve() for path in every(*NAMES))
    return [Program(path, version(path)) for path in paths]


def version(program: Path) -> str:
    with tempfile.TemporaryDirectory() as elsewhere:  # even with -v, Wireshark creates folders
        about = output(program, "-v", WIRESHARK_CONFIG_DIR=elsewhere).partition("\n")[0]
    match = re.search(r"\d+\.\d+\.\d+", about)
    return match[0] if match else ""


def output(program: Path, *arguments: str, **environment: str) -> str:
    """Return what a program prints; "" if it does not start or does not end."""
    try:
        completed = subprocess.run(
            [program, *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=PATIENCE,
            stdin=subprocess.DEVNULL,
            env=os.environ | environment,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return completed.stdout


def folders(tshark: Path) -> str:
    """``tshark -G folders`` as it is printed."""
    return output(tshark, "-G", "folders")


def knows(tshark: Path, protocol: str) -> bool:
    """Return whether a tshark started as this user dissects a protocol, so that its plug-in is loaded."""
    rows = (line.split("\t") for line in output(tshark, "-G", "protocols").splitlines())
    return any(len(row) > 2 and row[2] == protocol for row in rows)


def is_root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0


def tshark_version() -> str:
    """Return tshark's version, like "4.0.17"; SetupError if it is missing or too old."""
    return _version(_about())


def tshark_build() -> str:
    """Return a text that identifies this build of tshark: its version line, and its file's size and time.

    Builds of one version may have other libraries, and then decrypt or decompress less. SetupError if it
    is missing or too old.
    """
    about = _about()
    file = tshark().path.stat()
    return f"{_version(about)} {about.partition(' ')[2]} {file.st_size} {file.st_mtime_ns}"


def _version(about: str) -> str:
    match = re.search(r"(\d+)\.(\d+)\.(\d+)", about)
    if not match or tuple(map(int, match.groups()[:2])) < OLDEST:
        number = match.group() if match else "unknown"
        raise SetupError(f"tshark {number} is too old, 4.0 or later is needed; {INSTALL}")
    return match.group()


@cache
def _first_line(executable: Path, _state: tuple[int, ...]) -> str:
    """Return the first line of the program's ``-v``; asked once as long as its file is in this state."""
    return processes.run(executable, "-v").stdout.partition("\n")[0]


def _about() -> str:
    """Return the version line of tshark, or of editcap beside it, which starts faster.

    tshark itself is only run if it was set explicitly: that may be any program.
    """
    program = tshark()
    executable = program.path if program.how == "setting" else companion("editcap") or program.path
    file = executable.stat()
    about = _first_line(executable, (file.st_ino, file.st_size, file.st_mtime_ns, file.st_ctime_ns))
    if program.how == "setting" and not about.startswith("TShark"):
        raise SetupError(f"{executable} is no tshark: it calls itself {about[:80]!r}")
    return about
