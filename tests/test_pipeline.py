"""Whole runs over real captures: what is read, cached and returned."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd
import pytest

import postproc
from postproc import batch, pipeline, stages
from postproc.model.errors import SetupError
from postproc.model.tables import TABLES, Tables
from postproc.read import inputs
from postproc.read.capture import Files, Seen
from postproc.read.option_files import Options
from tests import shim

ACL_403, ACL_488, CODEC_488 = "acl_403.pcapng", "acl_488.pcapng", "codec_488.pcapng"


@pytest.fixture
def folder(tmp_path, pcaps):
    """A folder with two small captures."""
    (tmp_path / "in" / "sub").mkdir(parents=True)
    shutil.copy(pcaps / ACL_403, tmp_path / "in")
    shutil.copy(pcaps / ACL_488, tmp_path / "in" / "sub")
    return tmp_path / "in"


def run(folder, out=None, **more) -> pipeline.Run:
    return pipeline.run([folder], out, jobs=1, **more)


REMEMBERED: dict[object, Tables] = {}
NAMES: list[str] = []  # captures read since a test began


@pytest.fixture(autouse=True)
def remembered(monkeypatch):
    """Read the same bytes only once in all these tests, which saves a second each time."""
    read = batch.read_files

    def remembering(files: Files, options: Options, seen: Seen) -> Tables:
        NAMES.extend(name for _, name in files)
        key = (*(path.read_bytes() for path, _ in files), options)
        if key not in REMEMBERED:
            REMEMBERED[key] = read(files, options, seen)
        return REMEMBERED[key]

    def each(captures: Sequence[Files], options: Options, seen: Seen) -> Iterator[tuple[int, Tables]]:
        yield from ((place, remembering(files, options, seen)) for place, files in enumerate(captures))

    NAMES.clear()
    monkeypatch.setattr(batch, "read_files", remembering)
    monkeypatch.setattr(batch.together, "read_each", each)


def assert_same(one: pipeline.Run, other: pipeline.Run) -> None:
    for table in TABLES:
        pd.testing.assert_frame_equal(getattr(one, table.name), getattr(other, table.name), obj=table.name)


def test_a_run_has_every_table_as_an_attribute(folder):
    done = run(folder)
    assert done.captures["capture"].tolist() == [ACL_403, f"sub/{ACL_488}"]
    assert done.calls["final_status"].tolist() == [403, 488]
    assert {table.name for table in TABLES} <= set(dir(done))
    assert repr(done) == "<Run: 2 calls in 2 captures, 0 not read>"
    with pytest.raises(AttributeError, match="a run has no 'leg'; its tables are captures"):
        done.leg  # noqa: B018


def test_without_a_folder_for_results_nothing_is_written(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_what_was_written_is_loaded_as_it_was(folder, tmp_path):
    done = run(folder, tmp_path / "out")
    loaded = postproc.load(tmp_path / "out")
    assert_same(done, loaded)
    assert (loaded.out, loaded.version) == (tmp_path / "out", postproc.__version__)


def test_several_processes_give_what_one_gives(folder):
    assert_same(pipeline.run([folder], jobs=2), run(folder))


def test_a_second_run_reads_nothing_and_gives_the_same(folder, tmp_path):
    first = run(folder, tmp_path / "out")
    NAMES.clear()
    second = run(folder, tmp_path / "out")
    assert (NAMES, first.unchanged, second.unchanged) == ([], 0, 2)
    assert_same(first, second)


def test_only_captures_that_may_be_known_are_hashed_before_they_are_read(
    folder, tmp_path, pcaps, monkeypatch
):
    asked = []
    sha256 = inputs.sha256

    def asking(path: Path) -> str:
        asked.extend([path.name] if path.is_relative_to(folder) else [])
        return sha256(path)

    monkeypatch.setattr(inputs, "sha256", asking)
    first = run(folder, tmp_path / "out")
    assert asked == []
    assert_same(first, run(folder, tmp_path / "out"))
    assert sorted(asked) == [ACL_403, ACL_488]
    asked.clear()
    shutil.copy(pcaps / CODEC_488, folder / "new.pcapng")
    done = run(folder, tmp_path / "out")
    assert (sorted(asked), done.unchanged) == ([ACL_403, ACL_488], 2)
    assert done.captures["sha256"].tolist() == [sha256(path) for path in done.captures["path"].map(Path)]


def test_of_captures_of_one_size_none_is_taken_for_another(folder, tmp_path):
    content = bytearray((folder / ACL_403).read_bytes())
    content[-5] ^= 1  # inside the last packet
    (folder / "other.pcapng").write_bytes(content)
    run(folder, tmp_path / "out")
    NAMES.clear()
    content[-6] ^= 1
    (folder / "other.pcapng").write_bytes(content)
    assert run(folder, tmp_path / "out").unchanged == 2
    assert NAMES == ["other.pcapng"]


def test_only_what_is_new_or_changed_is_read(folder, tmp_path, pcaps):
    run(folder, tmp_path / "out")
    shutil.copy(pcaps / CODEC_488, folder / ACL_403)
    NAMES.clear()
    assert run(folder, tmp_path / "out").unchanged == 1
    assert NAMES == [ACL_403]


def test_a_renamed_capture_is_not_read_again_and_has_its_new_name_everywhere(folder, tmp_path):
    run(folder, tmp_path / "out")
    (folder / ACL_403).rename(folder / "new.pcapng")
    NAMES.clear()
    done = run(folder, tmp_path / "out")
    assert NAMES == []
    assert set(done.sip_messages["capture"]) == {"new.pcapng", f"sub/{ACL_488}"}
    assert done.captures["path"].tolist()[0] == str(folder / "new.pcapng")


def test_damaged_events_are_read_again(folder, tmp_path):
    first = run(folder, tmp_path / "out")
    for damaged in (tmp_path / "out" / "events").glob("*-*"):
        damaged.write_bytes(damaged.read_bytes()[:-1])
    NAMES.clear()
    assert_same(first, run(folder, tmp_path / "out", csv=True))
    assert len(NAMES) == 2


def test_options_that_change_the_reading_have_events_of_their_own(folder, tmp_path):
    keys = tmp_path / "keys"
    found, _ = inputs.find([folder])

    def place(options: Options) -> Path:
        return stages._jobs([tuple(found[:1])], tmp_path, options)[0].place

    keys.write_text("CLIENT_RANDOM 00 00\n")
    with_keys = place(Options(keylog=keys))
    assert len({with_keys, place(Options()), place(Options(all_packets=True))}) == 3
    shutil.copy(keys, tmp_path / "copy")
    assert place(Options(keylog=tmp_path / "copy")) == with_keys
    keys.write_text("CLIENT_RANDOM 01 01\n")
    assert place(Options(keylog=keys)) != with_keys


def test_a_key_log_that_is_not_there_stops_the_run(folder, tmp_path):
    with pytest.raises(SetupError, match="nokeys: no such file or directory"):
        run(folder, options=Options(keylog=tmp_path / "nokeys"))


def test_a_capture_with_the_same_bytes_is_listed_and_not_analysed(folder, pcaps):
    shutil.copy(pcaps / ACL_403, folder / "sub" / "again.pcapng")
    NAMES.clear()
    done = run(folder)
    assert done.captures["capture"].tolist() == [ACL_403, f"sub/{ACL_488}", "sub/again.pcapng"]
    assert done.captures["warnings"].tolist()[2] == f"same content as {ACL_403}; not analysed"
    assert done.captures["sha256"].tolist()[2] == done.captures["sha256"].tolist()[0]
    assert sorted(NAMES) == [ACL_403, f"sub/{ACL_488}"]
    assert len(done.calls) == 2


def test_results_below_the_captures_are_not_taken_for_captures(folder, pcaps):
    run(folder, folder / "out")
    shutil.copy(pcaps / CODEC_488, folder / "out" / "export.pcapng")
    assert len(run(folder, folder / "out").captures) == 2


def test_results_do_not_go_into_the_folder_that_is_read(folder):
    with pytest.raises(SetupError, match="the results cannot go into the folder that is read"):
        run(folder, folder)


def test_a_place_where_no_results_can_be_written_stops_the_run_before_the_work(folder, tmp_path):
    (tmp_path / "file").write_text("")
    NAMES.clear()
    with pytest.raises(SetupError, match="a file; the results go to a folder"):
        run(folder, tmp_path / "file")
    with pytest.raises(SetupError, match="not a directory"):
        run(folder, tmp_path / "file" / "out")
    assert NAMES == []


def test_without_a_capture_nothing_is_written(tmp_path):
    (tmp_path / "in").mkdir()
    done = run(tmp_path / "in", tmp_path / "out")
    assert done.captures.empty
    assert [left_out.reason for left_out in done.unread] == ["no capture in this folder"]
    assert not (tmp_path / "out").exists()


def test_a_run_that_reads_nothing_leaves_older_results_alone(folder, tmp_path):
    first = run(folder, tmp_path / "out")
    run(tmp_path / "gone", tmp_path / "out")
    assert_same(first, postproc.load(tmp_path / "out"))


def test_what_could_not_be_read_is_kept_with_the_results(folder, tmp_path):
    (folder / "empty.pcap").touch()
    done = run(folder, tmp_path / "out")
    assert [(each.path, each.reason) for each in postproc.load(tmp_path / "out").unread] == [
        (folder / "empty.pcap", "empty file")
    ]
    assert len(done.captures) == 2


def test_loading_what_is_not_there_says_what_to_do(tmp_path):
    with pytest.raises(SetupError, match="no results here; `postproc run PATH -o"):
        postproc.load(tmp_path)


def test_loading_damaged_results_says_so(folder, tmp_path):
    run(folder, tmp_path / "out")
    (tmp_path / "out" / "tables" / "calls.parquet").write_bytes(b"PAR1")
    with pytest.raises(SetupError, match="damaged, or written by another version"):
        postproc.load(tmp_path / "out")


def test_analyze_takes_a_path_or_several_and_text(folder, tmp_path):
    one = postproc.analyze(str(folder / ACL_403))
    two = postproc.analyze([folder / ACL_403, str(folder / "sub")], str(tmp_path / "out"), csv=True)
    assert (len(one.captures), len(two.captures)) == (1, 2)
    assert (tmp_path / "out" / "tables" / "calls.csv").exists()


@pytest.mark.parametrize(
    ("action", "jobs", "reason"),
    [
        (shim.DIES, 1, "tshark failed (-9): no message"),
        (shim.DIES, 2, "tshark failed (-9): no message"),
        (shim.KILLS_ITS_PARENT, 2, "the process that read it died (out of memory?)"),
    ],
)
def test_the_death_of_tshark_or_of_its_reader_loses_one_capture_only(
    folder, tmp_path, monkeypatch, *, action, jobs, reason
):
    REMEMBERED.clear()
    monkeypatch.setenv("PATH", shim.path_with_tshark(tmp_path, action, folder / ACL_403))
    done = pipeline.run([folder], jobs=jobs)
    assert done.captures["capture"].tolist() == [f"sub/{ACL_488}"]
    assert [(each.path.name, each.reason) for each in done.unread] == [(ACL_403, reason)]
