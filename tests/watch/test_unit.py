"""The examples of a systemd unit and a container: what they run are commands that the program has."""

import configparser
import json
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from postproc.commands.watch import watch_command

UNIT = Path(__file__).parents[2] / "docs" / "watch.service"
CONTAINER = UNIT.with_name("Containerfile")


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


def container() -> list[tuple[str, str]]:
    """Instructions of the example of a container, and what follows each."""
    text = CONTAINER.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


def test_the_container_runs_a_command_of_ours(tmp_path):
    """A builder of containers looks at the rest."""
    found = dict(container())
    assert [name for name, _ in container()][-3:] == ["USER", "ENTRYPOINT", "CMD"]
    program, command, folder, *arguments = json.loads(found["ENTRYPOINT"]) + json.loads(found["CMD"])
    given = watch_command.make_context(command, [str(tmp_path), *arguments]).params
    assert (program, command, folder, found["USER"]) == ("postproc", "watch", "/ring", "legshark")
    assert f"install -d -o legshark {given['dataset']}" in container()[1][1]


def test_what_the_container_installs_is_in_the_repository():
    top = CONTAINER.parents[1]
    copied = [path for name, rest in container() if name == "COPY" for path in rest.split()[:-1]]
    assert all((top / path).exists() for path in copied)
    project_file = tomllib.loads((top / "pyproject.toml").read_text(encoding="utf-8"))
    project = project_file["project"]
    extras = (
        next(rest for name, rest in container() if rest.startswith("pip")).partition("[")[2].partition("]")[0]
    )
    assert set(extras.split(",")) <= project["optional-dependencies"].keys()
    hook = project_file["tool"]["hatch"]["metadata"]["hooks"]["custom"][
        "path"
    ]  # makes the package's page of README
    assert {"README.md", *project["license-files"], "pyproject.toml", "constraints.txt", hook} <= set(copied)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("podman") is None, reason="no builder here")
def test_the_container_can_be_built():
    command = ["podman", "build", "-q", "-f", str(CONTAINER), str(CONTAINER.parents[1])]
    subprocess.run(command, check=True, timeout=900)
