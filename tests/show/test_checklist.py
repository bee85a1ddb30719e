import pytest

from postproc.model.tables import Tables
from postproc.show import checklist
from postproc.show.checklist import KEYS, OPEN, QUESTIONS
from tests.builders import calls, candidates, captures, legs, sip_messages


def tables(**changes) -> Tables:
    return Tables().with_(
        **{
            "calls": calls(
                {
                    "call": 1,
                    "from_user": "721",
                    "to_user": "+4989",
                    "start": 1.0,
                    "end": 9.0,
                    "verdict": "fault",
                    "cause": "no-binding-success",
                    "headline": "Nothing came back.",
                }
            ),
            "captures": captures(
                {"capture": "a.pcapng", "packets": 12, "interfaces": "lo,eth0", "foreign_packets": 3}
            ),
            "candidates": candidates({"call_id": "a@x", "side": "client"}),
            "legs": legs(
                {"call": 1, "leg": 1, "call_id": "a@x", "uac_addr": "10.0.0.1", "uas_addr": "10.0.0.1"}
            ),
            "sip_messages": sip_messages({"user_agent": "XPhone Call Controller"}, {"user_agent": "x9"}),
        }
        | changes
    )


def answered(given=None, files=None, lang="en", **changes):
    return checklist.answers(tables(**changes), files or {}, given or {}, lang)


def test_what_the_trace_tells_is_filled_in():
    told = answered(
        files={
            "logs/a.log": "XCC_FS.log",
            "attachments/1.txt": "Trunk Nord.log",
            "attachments/2.txt": "app.txt",
        }
    )
    assert told["versions"] == "XPhone Call Controller; x9"
    assert told["numbers"] == "721, +4989"
    assert told["time"] == "2026-01-01 12:00:01 - 12:00:09 UTC"
    assert told["calls"] == "1: 12:00:01 721 > +4989 - fault - no-binding-success - Nothing came back."
    assert (told["xcc_logs"], told["trunk_logs"], told["app_logs"]) == (
        "logs/a.log",
        "attachments/1.txt",
        "attachments/2.txt",
    )
    assert told["gateway_logs"] is None and told["symptom"] is None


def test_what_the_user_says_counts_more():
    assert answered({"numbers": "all of them", "symptom": "silence"})["numbers"] == "all of them"


@pytest.mark.parametrize(
    ("uac", "uas", "said"),
    [
        ("10.0.0.1", "10.0.0.1", "no"),
        ("127.0.0.1", "127.0.0.2", "no"),
        ("10.0.0.1", "10.0.0.2", "probably"),
        (None, "x", None),
    ],
)
def test_a_satellite_is_told_by_the_clients_leg(uac, uas, said):
    leg = legs({"call": 1, "leg": 1, "call_id": "a@x", "uac_addr": uac, "uas_addr": uas})
    told = answered(legs=leg)["satellite"]
    assert told is None if said is None else told.startswith(said)


def test_without_a_clients_leg_nobody_knows_of_a_satellite():
    assert answered(candidates=candidates())["satellite"] is None


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"interfaces": "eth0"}, "LOOPBACK IS MISSING"),
        ({"interfaces": "eth0", "link_types": "ETHERNET,NULL"}, "with loopback"),
        ({"interfaces": "Adapter for loopback traffic capture"}, "with loopback"),
        ({"foreign_packets": 0}, "was it filtered?"),
        ({"capture": "b", "packets": None}, None),
    ],
)
def test_the_trace_is_looked_at(row, said):
    told = answered(captures=captures({"packets": 12, "foreign_packets": 5, "interfaces": "lo"} | row))[
        "trace"
    ]
    assert told is None if said is None else said in told


def test_an_empty_run_leaves_all_open():
    told = checklist.answers(Tables(), {}, {}, "de")
    assert set(told.values()) == {None}
    assert checklist.markdown(told, "de").count(OPEN.de) == len(QUESTIONS)
    assert all(each["open"] for each in checklist.document(told, "de"))


def test_many_calls_are_not_all_listed():
    many = calls(*({"call": number, "start": 1.0} for number in range(1, 31)))
    assert answered(calls=many)["calls"].endswith("... and 10 more")


def test_hostile_answers_are_text_in_markdown():
    shown = checklist.markdown(answered({"symptom": "<script>[x](y)\n# title \x1b[31m|"}), "en")
    assert "\\<script\\>\\[x\\](y)\n  \\# title \\\\x1b\\[31m\\|" in shown


def test_every_question_is_asked_in_both_languages():
    english, german = (checklist.markdown(answered(lang=lang), lang) for lang in ("en", "de"))
    assert all(each.text.en in english and each.text.de in german for each in QUESTIONS)
    assert set(checklist.ASKED) < set(KEYS)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("&lt;b&gt;", "\\&lt;b\\&gt;"),
        ("~~gone~~", "\\~\\~gone\\~\\~"),
        ("$x$", "\\$x\\$"),
        ("http://evil.example", "http\\://evil.example"),
        ("WWW.evil.example", "WWW\\.evil.example"),
        ("a@evil.example", "a\\@evil.example"),
        ("at 10:15, v1.2", "at 10:15, v1.2"),
    ],
)
def test_answers_are_neither_entities_nor_links_nor_formulas(said, shown):
    assert f" {shown}\n" in checklist.markdown(answered({"symptom": said}), "en")
