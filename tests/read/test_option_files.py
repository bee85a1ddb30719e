"""Files that options name: a pipe is read to its end or told, a file of TLS keys is a plain one."""

import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from postproc.commands.share import hidden
from postproc.model.errors import SetupError
from postproc.read import access, deployment, drilling, option_files
from postproc.share.ticket import read_answers


def fifo(folder: Path) -> Path:
    os.mkfifo(folder / "keys")
    return folder / "keys"


def huge(folder: Path) -> Path:
    with (folder / "keys").open("wb") as file:
        file.truncate(option_files.LARGEST_KEYLOG + 1)
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
        drilling.packets(pcaps / "good.pcapng", "sip", keys)


def test_the_largest_is_taken(tmp_path):
    keys = huge(tmp_path)
    with keys.open("r+b") as file:
        file.truncate(option_files.LARGEST_KEYLOG)
    assert option_files.keylog_preference(keys) == {"tls.keylog_file": str(keys)}
    assert option_files.keylog_preference(None) == {}


READERS = {
    "--acl": (access.read, b"<list name='a'/>"),
    "--deployment": (deployment.read, b"base = 'generic'"),
    "--answers": (read_answers, b"{}"),
    "--hide": (hidden, b"Anna"),
}


def write(pipe, pieces, pause=0.0):
    """Write into a pipe from elsewhere, as long as somebody reads."""

    def writing():
        with suppress(BrokenPipeError), pipe.open("wb", buffering=0) as file:
            for piece in pieces:
                file.write(piece)
                time.sleep(pause)

    thread = threading.Thread(target=writing, daemon=True)
    thread.start()
    return thread


@pytest.fixture
def pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


@pytest.mark.parametrize("option", READERS)
def test_a_pipe_is_read_to_its_end(pipe, tmp_path, option):
    read, content = READERS[option]
    (tmp_path / "file").write_bytes(content)
    writer = write(pipe, [content[:3], content[3:]], 0.05)
    found, expected = read(pipe), read(tmp_path / "file")
    writer.join()
    assert str(found).replace("pipe", "file") == str(expected) and str(expected)


@pytest.mark.parametrize("option", READERS)
@pytest.mark.parametrize("pieces", [None, [b"#"] * 40])
def test_a_pipe_that_does_not_end_is_one_line(pipe, monkeypatch, option, pieces):
    monkeypatch.setattr(option_files, "WAIT", 0.3)
    writer = write(pipe, pieces, 0.05) if pieces else None
    with pytest.raises(SetupError, match=r"pipe: a pipe that came to no end within 0\.3 s$"):
        READERS[option][0](pipe)
    if writer:
        writer.join()


@pytest.mark.parametrize("option", READERS)
def test_a_device_without_an_end_is_larger_than_any_such_file(option, tmp_path):
    (tmp_path / "zeros").symlink_to("/dev/zero")
    with pytest.raises(SetupError, match=r"zeros: larger than [0-9]+ MiB, which no (deployment )?file"):
        READERS[option][0](tmp_path / "zeros")


@pytest.mark.parametrize("option", READERS)
def test_a_folder_is_told(option, tmp_path):
    with pytest.raises(SetupError, match="is a directory"):
        READERS[option][0](tmp_path)
