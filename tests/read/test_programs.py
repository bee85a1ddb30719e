"""Which tshark is run: one that is set, one on PATH, one that was installed; never one that lies about."""

import os
import shutil
import sys
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from postproc.current_folder import whole_paths
from postproc.model.errors import SetupError
from postproc.read import programs, tshark


def program(path: Path, says: str = "TShark (Wireshark) 4.0.17.") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def real() -> Path:
    return Path(shutil.which("tshark"))


@pytest.fixture
def ticket(tmp_path, monkeypatch) -> Path:
    """The current folder, with programs of a stranger's in it."""
    monkeypatch.delenv(programs.SETTING, raising=False)
    folder = tmp_path / "ticket"
    usual = "C:\\Program Files/Wireshark"  # what a path of Windows means elsewhere
    for place in ("", "bin", usual):
        for name in ("tshark", "editcap", "wireshark"):
            program(folder / place / name)
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("entry", ["", ".", "bin", "./bin", "../ticket", "bin/../bin"])
@pytest.mark.usefixtures("ticket")
def test_an_entry_of_path_that_depends_on_where_one_stands_is_passed_over(monkeypatch, real, entry):
    monkeypatch.setenv("PATH", os.pathsep.join([entry, str(real.parent), entry]))
    assert programs.tshark() == programs.Found(real, "PATH")
    monkeypatch.setenv("PATH", entry)
    with pytest.raises(SetupError, match="tshark not found; install it"):
        programs.tshark()


@pytest.mark.parametrize("entry", ["", ".", "bin"])
@pytest.mark.usefixtures("ticket")
def test_status_asks_no_wireshark_of_the_current_folder(monkeypatch, entry):
    monkeypatch.setenv("PATH", entry)
    assert programs.installed() == []


@pytest.mark.parametrize(
    "config",
    [
        "[tshark]\ntshark_path = {folder}/bin/tshark\n[editcap]\neditcap_path = {folder}/bin/editcap\n",
        "[server]\nname = pbx\n",
        "no section at all\n",
        "[tshark]\nother = 1\n",
    ],
)
def test_a_config_ini_in_the_current_folder_is_not_read(ticket, pcaps, real, config):
    (ticket / "config.ini").write_text(config.format(folder=ticket))
    assert programs.tshark().path == real
    assert next(tshark.frames(pcaps / "good.pcapng")).number == 4


def test_the_first_on_path_is_taken_if_it_can_be_executed(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "tshark").write_text("no program")
    (tmp_path / "b" / "tshark").mkdir(parents=True)
    mine = program(tmp_path / "c" / "tshark")
    monkeypatch.setenv("PATH", os.pathsep.join(str(tmp_path / each) for each in "abc"))
    assert programs.tshark() == programs.Found(mine, "PATH")


@pytest.mark.parametrize(
    ("flavour", "separator", "path", "whole"),
    [
        (PurePosixPath, ":", "/usr/bin::.:bin:~/bin:/opt/x", ["/usr/bin", "/opt/x"]),
        (
            PureWindowsPath,
            ";",
            r"C:\Windows;;.;bin;C:bin;\bin;\\server\share\bin;D:\x",
            [r"C:\Windows", r"\\server\share\bin", r"D:\x"],
        ),
    ],
)
def test_what_is_a_whole_path_on_each_system(flavour, separator, path, whole):
    assert whole_paths(path, flavour, separator) == whole


def test_where_installers_put_it_is_looked_last(tmp_path, monkeypatch, real):
    mine = program(tmp_path / "Wireshark" / "tshark")
    monkeypatch.setattr(programs, "_usual", lambda: [mine.parent])
    assert programs.tshark() == programs.Found(real, "PATH")
    monkeypatch.setenv("PATH", "")
    assert programs.tshark() == programs.Found(mine, "usual folder")


def test_the_usual_folders_of_each_system(monkeypatch):
    monkeypatch.setenv("ProgramFiles", "/x86")
    monkeypatch.setenv("ProgramW6432", "/x64")
    assert programs._usual("win32") == [Path("/x86/Wireshark"), Path("/x64/Wireshark")]
    monkeypatch.setenv("ProgramFiles", "here")
    assert programs._usual("win32") == [Path("/x64/Wireshark")]
    assert programs._usual("darwin") == [Path("/Applications/Wireshark.app/Contents/MacOS")]
    assert programs._usual("linux") == []


def test_a_setting_goes_before_path(tmp_path, monkeypatch):
    mine = program(tmp_path / "tshark")
    monkeypatch.setenv(programs.SETTING, str(mine))
    assert programs.tshark() == programs.Found(mine, "setting")
    assert mine in {each.path for each in programs.installed()}


@pytest.mark.parametrize(
    ("setting", "trouble"),
    [
        ("tshark", "the whole path of tshark is needed"),
        ("bin/tshark", "the whole path of tshark is needed"),
        ("/nowhere/tshark", "there is no such file"),
        ("{here}", "not a program that can be executed"),
        ("{here}/text", "not a program that can be executed"),
    ],
)
def test_a_setting_that_leads_nowhere_is_no_reason_to_run_another(ticket, monkeypatch, setting, trouble):
    (ticket / "text").write_text("text")
    monkeypatch.setenv(programs.SETTING, setting.format(here=ticket))
    with pytest.raises(SetupError, match=trouble):
        programs.tshark_version()


@pytest.mark.parametrize("says", ["Wireshark 4.0.17.", "Editcap (Wireshark) 4.0.17", "", "ls 9.1.0"])
def test_a_setting_that_leads_to_another_program_is_told(tmp_path, monkeypatch, real, says):
    mine = program(tmp_path / "tshark", says)
    (tmp_path / "editcap").symlink_to(real.with_name("editcap"))
    monkeypatch.setenv(programs.SETTING, str(mine))
    with pytest.raises(SetupError, match="is no tshark: it calls itself"):
        programs.tshark_version()


@pytest.mark.skipif(sys.platform == "win32", reason="shell script")
def test_a_setting_that_cannot_be_started_is_told(tmp_path, monkeypatch):
    mine = program(tmp_path / "tshark")
    mine.write_bytes(b"\x7fELF, or not")
    monkeypatch.setenv(programs.SETTING, str(mine))
    with pytest.raises(SetupError, match="does not run: "):
        programs.tshark_version()


def test_companions_are_those_of_the_file_not_of_the_link(tmp_path, monkeypatch):
    behind = program(tmp_path / "opt" / "tshark")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "tshark").symlink_to(behind)
    stranger = program(tmp_path / "bin" / "editcap")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert programs.companion("editcap") == stranger
    own = program(tmp_path / "opt" / "editcap")
    assert programs.companion("editcap") == own
    assert programs.companion("capinfos") is None


def test_another_build_of_the_same_version_is_another(tmp_path, monkeypatch):
    def build(says: str) -> str:
        monkeypatch.setenv(programs.SETTING, str(program(tmp_path / "tshark", says)))
        os.utime(tmp_path / "tshark", ns=(0, 0))
        return programs.tshark_build()

    known = {
        build(f"TShark (Wireshark) 4.0.17 ({packed}).") for packed in ("Git v4.0.17", "deb12u1", "deb12u3")
    }
    assert len(known) == 3
    os.utime(tmp_path / "tshark", ns=(0, 1))
    assert programs.tshark_build() not in known
    again = program(tmp_path / "elsewhere" / "tshark", "TShark (Wireshark) 4.0.17 (deb12u3).")
    os.utime(again, ns=(0, 0))
    monkeypatch.setenv(programs.SETTING, str(again))
    assert programs.tshark_build() in known  # the same one in another place
