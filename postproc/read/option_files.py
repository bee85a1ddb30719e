"""The options of reading, and the files that they name.

Such a file is read once and may be a pipe; a file of TLS keys is read repeatedly by tshark.
"""

import os
import select
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from postproc.model.errors import SetupError
from postproc.read.inputs import said

LARGEST_KEYLOG = 64 << 20  # bytes: some 370,000 connections, all of which tshark holds in memory
WAIT = 60  # s for the whole content of a pipe: `--acl <(ssh server cat acl.conf.xml)` takes seconds
PIECE = 1 << 16  # bytes: the capacity of a Linux pipe


class Options(NamedTuple):
    """Options of reading a capture; results depend on them."""

    all_packets: bool = False
    keylog: Path | None = None


AS_USUAL = Options()


def content(path: Path, largest: int, kind: str, hint: str = "") -> bytes:
    """Return the bytes of a file or pipe of some ``kind``; ``hint`` is added to the error of opening it.

    Raises SetupError if it is larger than ``largest``, or a pipe is not closed within WAIT.
    """
    data = bytearray()
    try:
        with open(path, "rb", buffering=0, opener=_opened) as file:
            plain = stat.S_ISREG(os.fstat(file.fileno()).st_mode) or not hasattr(select, "poll")  # Windows
            for piece in iter(lambda: file.read(PIECE), b"") if plain else _arriving(path, file.fileno()):
                data += piece
                if len(data) > largest:
                    raise SetupError(f"{path}: larger than {largest >> 20} MiB, which no {kind} is")
    except OSError as error:
        raise SetupError(f"{path}: {said(error)}{hint}") from error
    return bytes(data)


def _opened(path: str, flags: int) -> int:
    """Open without waiting for the writer of a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _arriving(path: Path, descriptor: int) -> Iterator[bytes]:
    """Yield what arrives from a pipe or device until its writer closes it."""
    until = time.monotonic() + WAIT
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    while (remaining := until - time.monotonic()) > 0 and poll.poll(remaining * 1000):
        piece = os.read(descriptor, PIECE)
        if not piece:
            return
        yield piece
    raise SetupError(f"{path}: a pipe that came to no end within {WAIT} s")


def plain_keylog(path: Path) -> Path:
    """Return the path if tshark can read it repeatedly; SetupError for a pipe, a device or a large file."""
    try:
        status = path.stat()
    except OSError as error:
        raise SetupError(f"{path}: {said(error)}") from error
    if not stat.S_ISREG(status.st_mode):
        raise SetupError(f"{path}: TLS keys are read several times, from a plain file: this is none")
    if status.st_size > LARGEST_KEYLOG:
        raise SetupError(f"{path}: larger than {LARGEST_KEYLOG >> 20} MiB, which no file of TLS keys is")
    return path


def keylog_preference(path: Path | None) -> dict[str, str]:
    """Return tshark's preference for the key file; empty without one."""
    return {"tls.keylog_file": str(plain_keylog(path.resolve()))} if path else {}
