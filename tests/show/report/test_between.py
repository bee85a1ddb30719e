"""What several places of a call tell when they are compared, in the report."""

import re

from postproc.model.calls import Calls
from postproc.show.report.between import passages, rewritten
from postproc.show.report.calls import detail, entry, shelf
from postproc.show.report.page import report
from tests.diagnose.places import EVERY_PLACE, seen_from
from tests.diagnose.places import passages as passed
from tests.diagnose.scenes import message, section, tables
from tests.show.pictures.scenes import run_of

INVITE = message(1, "INVITE", 0.0, branch="z9hG4bK7", contact="sip:721@10.0.50.5:5060", frame=1)
THERE = INVITE | {"capture": "b.pcapng", "contact": "sip:721@203.0.113.5:1024", "frame": 3, "time": 0.01}


def call_of(**changes):
    return Calls(tables(**changes))[1]


def cells(sheet) -> list[dict]:
    return [dict(zip(sheet.headings, row, strict=True)) for row in sheet.rows]


def test_each_stretch_has_a_row_with_what_arrived_and_when_it_was_lost():
    first, second = cells(passages(call_of(**seen_from(EVERY_PLACE, passed([17, 17, 0]))), "en"))
    shown = [first[name].text for name in ("Leg", "What", "Stretch", "Sent", "Arrived", "Lost")]
    assert shown == ["1", "STUN packets", "server → WAN", "17", "17", "0"]
    assert (first["Lost"].kind, second["Lost"].kind) == ("figure faint", "figure bad")
    assert (second["First lost"].text, second["Last lost"].text) == ("12:00:02.000", "12:00:17.500")
    assert (first["Delay"].text, second["Delay"].text) == ("5.0 ms", "–")
    assert second["From"].text == "203.0.113.10:30000"


def test_a_share_that_is_lost_is_a_doubt_and_words_are_german_in_german():
    _, second = cells(passages(call_of(**seen_from(EVERY_PLACE, passed([9, 9, 8]))), "de"))
    assert (second["Verloren"].kind, second["Abschnitt"].text) == ("figure doubt", "WAN → Client")


def test_lines_that_were_rewritten_stand_side_by_side_with_place_and_frame():
    moved = section(capture="b.pcapng", frame=3, time=0.01, port=61000)
    seen = seen_from(EVERY_PLACE, passed([9, 9, 9], kind="sip"))
    call = call_of(sip_messages=[INVITE, THERE], sdp_media=[section(), moved], **seen)
    contact, media = cells(rewritten(call, "en"))
    assert (contact["Line"].text, contact["At the one place"].text, contact["At the other"].text) == (
        "Contact",
        "server #1: sip:721@10.0.50.5:5060",
        "WAN #3: sip:721@203.0.113.5:1024",
    )
    assert media["At the other"].text == "WAN #3: 198.51.100.77:61000"


def test_the_report_of_a_call_from_one_place_has_none_of_it():
    assert passages(call_of(), "en") is None
    assert rewritten(call_of(), "en") is None


def test_the_sheet_stands_first_among_those_of_the_call():
    held = tables(**seen_from(EVERY_PLACE, passed([17, 17, 0])))
    call, taken = Calls(held)[1], shelf(held)
    made = detail(call, entry(call, taken.lines[1], [], "en"), [], {}, taken, lang="en")
    assert made.sheets[0].title == "Between places"


def test_times_of_all_places_are_by_the_reference_s_clock():
    """The server's shows 9 o'clock, the client's 7, the WAN interface's half a minute less than 9."""
    found = report(run_of("places/ports_changed"), {}, "en").details[0]
    times = [cell.text for shown in found.sheets for row in shown.rows for cell in row]
    times = [text for text in times if re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3}", text)]
    assert len(times) > 10
    assert {text[:7] for text in times} == {"09:00:0"}
