"""The example of a systemd unit: what it runs is a command that the program has."""

import configparser
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from postproc.commands.watch import watch_command

UNIT = Path(__file__).parents[2] / "docs" / "watch.service"


@pytest.fixture
def service() -> configparser.SectionProxy:
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(UNIT)
    assert unit.sections() == ["Unit", "Service", "Install"]
    return unit["Service"]


def test_its_command_is_one_of_ours(service):
    program, command, *arguments = shlex.split(service["ExecStart"])
    assert (Path(program).name, command) == ("postproc", "watch")
    given = watch_command.make_context("watch", arguments).params
    assert (given["interfaces"], given["ring"], given["metrics"]) == (("eth0",), 4096, 9464)


def test_what_it_writes_is_where_it_may_write(service):
    state = f"/var/lib/{service['StateDirectory']}"
    given = watch_command.make_context("watch", shlex.split(service["ExecStart"])[2:]).params
    assert given["dataset"].is_relative_to(state)
    assert service["Environment"] == f"TMPDIR={state}"


def test_dumpcap_may_capture_in_it(service):
    """What keeps privileges from growing takes the capabilities of its file away (systemd.exec)."""
    keeping = ("nonewprivileges", "systemcall", "restrict", "private", "protect", "lock", "memorydeny")
    harmless = {"protectsystem", "protecthome", "privatetmp"}
    assert {key.lower() for key in service if key.lower().startswith(keeping)} == harmless
    assert "CAP_NET_RAW" in service["CapabilityBoundingSet"].split()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_takes_it(tmp_path):
    unit = tmp_path / "legshark-watch.service"
    text = UNIT.read_text(encoding="utf-8").replace("/usr/local/bin/postproc", "/bin/true")
    unit.write_text(text, encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert "legshark-watch.service:" not in done.stderr
