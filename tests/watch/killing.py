"""``postproc watch`` killed at moments that count: each folder made, file moved and call noted is one.

``python -m tests.watch.killing CAPTURES [MOMENTS]`` kills it at 20 of them, or so many, each in a dataset of
its own, starts it again, and says of each what the dataset holds then. As a program of the test,
``python -m tests.watch.killing --at N watch ...``, it kills itself at the N-th.
"""

import itertools
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from postproc import dataset, pipeline

COUNTED = "moment: "
NOTED = "noted"


def watch(at: int, folder: Path, calls: Path) -> str:
    """Watch what is in a folder, killed at a moment; without one (0) to the end. Returns what it says."""
    command = [sys.executable, "-m", "tests.watch.killing", "--at", str(at), "watch", str(folder)]
    options = ["--for", "0", "--heartbeat", "0", "--dataset", str(calls)]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert done.returncode == (-signal.SIGKILL if at else 0), done.stderr
    return done.stderr


def moments(folder: Path, calls: Path) -> list[str]:
    """What is done at each moment of a watch that nobody kills."""
    said = watch(0, folder, calls).splitlines()
    return [line.removeprefix(COUNTED) for line in said if line.startswith(COUNTED)]


def after_a_kill(at: int, folder: Path, calls: Path) -> list[str]:
    """The identities in the dataset when a watch was killed at a moment and started again."""
    watch(at, folder, calls)
    watch(0, folder, calls)
    return sorted(dataset.calls(calls)["call_uid"])


def spread(found: Sequence[str], count: int) -> list[int]:
    """So many moments from the first to the last, the noting of each call among them."""
    noted = [number for number, what in enumerate(found, 1) if what == NOTED]
    others = max(count - len(noted), 2)
    return sorted({*noted, *(1 + (len(found) - 1) * step // (others - 1) for step in range(others))})


def _killed(at: int) -> None:
    from postproc.__main__ import main  # noqa: PLC0415
    from postproc.watch import window  # noqa: PLC0415
    from postproc.watch.ending import Told  # noqa: PLC0415

    count = itertools.count(1)

    def moment(what: str) -> None:
        os.write(2, f"{COUNTED}{what}\n".encode())
        if next(count) == at:
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(event: str, given: tuple[object, ...]) -> None:
        if event in ("os.rename", "os.mkdir", "shutil.rmtree") and place in str(given):
            moment(event)

    def add(self: Told, call: object) -> None:
        moment(NOTED)
        noting(self, call)

    place, noting = sys.argv[-1], Told.add
    Told.add = add  # type: ignore[assignment, method-assign]
    window.STEP = 1  # each file by itself
    sys.addaudithook(hook)
    main()


def _main(folder: Path, count: int) -> None:
    expected = sorted(pipeline.run([folder], report=False, jobs=1).calls["call_uid"])
    with tempfile.TemporaryDirectory() as scratch:
        found = moments(folder, Path(scratch) / "whole")
        for at in spread(found, count):
            held = after_a_kill(at, folder, Path(scratch) / f"calls-{at}")
            print(f"{at} of {len(found)} ({found[at - 1]}):", "each once" if held == expected else held)


if __name__ == "__main__":
    if sys.argv[1] == "--at":
        number = int(sys.argv[2])
        del sys.argv[1:3]
        _killed(number)
    else:
        _main(Path(sys.argv[1]), int(sys.argv[2]) if sys.argv[2:] else 20)
