"""Measure ``postproc run --dask`` with two workers on this machine.

    python -m bench.fleet --sites 10 --calls 2000 --files 2 [--kill]

Each site has a ring buffer of this many files and calls; four calls begin per second, and they span files.
Prints time, CPU and memory of the driver and the workers. The calls of the first site must equal those of
``postproc run`` on its folder, and every generated call must be in the dataset once. With
``--kill``, a worker is killed when the first calls have been added.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import distributed
import pandas as pd

from bench import generate
from bench.captures import FOLDER, generator_digest
from bench.measure import Usage, measure
from postproc import dataset, pipeline
from postproc.read import programs

COMPARED = ["call_uid", "verdict", "cause", "final_status", "headline"]
OFTEN = 0.2  # seconds between polls for the first calls
LONGEST = 4 * 3600.0  # seconds: 200,000 calls take over an hour on a busy machine


def main() -> None:
    arguments = _arguments()
    captures = ready(arguments.sites, arguments.calls, arguments.files)
    with tempfile.TemporaryDirectory() as scratch:
        calls = Path(scratch) / "calls"
        usage, workers = on_cluster(captures, calls, kill=arguments.kill)
        if usage.failure:
            sys.exit(usage.failure)
        every_call = dataset.calls(calls)
        alone = pipeline.run([captures / "site-00"], report=False, jobs=1).calls
    first_site = every_call[every_call["site"] == "site-00"]
    wrong = (
        int((told(first_site) != told(alone)).any(axis=None))
        if len(first_site) == len(alone)
        else len(first_site) - len(alone)
    )
    twice = int(every_call["call_uid"].duplicated().sum())
    expected = arguments.sites * arguments.calls
    print(f"{len(every_call)} calls of {expected}, {twice} twice, first site differs: {wrong}")
    print(f"driver: {usage.wall_s:.0f} s, {usage.cpu_s:.1f} CPU s, {usage.peak_mb:.0f} MB")
    print("workers:", *(f"{peak:.0f} MB, {cpu:.0f} CPU s" for peak, cpu in workers))
    sys.exit(bool(wrong or twice or len(every_call) != expected))


def told(calls: pd.DataFrame) -> pd.DataFrame:
    rows = calls[COMPARED].astype("string").fillna("")
    return rows.sort_values(COMPARED, ignore_index=True)


def ready(sites: int, calls: int, files: int) -> Path:
    """Return a folder with a folder of captures per site; build it unless it is up to date."""
    top = FOLDER / f"fleet-{sites}-{calls}-{files}"
    stamp = top / "generator"
    if stamp.exists() and stamp.read_text() == generator_digest():
        return top
    for number in range(sites):
        folder = top / f"site-{number:02}"
        folder.mkdir(parents=True, exist_ok=True)
        whole = top / "whole.pcapng"
        generate.write(whole, generate.sip(calls, False, 0, number + 1), 0, number + 1)
        truth = whole.with_suffix(".truth.json")
        packets = json.loads(truth.read_text())["packets"]
        editcap = programs.companion("editcap")
        command = [str(editcap), "-c", str(-(-packets // files)), str(whole), str(folder / "ring.pcapng")]
        subprocess.run(command, check=True)
        whole.unlink()
        truth.unlink()
    stamp.write_text(generator_digest())
    return top


def on_cluster(captures: Path, calls: Path, *, kill: bool) -> tuple[Usage, list[tuple[float, float]]]:
    """Run on a local cluster; return the driver's usage, and peak MB and CPU seconds of each worker."""
    options = {"n_workers": 2, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        address = cluster.scheduler_address
        program = [sys.executable, "-m", "postproc", "run", "--dask", address, "--dataset", str(calls)]
        folders = sorted(str(path) for path in captures.iterdir() if path.is_dir())
        killer = threading.Thread(target=_kill_one, args=(client.run(os.getpid), calls), daemon=True)
        if kill:
            killer.start()
        usage = measure([*program, *folders], dict(os.environ), LONGEST)
        return usage, list(client.run(_used).values())


def _kill_one(workers: dict[str, int], calls: Path) -> None:
    while not dataset.is_dataset(calls):
        time.sleep(OFTEN)
    os.kill(min(workers.values()), signal.SIGKILL)


def _used() -> tuple[float, float]:
    """Return peak MB and CPU seconds of this worker, including its tshark processes."""
    import resource  # noqa: PLC0415  (imported by the worker)

    own, theirs = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    cpu = sum(each.ru_utime + each.ru_stime for each in (own, theirs))
    return own.ru_maxrss * 1024 / 1e6, cpu


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench.fleet", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sites", type=int, default=10)
    parser.add_argument("--calls", type=int, default=2000, help="of each site")
    parser.add_argument("--files", type=int, default=2, help="of each site")
    parser.add_argument("--kill", action="store_true", help="kill a worker midway")
    return parser.parse_args()


if __name__ == "__main__":
    main()
