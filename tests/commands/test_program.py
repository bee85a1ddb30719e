"""--tshark: which tshark a command runs, told to workers and notebooks."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from postproc.cli import cli
from postproc.read.programs import SETTING

# These run none.
WITHOUT = {
    "acl",
    "calls",
    "checklist",
    "config",
    "explain",
    "probe",
    "prune",
    "report",
    "rules",
    "tables",
    "wireshark",
}


@pytest.fixture
def told(tmp_path, monkeypatch) -> Path:
    """A tshark that notes each start, while there is none on PATH."""
    real = shutil.which("tshark")
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "tshark"
    script.write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/started\nexec {real} "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.delenv(SETTING, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "started"


def postproc(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "postproc", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | environment)


def test_every_command_that_runs_tshark_has_the_option():
    wireshark = cli.commands["wireshark"]
    assert isinstance(wireshark, click.Group)
    commands = {name: each for name, each in cli.commands.items() if name not in WITHOUT} | wireshark.commands
    lacking = {name for name, each in commands.items() if SETTING not in str([p.envvar for p in each.params])}
    assert lacking == set()


@pytest.mark.parametrize("jobs", [1, 2])
def test_workers_run_the_tshark_that_is_set(told, pcaps, jobs):
    captures = [pcaps / "made" / "sips_tls.pcapng", pcaps / "acl_488.pcapng"]  # TLS is tshark's
    done = postproc("run", *captures, "-q", "-j", jobs, "--tshark", "bin/tshark")
    assert (done.returncode, done.stderr) == (0, "")
    assert any(" -r " in line for line in told.read_text().splitlines())  # small captures share one


def test_the_environment_sets_it_too_and_the_option_goes_before(told, pcaps):
    mine = str(told.parent / "bin" / "tshark")
    assert postproc("filter", pcaps / "acl_403.pcapng", **{SETTING: mine}).returncode == 0
    assert (
        postproc("filter", pcaps / "acl_403.pcapng", "--tshark", mine, **{SETTING: "/nowhere"}).returncode
        == 0
    )
    done = postproc("filter", pcaps / "acl_403.pcapng", "--tshark", "/nowhere", **{SETTING: mine})
    assert (done.returncode, done.stderr) == (
        2,
        f"postproc: --tshark, or {SETTING}: /nowhere: there is no such file\n",
    )


def test_a_notebooks_kernel_knows_it(told, pcaps):
    done = postproc(
        "notebook",
        pcaps / "made" / "sips_tls.pcapng",
        "--execute",
        "-o",
        told.parent / "a.ipynb",
        "--tshark",
        "bin/tshark",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len([line for line in told.read_text().splitlines() if " -r " in line]) > 1  # once by the kernel


def test_doctor_says_why_it_is_this_one(told):
    done = postproc("doctor", "--tshark", "bin/tshark")
    assert f"({told.parent}/bin/tshark, by --tshark or {SETTING})" in done.stdout


def test_a_mere_name_is_not_looked_for_here(told, monkeypatch):
    monkeypatch.chdir(told.parent / "bin")
    done = postproc("doctor", "--tshark", "tshark")
    assert done.returncode == 2
    assert "the whole path of tshark is needed" in done.stdout
    assert not told.exists()


def test_the_help_names_the_variable():
    assert SETTING in CliRunner().invoke(cli, ["run", "--help"]).stdout
