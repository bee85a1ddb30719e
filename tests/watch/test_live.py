"""``postproc watch`` at an interface and on a folder that dumpcap fills: lines, verdicts, delays."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from postproc import dataset, pipeline
from postproc.show import store
from tests.watch import killing, replay

# Ethernet, and no TCP connection of the one has addresses and ports of the other's: they are sent at one time
REPLAYED = (
    "good.pcapng",
    "made/busy_486.pcapng",
    "cases/min_no_media_20s_then_hold_1s.pcapng",
    "cases/f_oneway_later.pcapng",
)
WATCH = [sys.executable, "-m", "postproc", "watch"]
needs_namespaces = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or shutil.which("ip") is None,
    reason="network namespaces want root on Linux",
)


COMPARED = ("from_user", "to_user", "verdict", "cause", "final_status")


def compared(calls: Sequence[Mapping[str, Any]]) -> list[str]:
    return sorted(str([call[name] for name in COMPARED]) for call in calls)


def verdicts(paths: Sequence[Path]) -> list[str]:
    return compared(store.records(pipeline.run(paths, report=False, jobs=1).calls))


LATEST_S = 30.0  # from a call's end to its line on a machine that is busy; on an idle one it is below 5 s


@needs_namespaces
@pytest.mark.slow
@pytest.mark.parametrize("way", ["interface", "folder"])
def test_what_is_replayed_on_a_wire_is_told_as_a_run_tells_it(pcaps, tmp_path, way):
    paths = [pcaps / name for name in REPLAYED]
    ring = tmp_path / "ring"
    ring.mkdir()
    with replay.namespace() as name:
        inside = ["ip", "netns", "exec", name]
        capture = [*inside, "dumpcap", "-q", "-i", "other", "-w"]
        recording = subprocess.Popen(
            [*capture, str(tmp_path / "recording.pcapng")], stderr=subprocess.DEVNULL
        )
        capturing = recording
        command = [*inside, *WATCH, "-i", "other"]
        if way == "folder":
            command = [*WATCH, str(ring)]
            small = [*capture, str(ring / "live.pcapng"), "-b", "filesize:200"]
            capturing = subprocess.Popen(small, stderr=subprocess.DEVNULL)
        command += ["--json", "--heartbeat", "2", "--for", str(longest(paths) + 20)]
        beats = tmp_path / "beats"
        with (
            beats.open("wb") as stderr,
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True) as watch,
        ):
            while not beats.read_bytes() and watch.poll() is None:  # until it is at work
                time.sleep(0.1)
            sender = [*inside, sys.executable, "-m", "tests.watch.replay", "one", *map(str, paths)]
            subprocess.run(sender, check=True)
            out, _ = watch.communicate(timeout=60)
        err = beats.read_text()
        for each in (recording, capturing):
            each.send_signal(signal.SIGINT)
            each.wait(10)
    assert way == "interface" or len(list(ring.iterdir())) > 2
    lines = [json.loads(line) for line in out.splitlines()]
    ended = [each for each in lines if "early" not in each]
    assert compared(ended) == verdicts([tmp_path / "recording.pcapng"]) == verdicts(paths), err
    delays = [each["reported_after_s"] for each in ended]
    print("seconds from the end of a call to its line:", delays)
    assert max(delays) < LATEST_S
    assert " 0 dropped" in err


def longest(captures: Sequence[Path]) -> float:
    """Seconds of the longest of the captures."""
    times = [[time_ns for time_ns, _ in replay.packets(path)] for path in captures]
    return max((held[-1] - held[0]) / 1e9 for held in times)


def test_an_interface_that_is_not_there_is_said():
    done = subprocess.run([*WATCH, "-i", "nowhere0"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "dumpcap" in done.stderr or "may not capture" in done.stderr


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or shutil.which("setpriv") is None,
    reason="root gives up the right to capture",
)
def test_who_may_not_capture_is_told_what_to_do():
    """An ordinary user is who lacks these capabilities."""
    without = ["setpriv", "--bounding-set=-net_raw,-net_admin", *WATCH, "-i", "lo", "--for", "1"]
    done = subprocess.run(without, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("postproc: this user may not capture. ")
    assert f"sudo setcap cap_net_raw,cap_net_admin+eip {shutil.which('dumpcap')}" in done.stderr


def test_a_folder_or_interfaces_and_not_both(tmp_path):
    for arguments in ([], [str(tmp_path), "-i", "lo"]):
        done = subprocess.run([*WATCH, *arguments], capture_output=True, text=True, check=False)
        assert (done.returncode, "either" in done.stderr) == (2, True)


@pytest.fixture
def folder(pcaps, tmp_path) -> Path:
    place = tmp_path / "folder"
    place.mkdir()
    for name in ("no_binding_success.pcapng", "made/busy_486.pcapng", "good.pcapng"):
        shutil.copy(pcaps / name, place)
    return place


def test_the_command_on_a_folder(folder, tmp_path):
    faults, calls = tmp_path / "faults", tmp_path / "calls"
    options = ["--for", "4", "--lang", "en", "--fail-on", "error", "--heartbeat", "0"]
    options += ["--export-faults", str(faults), "--dataset", str(calls), "--site", "berlin"]
    done = subprocess.run([*WATCH, str(folder), *options], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    run = pipeline.run([folder], report=False, jobs=1)
    expected = run.calls.set_index("call_uid")[["verdict", "cause"]].sort_index()
    found = dataset.calls(calls)
    assert found.set_index("call_uid")[["verdict", "cause"]].sort_index().equals(expected)
    kept = run.calls[run.calls["verdict"] == "fault"]
    assert {path.stem for path in faults.iterdir()} == set(kept["call_uid"])
    for path in faults.iterdir():
        again = pipeline.run([path], report=False, jobs=1).calls
        assert again["call_uid"].tolist() == [path.stem]
        assert again["cause"].tolist() == kept.loc[kept["call_uid"] == path.stem, "cause"].tolist()
    captures = dataset.load(calls).captures
    assert set(captures["path"]) <= {str(path) for path in folder.iterdir()}
    lines = [line for line in done.stdout.splitlines() if line.endswith((" ok", " fault", " suspect"))]
    assert len(lines) == len(expected)


def test_ctrl_c_tells_what_is_there_and_leaves_nothing(folder, tmp_path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    command = [*WATCH, str(folder), "--json", "--heartbeat", "0"]
    environment = os.environ | {"TMPDIR": str(temporary)}
    out = tmp_path / "out"
    with (
        out.open("wb") as lines,
        subprocess.Popen(command, stdout=lines, stderr=subprocess.PIPE, text=True, env=environment) as watch,
    ):
        while not out.read_bytes() and watch.poll() is None:
            time.sleep(0.02)
        watch.send_signal(signal.SIGINT)
        _, err = watch.communicate(timeout=60)
    assert (watch.returncode, err) == (130, "postproc: stopped\n")
    uids = [json.loads(line)["call_uid"] for line in out.read_text().splitlines()]
    assert sorted(uids) == sorted(pipeline.run([folder], report=False, jobs=1).calls["call_uid"])
    assert list(temporary.iterdir()) == []


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_each_call_once_after_a_restart(folder, tmp_path):
    """Among them the moment between the dataset's last file and the noting that the call was told."""
    found = killing.moments(folder, tmp_path / "whole")
    expected = sorted(dataset.calls(tmp_path / "whole")["call_uid"])
    assert expected == sorted(pipeline.run([folder], report=False, jobs=1).calls["call_uid"])
    noted = [number for number, what in enumerate(found, 1) if what == killing.NOTED]
    for at in (1, noted[0] - 2, noted[0], noted[-1] - len(found) // 6):
        assert killing.after_a_kill(at, folder, tmp_path / str(at)) == expected, (at, found[at - 1])


def test_counters_are_served_on_the_loopback_address(folder):
    pytest.importorskip("prometheus_client")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [*WATCH, str(folder), "--heartbeat", "0", "--metrics", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as watch:
        found: dict[str, float] = {}
        deadline = time.monotonic() + 20
        while found.get("legshark_calls_told_total") != 3 and time.monotonic() < deadline:
            time.sleep(0.2)
            found = counters(port)
        again = subprocess.run(command, capture_output=True, text=True, check=False)
        watch.send_signal(signal.SIGINT)
    assert (found["legshark_calls_told_total"], found["legshark_calls_open"]) == (3, 0)
    assert found["legshark_packets_total"] == sum(len(replay.packets(path)) for path in folder.iterdir())
    assert (again.returncode, again.stderr) == (2, f"postproc: --metrics {port}: Address already in use\n")


def counters(port: int) -> dict[str, float]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
    except OSError:  # not there yet
        return {}
    return {name: float(value) for name, value in (line.split() for line in lines if line[0] != "#")}
