"""A file of TLS keys is a plain one, of a size such files have."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from postproc.model.errors import SetupError
from postproc.read import drill, keylog


def fifo(folder: Path) -> Path:
    os.mkfifo(folder / "keys")
    return folder / "keys"


def huge(folder: Path) -> Path:
    with (folder / "keys").open("wb") as file:
        file.truncate(keylog.LARGEST + 1)
    return folder / "keys"


ODD = {
    "fifo": (fifo, "from a plain file: this is none"),
    "device": (lambda _: Path("/dev/zero"), "from a plain file: this is none"),
    "folder": (lambda folder: folder, "from a plain file: this is none"),
    "huge": (huge, "larger than 64 MiB, which no file of TLS keys is"),
    "gone": (lambda folder: folder / "keys", "no such file or directory"),
}


@pytest.mark.parametrize("kind", ODD)
def test_what_is_no_file_of_keys_is_told_in_one_line(tmp_path, pcaps, kind):
    make, trouble = ODD[kind]
    keys = make(tmp_path)
    code = f"import postproc; postproc.analyze({str(pcaps / 'good.pcapng')!r}, keylog={str(keys)!r})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=30
    )
    assert done.stderr.splitlines()[-1] == f"postproc.model.errors.SetupError: {keys}: " + (
        trouble
        if trouble.startswith(("larger", "no such"))
        else f"TLS keys are read several times, {trouble}"
    )
    with pytest.raises(SetupError, match=trouble):
        drill.packets(pcaps / "good.pcapng", "sip", keys)


def test_the_largest_is_taken(tmp_path):
    keys = huge(tmp_path)
    with keys.open("r+b") as file:
        file.truncate(keylog.LARGEST)
    assert keylog.preference(keys) == {"tls.keylog_file": str(keys)}
    assert keylog.preference(None) == {}
