"""What is wrong in a run, on one screen."""

import pytest

from postproc.model.tables import Tables
from postproc.show.report.page import html, report
from postproc.show.report.summary import CAUSES, NUMBERS
from tests import builders
from tests.show.report import scenes

STEPS = ("trace", "legs", "answers", "media")


def crowd(*causes: tuple[str, str | None], lang: str = "en"):
    """A report of calls with a verdict and a root cause each."""
    calls = [
        {"call": n, "legs": 1, "verdict": verdict, "cause": cause, "start": float(n), "headline": f"call {n}"}
        for n, (verdict, cause) in enumerate(causes, 1)
    ]
    found = [
        {
            "call": n,
            "name": cause,
            "verdict": verdict,
            "title": f"{cause} of call {n}",
            "code": "X1",
            "confidence": n / 100,
            "remedies": f"Mend {cause}.\nOr else.",
        }
        for n, (verdict, cause) in enumerate(causes, 1)
        if cause
    ]
    broken = {"acl": "legs", "ack": "none"}
    walks = {call["call"]: walk(broken.get(call["cause"], "answers")) for call in calls}
    tables = Tables(calls=builders.calls(*calls), findings=scenes.findings(*found))
    return report(tables, walks, lang)


def walk(broken: str) -> list[dict]:
    at = STEPS.index(broken) if broken in STEPS else len(STEPS)
    return [
        {
            "step": step,
            "question": f"{step}?",
            "said": "",
            "capture": None,
            "frames": [],
            "filter": None,
            "state": "passed" if place < at else "failed" if place == at else "not_reached",
        }
        for place, step in enumerate(STEPS)
    ]


def test_causes_have_their_calls_and_the_first_thing_to_do_worst_and_most_frequent_first():
    held = crowd(
        ("ok", None), ("suspect", "acl"), ("fault", "nat"), ("fault", "dtls"), ("fault", "nat")
    ).summary
    assert [(cause.word, cause.title, cause.calls) for cause in held.causes] == [
        ("Fault", "nat of call 5", (3, 5)),
        ("Fault", "dtls of call 4", (4,)),
        ("Suspect", "acl of call 2", (2,)),
    ]
    assert (held.causes[0].counted, held.causes[0].remedy) == ("2 calls", "Mend nat.")
    assert held.unexplained == "" and held.rarer == ()


def test_it_says_where_calls_stop():
    held = crowd(("fault", "acl"), ("fault", "nat"), ("ok", None), ("fault", "nat")).summary
    assert [(stop.question, stop.calls) for stop in held.stops] == [
        ("trace?", 0),
        ("legs?", 1),
        ("answers?", 2),
        ("media?", 0),
    ]


def test_a_call_that_gets_through_every_step_is_stopped_by_none():
    page = crowd(("fault", "ack"), ("fault", "nat"), lang="de")
    assert [stop.calls for stop in page.summary.stops] == [0, 0, 1, 0]
    assert "Durch alle Schritte: 1 Anruf. Dort liegt der Fehler an etwas anderem." in html(page)
    assert crowd(("fault", "nat"), ("ok", None)).summary.past_all == ""


def test_calls_without_a_cause_are_counted():
    held = crowd(("cannot_tell", None), ("cannot_tell", None), ("fault", "nat"), lang="de").summary
    assert held.unexplained == "2 Anrufe"


@pytest.mark.parametrize("calls", [[("fault", "nat")], [("ok", None), ("ok", None)], []])
def test_one_call_or_none_that_is_wrong_needs_none(calls):
    page = crowd(*calls)
    assert page.summary is None
    assert "What is wrong" not in html(page)


def test_many_causes_and_many_calls_are_cut():
    many = [("fault", f"cause-{n}") for n in range(CAUSES + 3)] + [("fault", "nat")] * (NUMBERS + 2)
    page = crowd(*many)
    assert (len(page.summary.causes), len(page.summary.rarer)) == (CAUSES, 4)
    assert (page.summary.causes[0].more, page.summary.causes[0].counted) == (2, f"{NUMBERS + 2} calls")
    text = html(page)
    assert "Further causes: 4" in text and "2 more" in text


def test_calls_stand_worst_first_with_their_capture():
    page = report(
        Tables(
            captures=builders.captures({"capture": "a.pcapng"}, {"capture": "b&.pcapng"}),
            calls=builders.calls(
                {"call": 1, "verdict": "ok", "capture": "a.pcapng"},
                {"call": 2, "verdict": "fault", "capture": "b&.pcapng"},
            ),
        ),
        {},
        "en",
    )
    assert [entry.number for entry in page.entries] == [2, 1]
    assert '<small class="capture">b&amp;.pcapng</small>' in html(page)
