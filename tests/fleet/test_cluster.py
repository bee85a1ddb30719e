"""``postproc run --dask --dataset``: workers do it, and one that dies changes nothing."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from postproc import dataset, pipeline
from tests.fleet.test_chains import RING, by_site, rows
from tests.pieces import cut

distributed = pytest.importorskip("distributed")
FAULT = "no_binding_success.pcapng"
RUN = [sys.executable, "-m", "postproc", "run", "--lang", "en"]


def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [*RUN, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_worker_killed_midway_changes_nothing(pcaps, tmp_path):
    folders = []
    for site, name in (("berlin", RING), ("paris", FAULT), ("rome", FAULT)):
        ring = cut(pcaps / name, 8, tmp_path / f"making-{site}")
        folders.append(ring[0].parent.rename(tmp_path / site))
    calls = tmp_path / "calls"
    options = {"n_workers": 2, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        workers = client.run(os.getpid)
        # The capture of paris and rome is the same: its call stands once.
        command = [*RUN, *map(str, folders), "--dask", cluster.scheduler_address, "--dataset", str(calls)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as driver:
            while not any(client.processing().values()) and driver.poll() is None:
                time.sleep(0.02)
            busy = next(worker for worker, tasks in client.processing().items() if tasks)
            os.kill(workers[busy], signal.SIGKILL)
            out, err = driver.communicate(timeout=120)
        again = run(*folders, "--dask", cluster.scheduler_address, "--dataset", calls, "--fail-on", "note")
        read = run(folders[0], "--dask", cluster.scheduler_address, "-o", tmp_path / "out", "--no-report")
    assert (driver.returncode, "dataset: 3 calls added, 1 were there" in out) == (0, True), err
    assert (again.returncode, "dataset: 0 calls added, 4 were there" in again.stdout) == (1, True)
    assert read.returncode == 0, read.stderr
    here = pipeline.run(folders[:1], report=False, jobs=1).calls
    assert by_site(calls)["berlin"] == rows(here) == rows(pipeline.load(tmp_path / "out").calls)
    assert sorted(dataset.calls(calls)["call_uid"]) == sorted(set(dataset.calls(calls)["call_uid"]))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--dask", "tcp://127.0.0.1:9"), "--dask tcp://127.0.0.1:9: no scheduler answers"),
        (("--dask", "nowhere"), "--dask nowhere: no scheduler answers"),
        (("--dask", "tcp://127.0.0.1:9", "--csv"), "there are no --fs-log, --csv, --notebooks"),
    ],
)
def test_what_cannot_be_is_one_line(pcaps, tmp_path, monkeypatch, options, said):
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "1s")
    done = run(pcaps / "good.pcapng", "--dataset", tmp_path / "calls", *options)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
    assert said in done.stderr
    assert not list(Path(tmp_path).glob("**/*.parquet"))
