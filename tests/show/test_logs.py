from pathlib import Path

import pytest

from postproc.model.tables import LOGS
from postproc.show import answers
from tests import builders as b

MS = {"minute": 60_000, "hour": 3_600_000}
USED = {
    "capture": "fs.log",
    "lines": 900,
    "used": 31,
    "calls": 2,
    "offset_ms": -17.3,
    "spread_ms": 16.1,
    "anchors": 2,
    "first_time": 0.0,
    "last_time": 11.0,
}
UNUSED = USED | {"used": 0, "calls": 0, "offset_ms": None, "spread_ms": None, "anchors": None}


def lines(*rows, beside=(), lang="en"):
    return answers.log_lines(b.rows("logs", *rows), [Path("/x") / name for name in beside], lang)


def test_nothing_is_said_without_logs():
    assert answers.log_lines(LOGS.empty(), []) == []


def test_a_log_that_is_used_says_what_of_it_and_how_its_clock_is():
    assert lines(USED) == ["log fs.log: 31 lines about 2 legs; its clock: UTC, 17 ms behind (spread 16 ms)"]
    assert lines(USED | {"used": 1, "calls": 1, "anchors": 1}, lang="de") == [
        "Log fs.log: 1 Zeile zu 1 Leg; seine Uhr: UTC, 17 ms nach"
    ]


@pytest.mark.parametrize(
    ("offset", "said"),
    [
        (MS["hour"] + 12, "its clock: UTC+1, 12 ms ahead"),
        (-5 * MS["hour"] - 30 * MS["minute"], "its clock: UTC-5:30, 0 ms ahead"),
        (5 * MS["hour"] + 45 * MS["minute"] - 3, "its clock: UTC+5:45, 3 ms behind"),
        (30 * MS["hour"], "its clock is wrong by +30.0 h"),
        (None, "its clock is unknown"),
    ],
)
def test_the_clock_is_told_as_time_zone_and_the_rest(offset, said):
    assert lines(USED | {"offset_ms": offset, "anchors": 1})[0].endswith(f"; {said}")


def test_a_warning_of_a_log_is_a_line():
    assert lines(USED | {"warnings": "cut short\nand more"})[1:] == [
        "warning: fs.log: cut short",
        "warning: fs.log: and more",
    ]
    copy = {"capture": "b.log", "warnings": "same content as fs.log; not read again"}
    assert lines(copy) == ["warning: b.log: same content as fs.log; not read again"]


def test_logs_of_other_calls_are_one_line_together():
    span = "(calls from 2026-01-01 12:00:00 to 12:00:11)"
    assert lines(UNUSED) == [
        f"warning: log fs.log {span}: none of the captures' calls is in it, so it is not used"
    ]
    many = [UNUSED | {"capture": f"{name}.log", "first_time": None} for name in "abcde"]
    assert lines(*many) == [
        "warning: 5 logs with none of the captures' calls are not used: a.log, b.log, c.log and 2 more"
    ]
    days = UNUSED | {"last_time": 86400.0}
    assert "from 2026-01-01 12:00:00 to 2026-01-02 12:00:00" in lines(days)[0]


def test_logs_beside_the_captures_are_one_line():
    assert lines(beside=["a.log", "b.log"]) == [
        "FreeSWITCH logs beside the captures, not used (--fs-log uses them): a.log, b.log"
    ]
    assert lines(beside=["a.log"], lang="de")[0].startswith("FreeSWITCH-Logs neben den Mitschnitten")


def test_logs_of_others_are_all_named():
    others = [Path("/x") / f"{name}.txt" for name in "abcd"]
    assert answers.log_lines(LOGS.empty(), [], "en", others) == [
        "logs beside the captures that are not FreeSWITCH's and so cannot be read: a.txt, b.txt, c.txt, d.txt"
    ]
    assert "nicht von FreeSWITCH" in answers.log_lines(LOGS.empty(), [], "de", others)[0]


def test_names_cannot_move_the_cursor():
    assert "\x1b" not in lines(USED | {"capture": "\x1b[2Jfs.log"}, beside=["\x1b[2J.log"])[0]
