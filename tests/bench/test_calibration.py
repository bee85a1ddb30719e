"""Findings measured by the truth, and the page that says how sure is how true."""

from pathlib import Path

import pytest

from bench import calibration
from bench.calibration import SURE, Statement, page, statements
from pcaps.truths import CASES, Case, cases
from postproc.model.tables import Tables
from tests import builders

ROOT = Path(__file__).parents[2]


def case(**changes):
    base = {
        "name": "x",
        "capture": Path("x.pcapng"),
        "logs": (),
        "verdicts": ("fault",),
        "causes": ("no-binding-success",),
        "must": frozenset(),
        "never": frozenset(),
        "number_of_calls": 1,
        "rtp": 0,
        "needs_log": False,
    }
    return Case(**base | changes)


def found(*findings, cause="no-binding-success"):
    """Tables of one call with such findings: name, verdict, confidence, explained by."""
    rows = [
        {"call": 1, "name": name, "verdict": verdict, "confidence": confidence, "caused_by": origin}
        for name, verdict, confidence, origin in findings
    ]
    return Tables().with_(
        calls=builders.rows("calls", {"call": 1, "cause": cause}), findings=builders.rows("findings", *rows)
    )


DEAD = ("no-binding-success", "fault", 0.95, None)


def truths(case, tables):
    return {each.rule: each.true for each in statements(case, tables)}


def test_a_cause_that_truth_names_and_what_follows_from_it_are_true():
    tables = found(
        DEAD, ("no-media", "fault", 0.9, "no-binding-success"), ("one-way-media", "suspect", 0.6, "no-media")
    )
    assert truths(case(), tables) == {"no-binding-success": True, "no-media": True, "one-way-media": True}


def test_a_cause_that_truth_does_not_name_is_false_and_one_beside_it_is_not_said():
    tables = found(DEAD, ("sip-alg", "suspect", 0.6, None))
    assert truths(case(causes=("symmetric-nat",)), tables) == {"no-binding-success": False, "sip-alg": None}


def test_an_accusation_of_a_good_call_or_of_what_must_not_be_is_false():
    assert truths(case(verdicts=("ok", "note"), causes=()), found(DEAD)) == {"no-binding-success": False}
    assert truths(case(never=frozenset({DEAD[0]})), found(DEAD)) == {"no-binding-success": False}


def test_what_has_to_be_found_is_true_and_notes_accuse_nobody():
    tables = found(DEAD, ("hotspot-client", "note", 0.9, None))
    assert truths(case(causes=(), must=frozenset({DEAD[0]})), tables) == {"no-binding-success": True}


def test_the_page_counts_by_confidence_and_names_what_is_false():
    shown = page(
        [Statement("x", "a", 0.9, True), Statement("x", "b", 0.89, False), Statement("y", "a", 0.5, None)], 2
    )
    assert "2 captures" in shown
    assert "| 0.5 to 0.7 | 1 | 0 | 0 | 1 |" in shown
    assert "| 0.7 to 0.9 | 1 | 0 | 1 | 0 |" in shown
    assert "| 0.9 and above | 1 | 1 | 0 | 0 |" in shown
    assert "- `b` at 0.89 in `x`" in shown


@pytest.mark.slow
def test_nothing_sure_is_false_on_some_of_the_captures(capsys, monkeypatch):
    some = [each for each in cases(CASES) if each.logs][:6]
    monkeypatch.setattr(calibration, "cases", lambda folder: some if folder == CASES else [])
    assert calibration.main() == 0, f"a statement with {SURE} or more is false"
    assert "| 0.9 and above |" in capsys.readouterr().out


def test_the_page_in_docs_has_nothing_false_that_is_sure():
    text = (ROOT / "docs" / "CALIBRATION.md").read_text(encoding="utf-8")
    (row,) = (line for line in text.splitlines() if line.startswith("| 0.9 and above |"))
    _, stated, true, false, _ = (cell.strip() for cell in row.strip("|").split("|"))
    assert int(stated) >= int(true) > 0 and int(false) == 0
