"""``postproc wireshark`` with the real tshark, in homes of its own."""

import os
import shlex
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from postproc.cli import cli
from tests.plugins.bundle import PROFILE
from tests.plugins.dissected import PLUGIN


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "WIRESHARK_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    return folder


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["wireshark", *map(str, arguments), "--lang", "en"])


def done(*arguments: object) -> list[str]:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def snapshot(folder: Path) -> dict[str, bytes | None]:
    return {str(path): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def test_install_use_uninstall_leaves_a_fresh_home_as_it_was(home, pcaps):
    before = snapshot(home)
    done("install")
    used = subprocess.run(
        ["tshark", "-C", "Legs", "-2", "-Y", "legs.leg == 2", "-r", pcaps / "good.pcapng"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert used.stdout.count("SIP") == 7
    done("uninstall")
    assert snapshot(home) == before


def test_what_wireshark_keeps_of_the_user_survives_another_install_and_is_no_edit(home):
    done("install")
    recent = home / ".config" / "wireshark" / "profiles" / "Legs" / "recent"
    recent.write_text("column.width: %m, 99\n")
    assert done("install")[0].startswith("plug-in and profile Legs is up to date")
    assert recent.read_text() == "column.width: %m, 99\n"
    assert "profile: installed" in done("status")[0]
    done("uninstall")
    assert not recent.parent.exists()


def test_what_is_installed_is_the_bundle(home):
    assert done("install")[0] == f"{len(list(PROFILE.iterdir()))} files written for plug-in and profile Legs"
    profile = home / ".config" / "wireshark" / "profiles" / "Legs"
    assert {path.name: path.read_bytes() for path in profile.iterdir()} == {
        path.name: path.read_bytes() for path in PROFILE.iterdir()
    }
    plugin = home / ".local" / "lib" / "wireshark" / "plugins" / "legs.lua"
    assert plugin.read_bytes() == PLUGIN.read_bytes()
    assert done("install")[0] == "plug-in and profile Legs is up to date, nothing to do"


def test_a_profile_of_the_users_with_that_name_is_refused_then_kept_then_restored(home):
    own = home / ".config" / "wireshark" / "profiles" / "Legs" / "preferences"
    own.parent.mkdir(parents=True)
    own.write_text("mine")
    before = snapshot(home)
    refused = run("install")
    assert (refused.exit_code, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
    assert "--force" in refused.stderr
    assert snapshot(home) == before
    done("install", "--force")
    done("uninstall")
    assert snapshot(home) == before


def test_edits_are_named_by_status_and_survive(home):
    done("install")
    colors = home / ".config" / "wireshark" / "profiles" / "Legs" / "colorfilters"
    colors.write_text("# edited\n")
    assert done("status")[0].startswith("profile: edited since  ")
    assert run("uninstall").exit_code == 2
    told = done("uninstall", "--force")
    kept = Path(next(line for line in told if line.startswith("your version is kept: ")).partition(": ")[2])
    assert kept.read_text() == "# edited\n"


def test_uninstall_without_install_says_so(home):
    assert done("uninstall") == ["nothing was installed"]
    assert snapshot(home) == {}


def test_status_tells_what_is_there_and_that_the_plugin_runs(home):
    before = done("status")
    assert before[0].startswith("profile: not installed")
    assert any("sees neither" in line for line in before)
    assert snapshot(home) == {}
    done("install")
    after = done("status")
    assert after[0].startswith("profile: installed")
    assert after[1].startswith("plug-in: installed")
    assert any(line.startswith("tshark ") and "plug-in runs" in line for line in after)


def program(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!{sys.executable}\n{script}")
    (folder / name).chmod((folder / name).stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def newer(home, tmp_path, monkeypatch) -> Path:
    """A tshark that says it is 4.4 and loads no plug-in, as for root or with Lua switched off."""
    folder = tmp_path / "bin"
    folder.mkdir()
    told = f"Personal configuration:\\t{home}/c\\nPersonal Lua Plugins:\\t{home}/l\\n"
    program(
        folder,
        "tshark",
        f"import sys\nprint('TShark (Wireshark) 4.4.18.' if '-v' in sys.argv else '{told}')",
    )
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


@pytest.mark.usefixtures("newer")
def test_status_says_why_the_plugin_does_not_run(home, monkeypatch):
    monkeypatch.setattr("postproc.read.programs.is_root", lambda: True)
    done("install")
    (home / "c" / "init.lua").write_text("-- mine\nenable_lua = false\n")
    told = done("status")
    at = next(nth for nth, line in enumerate(told) if line.startswith("tshark 4.4.18"))
    assert "plug-in does NOT run" in told[at]
    assert "root" in told[at + 1]
    assert f"{home}/c/init.lua says enable_lua = false" in told[at + 2]


@pytest.mark.usefixtures("newer")
def test_install_as_root_works_and_says_what_root_will_not_see(home, monkeypatch):
    monkeypatch.setattr("postproc.read.programs.is_root", lambda: True)
    result = run("install")
    assert result.exit_code == 0
    assert "installed for root" in result.stderr
    assert (home / "l" / "legs.lua").exists()
    monkeypatch.setattr("postproc.read.programs.is_root", lambda: False)
    assert run("install").stderr == ""


def test_a_wireshark_without_lua_is_refused_with_the_way_out(home, newer):
    program(newer, "tshark", f"print('Personal configuration:\\t{home}/c')")
    result = run("install")
    assert result.exit_code == 2
    assert "postproc wireshark color" in result.stderr
    assert snapshot(home) == {}


def test_a_folder_that_cannot_be_written_is_one_line(home):
    (home / ".config").write_text("a file")
    result = run("install")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)


def test_color_prints_the_command_that_opens_the_capture(home, pcaps, tmp_path):
    capture = tmp_path / "my call's; $(x).pcapng"
    capture.write_bytes((pcaps / "two_calls.pcapng").read_bytes())
    words = shlex.split(done("color", capture)[-1])
    assert words == ["wireshark", "-C", "Legs my_call_s_x", "-r", str(capture)]
    command = ["tshark", "-C", words[2], "-r", capture, "-Y", "${call2leg1}"]
    seen = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert seen.count("SIP") == 7
    assert "capture profiles: Legs my_call_s_x" in done("status")
    done("uninstall")
    assert snapshot(home) == {}


def test_color_of_no_capture_writes_nothing(home, tmp_path):
    (tmp_path / "x.pcap").write_bytes(b"no capture")
    result = run("color", tmp_path / "x.pcap")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert snapshot(home) == {}
