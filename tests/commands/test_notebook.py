"""``postproc notebook``, and the notebooks of ``postproc run``."""

import shutil
import subprocess
import sys

import nbformat
import pandas as pd
import pytest
from click.testing import CliRunner

from postproc.cli import cli
from postproc.share import notebooks


def invoke(*arguments):
    return CliRunner().invoke(cli, [*map(str, arguments), "--lang", "en"])


@pytest.fixture
def here(pcaps, tmp_path, monkeypatch):
    """A folder with one capture, which is the current one."""
    shutil.copy(pcaps / "acl_403.pcapng", tmp_path / "a.pcapng")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def loading(path):
    return nbformat.read(path, as_version=4).cells[1].source


def test_it_writes_a_notebook_named_after_the_capture(here):
    done = invoke("notebook", "a.pcapng")
    assert (done.exit_code, done.stdout) == (0, "a.ipynb\n")
    assert "run = postproc.analyze(CAPTURE)" in loading(here / "a.ipynb")
    assert "Path('a.pcapng')" in loading(here / "a.ipynb")


def test_run_writes_one_per_capture_and_notebook_loads_its_results(here):
    assert invoke("run", "a.pcapng", "-q").exit_code == 0
    assert [path.name for path in (here / "postproc-out" / "notebooks").iterdir()] == ["a.ipynb"]
    assert invoke("notebook", "a.pcapng", "-o", "sub/b.ipynb").exit_code == 0
    assert "load(Path('../postproc-out')).capture('a.pcapng')" in loading(here / "sub" / "b.ipynb")


def test_results_of_another_capture_or_language_are_not_loaded(here, pcaps):
    assert invoke("run", "a.pcapng", "-q", "--no-report").exit_code == 0
    shutil.copy(pcaps / "acl_488.pcapng", here / "a.pcapng")
    assert invoke("notebook", "a.pcapng").exit_code == 0
    assert "load" not in loading(here / "a.ipynb")
    shutil.copy(pcaps / "acl_403.pcapng", here / "a.pcapng")
    assert CliRunner().invoke(cli, ["notebook", "a.pcapng", "--lang", "de"]).exit_code == 0
    assert "load" not in loading(here / "a.ipynb")
    assert "lang='de'" in loading(here / "a.ipynb")
    assert "Anruf" in nbformat.read(here / "a.ipynb", as_version=4).cells[0].source


def test_a_log_is_analysed_with_and_named(here, pcaps):
    shutil.copy(pcaps / "acl_403.freeswitch.log", here / "fs.log")
    assert invoke("notebook", "a.pcapng", "--fs-log", "fs.log").exit_code == 0
    assert "fs_logs=['fs.log']" in loading(here / "a.ipynb")
    text = "\n".join(cell.source for cell in nbformat.read(here / "a.ipynb", as_version=4).cells)
    assert "xphone&#95;servers" in text, "the headline is that of the log"


def test_an_edited_notebook_is_not_overwritten(here):
    (here / "a.ipynb").write_text("{}")
    done = invoke("notebook", "a.pcapng")
    assert done.exit_code == 2
    assert (
        done.stderr == "postproc: a.ipynb: somebody has edited it; remove it, or name another file with -o\n"
    )
    assert (here / "a.ipynb").read_text() == "{}"


def test_run_says_which_notebooks_it_left_alone(here):
    folder = here / "postproc-out" / "notebooks"
    folder.mkdir(parents=True)
    (folder / "a.ipynb").write_text("mine")
    done = invoke("run", "a.pcapng")
    assert "somebody has edited it, so it is not renewed" in done.stdout
    assert (folder / "a.ipynb").read_text() == "mine"


@pytest.mark.parametrize(("name", "says"), [("gone.pcapng", "gone.pcapng"), ("text.pcap", "text.pcap")])
def test_what_cannot_be_read_is_told_in_one_line(here, name, says):
    (here / "text.pcap").write_text("no capture")
    done = invoke("notebook", name)
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
    assert says in done.stderr
    assert not list(here.glob("*.ipynb"))


def test_execute_says_beforehand_what_is_missing(here, monkeypatch):
    monkeypatch.setattr("postproc.share.notebooks.find_spec", lambda _: None)
    done = invoke("notebook", "a.pcapng", "--execute")
    assert done.exit_code == 2
    assert "pip install 'legshark[notebook]'" in done.stderr
    assert not list(here.glob("*.ipynb"))


@pytest.mark.slow
def test_execute_fills_in_the_outputs(here):
    done = invoke("notebook", "a.pcapng", "--execute")
    assert done.exit_code == 0, done.stderr
    cells = [cell for cell in nbformat.read(here / "a.ipynb", as_version=4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert any("image/svg+xml" in output.get("data", {}) for cell in cells for output in cell.outputs)


def imported(folder, *options):
    """Which of the heavy packages a run in that folder imports."""
    code = (
        "import sys; from postproc.cli import cli; cli(['run', 'a.pcapng', '-q', *sys.argv[1:]], "
        "standalone_mode=False); print(*{name.partition('.')[0] for name in sys.modules})"
    )
    command = [sys.executable, "-c", code, *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return set(done.stdout.split()) & {"nbformat", "jinja2", "matplotlib", "nbclient", "ipykernel", "IPython"}


def test_a_run_imports_what_it_writes_with_and_no_more(here):
    assert imported(here, "--no-report") == set()
    assert not (here / "postproc-out" / "notebooks").exists()
    assert {"nbformat"} <= imported(here) <= {"nbformat", "jinja2"}
    assert (here / "postproc-out" / "notebooks" / "a.ipynb").exists()


@pytest.mark.slow
def test_notebooks_of_a_run_over_all_captures_execute(pcaps, tmp_path):
    """With ``all`` there is one for every capture; each fortieth is executed, which takes seconds apiece."""
    assert invoke("run", pcaps, "-o", tmp_path / "out", "-q", "--notebooks", "all").exit_code == 0
    found = sorted((tmp_path / "out" / "notebooks").glob("*.ipynb"))
    assert len(found) == len(pd.read_parquet(tmp_path / "out" / "tables" / "captures.parquet"))
    for path in found[::40]:
        notebooks.execute(path)
        cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
        assert all(cell.execution_count for cell in cells), path.name
