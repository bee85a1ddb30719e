"""Measure ``postproc watch FOLDER`` against ``postproc run`` on the same files.

    python -m bench.watching --calls 20000 --files 160

The folder is a ring buffer of generated calls, four new ones per second, read as fast as possible. Prints the
CPU time of both, the memory of ``watch`` in the four quarters of its time, and the calls that the two report
differently. A leak per call would show in the last quarter, which may exceed the first by a tenth.
"""

import argparse
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from bench import fleet
from bench.measure import RSS_UNIT, Usage, measure
from postproc import load

COMPARED = ["call_uid", "verdict", "cause", "final_status"]
PACE = 0.5  # seconds between samples of the memory
IDLE = 120.0  # seconds without a call after which the measurement is given up


def main() -> None:
    arguments = _arguments()
    folder = fleet.ready(1, arguments.calls, arguments.files) / "site-00"
    printed, usage, memory = watched(folder, arguments.calls)
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-m", "postproc", "run", "--no-report", "-j", "1", "-o", scratch]
        once = measure([*command, str(folder)], dict(os.environ))
        if once.failure:
            sys.exit(once.failure)
        calls = load(scratch).calls
    expected = {row[0]: row[1:] for row in rows(calls[COMPARED].astype(object).to_dict("records"))}
    by_uid = {row[0]: row[1:] for row in rows(printed)}
    different = sum(by_uid.get(uid) != row for uid, row in expected.items())
    twice = len(printed) - len(by_uid)
    peaks = [max(memory[part]) for part in quarters(len(memory))]
    print(f"{len(printed)} calls told of {arguments.calls}, {twice} twice, {different} unlike run's")
    print(f"watch {usage.cpu_s:.0f} CPU s, run {once.cpu_s:.0f}: {usage.cpu_s / once.cpu_s:.2f}")
    print("memory, MB at most in each quarter:", *(f"{each:.0f}" for each in peaks))
    sys.exit(len(printed) != arguments.calls or bool(different))


def rows(calls: list[dict[str, object]]) -> list[tuple[str, ...]]:
    return [
        tuple("" if (value := call[name]) != value else str(value or "") for name in COMPARED)
        for call in calls
    ]


def watched(folder: Path, expected: int) -> tuple[list[dict[str, object]], Usage, list[float]]:
    """Return the calls that ``watch`` printed, its usage, and samples of its memory in MB."""
    command = [sys.executable, "-m", "postproc", "watch", str(folder), "--json", "--heartbeat", "0"]
    begin = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        printed: list[dict[str, object]] = []
        reader = threading.Thread(target=_collect, args=(program.stdout, printed), daemon=True)
        reader.start()
        memory: list[float] = []
        counted, since = 0, begin
        while len(printed) < expected and time.monotonic() - since < IDLE:
            time.sleep(PACE)
            memory.append(_resident(program.pid))
            if len(printed) > counted:
                counted, since = len(printed), time.monotonic()
        program.send_signal(signal.SIGTERM)
        _, status, used = os.wait4(program.pid, 0)
        program.returncode = os.waitstatus_to_exitcode(status)
        reader.join()
    wall = time.monotonic() - begin
    return printed, Usage(used.ru_utime + used.ru_stime, wall, used.ru_maxrss * RSS_UNIT / 1e6), memory


def _collect(lines: IO[str], printed: list[dict[str, object]]) -> None:
    printed.extend(call for line in lines if "verdict" in (call := json.loads(line)))


def _resident(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def quarters(length: int) -> Iterator[slice]:
    """Yield the quarters of ``length`` samples as slices; none is empty."""
    edges = [length * part // 4 for part in range(5)]
    return (slice(first, max(last, first + 1)) for first, last in itertools.pairwise(edges))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench.watching", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=20000)
    parser.add_argument("--files", type=int, default=160)
    return parser.parse_args()


if __name__ == "__main__":
    main()
