"""Results are committed atomically: however a run ends, the folder has the old results or the new ones."""

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import orjson
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

import postproc
from postproc import pipeline
from postproc.cli import cli
from postproc.files import commit, lock
from postproc.model.errors import SetupError
from postproc.model.tables import Tables
from postproc.results import Run
from postproc.share import notebooks
from tests import builders
from tests.sample import THOROUGH
from tests.test_cli import postproc as command

STEPS = {"open", "os.rename", "os.mkdir", "os.chmod", "os.truncate"}  # audit events, before the operation
ARMED: list[Callable[[str, Path], None]] = []


def _heard(event: str, args: tuple[object, ...]) -> None:
    if ARMED and event in STEPS and isinstance(args[0], str | Path):
        ARMED[0](event, Path(args[0]))


sys.addaudithook(_heard)


def new_run(run: str, call: int) -> Run:
    """Return a run, identified by the number of its only call."""
    captures = builders.captures({"capture": f"{run}.pcapng", "path": f"/{run}.pcapng", "packets": 7})
    return Run(Tables(captures=captures, calls=builders.calls({"call": call})), id=run * 8)


ROOT = Path(__file__).parent.parent
BOOKS = pipeline.Beside("notebooks", lambda run, out: notebooks.write_all(run, out).lost)
OLD, NEW = new_run("a1b2", 1), new_run("c3d4", 2)


def write(run: Run, out: Path, *, csv: bool = False, report: bool = False, books: bool = True) -> None:
    with lock.held(out):
        commit.recover(out)
        pipeline._write(
            run,
            out,
            pipeline.Wished(csv, report, BOOKS if books else None),
        )


def stored_run(out: Path) -> int:
    """Return which run's results are in the folder."""
    return int(postproc.load(out).calls["call"].iloc[0])


@pytest.fixture
def out(tmp_path):
    """A folder with older results."""
    folder = tmp_path / "out"
    folder.mkdir()
    write(OLD, folder)
    return folder


def call_before(number: int, folder: Path, act: Callable[[], object]) -> None:
    """Call ``act`` just before the nth operation below a folder."""
    left = [number]

    def heard(_: str, path: Path) -> None:
        if path.is_relative_to(folder):
            left[0] -= 1
            if left[0] == 0:
                act()

    ARMED[:] = [heard]


def has_only_results(out: Path) -> bool:
    """Return whether the folder has only finished results."""
    return not [path for path in out.rglob(".*") if path.name != lock.NAME]


def test_every_file_bears_the_id_of_its_run(tmp_path, pcaps):
    command("run", pcaps / "acl_403.pcapng", "-o", tmp_path / "out", "--csv", "-q")
    out = tmp_path / "out"
    summary = orjson.loads((out / "summary.json").read_bytes())
    run = summary["run"]
    assert len(run) == 32
    assert {pq.read_schema(path).metadata[b"legshark.run"] for path in out.glob("tables/*.parquet")} == {
        run.encode()
    }
    assert orjson.loads((out / "findings.json").read_bytes())["run"]["id"] == run
    assert f'<meta name="legshark-run" content="{run}">' in (out / "report.html").read_text("utf-8")
    (book,) = (out / "notebooks").iterdir()
    assert nbformat.read(book, as_version=4).metadata["legshark"]["run"] == run
    files = {path.relative_to(out).as_posix(): path for path in out.glob("*") if path.is_file()}
    files |= {path.relative_to(out).as_posix(): path for path in out.glob("[tn]*/*")}
    assert set(summary["files"]) == set(files) - {".lock", "summary.json"}
    for name, told in summary["files"].items():
        assert told == {"size": files[name].stat().st_size, "sha256": commit._digest_of(files[name])}
    assert postproc.load(out).id == run


@pytest.mark.parametrize(
    "name", ["tables/calls.parquet", "tables/captures.parquet", "summary.json", "findings.json"]
)
@pytest.mark.parametrize("of_a_version_without_ids", [False, True])
def test_files_of_two_runs_are_refused_in_one_line(out, tmp_path, name, of_a_version_without_ids):
    other = tmp_path / "other"
    other.mkdir()
    write(Run(NEW.tables, id="" if of_a_version_without_ids else NEW.id), other)
    shutil.copy(other / name, out / name)
    with pytest.raises(SetupError, match="not all of the same run"):
        postproc.load(out)
    for words in (["report", out], ["annotate", "x.pcapng", "--findings", out]):
        done = CliRunner().invoke(cli, [str(word) for word in words])
        assert (done.exit_code, len(done.stderr.splitlines())) == (2, 1)


def test_results_of_a_version_without_ids_are_loaded(tmp_path):
    write(Run(OLD.tables), tmp_path)
    assert (stored_run(tmp_path), postproc.load(tmp_path).id) == (1, "")


DYING = """
import os, sys
from pathlib import Path
from postproc.files import commit
from tests.test_commit import NEW, call_before, write

for line in sys.stdin:  # fork before threads exist
    child = os.fork()
    if child == 0:
        commit.to_disk = lambda path: None  # slow, and only the process dies here
        call_before(int(line), Path(sys.argv[1]), lambda: os._exit(9))
        write(NEW, Path(sys.argv[1]), csv=True)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


EVERY = [1 if THOROUGH else 9]  # of a few hundred steps


@pytest.mark.parametrize("every", EVERY)
def test_a_death_at_any_step_leaves_the_old_results_or_the_new(out, tmp_path, every):
    kept = shutil.copytree(out, tmp_path / "kept")
    writers = subprocess.Popen(
        [sys.executable, "-c", DYING, str(out)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
    )
    step, seen = 1, []
    while True:
        writers.stdin.write(f"{step}\n")
        status = int(writers.stdout.readline())
        seen.append(stored_run(out))
        if status == 0:
            break
        assert status == 9
        with lock.held(out):
            commit.recover(out)
        assert has_only_results(out) and stored_run(out) == seen[-1], step
        shutil.rmtree(out)
        shutil.copytree(kept, out)
        step += every
    writers.communicate()
    assert step > 50
    assert seen == sorted(seen) and set(seen) == {1, 2}, "one step from the old results to the new ones"


@pytest.mark.parametrize("every", EVERY)
def test_a_disk_that_is_full_at_any_step_is_one_line_and_leaves_old_or_new(out, tmp_path, every, monkeypatch):
    monkeypatch.setattr(commit, "to_disk", lambda _: None)

    came: list[int] = []

    def full() -> None:
        came.append(step)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    kept = shutil.copytree(out, tmp_path / "kept")
    step = 1
    while True:
        call_before(step, out, full)
        try:
            write(NEW, out, csv=True)
        except (SetupError, OSError) as error:
            assert "o space left on device" in str(error)
        finally:
            ARMED.clear()
        before = stored_run(out)
        if step not in came:
            break
        with lock.held(out):
            commit.recover(out)
        assert has_only_results(out) and stored_run(out) == before, step
        shutil.rmtree(out)
        shutil.copytree(kept, out)
        step += every
    assert step > 50


def test_what_an_older_run_wrote_and_the_new_one_does_not_goes_with_the_old_results(out):
    write(OLD, out, csv=True, report=True)
    assert list(out.glob("tables/*.csv")) and (out / "report.html").exists()
    write(NEW, out)
    assert not list(out.glob("tables/*.csv")) and not (out / "report.html").exists()
    assert [path.name for path in out.glob("notebooks/*")] == ["c3d4.pcapng.ipynb"] or [
        path.name for path in out.glob("notebooks/*")
    ] == ["c3d4.ipynb"]


def edit(path: Path) -> None:
    book = nbformat.read(path, as_version=4)
    book.cells[0].source += "\nmy note"
    nbformat.write(book, path)


def test_notebooks_of_earlier_runs_go_but_edited_ones_stay_and_are_named(out):
    (book,) = out.glob("notebooks/*")
    edit(book)
    (out / "notebooks" / "mine.ipynb").write_text('{"cells": [], "metadata": {}}')
    named: list[Path] = []
    with commit.staged(out, NEW.id) as results:
        named.extend(notebooks.write_all(NEW, results).kept)
    assert named == [book]
    assert len(list(out.glob("notebooks/*"))) == 3 and "my note" in book.read_text("utf-8")


@pytest.mark.parametrize("run", [OLD, NEW])
def test_a_notebook_that_is_edited_while_the_run_is_written_stays(out, run):
    """OLD would rewrite it, NEW would remove it."""
    (book,) = out.glob("notebooks/*")
    with commit.staged(out, run.id) as results:
        notebooks.write_all(run, results)
        edit(book)
    assert "my note" in book.read_text("utf-8")


def test_a_second_run_into_a_folder_is_told_who_is_in_there(out, pcaps):
    with lock.held(out):
        done = command("run", pcaps / "acl_403.pcapng", "-o", out)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"another run (process {os.getpid()} on " in done.stderr
    assert stored_run(out) == 1


def test_a_report_is_not_written_among_results_that_are_about_to_change(out):
    with lock.held(out):
        done = CliRunner().invoke(cli, ["report", str(out)])
        elsewhere = CliRunner().invoke(cli, ["report", str(out), "-o", str(out.parent / "r.html")])
    assert (done.exit_code, elsewhere.exit_code) == (2, 0)
    assert "another run (process" in done.stderr


def test_the_lock_of_a_dead_run_holds_nobody_up(out):
    holder = [
        sys.executable,
        "-c",
        f"""
from pathlib import Path
from postproc.files import lock
with lock.held(Path({str(out)!r})):
    print("in", flush=True)
    input()
""",
    ]
    process = subprocess.Popen(holder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    process.stdout.readline()
    with pytest.raises(SetupError, match=f"process {process.pid}"), lock.held(out):
        pass
    process.kill()
    process.communicate()
    write(NEW, out)
    assert stored_run(out) == 2


def test_nothing_is_written_through_links_out_of_the_folder(out, tmp_path):
    """The output folder may have come with someone else's captures."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.rmtree(out / "tables")
    (out / "tables").symlink_to(elsewhere)
    with pytest.raises(SetupError, match="tables: a link"):
        write(NEW, out)
    assert not list(elsewhere.iterdir())
    assert has_only_results(out)


def test_an_order_of_a_stranger_moves_and_removes_nothing_else(out, tmp_path):
    precious = tmp_path / "precious.json"
    precious.write_text("{}")
    ready = out / ".ready-x"
    (ready / "notebooks").mkdir(parents=True)
    names = ["../precious.json", str(precious), "notebooks/../../precious.json"]
    (ready / "order.json").write_bytes(orjson.dumps({"goes": names, "known": {}}))
    (ready / "notebooks" / "evil.sh").write_text("")
    (ready / "calls.json").symlink_to(precious)
    with lock.held(out):
        commit.recover(out)
    assert precious.exists() and has_only_results(out) and stored_run(out) == 1
    assert not (out / "notebooks" / "evil.sh").exists() and not (out / "calls.json").exists()


def test_a_pipe_among_results_is_not_waited_for(out):
    (out / "summary.json").unlink()
    os.mkfifo(out / "summary.json")
    with pytest.raises(SetupError, match="not a regular file"):
        postproc.load(out)


@pytest.mark.skipif(sys.platform == "win32", reason="no such permissions")
def test_results_are_their_owners_alone_whatever_the_umask(tmp_path, pcaps):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o755)
    for out in (tmp_path / "new", shared):
        command("run", pcaps / "acl_403.pcapng", "-o", out, "--csv", "-q")
        modes = {path.name: path.stat().st_mode & 0o777 for path in out.rglob("*") if path.is_file()}
        assert set(modes.values()) == {0o600}, modes
        assert {path.stat().st_mode & 0o777 for path in out.rglob("*") if path.is_dir()} == {0o700}
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    assert shared.stat().st_mode & 0o777 == 0o755
