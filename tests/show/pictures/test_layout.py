"""Widths are never less than matplotlib's, and texts of strangers are harmless."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from postproc.show.pictures.layout import LONGEST, middle_cut, plain, shortened, width

TEXTS = [
    "Binding Request WTJz:3RME.., unanswered × 12",
    "INVITE +498984079810",
    "Zoë Müller → Łódź",
    "iiiijjjj.:|",
    "200 OK (answer audio, 2 candidates)",
    "Привет мир",
    "WWWW@@@@",
]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("bold", [False, True])
def test_reckoned_width_is_the_fonts_or_a_little_more(text: str, bold: bool):
    font = FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")
    drawn = TextPath((0, 0), text, size=100, prop=font).get_extents().width
    assert drawn <= width(text, 100, bold=bold) + 1
    if text.isascii() and not bold:
        assert width(text, 100) <= drawn * 1.1 + 12


def test_control_bidi_and_format_characters_are_taken_out():
    assert plain("a\x1b[31mb\x00c\u202ed\u2066e\u200ff\ufeff") == "a[31mbcdef"
    assert plain("one\r\n\ttwo\u2028three") == "one two three"
    assert plain(None) == ""


def test_marks_that_pile_up_are_cut():
    assert plain("Z" + "\u0335" * 50) == "Z" + "\u0335" * 2


def test_long_texts_are_bounded():
    assert len(plain("x" * 60_000)) == LONGEST + 1
    assert plain("x" * 60_000).endswith("…")


@given(st.text(), st.floats(0, 200))
def test_a_shortened_text_fits(text: str, room: float):
    for cut in (shortened(text, room, 7.0), middle_cut(text, room, 7.0)):
        assert width(cut, 7.0) <= room or cut == ""


@given(st.text())
def test_plain_texts_stay_plain(text: str):
    assert plain(plain(text)).rstrip("…") == plain(text).rstrip("…")
    assert all(char.isprintable() for char in plain(text))


def test_addresses_keep_both_ends():
    cut = middle_cut("2001:db8:aaaa:bbbb:cccc:dddd:eeee:1234", 100, 7.0)
    assert cut.startswith("2001:") and cut.endswith("1234") and "…" in cut
