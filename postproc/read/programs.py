"""Which tshark is run, and where what comes with it is. The current folder has no say in it.

A setting of ours decides, else PATH, else the folders that Wireshark's installers use
without touching PATH. Captures come with folders of strangers, in which people stand
when they start a command: a path is only followed if it is a whole one.
"""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from postproc.current_folder import whole_paths
from postproc.model.errors import SetupError

SETTING = "POSTPROC_TSHARK"  # environment; what --tshark sets, so that workers and notebooks know it
INSTALL = "install it: Debian/Ubuntu `apt-get install tshark`, Fedora `dnf install wireshark-cli`, macOS `brew install wireshark`"  # noqa: E501
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
