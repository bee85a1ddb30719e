"""The data model of the report."""

import pytest

from postproc.model.tables import Tables
from postproc.show.report.page import Limits, report
from tests import builders
from tests.show.report import scenes


def made(tables: Tables | None = None, lang: str = "en", **known):
    return report(scenes.tables() if tables is None else tables, scenes.WALK, lang, **known)


def crowd(verdicts: list[str]) -> Tables:
    calls = (
        {"call": n, "legs": 1, "verdict": verdict, "start": float(n)} for n, verdict in enumerate(verdicts, 1)
    )
    return Tables(calls=builders.calls(*calls))


def test_every_call_has_a_row_with_verdict_and_figures():
    first, third, second = made().entries  # worst first
    assert (first.number, first.verdict, first.word, first.parties) == (
        1,
        "fault",
        "Fault",
        "721 → +498984079810",
    )
    assert [cell.text for cell in first.checks] == ["0/2", "–"]
    assert [cell.text for cell in first.media] == ["0", "0"]
    assert (second.dtls.text, [cell.text for cell in second.media]) == ("ok", ["94", "0"])
    assert (third.verdict, third.parties, third.status.text) == ("cannot_tell", "– → –", "–")


def test_verdicts_are_counted_worst_first():
    assert made(lang="de").verdicts == (("fault", "Fehler", 1), ("cannot_tell", "Unklar", 1), ("ok", "OK", 1))


def test_a_search_finds_call_ids_addresses_and_rules():
    words = made().entries[0].words
    assert all(
        word in words for word in ("b1@x", "10.0.50.20", "no-binding-success", "ice001", "192.168.178.34")
    )


def test_a_call_s_details_are_all_there():
    first = made().details[0]
    assert [sheet.name for sheet in first.sheets] == ["pairs", "bindings", "legs"]
    assert list(first.pictures) == ["ladder", "call_timeline", "bindings"], "there is no media to show"
    assert list(made().details[1].pictures) == ["ladder", "call_timeline", "media"]
    assert (first.duration, first.entry.captures) == ("17.0 s", "a.pcapng")
    assert first.joined == "the order of ringing, answer and end, the same server (99 %)"
    assert first.troubled and not made().details[1].troubled


def test_of_very_many_calls_the_worst_are_shown_whole():
    held = made(crowd(["ok", "fault", "ok", "suspect"]), limits=Limits(detailed=2))
    assert [each.entry.number for each in held.details] == [2, 4]
    assert len(held.entries) == 4 and held.detailed == {2, 4}


def test_of_many_calls_the_worst_have_pictures():
    held = made(crowd(["ok", "fault", "ok"]), limits=Limits(pictured=1))
    assert [bool(each.pictures) for each in held.details] == [False, True, False]


def test_of_many_calls_that_are_well_a_few_have_pictures():
    verdicts = ["ok", "fault", "ok", "cannot_tell", "ok"]
    held = made(crowd(verdicts), limits=Limits(well=1))
    assert [bool(each.pictures) for each in held.details] == [True, True, False, True, False]
    named = made(crowd(verdicts), limits=Limits(well=1, calls=[3, 5]))
    assert [bool(each.pictures) for each in named.details] == [True, True]


def test_pictures_end_where_the_room_ends():
    every = made(crowd(["ok", "fault", "ok"]))
    size = sum(map(len, every.details[1].pictures.values()))
    held = made(crowd(["ok", "fault", "ok"]), limits=Limits(picture_bytes=size))
    assert [bool(each.pictures) for each in held.details] == [False, True, False]


def test_calls_can_be_named():
    held = made(limits=Limits(calls=[2]))
    assert [each.number for each in held.entries] == [2] and held.overview == ""


def test_there_is_a_picture_of_all_calls_if_there_are_some():
    assert made().overview.startswith("<svg") and made(crowd(["ok", "ok"])).overview == ""


def test_warnings_of_captures_logs_and_what_was_not_read_are_counted():
    logs = builders.rows("logs", {"lines": 10, "used": 2, "warnings": "no call of these captures"})
    held = made(scenes.tables().with_(logs=logs), unread=[("bad.pcap", "empty file")])
    assert held.warnings == 4
    assert held.captures[0].warnings == ("cut short", "no loopback")
    assert held.captures[0].facts == "765 packets · 2026-01-01 12:00:00 – 12:01:00 UTC · eth0"
    assert held.logs[0].facts == "2 of 10 lines used"


def test_the_time_is_that_of_all_captures_together():
    held = Tables(
        captures=builders.captures(
            {"first_time": 0.0, "last_time": 5.0}, {"first_time": 90000.0, "last_time": 90001.0}
        )
    )
    assert made(held).when == "2026-01-01 12:00:00 – 2026-01-02 13:00:01 UTC"


def test_nothing_at_all_is_a_report_too():
    held = made(Tables())
    assert (held.entries, held.details, held.when, held.warnings) == ((), (), "", 0)


@pytest.mark.parametrize(
    ("call", "shown"),
    [
        ({"final_status": 480}, "doubt"),
        ({"final_status": 486}, "doubt"),
        ({"final_status": 403}, "bad"),
        ({"final_status": 480, "verdict": "ok"}, "doubt"),
        ({"final_status": 200}, "good"),
        ({}, "faint"),
    ],
)
def test_a_busy_line_is_no_fault(call, shown):
    (entry,) = made(Tables(calls=builders.calls({"call": 1} | call))).entries
    assert entry.status.kind == f"figure {shown}"


def test_media_and_checks_of_a_call_whose_sides_nobody_knows_are_in_brackets():
    held = Tables(
        calls=builders.calls({"call": 1, "final_status": 200}),
        rtp_streams=builders.rtp_streams({"call": 1, "first_time": 1.0, "last_time": 2.0}),
        bindings=builders.bindings(scenes.binding(direction="other", outcome="success")),
    )
    (entry,) = made(held).entries
    assert [cell.text for cell in entry.media] == ["(100)", "–"]
    assert [cell.text for cell in entry.checks] == ["(1/1)", "–"]


def test_an_ambiguous_call_says_so():
    (entry,) = made(Tables(calls=builders.calls({"call": 1, "legs": 2, "ambiguous": True}))).entries
    assert (entry.legs.text, entry.legs.kind) == ("2?", "figure doubt")
