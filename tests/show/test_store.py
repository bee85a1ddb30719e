"""Tables as files: nothing is lost on the way, nothing harmful leaves, nothing is half there."""

import csv

import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from postproc.files import commit
from postproc.model.tables import TABLES, Tables
from postproc.show import store
from tests import builders

CALLS = (
    {"call": 1, "from_user": "721", "confidence": 0.5, "ambiguous": True, "start": 3.000000001},
    {"call": 2},
)


def some() -> Tables:
    return Tables().with_(
        calls=builders.calls(*CALLS), rtp_streams=builders.rtp_streams({"ssrc": 2**32 - 1, "jitter_ms": -0.5})
    )


def cells(folder, name, column):
    with (folder / f"{name}.csv").open(newline="") as file:
        return [row[column] for row in csv.DictReader(file)]


def test_every_table_is_written_and_comes_back_as_it_was(tmp_path):
    folder = tmp_path / "tables"
    store.write_tables(some(), folder, "12ab")
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"{t.name}.parquet" for t in TABLES)
    tables, runs = store.read_tables(commit.readers(tmp_path))
    assert runs == {"12ab"}
    for table, rows in tables.items():
        pd.testing.assert_frame_equal(rows, getattr(some(), table.name))


def test_a_table_of_several_row_groups_comes_back_as_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr("postproc.show.store.ROWS_OF_A_GROUP", 1)
    store.write_tables(some(), tmp_path / "tables")
    assert pq.ParquetFile(tmp_path / "tables" / "calls.parquet").num_row_groups == len(CALLS)
    calls = store.read_tables(commit.readers(tmp_path))[0].calls
    pd.testing.assert_frame_equal(calls, some().calls)


def test_parquet_times_are_utc_with_nanoseconds(tmp_path):
    store.write_tables(some(), tmp_path)
    schema = pq.read_schema(tmp_path / "calls.parquet")
    assert schema.field("start").type == pa.timestamp("ns", tz="UTC")


@pytest.mark.parametrize("text", ["=1+1", "+4989", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_a_text_that_a_spreadsheet_would_run_gets_an_apostrophe(tmp_path, text):
    tables = Tables().with_(calls=builders.calls({"call": 1, "from_user": text}))
    store.write_tables(tables, tmp_path, csv=True)
    assert cells(tmp_path, "calls", "from_user") == ["'" + text]


@pytest.mark.parametrize("text", ["721", "a=b", "Anna, 'Mobil' \"x\"\nnext", "", "ünï→"])
def test_any_other_text_is_left_alone(tmp_path, text):
    store.write_tables(
        Tables().with_(calls=builders.calls({"call": 1, "from_user": text})), tmp_path, csv=True
    )
    assert cells(tmp_path, "calls", "from_user") == [text]


def test_numbers_in_csv_stay_numbers_and_unknown_is_empty(tmp_path):
    store.write_tables(some(), tmp_path, csv=True)
    assert cells(tmp_path, "rtp_streams", "jitter_ms") == ["-0.5"]
    assert cells(tmp_path, "rtp_streams", "ssrc") == ["4294967295"]
    assert cells(tmp_path, "calls", "ambiguous") == ["True", ""]
    assert cells(tmp_path, "calls", "start") == ["2026-01-01T12:00:03.000000001Z", ""]


def test_the_summary_has_captures_calls_counts_and_what_was_not_read(tmp_path):
    tables = some().with_(captures=builders.captures({"capture": "a.pcapng", "packets": 7, "first_time": 0}))
    store.write_summary(
        tables, [("/x/b.pcap", "empty file")], {"version": "1.2", "run": "12ab"}, tmp_path / "summary.json"
    )
    summary = orjson.loads((tmp_path / "summary.json").read_bytes())
    assert list(summary) == ["version", "run", "captures", "logs", "unread", "calls", "counts", "files"]
    assert (summary["version"], summary["run"]) == ("1.2", "12ab")
    assert summary["unread"] == [{"path": "/x/b.pcap", "reason": "empty file"}]
    assert summary["captures"][0]["first_time"] == "2026-01-01T12:00:00.000000000Z"
    assert summary["captures"][0]["packets"] == 7
    assert summary["calls"][0] | CALLS[0] | {"start": "2026-01-01T12:00:03.000000001Z"} == summary["calls"][0]
    assert summary["calls"][1]["confidence"] is None
    assert summary["counts"] == {t.name: len(rows) for t, rows in tables.items()}
    assert store.read_summary(tmp_path / "summary.json") == summary


@pytest.mark.parametrize("content", [b"", b"nonsense", None])
def test_damaged_tables_are_one_of_the_errors_to_be_expected(tmp_path, content):
    store.write_tables(some(), tmp_path / "tables")
    damaged = tmp_path / "tables" / "calls.parquet"
    if content is None:
        pd.read_parquet(damaged).drop(columns="call").to_parquet(damaged)
    else:
        damaged.write_bytes(content)
    with pytest.raises(store.UNREADABLE):
        store.read_tables(commit.readers(tmp_path))
