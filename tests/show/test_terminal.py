"""Lines of text: harmless, unbroken, and printable in any encoding."""

import io
from pathlib import Path

import pytest
from rich.text import Text

from postproc.show.terminal import clean, console, error_line, say, warning_lines
from tests import builders


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Anna Müller → 呼", "Anna Müller → 呼"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("a\r\nb\tc", r"a\r\nb\tc"),
        ("\u202etxt.exe", r"\u202etxt.exe"),
        ("\u2028\u200b\ufeff", r"\u2028\u200b\ufeff"),
        ("a\u0378\uffff", r"a\u0378\uffff"),  # not assigned
        ("\x9b31m", r"\x9b31m"),
        ("\ud800", r"\ud800"),
    ],
)
def test_what_moves_the_cursor_or_is_not_seen_is_written_out(text, shown):
    assert clean(text) == shown


def test_an_error_names_the_file_as_seen_from_here(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert error_line(tmp_path / "a" / "b.pcap", "empty file") == "postproc: a/b.pcap: empty file"
    assert error_line(Path("/else/b.pcap"), "empty file") == "postproc: /else/b.pcap: empty file"
    assert error_line(tmp_path / "a\nb\x1b.pcap", "x") == "postproc: a\\nb\\x1b.pcap: x"


def printed(line, encoding="utf-8"):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    say(console(stream), line)
    stream.flush()
    return stream.buffer.getvalue().decode(encoding)


def test_a_pipe_gets_no_colour_no_trailing_blanks_and_no_broken_line():
    assert printed(Text("→ " + "x" * 300 + "   ", "bold red")) == "→ " + "x" * 300 + "\n"


def test_markup_in_a_line_is_text():
    assert printed("[red]a[/red] :smile: [1/2]") == "[red]a[/red] :smile: [1/2]\n"


def test_signs_an_encoding_lacks_become_plain_ones():
    assert printed("s→c – a…b", "latin-1") == "s>c - a~b\n"
    assert printed("s→c – a…b", "ascii") == "s>c - a~b\n"
    assert printed("s→c", "utf-8") == "s→c\n"


def test_letters_an_encoding_lacks_do_not_stop_a_line():
    assert printed("Müller 呼", "ascii") == "M?ller ?\n"


def test_every_line_of_a_captures_warnings_is_a_line():
    captures = builders.captures(
        {"capture": "a", "warnings": "cut short\nkeys\x1b missing"}, {"capture": "b", "warnings": None}
    )
    assert warning_lines(captures) == ["warning: a: cut short", "warning: a: keys\\x1b missing"]
