"""Imports of a command: quick, and nothing left changed that matters later."""

import gc
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from postproc import workers
from postproc.cli import cli
from postproc.memory import quick_imports
from tests.conftest import PCAPS

THREADS = "OPENBLAS_NUM_THREADS"


def test_garbage_is_not_looked_for_inside_but_afterwards(monkeypatch):
    monkeypatch.delenv(THREADS, raising=False)
    with quick_imports():
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0
    gc.unfreeze()


def test_garbage_is_looked_for_again_after_an_error(monkeypatch):
    monkeypatch.delenv(THREADS, raising=False)
    with pytest.raises(ImportError), quick_imports():
        raise ImportError
    assert gc.isenabled()
    gc.unfreeze()


@pytest.mark.parametrize(("before", "inside"), [(None, "1"), ("8", "8")])
def test_who_has_set_the_number_of_threads_keeps_it(monkeypatch, before, inside):
    monkeypatch.setenv(THREADS, before or "")
    if before is None:
        monkeypatch.delenv(THREADS)
    with quick_imports():
        assert os.environ[THREADS] == inside
    gc.unfreeze()


HEAVY = {
    "asyncio",
    "dask",
    "jinja2",
    "lxml",
    "matplotlib",
    "nbformat",
    "numpy",
    "orjson",
    "pandas",
    "phonenumbers",
    "postproc.correlate",
    "postproc.diagnose",
    "pyarrow",
    "pyshark",
    "regex",
    "rich",
}
TABLES = {"numpy", "orjson", "pandas", "pyarrow"}
PRINTED = TABLES | {"regex", "rich"}  # deployment files have regular expressions
STAGES = {"postproc.correlate", "postproc.diagnose"}


def heavy_modules(*words: object) -> set[str]:
    """The large modules that a command has loaded when it is done."""
    code = (
        "import sys\nfrom postproc.cli import cli\ntry:\n cli(sys.argv[1:])\nfinally:\n print(*sys.modules)"
    )
    command = [sys.executable, "-c", code, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return HEAVY & set(done.stdout.splitlines()[-1].split())


def test_the_version_and_help_load_nothing_heavy():
    assert heavy_modules("--version") == set()
    assert heavy_modules("run", "--help") == set()


def test_rules_load_what_judges_only():
    assert heavy_modules("rules") == PRINTED | {"postproc.diagnose"}


def test_a_run_loads_what_it_needs(tmp_path):
    """pyshark, which is for single frames, never; jinja2 and nbformat only for what is written with them."""
    words = ["run", PCAPS / "made" / "busy_486.pcapng", "-o", tmp_path / "out", "-j", 1]
    assert heavy_modules(*words, "--no-report") == PRINTED | STAGES
    assert heavy_modules(*words) == PRINTED | STAGES | {"jinja2"}  # read before; no notebook is due
    assert heavy_modules(*words) == PRINTED  # nothing has changed
    assert heavy_modules(*words, "--notebooks", "all") == PRINTED | STAGES | {"jinja2", "nbformat"}


def test_processes_are_prepared_where_several_captures_are_read_for_the_first_time(tmp_path, monkeypatch):
    prepared = []
    monkeypatch.setattr(workers, "get_ready", lambda: prepared.append(None))
    several = [PCAPS / "made" / name for name in ("busy_486.pcapng", "cancelled_487.pcapng")]

    def run(*words: object) -> int:
        prepared.clear()
        done = CliRunner().invoke(cli, ["run", *map(str, words), "--no-report", "-q"])
        assert done.exit_code == 0
        return len(prepared)

    assert run(several[0], "-j", 2, "-o", tmp_path / "one") == 0
    assert run(*several, "-j", 1, "-o", tmp_path / "two") == 0
    assert run(*several, "-j", 2, "-o", tmp_path / "two") == 0  # results as they are may do
    assert run(*several, "-j", 2, "-o", tmp_path / "new") == 1
