"""The options of reading, and the files that options name.

Such a file is read once, from a pipe too; TLS keys tshark reads again and again.
"""

import os
import select
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from postproc.model.errors import SetupError
from postproc.read.inputs import said

LARGEST_KEYLOG = 64 << 20  # bytes; some 370,000 connections, which tshark holds in memory all at once
WAIT = 60  # s for all that comes out of a pipe: `--acl <(ssh server cat acl.conf.xml)` takes seconds
PIECE = 1 << 16  # bytes; what a pipe of Linux holds


@dataclass(frozen=True)
class Options:
    """What changes the reading of a capture."""

    all_packets: bool = False
    keylog: Path | None = None


AS_USUAL = Options()


def content(path: Path, largest: int, kind: str, hint: str = "") -> bytes:
    """The bytes of a file of some ``kind``, or of a pipe; ``hint`` says what to name if it cannot be opened.

    Raises SetupError when it is larger than such files are, or the writer of a pipe does not come to an end.
    """
    held = bytearray()
    try:
        with open(path, "rb", buffering=0, opener=_opened) as file:
            plain = stat.S_ISREG(os.fstat(file.fileno()).st_mode) or not hasattr(select, "poll")  # Windows
            for piece in iter(lambda: file.read(PIECE), b"") if plain else _arriving(path, file.fileno()):
                held += piece
                if len(held) > largest:
                    raise SetupError(f"{path}: larger than {largest >> 20} MiB, which no {kind} is")
    except OSError as error:
        raise SetupError(f"{path}: {said(error)}{hint}") from error
    return bytes(held)


def _opened(path: str, flags: int) -> int:
    """Open without waiting for the writer of a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _arriving(path: Path, descriptor: int) -> Iterator[bytes]:
    """What comes out of a pipe or a device until its writer closes it."""
    until = time.monotonic() + WAIT
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    while (left := until - time.monotonic()) > 0 and poll.poll(left * 1000):
        piece = os.read(descriptor, PIECE)
        if not piece:
            return
        yield piece
    raise SetupError(f"{path}: a pipe that came to no end within {WAIT} s")


def plain_keylog(path: Path) -> Path:
    """The file, if tshark can read it again and again; SetupError for a pipe, a device, a large one."""
    try:
        held = path.stat()
    except OSError as error:
        raise SetupError(f"{path}: {said(error)}") from error
    if not stat.S_ISREG(held.st_mode):
        raise SetupError(f"{path}: TLS keys are read several times, from a plain file: this is none")
    if held.st_size > LARGEST_KEYLOG:
        raise SetupError(f"{path}: larger than {LARGEST_KEYLOG >> 20} MiB, which no file of TLS keys is")
    return path


def keylog_preference(path: Path | None) -> dict[str, str]:
    """What tells tshark of the file; nothing where there is none."""
    return {"tls.keylog_file": str(plain_keylog(path.resolve()))} if path else {}
