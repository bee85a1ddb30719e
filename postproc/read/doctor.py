"""Checks of this machine: one for each thing that reading depends on."""

import os
import platform
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from postproc.model.errors import SetupError
from postproc.read import processes, programs, tshark

ENOUGH = 1 << 30  # bytes of temporary space: a reduced capture is at most as large as its original
OTHER_TSHARK = "use a tshark from 4.0 to 4.6"
EMPTY_PCAP = bytes.fromhex("d4c3b2a1 0200 0400 00000000 00000000 00000400 01000000")
WHY = {
    "setting": f"by --tshark or {programs.SETTING}",
    "PATH": "the first on PATH",
    "usual folder": "where Wireshark is installed",
}
COMPANIONS = {  # what comes with tshark: how bad it is to be without, and what it is for
    "editcap": ("fault", "converts captures in other formats than pcap and pcapng"),
    "capinfos": ("note", "tells by hand what is in a capture"),
}


class Check(NamedTuple):
    """A check's name, state (ok, note or fault), detail, and the remedy of a fault."""

    name: str
    state: str
    detail: str
    remedy: str = ""


def checks() -> list[Check]:
    """Return all checks; those of tshark's capabilities only if there is a usable tshark."""
    program = _tshark()
    inside = [] if program.state == "fault" else [_alone(), _fields(), _filter(), _preferences(), _lua()]
    return [_python(), program, *inside, *map(_companion, COMPANIONS), _user(), _space()]


def _python() -> Check:
    detail = f"{platform.python_version()} ({sys.executable})"
    return Check("python", "ok", detail)  # pip does not install this on an older one


def _tshark() -> Check:
    try:
        program = programs.tshark()
        return Check("tshark", "ok", f"{programs.tshark_version()} ({program.path}, {WHY[program.how]})")
    except SetupError as error:
        trouble, _, remedy = str(error).partition("; ")
        return Check("tshark", "fault", trouble, remedy)


def _alone() -> Check:
    """Check that no Lua script is loaded: Wireshark 4.0, run as root, loads the system-wide ones."""
    paths = [line.rpartition("\t")[2] for line in _printed("-G", "plugins").splitlines()]
    scripts = [path for path in paths if path.endswith(".lua")]
    if scripts:
        detail = f"tshark loads Lua scripts that are there for all users: {', '.join(scripts)}"
        return Check("alone", "note", detail, "read captures as an ordinary user: then it does not")
    return Check("alone", "ok", "no profile, preferences, plug-ins or Lua scripts but Wireshark's own count")


def _fields() -> Check:
    """Check that tshark knows every field that the readers request."""
    fields = {line.split("\t")[2] for line in _printed("-G", "fields").splitlines() if line.count("\t") >= 2}
    return _all_known("fields", set(tshark.WANTED.split()), fields)


def _filter() -> Check:
    """Check that tshark accepts the display filter, by applying it to a capture without packets."""
    result = processes.run(tshark.executable(), "-n", "-r", "-", "-Y", tshark.SIGNALLING, given=EMPTY_PCAP)
    if result.returncode == 0:
        return Check("filter", "ok", "understood by tshark")
    errors = [line for line in result.stderr.splitlines() if line.startswith("tshark: ")]
    return Check("filter", "fault", " ".join(errors) or f"tshark failed ({result.returncode})", OTHER_TSHARK)


def _preferences() -> Check:
    preferences = {line.lstrip("#").partition(":")[0] for line in _printed("-G", "defaultprefs").splitlines()}
    return _all_known("preferences", set(tshark.PREFERENCES), preferences)


def _all_known(name: str, needed: set[str], known: set[str]) -> Check:
    if missing := sorted(needed - known):
        return Check(name, "fault", f"tshark lacks {', '.join(missing)}", OTHER_TSHARK)
    return Check(name, "ok", f"all {len(needed)} known to tshark")


def _lua() -> Check:
    about = " ".join(_printed("-v").split())
    if match := re.search(r"with Lua ([\d.]+\d)", about):
        return Check("lua", "ok", match[1])
    return Check("lua", "note", "this tshark has no Lua: Wireshark plug-ins will not run in it")


def _companion(name: str) -> Check:
    state, purpose = COMPANIONS[name]
    try:
        if path := programs.companion(name):
            return Check(name, "ok", str(path))
    except SetupError:  # told of tshark
        return Check(name, state, f"not looked for; it {purpose}", "it comes with tshark")
    return Check(name, state, f"not found beside tshark; it {purpose}", programs.INSTALL)


def _user() -> Check:
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Check("user", "note", "root: captures from strangers are better read as an ordinary user")
    return Check("user", "ok", "not root")


def _space() -> Check:
    folder = Path(tempfile.gettempdir())
    free = shutil.disk_usage(folder).free
    detail = f"{free / 1e9:.1f} GB free in {folder}"
    if free < ENOUGH:
        return Check("temporary space", "fault", detail, "free some, or point TMPDIR at another disk")
    return Check("temporary space", "ok", detail)


def _printed(*arguments: str) -> str:
    """Return what tshark prints with these arguments."""
    return processes.run(tshark.executable(), *arguments).stdout
