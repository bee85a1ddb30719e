"""Run and call as HTML: complete, in both languages, and harmless."""

from html.parser import HTMLParser

import pytest

from postproc.model.tables import Tables
from postproc.show.notebook_html import call_card, run_card
from tests import builders as t

EVIL = "<script>alert(1)</script>\"'\x1b[2J\u202e"


class Seen(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.tags, self.text = set(), []
        self.feed(page)

    def handle_starttag(self, tag, attrs):  # noqa: ARG002
        self.tags.add(tag)

    def handle_data(self, data):
        self.text.append(data)


def found(**more):
    said = {"title": EVIL, "detail": EVIL, "causes": EVIL, "remedies": "do this\ndo that", "facts": "{}"}
    rule = {"code": "ICE001", "name": "x", "verdict": "fault", "severity": "error", "frames": "3,4"}
    return {"call": 1} | rule | said | more


@pytest.fixture
def tables():
    return Tables(
        captures=t.captures({}),
        calls=t.calls(
            {
                "call": 1,
                "from_user": EVIL,
                "to_user": EVIL,
                "headline": EVIL,
                "verdict": "fault",
                "start": 0.0,
                "legs": 2,
            },
            {"call": 2, "verdict": "ok"},
        ),
        findings=t.rows("findings", found(), found(caused_by="x", causes="not shown", remedies=None)),
    )


STEPS = [{"step": "trace", "state": "passed", "question": "Whole?", "said": EVIL}]


def test_values_of_strangers_are_text(tables):
    for page in (
        run_card(tables, [(EVIL, EVIL)], "en"),
        call_card(tables, 1, STEPS, "en"),
    ):
        seen = Seen(page)
        assert "script" not in seen.tags
        assert "<script>alert(1)</script>" in "".join(seen.text)
        assert not set(page) & {"\x1b", "\u202e"}
        assert "tex2jax_ignore" in page


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("en", ("2 calls in 1 capture", "fault", "not read")),
        ("de", ("2 Anrufe in 1 Mitschnitt", "Fehler", "nicht gelesen")),
    ],
)
def test_a_run_in_both_languages(tables, lang, words):
    text = "".join(Seen(run_card(tables, [("b.pcap", "empty")], lang)).text)
    assert all(word in text for word in words)
    assert "2026-01-01 12:00:00" in text


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("en", ("call 1", "yes", "what to do", "frames 3, 4")),
        ("de", ("Anruf 1", "ja", "Abhilfe", "Frames 3, 4")),
    ],
)
def test_a_call_in_both_languages(tables, lang, words):
    text = "".join(Seen(call_card(tables, 1, STEPS, lang)).text)
    assert all(word in text for word in words)
    assert "do that" in text
    assert "not shown" not in text, "causes of consequences are those of their root"


def test_what_is_unknown_is_a_dash(tables):
    text = "".join(Seen(call_card(tables, 2, [], "en")).text)
    assert "– → –" in text


def test_many_calls_are_not_all_listed():
    calls = Tables(calls=t.calls(*({"call": number} for number in range(1, 131))))
    text = "".join(Seen(run_card(calls, [], "en")).text)
    assert "… and 30 more: run.calls" in text
