"""Which tshark is run, where the programs that come with it are, and which Wiresharks this machine has.

A setting of ours decides, else PATH, else the folders that Wireshark's installers use without
touching PATH. The current folder has no say: captures come with strangers' folders, in which
people stand when they start a command, so only absolute paths are followed.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from postproc.current_folder import whole_paths
from postproc.model.errors import SetupError
from postproc.read import processes

SETTING = "POSTPROC_TSHARK"  # environment; what --tshark sets, so that workers and notebooks know it
OLDEST = (4, 0)
INSTALL = "install it: Debian/Ubuntu `apt-get install tshark`, Fedora `dnf install wireshark-cli`, macOS `brew install wireshark`, Windows `winget install WiresharkFoundation.Wireshark`"  # noqa: E501
SUFFIX = ".exe" if sys.platform == "win32" else ""
BUNDLE = Path("/Applications/Wireshark.app/Contents/MacOS")

How = Literal["setting", "PATH", "usual folder"]


@dataclass(frozen=True)
class Found:
    """A program, and why it is this one."""

    path: Path
    how: How


def tshark() -> Found:
    """The tshark to run; SetupError when there is none, or the setting does not lead to one."""
    if setting := os.environ.get(SETTING):
        return Found(_set(setting), "setting")
    for how, folder in _places():
        if path := program_in(folder, "tshark"):
            return Found(path, how)
    raise SetupError(f"tshark not found; {INSTALL}")


def companion(name: str) -> Path | None:
    """A program of tshark's package: beside the file itself, or beside the link that leads to it."""
    path = tshark().path
    beside = (program_in(folder, name) for folder in (path.resolve().parent, path.parent))
    return next(filter(None, beside), None)


def every(*names: str) -> Iterator[Path]:
    """All programs of these names in the places looked through, the one that is set first."""
    if setting := os.environ.get(SETTING):
        yield _set(setting)
    for _, folder in _places():
        yield from filter(None, (program_in(folder, name) for name in names))


def program_in(folder: Path, name: str) -> Path | None:
    """The program of this name in a folder, if there is one that can be executed."""
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
    """Where installers put Wireshark: it is on no PATH there."""
    if platform == "darwin":
        return [BUNDLE]
    if platform != "win32":
        return []
    # A 32 bit Python is told another folder by the first.
    told = (os.environ.get(variable, "") for variable in ("ProgramFiles", "ProgramW6432"))
    return [Path(folder) / "Wireshark" for each in told for folder in whole_paths(each)]


def _executable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


NAMES = ("tshark", "wireshark")
PATIENCE = 60  # seconds: the first start on a slow disk


@dataclass(frozen=True)
class Program:
    """A tshark or wireshark: its path and version, like "4.0.17" ("" if it does not say)."""

    path: Path
    version: str

    @property
    def is_tshark(self) -> bool:
        return self.path.stem.lower() == "tshark"


def installed() -> list[Program]:
    """Every tshark and wireshark: the one that is set, on PATH, in the usual places; each file once."""
    found = dict.fromkeys(path.resolve() for path in every(*NAMES))
    return [Program(path, version(path)) for path in found]


def version(program: Path) -> str:
    with tempfile.TemporaryDirectory() as elsewhere:  # asked for its version, Wireshark makes folders
        about = output(program, "-v", WIRESHARK_CONFIG_DIR=elsewhere).partition("\n")[0]
    found = re.search(r"\d+\.\d+\.\d+", about)
    return found[0] if found else ""


def output(program: Path, *arguments: str, **environment: str) -> str:
    """What a program prints; "" when it cannot be started or does not come to an end."""
    try:
        done = subprocess.run(
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
    return done.stdout


def folders(tshark: Path) -> str:
    """``tshark -G folders`` as it is printed."""
    return output(tshark, "-G", "folders")


def knows(tshark: Path, protocol: str) -> bool:
    """Whether a tshark, started as this user, dissects a protocol: its plug-in runs."""
    rows = (line.split("\t") for line in output(tshark, "-G", "protocols").splitlines())
    return any(len(row) > 2 and row[2] == protocol for row in rows)


def is_root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0


def tshark_version() -> str:
    """tshark's version, like "4.0.17"; SetupError when it is missing or too old."""
    return _version(_about())


def tshark_build() -> str:
    """What tells this tshark from any other: what it says of itself, and its file.

    Others of the same version may be made with other libraries, and then decrypt or
    unpack less. SetupError when it is missing or too old.
    """
    about = _about()
    file = tshark().path.stat()
    return f"{_version(about)} {about.partition(' ')[2]} {file.st_size} {file.st_mtime_ns}"


def _version(about: str) -> str:
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", about)
    if not found or tuple(map(int, found.groups()[:2])) < OLDEST:
        seen = found.group() if found else "unknown"
        raise SetupError(f"tshark {seen} is too old, 4.0 or later is needed; {INSTALL}")
    return found.group()


@lru_cache
def _first_line(program: Path, changed_ns: int) -> str:  # noqa: ARG001  (of another file it is asked anew)
    return processes.run(program, "-v").stdout.partition("\n")[0]


def _about() -> str:
    """The line in which tshark, or what comes with it, tells its version.

    tshark loads all dissectors first. So it is asked itself only where it was set, by
    hand: that may be any program.
    """
    found = tshark()
    asked = found.path if found.how == "setting" else companion("editcap") or found.path
    about = _first_line(asked, asked.stat().st_mtime_ns)
    if found.how == "setting" and not about.startswith("TShark"):
        raise SetupError(f"{asked} is no tshark: it calls itself {about[:80]!r}")
    return about
