"""Is this machine fit: what is said when all is there, and when something is not."""

import os
from collections import namedtuple
from pathlib import Path

import pytest

from postproc.model.errors import SetupError
from postproc.read import doctor, programs, tshark


def test_every_check_is_made_where_tshark_is():
    found = {check.name: check for check in doctor.checks()}
    fit = ["python", "tshark", "alone", "fields", "filter", "preferences", "lua", "editcap", "capinfos"]
    assert list(found) == [*fit, "user", "temporary space"]
    assert {found[name].state for name in fit if name != "lua"} == {"ok"}
    assert programs.tshark_version() in found["tshark"].detail


def test_without_tshark_the_rest_is_still_said(monkeypatch):
    def missing(*_: str) -> str:
        raise SetupError("tshark not found; install it: `apt-get install tshark`")

    monkeypatch.setattr(programs, "tshark_version", missing)
    found = {check.name: check for check in doctor.checks()}
    assert found["tshark"] == doctor.Check(
        "tshark", "fault", "tshark not found", "install it: `apt-get install tshark`"
    )
    assert "fields" not in found
    assert "user" in found


def test_a_field_tshark_does_not_know_is_a_fault(monkeypatch):
    monkeypatch.setattr(tshark, "WANTED", tshark.WANTED + " sip.no_such_field")
    assert doctor._fields() == doctor.Check(
        "fields", "fault", "tshark lacks sip.no_such_field", doctor.OTHER_TSHARK
    )


def test_a_preference_tshark_does_not_know_is_a_fault(monkeypatch):
    monkeypatch.setattr(tshark, "PREFERENCES", tshark.PREFERENCES | {"sip.no_such_preference": "1"})
    assert doctor._preferences().detail == "tshark lacks sip.no_such_preference"


def test_a_display_filter_tshark_does_not_understand_is_a_fault(monkeypatch):
    monkeypatch.setattr(tshark, "SIGNALLING", "sip || nosuchprotocol")
    assert doctor._filter().state == "fault"
    assert "nosuchprotocol" in doctor._filter().detail


@pytest.mark.parametrize(
    ("said", "state", "detail"),
    [
        ("with libnl 3, with Lua\n5.2.4, with GnuTLS", "ok", "5.2.4"),
        ("with Lua 5.4.6 (with UfW patches), with", "ok", "5.4.6"),
        ("without Lua, with", "note", "this tshark has no Lua: Wireshark plug-ins will not run in it"),
    ],
)
def test_lua_is_read_from_what_tshark_says_of_itself(monkeypatch, said, state, detail):
    monkeypatch.setattr(doctor, "_printed", lambda *_: said)
    assert doctor._lua() == doctor.Check("lua", state, detail)


@pytest.mark.parametrize(("name", "state"), [("editcap", "fault"), ("capinfos", "note")])
def test_a_companion_that_is_missing_is_as_bad_as_its_purpose(monkeypatch, name, state):
    monkeypatch.setattr(programs, "companion", lambda _: None)
    assert doctor._companion(name).state == state


def test_tshark_is_told_with_the_reason_why_it_is_this_one(monkeypatch, tmp_path):
    here = Path(tshark.executable())
    assert doctor._tshark().detail.endswith(", the first on PATH)")
    monkeypatch.setenv(programs.SETTING, str(here))
    assert doctor._tshark().detail.endswith(", by --tshark or POSTPROC_TSHARK)")
    monkeypatch.delenv(programs.SETTING)
    monkeypatch.setattr(programs, "_usual", lambda: [here.parent])
    monkeypatch.setenv("PATH", str(tmp_path))
    assert doctor._tshark().detail.endswith(", where Wireshark is installed)")


@pytest.mark.parametrize("kind", ["lua script", "Lua script"])  # 4.0 and 4.4, 4.6
def test_lua_scripts_that_run_all_the_same_are_named(monkeypatch, kind):
    said = f"l16mono.so\t0.1.0\tcodec\t/p/4.0/codecs/l16mono.so\ncorp.lua\t\t{kind}\t/p/corp.lua\n"
    monkeypatch.setattr(doctor, "_printed", lambda *_: said)
    assert doctor._alone().state == "note"
    assert doctor._alone().detail.endswith("for all users: /p/corp.lua")
    monkeypatch.setattr(doctor, "_printed", lambda *_: said.partition("\n")[0])
    assert doctor._alone().state == "ok"


def test_root_is_noted_and_others_are_not(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert doctor._user().state == "note"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert doctor._user().state == "ok"


@pytest.mark.parametrize(("free", "state"), [(10 << 30, "ok"), (1 << 20, "fault")])
def test_little_temporary_space_is_a_fault(monkeypatch, free, state):
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage(free))
    assert doctor._space().state == state
