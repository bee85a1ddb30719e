"""TLS keys in a file of their own (SSLKEYLOGFILE format), for tshark to decrypt with."""

import stat
from pathlib import Path

from postproc.model.errors import SetupError
from postproc.read.inputs import said

LARGEST = 64 << 20  # bytes; some 370,000 connections, which tshark holds in memory all at once


def checked(path: Path) -> Path:
    """The file, if tshark can read it again and again; SetupError for a pipe, a device, a large one."""
    try:
        held = path.stat()
    except OSError as error:
        raise SetupError(f"{path}: {said(error)}") from error
    if not stat.S_ISREG(held.st_mode):
        raise SetupError(f"{path}: TLS keys are read several times, from a plain file: this is none")
    if held.st_size > LARGEST:
        raise SetupError(f"{path}: larger than {LARGEST >> 20} MiB, which no file of TLS keys is")
    return path


def preference(path: Path | None) -> dict[str, str]:
    """What tells tshark of the file; nothing where there is none."""
    return {"tls.keylog_file": str(checked(path.resolve()))} if path else {}
