"""How far a run is, told to a terminal, to a pipe, and to nobody."""

import io
import re
import sys

import pytest
from rich.console import Console

from postproc.model.text import Text
from postproc.show import terminal as lines
from postproc.show.terminal import Step, watching

STEPS = (
    Step(Text("1 of 3 captures unchanged since they were read", "1 von 3")),
    Step(lines.READING, "a.pcap", None, 1, 2, 4_000_000, 10_000_000),
    Step(lines.READING, "b\x1b.pcap", "empty file", 2, 2, 10_000_000, 10_000_000),
    Step(Text("joining legs, checks and media", "verbinde Legs")),
)


def told(quiet=False):
    with watching(quiet=quiet) as tell:
        for step in STEPS:
            tell(step)


def test_a_pipe_gets_a_line_per_capture_with_rate_and_time_left(capsys):
    told()
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "1 of 3 captures unchanged since they were read"
    assert re.fullmatch(r"1/2 a\.pcap: read, \d+\.\d [MG]B/s, \d+ s left", lines[1])
    assert lines[2:] == ["2/2 b\\x1b.pcap: empty file", "joining legs, checks and media"]


def test_a_pipe_is_told_in_german(capsys):
    with watching("de") as tell:
        for step in STEPS:
            tell(step)
    lines = capsys.readouterr().err.splitlines()
    assert (lines[0], lines[3]) == ("1 von 3", "verbinde Legs")
    assert re.fullmatch(r"1/2 a\.pcap: gelesen, .*, noch \d+ s", lines[1])


def test_nobody_is_told_when_it_is_to_be_quiet(capsys):
    told(quiet=True)
    assert capsys.readouterr() == ("", "")


@pytest.fixture
def terminal(monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr(
        lines, "console", lambda _: Console(file=screen, force_terminal=True, width=100, height=20)
    )
    return screen


def test_a_terminal_gets_a_bar_with_rate_and_count(terminal):
    told()
    assert "reading 1/2" in terminal.getvalue()
    assert "4.0/10.0 MB" in terminal.getvalue()
    assert "\x1b" in terminal.getvalue()


def test_the_bar_moves_inside_a_capture_too(terminal):
    inside = lines.Step(lines.READING, captures=2, bytes_done=2_500_000, bytes=10_000_000)
    with lines.watching() as tell:
        tell(inside)
    assert "2.5/10.0 MB" in terminal.getvalue()


def test_a_pipe_is_not_told_what_happens_inside_a_capture(capsys):
    with lines.watching() as tell:
        tell(lines.Step(lines.READING, captures=2, bytes_done=5, bytes=10))
    assert capsys.readouterr() == ("", "")


def test_the_bar_is_gone_at_the_end(terminal):
    told()
    assert terminal.getvalue().endswith("\x1b[1A\x1b[2K")


def test_progress_goes_to_stderr():
    assert lines.console(sys.stderr).file is sys.stderr
