"""What recorded and made captures of one call at several places tell: the right stretch, and the root cause."""

import json

import pytest

from postproc import pipeline
from postproc.model.described import of_table

SETS = {
    "large_lost": ("fault", "path-mtu", "fault", "client", "wan"),
    "one_way": ("suspect", "lost-between", "suspect", "wan", "client"),
    "ports_changed": ("ok", "lost-between", "note", "wan", "client"),
    "server_unheard": ("fault", "one-direction-between", "fault", "wan", "client"),
    "site_drops": ("ok", "lost-between", "note", "wan", "server"),
}
LOSSES = ("lost-between", "one-direction-between", "path-mtu")


def run(*paths):
    return pipeline.run(paths, jobs=1).tables


@pytest.mark.parametrize("name", SETS)
def test_the_stretch_is_named_and_what_is_lost_there_is_the_cause(pcaps, name):
    tables = run(pcaps / "places" / name)
    call = tables.calls.iloc[0]
    (found,) = [each for each in of_table(tables.findings) if each.name in LOSSES]
    told = (call["verdict"], found.name, found.verdict, found.facts["origin"], found.facts["target"])
    assert told == SETS[name]
    if call["verdict"] != "ok":
        assert call["cause"] == found.name
        assert found.title in call["headline"]


def test_nothing_is_lost_where_all_arrives(pcaps):
    tables = run(pcaps / "places" / "ports_kept")
    assert set(tables.findings["name"]) == {"translated"}
    assert tables.calls["verdict"].tolist() == ["ok"]


def test_the_walk_says_where_in_the_step_that_fails(pcaps):
    done = pipeline.run([pcaps / "places" / "server_unheard"], jobs=1)
    failed = {step["step"]: step["said"] for step in done.walks[1] if step["state"] == "failed"}
    assert failed["answers"].startswith("Between WAN and client only one direction passes")


def test_an_alg_between_two_places_is_the_cause_of_media_that_do_not_come(pcaps):
    names = json.loads((pcaps / "made/sip_alg.truth.json").read_text())["captures"]
    call = run(*(pcaps / "made" / name for name in names)).calls.iloc[0]
    assert (call["verdict"], call["cause"]) == ("fault", "sip-alg")


def test_from_one_of_the_two_places_an_alg_is_not_seen(pcaps):
    assert "sip-alg" not in set(run(pcaps / "made/sip_alg_phone.pcapng").findings["name"])
