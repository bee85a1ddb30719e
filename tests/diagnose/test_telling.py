"""The told sentences of rules are compared as a whole, so that no part of them changes unnoticed."""

import dataclasses

import pytest

from postproc.diagnose.rules.ack_missing import RULE
from postproc.model.findings import Evidence, Finding, cause
from postproc.model.text import Text
from tests.diagnose.telling import HEAD, declared, difference, expected, told, untold

FOUND = Finding(
    "ack-missing",
    "fault",
    0.9,
    Evidence("a.pcapng", (1, 2, 3, 7)),
    Text("{n} times", "{n}-mal"),
    (Text("Seen.", "Gesehen."),),
    {"n": 3, "unnamed": "x"},
    settle=Text("look.", "nachsehen."),
    leg=1,
    tags=frozenset({"elsewhere"}),
)


# Causes of its own, so that those of a real rule may change.
OWN = dataclasses.replace(
    RULE,
    causes=(cause("A.", "A."), cause("B.", "B.", tag="way"), cause("C.", "C.", tag="elsewhere")),
    remedies=(),
)


def lines(finding):
    return list(told(finding, OWN, frozenset()))


def test_a_finding_is_told_in_both_languages_with_all_that_it_rests_on():
    assert lines(FOUND) == [
        "fault 0.9; leg 1; a.pcapng 1-3 7; tag elsewhere; causes 1 3; remedies ",
        "   unnamed = x",
        "en 3 times",
        "de 3-mal",
        "en Seen.",
        "de Gesehen.",
        "en look.",
        "de nachsehen.",
    ]


CHANGES = [
    {"verdict": "suspect"},
    {"confidence": 0.89},
    {"leg": 2},
    {"tags": frozenset()},
    {"detail": ()},
    {"evidence": Evidence("a.pcapng", (1, 2, 3))},
    {"facts": {"n": 4, "unnamed": "x"}},
    {"facts": {"n": 3}},
    {"title": Text("{n} times", "{n}mal")},
    {"settle": None},
]


@pytest.mark.parametrize("changes", CHANGES, ids=str)
def test_any_change_of_it_shows(changes):
    assert lines(dataclasses.replace(FOUND, **changes)) != lines(FOUND)


def test_a_change_of_the_declaration_shows():
    assert difference(RULE, HEAD, declared(RULE)) == []
    other = dataclasses.replace(RULE, causes=(*RULE.causes[:-1], cause("Another.", "Eine andere.")))
    assert "+en Another." in difference(RULE, HEAD, declared(other))


def test_a_test_that_finds_what_is_not_in_the_file_differs():
    assert difference(RULE, "test_new", lines(FOUND))
    assert difference(RULE, "test_new", []) == []


def test_a_sentence_that_no_test_shows_is_named():
    told_elsewhere = ("en", "An ACK for it went to {x} (frame {y}) and did not stop the repetitions.")
    assert untold(RULE, [told_elsewhere, ("en", "An ACK came {x} s too late.")]) == [
        "An ACK came {x} s too late."
    ]
    assert len(expected(RULE)) > 3
