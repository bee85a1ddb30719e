"""What a run says at its end: the findings of a call as lines."""

from postproc.model.tables import Tables
from postproc.show.answers import SHOWN, closing, details, frame_list, headlines, lost_between
from postproc.show.calls import call_lines
from postproc.show.report.sheets import log_warnings as log_warnings_sheet
from postproc.show.selection import log_warnings
from postproc.show.store import calls_told
from tests import builders as t
from tests.diagnose.places import EVERY_PLACE, passages, seen_from
from tests.diagnose.scenes import tables

ADVICE = "Check that UDP from and to the server's media ports passes the firewall on both sides."


def lines(width: int | None = 60, lang: str = "en", **finding: object) -> list[str]:
    found = {
        "call": 1,
        "code": "ICE001",
        "name": "x",
        "verdict": "fault",
        "severity": "error",
        "frames": "3,4",
        "title": "Nothing came back",
        "detail": "2 of 2.",
        "facts": "{}",
        "causes": "A firewall.",
        "remedies": ADVICE,
    }
    calls = t.calls({"call": 1, "headline": "Nothing came back", "verdict": "fault"})
    held = Tables(calls=calls, findings=t.rows("findings", found | finding))
    return [line.plain for line in details(held, {}, width, lang)]


def test_a_finding_is_told_with_evidence_causes_and_what_to_do():
    assert lines(None)[2:] == [
        "  ICE001 fault: Nothing came back",
        "    2 of 2.",
        "    frames 3, 4 (a.pcapng)",
        "    possible causes:",
        "      - A firewall.",
        "    what to do:",
        f"      - {ADVICE}",
    ]


def test_warnings_and_errors_of_the_log_are_quoted_once_each_with_their_place():
    texts = [
        (7, "WARNING", "Code 7 0"),
        (9, "ERR", "Bind Error!"),
        (11, "WARNING", "Code 7 25"),
        (3, "INFO", "x"),
    ]
    logged = [
        {"capture": "fs.log", "frame": frame, "time": float(frame), "level": level, "text": text, "call": 1}
        for frame, level, text in texts
    ]
    held = Tables(calls=t.calls({"call": 1, "headline": "x"}), log_events=t.rows("log_events", *logged))
    assert [line.plain for line in details(held, {}, None, "en")][2:] == [
        "  warnings and errors in the log:",
        "    - WARNING Code 7 0 (2 times) (fs.log:7)",
        "    - ERR Bind Error! (fs.log:9)",
    ]
    (document,) = calls_told(held, {})
    assert [(each["line"], each["times"], each["text"]) for each in document["log_warnings"]] == [
        (7, 2, "Code 7 0"),
        (9, 1, "Bind Error!"),
    ]
    sheet = log_warnings_sheet(log_warnings(held)[1], "de")
    assert sheet.title == "Warnungen und Fehler im Log"
    assert [row[2].text for row in sheet.rows] == ["Code 7 0", "Bind Error!"]


def test_a_broken_line_of_a_list_goes_on_beside_its_dash_and_fits():
    advice = lines()[-2:]
    assert advice[0].startswith("      - Check") and advice[1].startswith("        ") and advice[1][8] != " "
    assert max(map(len, lines())) <= 60


def test_advice_is_left_out_of_consequences_and_of_what_cannot_be_told():
    for changes in ({"caused_by": "y"}, {"verdict": "cannot_tell"}, {"verdict": "note"}):
        assert not any("firewall" in line.lower() for line in lines(**changes))
    assert "unklar" in lines(lang="de", verdict="cannot_tell")[2]


def test_of_many_frames_the_first_are_named():
    assert frame_list(range(SHOWN + 1)).endswith(f"{SHOWN - 1} …")
    assert frame_list([1, 2]) == "1, 2"


def test_the_closing_line_counts_in_both_languages():
    assert closing(2, 1, 1, "en") == "2 calls in 1 capture (1 unchanged, not read again)"
    assert closing(1, 46, 0, "de") == "1 Anruf in 46 Mitschnitten"


def test_what_is_lost_between_places_stands_under_the_headline():
    held = tables(
        **seen_from(EVERY_PLACE, passages([17, 17, 0]), passages([1543, 1543, 1486], kind="rtp")),
        calls=[
            {"call": 1, "verdict": "fault", "headline": "Lost"},
            {"call": 2, "verdict": "ok", "headline": "Well"},
        ],
    )
    between = lost_between(held, "en")
    assert between == {
        1: [
            "STUN packets, leg 1: server → WAN 17 of 17 · WAN → client 0 of 17",
            "RTP packets, leg 1: server → WAN 1,543 of 1,543 · WAN → client 1,486 of 1,543",
        ]
    }
    shown = [line.plain for line in headlines(call_lines(held), None, "en", between)]
    assert shown == ["call 1: Lost", *(f"  {each}" for each in between[1])]
    assert "    " + between[1][0] in [line.plain for line in details(held, {}, None, "en")]


def test_what_arrived_in_whole_needs_no_line():
    held = tables(**seen_from(EVERY_PLACE, passages([17, 17, 17])))
    assert lost_between(held, "de") == {}
