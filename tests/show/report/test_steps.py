"""The steps of the walk as boxes."""

from postproc.model.described import of_table
from postproc.show.report.findings import boxes, cards
from tests.show.report import scenes


def walked(walk, found=()):
    return boxes(1, walk, found, "en")


def step(state: str, **known: object) -> dict:
    base = {"state": state, "question": "?", "said": "said", "capture": "a", "frames": [], "filter": None}
    return base | known


def chosen(*states: str) -> int:
    return [box.chosen for box in walked([step(state) for state in states])].index(True)


def test_the_step_that_the_root_failed_is_chosen_and_leads_to_it():
    found = cards(1, list(of_table(scenes.tables().findings)), "en")
    held = walked(scenes.WALK[1], found)
    assert [box.chosen for box in held] == [False, False, True, False]
    assert [box.finding and box.finding.code for box in held] == [None, None, "ICE001", None]


def test_without_findings_the_first_broken_step_is_chosen_else_the_last_passed():
    assert chosen("passed", "cannot_tell", "failed") == 2
    assert chosen("passed", "cannot_tell", "not_reached") == 1
    assert chosen("passed", "passed", "not_needed") == 1
    assert chosen("not_needed") == 0


def test_a_box_has_its_evidence_to_copy():
    box = walked(scenes.WALK[1])[1]
    assert [copy.text for copy in box.copies] == ["frame.number in {19, 21}", "stun"]
    assert (box.sign, box.word, box.anchor) == ("✗", "no", "call-1-step-2")


def test_a_state_nobody_knows_is_unclear():
    assert walked([step("odd")])[0].state == "cannot_tell"


def test_no_walk_makes_no_boxes():
    assert walked([]) == ()
