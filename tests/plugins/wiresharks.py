"""The Wiresharks to test with: the system's own, and newer ones in chroots made by ``chroots.sh``.

Programs run as an ordinary user, as Wireshark 4.4 and later load no plug-ins for
root: root is mapped to another uid, which reads what root may read.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet

ROOT = Path(__file__).parents[2]
INSIDE = Path(__file__).parent / "inside.sh"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
CHROOTS = Path(os.environ.get("LEGSHARK_CHROOTS") or CACHE / "legshark" / "chroots")
MAPPED = ("unshare", "--user", "--map-user=1", "--map-group=1", "--")


@dataclass(frozen=True)
class Wireshark:
    """One installation; ``root`` is its chroot, None for the system's own."""

    name: str
    root: Path | None = None

    def command(self, program: str, arguments: Sequence[str] = ()) -> list[str]:
        """The command that runs a program of this Wireshark on this machine's files."""
        if self.root is None:
            return [*_as_user(), program, *arguments]
        folders = (str(ROOT), tempfile.gettempdir())
        return [str(INSIDE), str(self.root), *folders, "--", program, *arguments]

    def missing(self, program: str) -> str | None:
        """Why the program cannot be run; None if it can."""
        if self.root is None:
            return None if shutil.which(program) else f"{program} is not installed"
        if os.geteuid() != 0:
            return "a chroot needs root"
        if not (self.root / ".ready").exists():
            return f"no chroot at {self.root}: tests/plugins/chroots.sh makes it"
        return None if _runs(self, program) else f"{program} does not run in {self.root}"


@cache
def _as_user() -> tuple[str, ...]:
    """What makes root an ordinary user, where the kernel lets it: not in every container.

    4.0 loads plug-ins for root, too.
    """
    if os.geteuid() != 0:
        return ()
    return (
        MAPPED if subprocess.run([*MAPPED, "true"], capture_output=True, check=False).returncode == 0 else ()
    )


@cache
def _runs(wireshark: Wireshark, program: str) -> bool:
    command = wireshark.command(program, ["--version"])
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


SYSTEM = Wireshark("system")
WIRESHARKS = (SYSTEM, Wireshark("trixie", CHROOTS / "trixie"), Wireshark("sid", CHROOTS / "sid"))


def each(program: str = "tshark", *, newer_are_slow: bool = True) -> list[ParameterSet]:
    """Parameters for a test that runs in every Wireshark; those missing are skipped, with the reason."""
    return [_parameter(one, program, newer_are_slow) for one in WIRESHARKS]


def newer(program: str = "tshark") -> list[ParameterSet]:
    """The same without the system's own."""
    return [_parameter(one, program, True) for one in WIRESHARKS[1:]]


def _parameter(one: Wireshark, program: str, newer_are_slow: bool) -> ParameterSet:
    reason = one.missing(program)
    marks = [pytest.mark.skip(reason=reason)] if reason else []
    if one is not SYSTEM and newer_are_slow:
        marks.append(pytest.mark.slow)
    return pytest.param(one, marks=marks, id=one.name)
