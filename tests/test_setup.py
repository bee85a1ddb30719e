"""scripts/setup on a machine that lacks programs, with stand-ins for the system's."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SETUP = ROOT / "scripts" / "setup"


@pytest.fixture
def machine(tmp_path):
    """A PATH with only what a test puts there and what a shell needs."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for needed in ("sh", "env", "find", "head", "rm", "touch"):
        (programs / needed).symlink_to(
            next(p for p in (Path("/usr/bin"), Path("/bin")) if (p / needed).exists()) / needed
        )

    def put(name: str, script: str = "exit 0") -> None:
        (programs / name).write_text(f'#!/bin/sh\necho "{name} $*" >>{tmp_path}/log\n{script}\n')
        (programs / name).chmod(0o755)

    return put


def setup(tmp_path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", str(SETUP), *words],
        cwd=tmp_path,
        env={"PATH": f"{tmp_path}/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


def log(tmp_path) -> list[str]:
    path = tmp_path / "log"
    return path.read_text().splitlines() if path.exists() else []


def test_tshark_that_is_there_is_left_alone(tmp_path, machine):
    machine("tshark")
    machine("apt-get")
    assert setup(tmp_path, "tshark").returncode == 0
    assert log(tmp_path) == []


def test_a_missing_tshark_is_installed_by_apt_without_questions(tmp_path, machine):
    machine("id", "echo 0")
    machine("apt-get", f'echo "frontend $DEBIAN_FRONTEND" >>{tmp_path}/log')
    done = setup(tmp_path, "tshark")
    assert done.returncode == 0
    installs = [line for line in log(tmp_path) if " install " in line]
    assert installs[0].endswith("install -y --no-install-recommends tshark")
    assert "frontend noninteractive" in log(tmp_path)


def test_lists_are_renewed_when_the_first_try_fails(tmp_path, machine):
    machine("id", "echo 0")
    machine("apt-get", f'case "$*" in *update*) : >{tmp_path}/new;; *) [ -e {tmp_path}/new ];; esac')
    assert setup(tmp_path, "tshark").returncode == 0
    assert any(line.endswith(" update") for line in log(tmp_path))


@pytest.mark.parametrize(
    ("manager", "advice"),
    [("apt-get", "as root: apt-get install tshark"), ("dnf", "as root: dnf install wireshark-cli")],
)
def test_without_root_the_command_to_run_is_said(tmp_path, machine, manager, advice):
    machine("id", "echo 1000")
    machine(manager)
    done = setup(tmp_path, "tshark")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"setup: could not install tshark; {advice}"
    assert not any(line.startswith(manager) for line in log(tmp_path))


def test_sudo_is_used_where_it_asks_nothing(tmp_path, machine):
    machine("id", "echo 1000")
    machine("sudo", '[ "$1" = -n ] && exit 0; exec "$@"')
    machine("dnf")
    assert setup(tmp_path, "tshark").returncode == 0
    assert "dnf -y install wireshark-cli" in log(tmp_path)


def test_without_a_package_manager_it_is_said_what_to_install(tmp_path, machine):
    machine("id", "echo 0")
    done = setup(tmp_path, "tshark")
    assert done.returncode == 1
    assert "install Wireshark from your system's packages or wireshark.org" in done.stderr


def test_lua_is_installed_if_there_is_none_also_the_one_of_old_wiresharks(tmp_path, machine):
    machine("id", "echo 0")
    machine("apt-get")
    assert setup(tmp_path, "lua").returncode == 0
    installs = [line.rpartition(" ")[2] for line in log(tmp_path) if " install " in line]
    assert installs == ["lua5.4", "lua5.2"]


def test_where_the_old_lua_is_no_more_the_new_one_will_do(tmp_path, machine):
    machine("id", "echo 0")
    machine("apt-get", 'case "$*" in *lua5.2) exit 100;; esac')
    done = setup(tmp_path, "lua")
    assert (done.returncode, "skipped" in done.stderr) == (0, False)


def test_a_lua_that_is_there_is_left_alone(tmp_path, machine):
    machine("lua5.4")
    machine("apt-get")
    assert setup(tmp_path, "lua").returncode == 0
    assert log(tmp_path) == []


@pytest.mark.parametrize("manager", ["apt-get", "dnf", "none"])
def test_without_lua_the_tests_go_on_and_it_is_said(tmp_path, machine, manager):
    machine("id", "echo 1000")
    machine(manager)
    done = setup(tmp_path, "lua")
    assert done.returncode == 0
    assert "tests of the plug-in's modules are skipped" in done.stderr.splitlines()[-1]


def test_a_browser_with_its_driver_is_installed_if_there_is_none(tmp_path, machine):
    machine("id", "echo 0")
    machine("apt-get")
    assert setup(tmp_path, "browser").returncode == 0
    assert any(line.endswith("--no-install-recommends chromium chromium-driver") for line in log(tmp_path))


def test_a_browser_that_is_there_is_left_alone(tmp_path, machine):
    machine("chromedriver")
    machine("apt-get")
    assert setup(tmp_path, "browser").returncode == 0
    assert log(tmp_path) == []


@pytest.mark.parametrize("manager", ["apt-get", "dnf", "none"])
def test_without_a_browser_the_tests_go_on_and_it_is_said(tmp_path, machine, manager):
    machine("id", "echo 1000")
    machine(manager)
    done = setup(tmp_path, "browser")
    assert done.returncode == 0
    assert "tests in a browser are skipped" in done.stderr.splitlines()[-1]


def test_without_python_it_is_said(tmp_path, machine):
    machine("id", "echo 0")
    done = setup(tmp_path, "python", ".")
    assert done.stderr == "setup: python3 not found: install Python 3.11 or later\n"


def test_an_old_python_is_named(tmp_path, machine):
    machine("python3", 'case "$*" in -V) echo Python 3.9.2;; *) exit 1;; esac')
    done = setup(tmp_path, "python", ".")
    assert done.returncode == 1
    assert "Python 3.9.2 is too old: 3.11 or later is needed" in done.stderr


PYTHON = """case "$*" in
*version_info\\ *) exit 0;;
*ensurepip*) [ -e {folder}/has-venv ];;
*python%d.%d-venv*) echo python3.11-venv;;
"-m venv .venv")
    mkdir -p .venv/bin
    printf '#!/bin/sh\\necho "venv-python $*" >>{folder}/log' >.venv/bin/python
    chmod +x .venv/bin/python;;
*) exit 1;;
esac"""


@pytest.fixture
def python_without_venv(tmp_path, machine):
    for program in ("mkdir", "chmod"):
        (tmp_path / "bin" / program).symlink_to(f"/bin/{program}")
    machine("python3", PYTHON.format(folder=tmp_path))


@pytest.mark.usefixtures("python_without_venv")
def test_the_package_that_makes_environments_is_installed_when_missing(tmp_path, machine):
    machine("id", "echo 0")
    machine("apt-get", f": >{tmp_path}/has-venv")
    done = setup(tmp_path, "python", ".[dev]")
    assert (done.returncode, done.stderr) == (0, "")
    assert any(line.endswith("install -y --no-install-recommends python3.11-venv") for line in log(tmp_path))
    assert log(tmp_path)[-1].endswith("-c constraints.txt -e .[dev]")


@pytest.mark.usefixtures("python_without_venv")
def test_where_it_cannot_be_installed_the_command_is_said(tmp_path, machine):
    machine("id", "echo 1000")
    machine("apt-get")
    done = setup(tmp_path, "python", ".")
    assert done.returncode == 1
    assert "as root: apt-get install python3.11-venv" in done.stderr


@pytest.mark.usefixtures("python_without_venv")
def test_an_environment_that_is_there_is_kept(tmp_path, machine):
    machine("id", "echo 0")
    (tmp_path / "has-venv").touch()
    setup(tmp_path, "python", ".")
    before = (tmp_path / ".venv").stat().st_ino
    assert setup(tmp_path, "python", ".").returncode == 0
    assert (tmp_path / ".venv").stat().st_ino == before


def test_a_wrong_word_is_answered_with_the_usage(tmp_path, machine):
    machine("id")
    assert (
        setup(tmp_path, "what").stderr
        == "setup: usage: scripts/setup tshark | lua | browser | gui | python WHAT\n"
    )


def make(target: str, *more: str) -> str:
    done = subprocess.run(
        ["make", "-n", target, *more],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ),
    )
    return done.stdout


def test_make_runs_and_tests_what_the_readme_promises():
    assert ".venv/bin/postproc run pcaps/" in make("run")
    for step in (
        "ruff check",
        "ruff format --check",
        "mypy",
        "lint-imports",
        'pytest -n auto --dist loadfile -m "not slow"',
    ):
        assert f".venv/bin/{step}" in make("test")
    assert "-m slow" in make("test-all")
    assert '-m "not slow"' in make("test-all")
    assert "bench/run.py" in make("bench")


def test_ci_runs_all_tests():
    assert "make -C" in (ROOT / ".ci" / "run").read_text()
    assert "test-all" in (ROOT / ".ci" / "run").read_text()
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


DESKTOP = ("wireshark", "Xvfb", "xdotool", "xclip", "tesseract", "debootstrap")


def test_what_the_desktop_tests_need_is_installed_where_it_is_missing(tmp_path, machine):
    for program in set(DESKTOP) - {"xclip", "tesseract"}:
        machine(program)
    machine("id", "echo 0")
    machine("apt-get")
    assert setup(tmp_path, "gui").returncode == 0
    installs = [line for line in log(tmp_path) if " install " in line]
    assert installs[0].endswith("install -y --no-install-recommends xclip tesseract-ocr")


def test_nothing_is_installed_for_the_desktop_where_all_is_there(tmp_path, machine):
    for program in (*DESKTOP, "apt-get"):
        machine(program)
    assert setup(tmp_path, "gui").returncode == 0
    assert log(tmp_path) == []


def test_without_a_package_manager_the_desktop_tests_are_skipped_not_failed(tmp_path, machine):
    for program in set(DESKTOP) - {"xclip"}:
        machine(program)
    done = setup(tmp_path, "gui")
    assert done.returncode == 0
    assert done.stderr.splitlines()[-1].startswith("setup: could not install xclip")
