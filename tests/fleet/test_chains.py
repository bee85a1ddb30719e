"""What chains of pieces add to a dataset is what a run says of each folder, whoever does the work."""

import shutil
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import nullcontext
from pathlib import Path

import pytest
from click.testing import CliRunner

import postproc
from postproc import dataset, fleet, pipeline, stages
from postproc.cli import cli
from postproc.commands import run as command
from postproc.fleet import pieces
from postproc.model.errors import SetupError
from postproc.read import deployment
from postproc.read.option_files import AS_USUAL
from postproc.show.terminal import silence
from tests.pieces import cut

RING, OTHERS = "two_calls.pcapng", ("good.pcapng", "made/busy_486.pcapng", "no_binding_success.pcapng")
COMPARED = ["call_uid", "verdict", "cause", "final_status", "end"]


class Here(Executor):
    """Does each piece at once, but what ``spoilt`` names kills it."""

    def __init__(self, spoilt: str = "") -> None:
        self.spoilt = spoilt
        self.pieces: list[tuple[str, ...]] = []  # names of files, those handed on among them

    def submit(self, work, /, *given, **_):
        future: Future = Future()
        if work is pieces.judged:
            _, _, handed, new, _ = given
            names = tuple(each.name for each in (*handed.files, *new))
            self.pieces.append(names)
            if self.spoilt in names:
                future.set_exception(BrokenExecutor())
                return future
        future.set_result(work(*given))
        return future


@pytest.fixture(scope="module")
def folders(pcaps, tmp_path_factory) -> list[Path]:
    """A ring of a server, and captures of another."""
    top = tmp_path_factory.mktemp("fleet")
    ring = cut(pcaps / RING, 12, top / "making")[0].parent.rename(top / "berlin")
    (top / "paris").mkdir()
    for name in OTHERS:
        shutil.copy(pcaps / name, top / "paris")
    return [ring, top / "paris"]


@pytest.fixture(scope="module")
def expected(folders) -> dict[str, list[list[object]]]:
    runs = {folder.name: pipeline.run([folder], report=False, jobs=1).calls for folder in folders}
    return {name: rows(calls) for name, calls in runs.items()}


def rows(calls) -> list[list[object]]:
    return sorted(calls[COMPARED].astype("string").fillna("").to_numpy().tolist())


def by_site(folder: Path) -> dict[str, list[list[object]]]:
    return {site: rows(calls) for site, calls in dataset.calls(folder).groupby("site")}


def task(folder: Path) -> fleet.Task:
    work = stages.Work(deployment.read("xphone"), AS_USUAL, (), "en", (), jobs=1)
    return fleet.Task(work, folder)


def done(paths: Iterable[object], folder: Path, executor: Executor) -> list[fleet.Done]:
    found, unread = fleet.chains(map(str, paths), None)
    assert unread == []
    return list(fleet.run(found, task(folder), executor, silence))


def test_calls_that_go_on_are_handed_to_the_next_piece(folders, expected, tmp_path, monkeypatch):
    monkeypatch.setattr(pieces, "STEP", 1)
    monkeypatch.setattr(pieces, "FASTEST", 0)
    here, place = Here(), tmp_path / "calls"
    ended = done(folders, place, here)
    assert by_site(place) == expected
    assert len(here.pieces) == len(ended) > 6
    assert max(map(len, here.pieces)) > 3
    assert sum(each.added for each in ended) == sum(map(len, expected.values()))
    assert {"error"} <= frozenset().union(*(each.severities for each in ended))
    captures = postproc.load(place, site="berlin").captures
    assert set(captures["path"]) == set(map(str, folders[0].iterdir()))
    again = done(folders, place, Here())
    assert (sum(each.added for each in again), by_site(place)) == (0, expected)


def test_a_piece_has_as_many_bytes_as_its_rows_allow(folders, tmp_path, monkeypatch):
    sizes = [path.stat().st_size for path in folders[0].iterdir()]
    monkeypatch.setattr(pieces, "STEP", max(sizes))
    here = Here()
    done(folders[:1], tmp_path / "calls", here)
    assert len(here.pieces[0]) < 3
    assert Counter(name for names in here.pieces for name in names).keys() == {
        path.name for path in folders[0].iterdir()
    }


def test_where_memory_ends_calls_are_added_as_open_and_not_again(folders, expected, tmp_path, monkeypatch):
    monkeypatch.setattr(pieces, "STEP", 1)
    monkeypatch.setattr(pieces, "FASTEST", 0)
    monkeypatch.setattr(pieces, "MOST_ROWS", 1)
    here, place = Here(), tmp_path / "calls"
    done(folders[:1], place, here)
    found = dataset.calls(place)
    assert set(found["call_uid"]) == {row[0] for row in expected["berlin"]}
    assert found["end"].isna().any()


@pytest.mark.parametrize("spoilt", ["good.pcapng", "no_binding_success.pcapng"])
def test_what_kills_its_worker_costs_itself_only(folders, expected, tmp_path, spoilt):
    place = tmp_path / "calls"
    ended = done(folders, place, Here(spoilt))
    unread = [left_out for each in ended for left_out in each.unread]
    assert [(each.path.name, each.reason[:11]) for each in unread] == [(spoilt, "the process")]
    alone = rows(pipeline.run([folders[1] / spoilt], report=False, jobs=1).calls)
    left = [row for row in expected["paris"] if row not in alone]
    assert by_site(place) == {"berlin": expected["berlin"], "paris": left}


def test_files_behind_a_url(folders, expected, tmp_path):
    pytest.importorskip("fsspec")
    place = tmp_path / "calls"
    ended = done([f"file://{folders[0].parent}/[bp]*"], place, Here())
    assert by_site(place) == expected
    assert [each.unread for each in ended if each.unread] == []
    assert set(postproc.load(place, site="paris").captures["path"]) == {
        f"file://{path}" for path in folders[1].iterdir()
    }


@pytest.mark.parametrize("url", ["nothing-known://there/x", "file:///not/there"])
def test_a_url_that_leads_nowhere_is_one_line(url):
    with pytest.raises(SetupError):
        fleet.chains([url], None)


def test_a_folder_whose_name_is_no_sites(folders, tmp_path):
    odd = tmp_path / "a b"
    odd.mkdir()
    shutil.copy(folders[1] / "good.pcapng", odd)
    with pytest.raises(SetupError, match="no name of a site"):
        fleet.chains([str(odd)], None)
    assert [each.site for each in fleet.chains([str(odd)], "berlin")[0]] == ["berlin"]


def test_the_command_tells_what_came_of_it(folders, expected, tmp_path, monkeypatch):
    """Workers of a cluster are in test_cluster.py."""
    monkeypatch.setattr(command, "cluster", lambda _: nullcontext(Here("good.pcapng")))
    place = tmp_path / "calls"
    options = ["--dask", "tcp://127.0.0.1:1", "--dataset", str(place), "--lang", "en", "--fail-on", "error"]
    done = CliRunner().invoke(cli, ["run", *map(str, folders), *options])
    calls = sum(map(len, expected.values())) - 1
    assert (done.exit_code, f"dataset: {calls} calls added, 0 were there" in done.output) == (1, True)
    assert "good.pcapng: the process that read it died" in done.output
    assert by_site(place).keys() == {"berlin", "paris"}
