"""Cells: strangers' texts, times, and what can be copied."""

import pandas as pd
import pytest

from postproc.show.report import cells
from postproc.show.report.cells import COPIED, LONGEST, Cell, code, copies, frame_filter, sheet, shown


def at(ns: int) -> pd.Timestamp:
    return pd.Timestamp(ns, tz="UTC")


@pytest.mark.parametrize("nothing", [None, ""])
def test_what_is_not_known_is_a_dash(nothing):
    assert shown(nothing) == "–"


def test_what_moves_the_cursor_or_turns_the_writing_is_shown_as_an_escape():
    assert shown("a\x1b[2J\x00\u202eb\nc") == "a\\x1b[2J\\x00\\u202eb\\nc"


def test_a_header_of_60_kilobytes_is_cut():
    assert shown("x" * 60_000) == "x" * LONGEST + "…"


def test_times_are_utc_with_milliseconds():
    assert (cells.clock(at(1_700_000_000_007_900_000)), cells.day(at(1_700_000_000_000_000_000))) == (
        "22:13:20.007",
        "2023-11-14",
    )


def test_times_before_1970_and_in_2262_are_times_too():
    assert (cells.day(at(-1)), cells.clock(at(-1))) == ("1969-12-31", "23:59:59.999")
    assert cells.day(at(2**63 - 1)) == "2262-04-11"


def test_an_unknown_time_and_span_are_a_dash():
    assert (cells.clock(None), cells.day(None), cells.span(at(0), None, "en")) == ("–", "", "–")
    assert (cells.span(at(0), at(12_340_000_000), "en"), cells.span(at(0), at(12_340_000_000), "de")) == (
        "12.3 s",
        "12,3 s",
    )


def test_one_frame_and_many_are_filters_of_wireshark():
    assert (frame_filter([]), frame_filter([7]), frame_filter([7, 9])) == (
        "",
        "frame.number == 7",
        "frame.number in {7, 9}",
    )


def test_what_is_empty_or_longer_than_anybody_pastes_cannot_be_copied():
    held = copies(("a", "", None), ("b", None, None), ("c", "x" * (COPIED + 1), None), ("d", "ok", "f\x1b"))
    assert [(each.label, each.text, each.where) for each in held] == [("d", "ok", "f\\x1b")]


def test_rows_beyond_the_limit_are_counted_not_shown():
    made = sheet("pairs", "en", "leg state", [(Cell("1"), Cell("x"))] * 5, 3)
    assert made is not None
    assert (len(made.rows), made.more) == (3, "2 more in the table pairs.")
    assert made.headings == ("Leg", "State")


def test_a_sheet_without_rows_is_none_and_a_full_one_says_nothing_of_more():
    assert sheet("pairs", "en", "leg", [], 3) is None
    full = sheet("pairs", "en", "leg", [(Cell("1"),)] * 3, 3)
    assert full is not None and full.more == ""


def test_an_address_stays_in_one_line_unless_it_is_longer_than_any():
    assert code("[2001:db8:1234:5678:9abc:def0:1234:5678]:65535 srflx").kind == "code"
    assert code("x" * 60).kind == "code long"
    assert code("–").kind == "faint"


def test_milliseconds_have_a_comma_in_german_and_are_a_dash_if_unknown():
    held = (
        cells.millis(0.84, "en"),
        cells.millis(0.84, "de"),
        cells.millis(27.4, "de", 0),
        cells.millis(None, "de"),
    )
    assert held == ("0.8 ms", "0,8 ms", "27 ms", "–")
