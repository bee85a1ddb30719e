"""Temporary folders are removed by their process or the next run; no others are touched."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from postproc.files import scratch

HOLDS = """
import tempfile
from postproc.files import scratch
with scratch.home() as place:
    tempfile.mkdtemp()
    print(place, flush=True)
    input()
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="nothing can be proven dead there")


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def holder(folder: Path) -> tuple["subprocess.Popen[str]", Path]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(folder)},
    )
    return process, Path(process.stdout.readline().strip())


def test_what_a_killed_process_left_goes_and_what_a_living_one_uses_stays(temporary):
    (dead, left), (alive, used) = holder(temporary), holder(temporary)
    assert left.stat().st_mode & 0o777 == 0o700
    dead.send_signal(signal.SIGKILL)
    dead.wait()
    assert left.exists()
    scratch.clear_stale()
    assert not left.exists() and used.exists()
    alive.communicate("\n")
    assert list(temporary.iterdir()) == []


def test_folders_that_only_look_like_ours_stay(temporary):
    process, left = holder(temporary)
    process.kill()
    process.wait()
    unpacked = temporary / "postproc-abcd1234"  # from an archive that contains one of ours
    left.rename(temporary / "was")
    unpacked.mkdir()
    (unpacked / "alive").write_bytes((temporary / "was" / "alive").read_bytes())
    (temporary / "postproc-12345678").symlink_to(temporary / "was")
    (temporary / "postproc-results").mkdir()
    (temporary / "postproc-results" / "alive").touch()
    (temporary / "postproc-00000000").mkdir()  # without a locked file: perhaps just created
    before = sorted(temporary.iterdir())
    scratch.clear_stale()
    assert sorted(temporary.iterdir()) == before


def test_a_folder_in_which_another_thread_works_on_goes_all_the_same(temporary):
    with scratch.folder() as place:
        file = (place / "file").open("w")
    with file:
        file.write("more")
    with pytest.raises(FileNotFoundError):
        (place / "another").touch()
    assert list(temporary.iterdir()) == []
