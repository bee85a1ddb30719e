"""Findings described, in both languages."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from postproc.diagnose.chain import Chain, chain
from postproc.diagnose.describe import described, detail, findings, headline
from postproc.diagnose.ending import hung_up
from postproc.model.findings import Advice, Evidence, Finding, Rule
from postproc.model.text import Text
from tests.diagnose.scenes import XPHONE, foreign, scene

MOMENT = datetime(2026, 11, 22, 22, 38, 49, 496116, tzinfo=UTC)
RULE = Rule(
    "ICE999",
    "test-rule",
    "stun",
    Text("A picture", "Ein Bild"),
    Text("Claim.", "Behauptung."),
    causes=(
        Advice(Text("Anybody's {side:word}.", "Jedermanns {side:word}.")),
        Advice(Text("XPhone's.", "Des XPhones."), product="xphone"),
        Advice(Text("Tagged.", "Markiert."), tag="odd"),
    ),
    remedies=(Advice(Text("Open {ports}.", "{ports} öffnen.")),),
    references=("RFC 1", "RFC 2"),
    known_problems=Text("None.", "Keine."),
    find=lambda _: iter(()),
)
FINDING = Finding(
    "test-rule",
    "fault",
    0.9,
    Evidence("a.pcap", (3, 9), MOMENT),
    Text("{count:request|requests} of the {side:word}", "{count:Request|Requests} vom {side:word}"),
    (Text("At {at:clock}.", "Um {at:clock}."),),
    {"count": 2, "side": "client", "at": MOMENT, "share": 8.84, "names": {"b", "a"}},
    call=1,
    leg=1,
)


def test_a_record_holds_place_texts_and_facts():
    row = described(FINDING, RULE, scene(), "en").row()
    assert (row["capture"], row["frame"], row["frames"], row["time"]) == ("a.pcap", 3, "3,9", MOMENT)
    assert (row["code"], row["name"], row["severity"], row["verdict"]) == (
        "ICE999",
        "test-rule",
        "error",
        "fault",
    )
    assert (row["title"], row["detail"]) == ("2 requests of the client", "At 22:38:49.496 UTC.")
    assert row["reference"] == "RFC 1; RFC 2"
    facts = json.loads(row["facts"])
    assert (facts["at"], facts["names"]) == ("2026-11-22T22:38:49.496116+00:00", ["a", "b"])


def test_german_is_german():
    row = described(FINDING, RULE, scene(), "de").row()
    assert (row["title"], row["detail"]) == ("2 Requests vom Client", "Um 22:38:49.496 UTC.")
    assert row["remedies"] == "30000-33000 öffnen."


def test_a_finding_without_frames_names_none():
    row = described(replace(FINDING, evidence=Evidence("a.log")), RULE, scene(), "en").row()
    assert (row["capture"], row["frame"], row["frames"], row["time"]) == ("a.log", None, "", None)


def test_advice_for_a_product_is_given_to_its_calls_only():
    assert "XPhone's." in described(FINDING, RULE, scene(), "en").row()["causes"]
    assert "XPhone's." not in described(FINDING, RULE, scene(base=foreign()), "en").row()["causes"]


def test_advice_for_a_tag_is_given_with_it_only():
    assert "Tagged." not in described(FINDING, RULE, scene(), "en").row()["causes"]
    assert (
        "Tagged." in described(replace(FINDING, tags=frozenset({"odd"})), RULE, scene(), "en").row()["causes"]
    )


def test_ports_that_are_not_known_are_said_to_be_as_configured():
    unknown = scene(replace(XPHONE, media_ports={}))
    assert described(FINDING, RULE, unknown, "en").row()["remedies"] == "Open as configured there."


def test_what_would_settle_a_doubt_ends_the_detail():
    doubt = replace(FINDING, settle=Text("ask the {side:word}.", "den {side:word} fragen."))
    assert detail(doubt, "en") == "At 22:38:49.496 UTC. To settle it: ask the client."
    assert detail(doubt, "de") == "Um 22:38:49.496 UTC. Klärung: den Client fragen."


@pytest.mark.parametrize(
    ("lang", "said"), [("en", "This follows from: A picture."), ("de", "Das folgt aus: Ein Bild.")]
)
def test_a_consequence_says_what_it_follows_from(lang, said):
    first = replace(RULE, breaks="path")
    later = replace(RULE, name="later", breaks="media")
    chained = chain(
        [replace(FINDING, rule="later"), FINDING], {"test-rule": first, "later": later}, media_ok=None
    )
    rows = findings(chained, {"test-rule": first, "later": later}, scene(), lang)
    assert [(row.name, row.caused_by) for row in rows] == [("test-rule", None), ("later", "test-rule")]
    assert rows[1].detail.endswith(said)


def test_the_headline_is_the_roots_title_else_how_the_call_went_and_who_ended_it():
    ending = Text("It ended, call {call}: {why}.", "Zu Ende, Anruf {call}: {why}.")
    rooted, ended = Chain(FINDING, (FINDING,), {}), hung_up(scene())
    told = headline(scene(), rooted, (ending, {"why": "busy"}), ended, "en")
    assert told == "2 requests of the client The caller (10.0.50.5) hung up after 17 s."
    told = headline(scene(), Chain(None, (), {}), (ending, {"why": "besetzt"}), ended, "de")
    assert told == "Zu Ende, Anruf 1: besetzt. Der Anrufer (10.0.50.5) legte nach 17 s auf."


def test_braces_of_strangers_in_facts_stay_as_they_are():
    hostile = replace(
        FINDING, title=Text("{who}", "{who}!"), facts={"who": "{side.__class__} {0}"}, detail=()
    )
    assert (
        described(hostile, replace(RULE, causes=()), scene(), "en").row()["title"] == "{side.__class__} {0}"
    )
