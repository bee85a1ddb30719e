"""A capture that is part of another one is no place of its own, and is not read twice."""

import subprocess
from pathlib import Path

import pandas as pd
import pytest

from postproc import pipeline
from postproc.model.tables import Tables, concat
from postproc.places.parts import parts
from postproc.read.records import Record, pieces
from postproc.share.annotate import annotate
from postproc.share.copying import copy
from tests.conftest import PCAPS


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> pipeline.Run:
    """Of a folder with a capture, its copy with comments, and what a user saved of it."""
    folder: Path = tmp_path_factory.mktemp("parts")
    whole = folder / "whole.pcapng"
    whole.write_bytes((PCAPS / "no_binding_success.pcapng").read_bytes())
    alone = pipeline.run([whole], report=False, jobs=1)
    annotate(whole, "whole.pcapng", alone.findings, folder / "a.annotated.pcapng")
    with pieces(whole) as stored:
        frames = [piece.frame for piece in stored if isinstance(piece, Record)]
    copy(whole, folder / "saved.pcapng", only=frames[3:])
    return pipeline.run([folder], report=False, jobs=1)


def test_what_was_made_of_a_capture_is_left_out_and_named(run):
    told = dict(zip(run.captures["capture"], run.captures["warnings"], strict=True))
    assert told["a.annotated.pcapng"] == "all of it is in whole.pcapng too; not analysed"
    assert told["saved.pcapng"] == "all of it is in whole.pcapng too; not analysed"
    assert set(run.legs["capture"]) == set(run.bindings["capture"]) == {"whole.pcapng"}
    assert len(run) == 1 and run.passages.empty


def other(events: Tables, **changes) -> Tables:
    """Return the capture's tables, and those of one that differs by these changes: column and function."""
    of_whole = {
        table.name: rows[rows["capture"] == "whole.pcapng"]
        for table, rows in events.items()
        if "capture" in rows
    }
    renamed = {name: rows.assign(capture="another.pcapng") for name, rows in of_whole.items()}
    for name, change in changes.items():
        renamed[name] = change(renamed[name])
    return concat([Tables().with_(**of_whole), Tables().with_(**renamed)])


def test_a_copy_of_packets_beginnings_does_not_replace_the_original(tmp_path):
    original = tmp_path / "original.pcapng"
    original.write_bytes((PCAPS / "no_binding_success.pcapng").read_bytes())
    subprocess.run(["editcap", "-s", "300", original, tmp_path / "a.pcapng"], check=True)
    done = pipeline.run([tmp_path], report=False, jobs=1)
    told = dict(zip(done.captures["capture"], done.captures["warnings"], strict=True))
    assert told["a.pcapng"] == "all of it is in original.pcapng too; not analysed"
    assert done.calls["cause"].tolist() == ["no-binding-success"]


def later(rows):
    return rows.assign(time=rows["time"] + pd.Timedelta(1, "us"))


def elsewhere(rows):
    return rows.assign(src_addr="192.0.2.1")


@pytest.mark.parametrize(
    ("table", "change", "found"),
    [
        ("captures", lambda rows: rows, {"another.pcapng": "whole.pcapng"}),
        ("stun_messages", lambda rows: rows.iloc[1:], {"another.pcapng": "whole.pcapng"}),
        ("stun_messages", later, {}),
        ("sip_messages", elsewhere, {}),
        ("rtp_streams", lambda rows: rows.assign(ssrc=1), {}),
        ("captures", lambda rows: rows.assign(packets=10**6), {"whole.pcapng": "another.pcapng"}),
    ],
    ids=["all the same", "less of it", "another time", "another address", "other media", "more packets"],
)
def test_only_what_holds_nothing_of_its_own_is_a_part(run, table, change, found):
    assert parts(other(run.tables, **{table: change})) == found
