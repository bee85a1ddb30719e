"""A dataset holds each call once with all its rows, and opens only the hours asked for."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import dask.dataframe
import pandas as pd
import pyarrow.dataset
import pyarrow.parquet
import pytest
from click.testing import CliRunner

import postproc
from postproc import dataset, pipeline
from postproc.cli import cli
from postproc.dataset import select
from postproc.model.errors import SetupError
from postproc.model.tables import TABLES
from postproc.results import Run

NAMES = (
    "good.pcapng",
    "two_calls.pcapng",
    "no_binding_success.pcapng",
    "made/hep.pcapng",
    "made/busy_486.pcapng",
)


@pytest.fixture(scope="module")
def run(pcaps) -> Run:
    return pipeline.run([pcaps / name for name in NAMES], report=False, jobs=1)


@pytest.fixture(scope="module")
def folder(run, tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("dataset") / "calls"
    assert dataset.append(place, run, "berlin") == dataset.Appended(len(run.calls), 0)
    return place


def test_what_was_added_comes_back(run, folder):
    loaded = postproc.load(folder)
    columns = [name for name in run.calls if name != "call"]
    by_start = run.calls.sort_values(["start", "call_uid"])
    assert loaded.calls[columns].to_numpy().tolist() == by_start[columns].to_numpy().tolist()
    for table in ("legs", "bindings", "candidates", "findings", "timeline", "sip_messages", "rtp_seconds"):
        whole = getattr(run, table)
        if "call" in whole:
            whole = whole[whole["call"].notna()]
        assert len(getattr(loaded, table)) == len(whole), table
    number = run.calls.set_index("call_uid")["call"]
    for call, uid in zip(loaded.calls["call"], loaded.calls["call_uid"], strict=True):
        one, other = loaded.call(call), run.call(number[uid])
        for table in TABLES:
            assert len(getattr(one, table.name)) == len(getattr(other, table.name)), (table.name, uid)
        assert one.walk.equals(other.walk)
        assert one.filter == other.filter


def test_a_call_that_is_there_is_not_written_again(run, folder, pcaps):
    before = sorted(folder.rglob("*.parquet"))
    assert dataset.append(folder, run, "berlin") == dataset.Appended(0, len(run.calls))
    again = pipeline.run([pcaps / "two_calls.pcapng"], report=False, jobs=1)
    assert dataset.append(folder, again, "paris").added == 0
    assert sorted(folder.rglob("*.parquet")) == before


@pytest.mark.parametrize("table", ["calls", "legs", "bindings", "findings", "timeline"])
def test_other_programs_read_the_same(run, folder, table):
    expected = getattr(run, table)["call"].notna().sum()
    assert len(pd.read_parquet(folder / table)) == expected
    assert pyarrow.dataset.dataset(folder / table, partitioning="hive").count_rows() == expected
    assert len(dask.dataframe.read_parquet(folder / table)) == expected
    assert set(pd.read_parquet(folder / table)["site"]) == {"berlin"}


def test_duckdb_reads_the_same(run, folder):
    duckdb = pytest.importorskip("duckdb")
    count = duckdb.sql(
        f"select count(*) from read_parquet('{folder}/calls/**/*.parquet', hive_partitioning=true)"
    )
    assert count.fetchall() == [(len(run.calls),)]


@pytest.mark.parametrize("table", ["calls", "legs"])
@pytest.mark.parametrize("becomes", ["damaged", "a pipe"])
def test_a_file_that_is_none_is_one_line(run, tmp_path, table, becomes):
    place = tmp_path / "calls"
    dataset.append(place, run, "berlin")
    broken = min((place / table).rglob("*.parquet"))
    broken.unlink()
    if becomes == "a pipe":
        os.mkfifo(broken)
    else:
        broken.write_bytes(b"PAR1")
    with pytest.raises(SetupError, match="damaged, or written by another version"):
        postproc.load(place)


@pytest.fixture
def opened(monkeypatch) -> list[Path]:
    paths: list[Path] = []

    def read_table(path, *arguments, **options):
        paths.append(Path(path))
        return read(path, *arguments, **options)

    read = pyarrow.parquet.read_table
    monkeypatch.setattr(select.pq, "read_table", read_table)
    return paths


def test_only_the_hours_wanted_are_opened(run, folder, opened):
    hours = sorted(set(run.calls["start"].dt.floor("h")))
    assert len(hours) > 2
    found = postproc.load(folder, since=hours[1].isoformat(), until=hours[2].isoformat())
    assert set(found.calls["start"].dt.floor("h")) == {hours[1]}
    assert {path.parent.name for path in opened} == {f"hour={hours[1]:%H}"}
    opened.clear()
    one = found.calls["call_uid"].iloc[0]
    assert list(postproc.load(folder, calls=[one]).calls["call_uid"]) == [one]
    others = [path for path in opened if path.relative_to(folder).parts[0] != "calls"]
    assert {path.parent.name for path in others} == {f"hour={hours[1]:%H}"}
    opened.clear()
    assert postproc.load(folder, site="paris").calls.empty
    assert opened == []


def test_the_limits_of_a_time_are_the_starts_of_calls(run, folder):
    start = run.calls["start"].min()
    a_moment = pd.Timedelta(nanoseconds=1)
    counts = [
        len(dataset.calls(folder, dataset.Wanted(**{name: start + late})))
        for name in ("since", "until")
        for late in (0 * a_moment, a_moment)
    ]
    first = (run.calls["start"] == start).sum()
    assert counts == [len(run.calls), len(run.calls) - first, 0, first]


def test_a_time_may_be_so_long_ago():
    now = pd.Timestamp("2026-11-22T12:00Z")
    assert dataset.moment("2d", now) == pd.Timestamp("2026-11-20T12:00Z")
    assert dataset.moment("5m", now) == pd.Timestamp("2026-11-22T11:55Z")
    assert dataset.moment("2026-11-22T01:00+01:00") == pd.Timestamp("2026-11-22T00:00Z")
    with pytest.raises(SetupError, match="no time"):
        dataset.moment("yesterday evening")


def test_what_a_dead_process_left_is_finished_or_gone(run, tmp_path, monkeypatch):
    place = tmp_path / "calls"
    moved: list[object] = []

    def dies(source, target):
        if len(moved) == 3:
            raise KeyboardInterrupt
        moved.append(target)
        source.rename(target)

    monkeypatch.setattr(os, "replace", dies)
    with pytest.raises(KeyboardInterrupt):
        dataset.append(place, run, "berlin")
    monkeypatch.undo()
    assert not dataset.is_dataset(place)
    half = place / "_making-half" / "calls" / "site=berlin" / "date=2026-01-01" / "hour=00"
    half.mkdir(parents=True)
    (half / "half.parquet").write_bytes(b"PAR1")
    assert dataset.append(place, run, "berlin") == dataset.Appended(0, len(run.calls))
    assert len(dataset.calls(place)) == len(run.calls)
    assert len(postproc.load(place).bindings) == run.bindings["call"].notna().sum()
    assert not list(place.glob("_*"))


KILLED = """
import sys
from pathlib import Path
from postproc import dataset, pipeline
run = pipeline.load(sys.argv[1])
print("go", flush=True)
dataset.append(Path(sys.argv[2]), run, "berlin")
"""


@pytest.mark.parametrize("after_ms", [1, 20, 40, 60, 80, 120])
def test_a_kill_at_any_moment_leaves_each_call_once(run, tmp_path_factory, tmp_path, after_ms):
    results = tmp_path_factory.getbasetemp() / "results-to-append"
    if not results.exists():
        pipeline.write(run, results)
    place = tmp_path / "calls"
    program = [sys.executable, "-c", KILLED, str(results), str(place)]
    with subprocess.Popen(program, stdout=subprocess.PIPE) as child:
        assert child.stdout
        child.stdout.readline()
        time.sleep(after_ms / 1000)
        os.kill(child.pid, signal.SIGKILL)
    appended = dataset.append(place, run, "berlin")
    assert appended.added + appended.there == len(run.calls)
    assert sorted(dataset.calls(place)["call_uid"]) == sorted(run.calls["call_uid"])
    assert len(postproc.load(place).findings) == run.findings["call"].notna().sum()


def test_old_hours_go(run, tmp_path):
    place = tmp_path / "calls"
    dataset.append(place, run, "berlin")
    hours = sorted(set(run.calls["start"].dt.floor("h")))
    assert dataset.prune(place, hours[0] + pd.Timedelta(minutes=59)) == 0
    assert dataset.prune(place, hours[0] + pd.Timedelta(hours=1)) == 1
    assert dataset.calls(place)["start"].min() >= hours[1]
    assert (pd.read_parquet(place / "bindings")["time"] >= hours[1]).all()


def invoked(*arguments: object) -> str:
    done = CliRunner().invoke(cli, [str(each) for each in arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_the_commands(run, pcaps, tmp_path):
    place, results = tmp_path / "calls", tmp_path / "results"
    paths = [pcaps / name for name in NAMES]
    command = ("run", *paths, "-o", tmp_path / "out", "--no-report", "--dataset", place, "--site", "berlin")
    assert f"dataset: {len(run.calls)} calls added, 0 were there" in invoked(*command, "--lang", "en")
    assert f"dataset: 0 calls added, {len(run.calls)} were there" in invoked(*command, "--lang", "en")
    faults = run.calls[run.calls["verdict"] == "fault"]
    told = [json.loads(line) for line in invoked("calls", place, "--verdict", "fault", "--json").splitlines()]
    assert sorted(each["call_uid"] for each in told) == sorted(faults["call_uid"])
    cause = faults["cause"].iloc[0]
    lines = invoked("calls", place, "--cause", cause, "--lang", "en", "-o", results).splitlines()
    assert len(lines) == (run.calls["cause"] == cause).sum()
    assert all(" fault " in line for line in lines)
    assert set(pipeline.load(results).calls["cause"]) == {cause}
    assert "hours removed" in invoked("prune", place, "--older", "2020-01-01")


def test_times_are_in_the_zone_of_each_calls_log(pcaps, tmp_path):
    log = tmp_path / "fs.log"
    text = (pcaps / "acl_403.freeswitch.log").read_text()
    log.write_text(re.sub(r" 22:(\d\d:\d\d\.\d)", r" 23:\1", text))  # by a clock an hour ahead
    dataset.append(tmp_path / "calls", postproc.analyze(pcaps / "acl_403.pcapng", fs_logs=[log]), "a")
    dataset.append(tmp_path / "calls", postproc.analyze(pcaps / "dtls_fail.pcapng"), "b")
    told = [line.split("  ")[:2] for line in invoked("calls", tmp_path / "calls", "--tz", "log").splitlines()]
    assert [(time[10:13], time[20:], site) for time, site in told] == [
        (" 23", "UTC+01:00", "a"),
        (" 22", "UTC", "b"),
    ]


@pytest.mark.parametrize("site", ["", "a/b", "..", "site=x", "x" * 65])
def test_a_site_is_a_plain_name(run, tmp_path, site):
    with pytest.raises(SetupError, match="no name of a site"):
        dataset.append(tmp_path, run, site)


def test_no_dataset_is_said(tmp_path):
    with pytest.raises(SetupError, match="no dataset here"):
        dataset.calls(tmp_path)
