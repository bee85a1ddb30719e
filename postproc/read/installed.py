"""The Wiresharks on this machine, and what they say of themselves, started as their user starts them."""

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from postproc.read.programs import every

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


def programs() -> list[Program]:
    """Every tshark and wireshark: the one that is set, on PATH, in the usual places; each file once."""
    found = dict.fromkeys(path.resolve() for path in every(*NAMES))
    return [Program(path, version(path)) for path in found]


def version(program: Path) -> str:
    with tempfile.TemporaryDirectory() as elsewhere:  # asked for its version, Wireshark makes folders
        about = said(program, "-v", WIRESHARK_CONFIG_DIR=elsewhere).partition("\n")[0]
    found = re.search(r"\d+\.\d+\.\d+", about)
    return found[0] if found else ""


def said(program: Path, *arguments: str, **environment: str) -> str:
    """What a program prints; "" when it cannot be started or does not come to an end."""
    try:
        done = subprocess.run(
            [program, *arguments], capture_output=True, text=True, errors="replace", check=False,
            timeout=PATIENCE, stdin=subprocess.DEVNULL, env=os.environ | environment,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def folders(tshark: Path) -> str:
    """``tshark -G folders`` as it is printed."""
    return said(tshark, "-G", "folders")


def knows(tshark: Path, protocol: str) -> bool:
    """Whether a tshark, started as this user, dissects a protocol: its plug-in runs."""
    rows = (line.split("\t") for line in said(tshark, "-G", "protocols").splitlines())
    return any(len(row) > 2 and row[2] == protocol for row in rows)


def is_root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0
