"""The order of calls by severity."""

from postproc.show.calls import worst_first
from tests import builders as t


def test_by_verdict_then_by_faults_then_by_number():
    calls = t.calls(
        {"call": 1, "verdict": "ok"},
        {"call": 2, "verdict": "fault"},
        {"call": 3},
        {"call": 4, "verdict": "cannot_tell"},
        {"call": 5, "verdict": "fault"},
        {"call": 6, "verdict": "suspect"},
        {"call": 7, "verdict": "fault"},
    )
    findings = t.rows(
        "findings",
        *({"call": each, "verdict": "fault"} for each in (5, 5, 2, 7)),
        {"call": 2, "verdict": "note"},
    )
    ranked = worst_first(calls, findings)
    assert ranked["call"].tolist() == [5, 2, 7, 6, 4, 1, 3]
    assert ranked.index.tolist() == list(range(7))


def test_no_calls_and_no_findings():
    assert worst_first(t.calls(), t.rows("findings")).empty
    assert worst_first(t.calls({"call": 2}, {"call": 1}), t.rows("findings"))["call"].tolist() == [1, 2]
