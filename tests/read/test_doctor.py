"""Is this machine fit: what is said when all is there, and when something is not."""

import os
from collections import namedtuple

import pytest

from postproc.errors import SetupError
from postproc.read import doctor, tshark


def test_every_check_is_made_where_tshark_is():
    found = {check.name: check for check in doctor.checks()}
    fit = ["python", "tshark", "fields", "filter", "preferences", "lua", "editcap", "capinfos"]
    assert list(found) == [*fit, "user", "temporary space"]
    assert {found[name].state for name in fit if name != "lua"} == {"ok"}
    assert tshark.version() in found["tshark"].detail


def test_without_tshark_the_rest_is_still_said(monkeypatch):
    def missing(*_: str) -> str:
        raise SetupError("tshark not found; install it: `apt-get install tshark`")

    monkeypatch.setattr(tshark, "version", missing)
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
    monkeypatch.setattr(doctor, "_said", lambda *_: said)
    assert doctor._lua() == doctor.Check("lua", state, detail)


@pytest.mark.parametrize(("name", "state"), [("editcap", "fault"), ("capinfos", "note")])
def test_a_companion_that_is_missing_is_as_bad_as_its_purpose(monkeypatch, name, state):
    monkeypatch.setattr(doctor.shutil, "which", lambda _: None)
    assert doctor._companion(name).state == state


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
