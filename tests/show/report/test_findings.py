"""Findings as a tree: consequences below their cause."""

import pytest

from postproc.model.described import of_table
from postproc.show.report.findings import MOST, cards, flat
from tests.show.report import scenes


def held(*records: dict):
    return cards(1, list(of_table(scenes.findings(*records))), "en")


def test_consequences_are_listed_under_their_cause():
    (root, note) = cards(1, list(of_table(scenes.tables().findings)), "en")
    assert (root.name, note.name) == ("no-binding-success", "hotspot-client")
    (under,) = root.under
    assert (under.name, [each.name for each in under.under]) == ("no-media", ["one-way-media"])


def test_a_card_says_what_the_finding_says():
    card = cards(1, list(of_table(scenes.tables().findings)), "de")[0]
    assert (card.code, card.word, card.confidence, card.leg) == ("ICE001", "Fehler", "95 %", 1)
    assert card.causes == ("A firewall drops UDP.", "There is no route.")
    assert card.remedies == ("Capture on both sides.",)
    assert card.copies[0].text == "frame.number in {19, 21}"
    assert card.sources[0].link.endswith("rfc8445#section-7")


def test_of_two_causes_that_on_the_same_leg_is_taken():
    roots = held({"name": "a", "leg": 1}, {"name": "a", "leg": 2}, {"name": "b", "leg": 2, "caused_by": "a"})
    assert [[each.name for each in root.under] for root in roots] == [[], ["b"]]


def test_a_consequence_whose_cause_is_missing_stands_for_itself():
    assert [card.name for card in held({"name": "b", "caused_by": "gone"})] == ["b"]


@pytest.mark.parametrize(
    "records",
    [[{"name": "a", "caused_by": "a"}], [{"name": "a", "caused_by": "b"}, {"name": "b", "caused_by": "a"}]],
)
def test_findings_that_explain_each_other_are_all_shown(records):
    assert sorted(card.name for card in flat(held(*records))) == sorted(each["name"] for each in records)


def test_anchors_are_unique():
    anchors = [card.anchor for card in flat(held(*[{"name": "a"}] * 5))]
    assert len(set(anchors)) == 5


def test_only_so_many_are_shown():
    assert len(held(*[{"name": "a"}] * (MOST + 5))) == MOST


def test_an_unknown_verdict_is_shown_like_a_note():
    (card,) = held({"name": "a", "verdict": "<b>"})
    assert (card.verdict, card.word, card.advised) == ("note", "<b>", False)
