"""Notebooks as files: one per capture, never over somebody's work, and they run."""

import shutil
import sys
from pathlib import Path

import nbformat
import pytest

import postproc
from postproc.files import commit
from postproc.model.errors import SetupError
from postproc.model.tables import Tables
from postproc.results import Run
from postproc.share import notebooks
from tests import builders as t
from tests.test_hostile import sip_packet

EVIL_NAME = "\"]); import os; os.system('touch pwned') #<img src=x onerror=alert(1)>$x$\x1b[31m\n.pcap"


def captured(*names):
    rows = t.captures(*({"capture": name, "path": f"/pcaps/{name}", "packets": 5} for name in names))
    return Run(Tables(captures=rows))


def names(*captures):
    return [path.name for path in notebooks.targets(captured(*captures), FOLDER).values()]


FOLDER = Path("notebooks")


def analysed(folder, pcaps):
    """A capture and the results of a run beside it."""
    shutil.copy(pcaps / "acl_403.pcapng", folder / "a.pcapng")
    return postproc.analyze(folder / "a.pcapng", folder / "out")


@pytest.fixture(scope="module")
def once(pcaps, tmp_path_factory):
    return analysed(tmp_path_factory.mktemp("stored"), pcaps)


@pytest.fixture
def stored(once):
    """The run, as yet without notebooks."""
    folder = once.out / "notebooks"
    if folder.is_dir():
        shutil.rmtree(folder)
    folder.unlink(missing_ok=True)
    return once


def outputs(path):
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in cells)
    return cells


def write_all(run: Run) -> notebooks.Written:
    """The notebooks of a run, written and in their places."""
    with commit.staged(run.out, "12ab") as results:
        return notebooks.write_all(run, results)


def test_a_notebook_is_named_after_its_capture():
    assert names("a.pcapng", "made/b.pcapng.gz") == ["a.ipynb", "b.pcapng.ipynb"]


def test_captures_of_one_name_are_told_apart():
    assert names("x/a.pcap", "y/A.pcap") == ["x-a.pcap.ipynb", "y-A.pcap.ipynb"]
    assert names("a b.pcap", "a_b.pcap", "a:b.pcap") == [
        "a_b.pcap.ipynb",
        "a_b-2.pcap.ipynb",
        "a_b-3.pcap.ipynb",
    ]


def test_names_of_strangers_become_plain_file_names():
    assert names("../../etc/passwd", EVIL_NAME) == ["passwd.ipynb", names(EVIL_NAME)[0]]
    assert not set(names(EVIL_NAME)[0]) & set("/\\\"'$<>\n\x1b #;()")


def test_copies_of_a_capture_get_none():
    rows = t.captures({"capture": "a.pcap", "packets": 5}, {"capture": "copy.pcap"})
    assert list(notebooks.targets(Run(Tables(captures=rows)), FOLDER)) == ["a.pcap"]


def test_what_was_edited_stays_and_the_rest_is_renewed(stored):
    (path,) = write_all(stored).paths
    first = path.read_bytes()
    assert write_all(stored) == notebooks.Written((path,), ())
    assert path.read_bytes() == first
    held = nbformat.read(path, as_version=4)
    held.cells[0].source += "\nmy note"
    nbformat.write(held, path)
    assert write_all(stored) == notebooks.Written((), (path,))
    assert "my note" in path.read_text(encoding="utf-8")
    with pytest.raises(SetupError, match="somebody has edited it"):
        notebooks.need_unedited(path)


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}']
)
def test_another_file_of_that_name_stays(stored, text):
    path = stored.out / "notebooks" / "a.ipynb"
    path.parent.mkdir()
    path.write_text(text)
    assert write_all(stored).kept == (path,)
    assert path.read_text() == text


def test_paths_are_relative_so_that_all_can_be_moved_together(stored):
    (path,) = write_all(stored).paths
    loading = nbformat.read(path, as_version=4).cells[1].source
    assert "Path('../../a.pcapng')" in loading
    assert "load(Path('..'))" in loading


def test_a_folder_that_cannot_be_made_is_told_in_one_line(stored):
    (stored.out / "notebooks").write_text("a file")
    with pytest.raises(FileExistsError, match="notebooks"):
        write_all(stored)


def test_without_nbclient_it_is_said_what_to_install(stored, monkeypatch):
    monkeypatch.setattr(notebooks, "find_spec", lambda name: None if name == "ipykernel" else object())
    (path,) = write_all(stored).paths
    with pytest.raises(SetupError, match=r"pip install 'legshark\[notebook\]'"):
        notebooks.execute(path)


@pytest.mark.slow
def test_a_notebook_runs_from_results_and_when_these_are_gone_from_the_capture(pcaps, tmp_path):
    stored = analysed(tmp_path, pcaps)
    (path,) = write_all(stored).paths
    notebooks.execute(path)
    shown = str(outputs(path))
    assert "403 Forbidden" in shown
    assert write_all(stored).paths == (path,), "outputs are no edit"
    shutil.rmtree(stored.out / "tables")
    notebooks.execute(path)
    assert "403 Forbidden" in str(outputs(path))
    (tmp_path / "a.pcapng").unlink()
    with pytest.raises(SetupError, match=r"a cell failed: FileNotFoundError: .*a\.pcapng"):
        notebooks.execute(path)


@pytest.mark.slow
def test_a_capture_without_calls_has_a_notebook_that_runs(pcaps, tmp_path):
    content = (pcaps / "good.pcapng").read_bytes()
    (tmp_path / "none.pcapng").write_bytes(content[:1000])
    run = postproc.analyze(tmp_path / "none.pcapng", tmp_path / "out")
    assert run.calls.empty
    (path,) = write_all(run).paths
    notebooks.execute(path)
    assert outputs(path)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no such file names")
def test_a_hostile_capture_has_a_harmless_notebook_that_runs(tmp_path):
    packet = sip_packet()
    header = bytes.fromhex("d4c3b2a1020004000000000000000000ffff000065000000")
    record = b"".join(number.to_bytes(4, "little") for number in (1_700_000_000, 0, len(packet), len(packet)))
    (tmp_path / EVIL_NAME).write_bytes(header + record + packet)
    run = postproc.analyze(tmp_path, tmp_path / "out")
    assert len(run.calls) == 1
    (path,) = write_all(run).paths
    notebooks.execute(path)
    assert not [found for found in tmp_path.rglob("*") if found.name.startswith("pwned")]
    assert "\u202e" not in str([cell.source for cell in nbformat.read(path, as_version=4).cells])
    shown = [output["data"] for cell in outputs(path) for output in cell.outputs if "data" in output]
    pages = [each.get("text/html", "") + each.get("image/svg+xml", "") for each in shown]
    assert any("HYPERLINK" in page for page in pages)
    assert not [page for page in pages if "<img" in page]
