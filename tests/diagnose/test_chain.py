"""Root cause before symptom."""

import pytest

from postproc.diagnose.chain import chain, verdict
from postproc.model.enumerations import Verdict
from postproc.model.findings import Evidence, Finding, Rule, Stage
from postproc.model.text import Text

SAID = Text("said", "gesagt")


def rule(name: str, stage: Stage, *follows: str, despite_media: bool = False) -> Rule:
    return Rule("X", name, stage, SAID, SAID, (), (), (), SAID, lambda _: iter(()), follows, despite_media)


def found(name: str, verdict: Verdict = "fault") -> Finding:
    return Finding(name, verdict, 0.9, Evidence("a.pcap"), SAID)


RULES = (
    rule("cut", "capture"), rule("rejected", "sip"), rule("missing", "sdp", "cut"), rule("dead", "stun", "missing"),
    rule("nat", "nat"), rule("dtls", "dtls", "dead"), rule("silent", "media", "missing", "dead", "dtls"),
    rule("lossy", "media", despite_media=True),
)  # fmt: skip


def of(*findings: Finding, media_ok: bool | None = None):
    return chain(findings, RULES, media_ok=media_ok)


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
    ],
)
def test_the_verdict_is_the_worst_of_root_and_consequences(findings, ended_well, media_ok, said):
    chained = of(*findings, media_ok=media_ok)
    assert verdict(chained, ended_well=ended_well, media_ok=media_ok) == said
