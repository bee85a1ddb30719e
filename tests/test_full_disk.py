"""A full disk: one error line, exit status 2, the older results stay, and nothing is left behind.

It mounts a file system, and so needs root; single steps are tested in test_commit.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from postproc import load
from tests.sample import some

CAN_MOUNT = (
    sys.platform == "linux"
    and os.geteuid() == 0
    and subprocess.run(
        ["unshare", "-m", "sh", "-c", "mount -t tmpfs none /mnt"], capture_output=True, check=False
    ).returncode
    == 0
)
ROOT = Path(__file__).parent.parent
# In a separate mount namespace: a small file system with the older results, and a run into it.
SCRIPT = """
set -e
mount -t tmpfs -o size={room}k none "{place}"
cp -a "{old}" "{place}/out"
status=0
TMPDIR="{tmp}" "{python}" -m postproc run "{captures}" -o "{place}/out" -j {jobs} -q || status=$?
cp -a "{place}/out/." "{after}"
exit $status
"""


@pytest.fixture(scope="module")
def older(tmp_path_factory, pcaps):
    """Results of one capture, and a folder with two."""
    folder = tmp_path_factory.mktemp("older")
    (folder / "in").mkdir()
    shutil.copy(pcaps / "acl_403.pcapng", folder / "in")
    command = [sys.executable, "-m", "postproc", "run", folder / "in", "-o", folder / "old", "-q"]
    subprocess.run(command, check=True)
    shutil.copy(pcaps / "acl_488.pcapng", folder / "in")
    return folder


def size(folder: Path) -> int:
    """Return the KB that its files occupy, each in pages of 4 KB."""
    return sum(4 * -(-path.stat().st_size // 4096) for path in folder.rglob("*"))


MANY = [pytest.param(room, marks=pytest.mark.slow) for room in some(range(20, 480, 20), one_in=4)]


@pytest.mark.skipif(not CAN_MOUNT, reason="this user cannot mount a file system")
@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("room", [4, 150, *MANY])
def test_a_run_into_a_full_file_system_is_one_line_and_the_older_results_stay(tmp_path, older, room, jobs):
    place, after, tmp = (tmp_path / name for name in ("place", "after", "tmp"))
    for folder in (place, after, tmp):
        folder.mkdir()
    script = SCRIPT.format(
        room=size(older / "old") + room,
        place=place,
        old=older / "old",
        tmp=tmp,
        python=sys.executable,
        captures=older / "in",
        jobs=jobs,
        after=after,
    )
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, check=False, cwd=ROOT
    )
    found = load(after)
    if done.returncode == 0:  # there was enough space
        assert len(found.captures) == 2
    else:
        assert done.returncode == 2
        assert done.stderr.startswith("postproc: ") and done.stderr.count("\n") == 1
        assert "no space left on device" in done.stderr
        assert len(found.captures) == 1
    assert not list(tmp.iterdir())
    assert not [path for path in after.rglob(".*") if path.name != ".lock"]
    assert done.returncode == 2 or room > 150
