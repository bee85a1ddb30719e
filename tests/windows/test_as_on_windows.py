"""Commands on a machine that lacks what Windows lacks and refuses what it refuses: sitecustomize.py."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SIGNS = "Müller & Söhne (c) €"  # in the folder's name: not all of them are in cp850


class Machine:
    """A console of cp850, as German Windows has it, in a folder of a long name with signs beside ASCII."""

    def __init__(self, folder: Path, pcaps: Path) -> None:
        self.refused = folder / "refused"
        self.folder = folder / SIGNS / ("langer Ordner " * 14 + "x")
        self.folder.mkdir(parents=True)
        self.out = self.folder / "Ergebnisse"
        for name in ("two_calls", "dtls_fail"):
            shutil.copy(pcaps / f"{name}.pcapng", self.folder)

    def python(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {
            "AS_ON_WINDOWS": "1",
            "REFUSED_FILES": str(self.refused),
            "PYTHONPATH": str(HERE),
            "PYTHONIOENCODING": "cp850",
            "POSTPROC_CACHE": str(self.folder / "cache"),
        }
        command = [sys.executable, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, check=False, env=environment, encoding="cp850")

    def postproc(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        done = self.python("-m", "postproc", *arguments)
        assert "Traceback" not in done.stderr, done.stderr
        return done


@pytest.fixture
def machine(tmp_path: Path, pcaps: Path) -> Machine:
    return Machine(tmp_path, pcaps)


def test_the_machine_refuses_what_windows_refuses(machine: Machine) -> None:
    held = machine.folder / "held"
    held.touch()
    script = "import os, sys\nwith open(sys.argv[1]): os.{}(*sys.argv[1:])"
    assert "ModuleNotFoundError" in machine.python("-c", "import fcntl").stderr
    for call, arguments in (("remove", [held]), ("replace", [held, f"{held}.new"]), ("rename", [held, held])):
        refused = machine.python("-c", script.format(call), *arguments)
        assert "PermissionError" in refused.stderr
    assert machine.refused.read_text().count("held") == 3


@pytest.mark.slow
def test_commands_replace_and_remove_nothing_that_is_open(machine: Machine) -> None:
    run = machine.postproc("run", machine.folder, "-o", machine.out, "--lang", "de", "-j", "2", "--csv")
    assert run.returncode == 0, run.stderr
    assert "Anrufer" in run.stdout
    again = machine.postproc("run", machine.folder, "-o", machine.out, "-j", "2", "--no-report")
    assert again.returncode == 0, again.stderr
    for command in (
        ("export", machine.out, "--call", "1", "-o", machine.folder / "ein.pcapng"),
        ("annotate", machine.folder / "dtls_fail.pcapng", "-o", machine.folder / "kommentiert.pcapng"),
        ("filter", machine.out),
    ):
        done = machine.postproc(*command)
        assert done.returncode == 0, (command, done.stderr)
    assert not machine.refused.exists(), machine.refused.read_text()


@pytest.mark.slow
def test_a_result_that_another_program_holds_is_one_line_and_mended_by_the_next_run(machine: Machine) -> None:
    capture = machine.folder / "two_calls.pcapng"
    assert machine.postproc("run", capture, "-o", machine.out, "--csv").returncode == 0
    table = machine.out / "tables" / "calls.csv"
    with table.open(encoding="utf-8"):  # as a spreadsheet does
        stopped = machine.postproc("run", machine.folder, "-o", machine.out, "--csv", "-q")
    assert stopped.returncode == 2
    assert "calls.csv" in stopped.stderr
    assert len(stopped.stderr.strip().splitlines()) <= 2
    assert machine.postproc("run", machine.folder, "-o", machine.out, "--csv", "-q").returncode == 0
    assert len(table.read_text(encoding="utf-8").splitlines()) == 4
    assert sorted(each.name for each in machine.out.glob(".r*")) == []
