"""A tshark that misbehaves on one particular capture and works on all others."""

import os
import re
import shutil
from pathlib import Path

DIES, KILLS_ITS_PARENT, HANGS = "kill -9 $$", "kill -9 $PPID; exit 1", "exec sleep 30"
SCRIPT = """#!/bin/sh
for word; do
    if [ "$before" = -r ] && [ ! -e "$0.harmless" ] && grep -aqF "{call_id}" "$word"; then {action}; fi
    before=$word
done
exec {tshark} "$@"
"""


def make_harmless(folder: Path) -> None:
    """Make it work on every capture from now on; the program file stays the same."""
    (folder / "shim" / "tshark.harmless").touch()


def path_with_tshark(folder: Path, action: str, capture: Path) -> str:
    """Return a PATH with such a tshark first; it recognises the capture by its first Call-ID.

    The capture's first message is duplicated, since SIP in order is read without tshark.
    """
    programs = folder / "shim"
    programs.mkdir()
    found = re.search(rb"Call-ID: *(\S+)", capture.read_bytes())
    assert found
    capture.write_bytes(_twice(capture.read_bytes(), found.start()))
    script = SCRIPT.format(call_id=found[1].decode(), action=action, tshark=shutil.which("tshark"))
    (programs / "tshark").write_text(script)
    (programs / "tshark").chmod(0o755)
    return f"{programs}{os.pathsep}{os.environ['PATH']}"


def _twice(pcapng: bytes, place: int) -> bytes:
    """Return the capture with the block at this offset repeated."""
    start = end = 0
    while end <= place:
        start, end = end, end + int.from_bytes(pcapng[end + 4 : end + 8], "little")
    return pcapng[:end] + pcapng[start:]
