"""The order of findings: the root cause before its consequences."""

from dataclasses import replace
from typing import get_args

import pytest

from postproc.diagnose.chain import chain, confidence, verdict
from postproc.model.causes import CHAIN, Link, StepName, explaining, step
from postproc.model.enumerations import Verdict
from postproc.model.findings import Evidence, Finding, Rule, Stage
from postproc.model.text import Text

SAID = Text("said", "gesagt")


def rule(name: str, stage: Stage, breaks: Link | None = None, *, despite_media: bool = False) -> Rule:
    return Rule("X", name, stage, SAID, SAID, (), (), (), SAID, lambda _: iter(()), breaks, despite_media)


def found(name: str, verdict: Verdict = "fault") -> Finding:
    return Finding(name, verdict, 0.9, Evidence("a.pcap"), SAID)


RULES = (
    rule("cut", "capture", "first_leg"),
    rule("rejected", "sip", "second_leg"),
    rule("missing", "sdp", "local_candidate"),
    rule("dead", "stun", "path"),
    rule("nat", "nat"),
    rule("dtls", "dtls", "handshake"),
    rule("silent", "media", "media"),
    rule("lossy", "media", "quality", despite_media=True),
    rule("stopped", "media", "continuity", despite_media=True),
)


def of(*findings: Finding, media_ok: bool | None = None):
    return chain(findings, {rule.name: rule for rule in RULES}, media_ok=media_ok)


def names(chained) -> list[str]:
    return [each.rule for each in chained.findings]


def test_the_earliest_break_is_the_root_whatever_the_order_they_were_found_in():
    chained = of(found("silent"), found("dead"), found("rejected"))
    assert chained.root is not None
    assert (chained.root.rule, names(chained)) == ("rejected", ["rejected", "silent", "dead"])


def test_what_follows_is_listed_under_it_with_the_nearest_link_as_its_reason():
    chained = of(found("silent"), found("dtls"), found("dead"), found("missing"))
    assert names(chained) == ["missing", "dead", "dtls", "silent"]
    assert chained.caused_by == {1: "missing", 2: "dead", 3: "dtls"}


def test_a_fault_is_the_root_before_a_doubt_that_is_earlier():
    chained = of(found("rejected", "suspect"), found("nat", "fault"))
    assert chained.root is not None and chained.root.rule == "nat"


def test_a_doubt_that_explains_a_fault_is_the_root_all_the_same():
    chained = of(found("dead", "fault"), found("missing", "suspect"))
    assert chained.root is not None and chained.root.rule == "missing"
    assert verdict(chained, ended_well=False, media_ok=None) == "fault"


def test_notes_explain_nothing_and_come_last():
    chained = of(found("missing", "note"), found("dead"))
    assert names(chained) == ["dead", "missing"]
    assert chained.caused_by == {}


def test_media_both_ways_makes_nat_and_ice_harmless_but_not_what_counts_despite_it():
    chained = of(found("nat"), found("lossy", "suspect"), media_ok=True)
    assert [(each.rule, each.verdict) for each in chained.findings] == [("lossy", "suspect"), ("nat", "note")]
    assert chained.root is not None and chained.root.rule == "lossy"


def test_media_both_ways_excuses_no_capture_and_no_sip():
    chained = of(found("cut", "cannot_tell"), found("rejected"), media_ok=True)
    assert chained.root is not None and chained.root.rule == "rejected"


def test_nothing_found_has_no_root():
    assert (of().root, of().findings, of().caused_by) == (None, (), {})


@pytest.mark.parametrize(
    ("findings", "ended_well", "media_ok", "said"),
    [
        ([], False, True, "ok"),
        ([], True, None, "ok"),
        ([], False, None, "cannot_tell"),
        ([], False, False, "cannot_tell"),
        ([found("nat", "note")], False, True, "ok"),
        ([found("nat", "suspect")], True, None, "suspect"),
        ([found("cut", "cannot_tell")], False, None, "cannot_tell"),
        ([found("cut", "cannot_tell")], True, None, "cannot_tell"),
        ([found("cut", "cannot_tell")], False, True, "ok"),
        ([found("cut", "cannot_tell"), found("missing")], False, None, "cannot_tell"),
        ([found("rejected"), found("silent", "suspect")], False, None, "fault"),
        ([found("stopped", "cannot_tell")], False, True, "cannot_tell"),
        ([found("stopped", "note")], False, True, "ok"),
        ([found("lossy", "cannot_tell")], False, True, "ok"),
        ([found("silent", "cannot_tell")], False, True, "ok"),
    ],
)
def test_the_verdict_is_the_worst_of_root_and_consequences(findings, ended_well, media_ok, said):
    chained = of(*findings, media_ok=media_ok)
    assert verdict(chained, ended_well=ended_well, media_ok=media_ok) == said


def test_a_link_needs_only_links_above_it_so_that_causes_never_run_in_a_circle():
    above: set[str] = set()
    for link, place in CHAIN.items():
        assert {*place.needs, *place.gaps, *place.near} <= above, link
        above.add(link)
    assert set(get_args(Link)) == set(CHAIN)


def test_needs_pass_on_and_gaps_of_captures_do_not():
    assert {"nat_type", "stun_server", "public_candidate"} <= explaining("media")  # through the path
    assert "stun_server" in explaining("call") and "capture_directions" in explaining("stun_server")
    assert "capture_directions" not in explaining("call")
    # The client's candidates do not hang on the server's STUN server.
    assert "public_candidate" in explaining("acl") and "stun_server" not in explaining("acl")


def test_a_gap_in_a_capture_never_needs_what_it_hides():
    gaps = {gap for place in CHAIN.values() for gap in place.gaps}
    assert all(not CHAIN[gap].needs for gap in gaps)


def test_every_step_of_the_chart_is_one_of_a_link():
    assert {place.step for place in CHAIN.values()} - {None, "candidates"} <= set(get_args(StepName))
    assert (step(None), step("uplink"), step("path")) == (None, None, "answers")
    assert step("public_candidate", frozenset({"server", "odd"})) == "server_candidates"
    assert step("public_candidate") is None


def test_a_rule_is_explained_by_those_that_break_what_it_needs():
    by_name = {each.name: each for each in RULES}
    assert [each.name for each in by_name["dtls"].causes_among(RULES)] == ["cut", "missing", "dead"]
    assert by_name["nat"].causes_among(RULES) == ()


def test_a_verdict_is_as_sure_as_the_surest_finding_that_says_the_same():
    chained = of(
        found("dead", "fault"), replace(found("silent", "fault"), confidence=0.95), found("nat", "note")
    )
    assert confidence(chained, "fault", joined=0.6) == 0.95
    assert confidence(of(found("dead", "cannot_tell")), "cannot_tell", joined=0.6) == 0.9


def test_what_is_ok_is_as_sure_as_the_joining_and_nothing_said_is_not_sure_at_all():
    assert confidence(of(), "ok", joined=0.97) == 0.97
    assert confidence(of(), "cannot_tell", joined=0.97) is None
