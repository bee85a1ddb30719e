"""The table of calls: fits the terminal, is plain in a pipe, and lets no stranger draw on it."""

import pytest
from rich.cells import cell_len

from postproc.show import calls
from postproc.show.calls import Line
from tests.builders import at

LINE = {
    "call": 1,
    "start": at(61),
    "from_user": "721",
    "to_user": "+498984079810",
    "legs": 2,
    "final_status": 200,
    "candidates": (2, 3),
    "checks_to_client": (11, 11),
    "checks_to_server": (2, 3),
    "checks_other": (0, 0),
    "dtls": "complete",
    "packets_to_client": 401,
    "packets_to_server": 543,
    "packets_other": None,
    "ambiguous": False,
    "verdict": "ok",
}
NOTHING = {
    "start": None,
    "from_user": None,
    "to_user": None,
    "legs": 0,
    "final_status": None,
    "candidates": (0, 0),
    "checks_to_client": (0, 0),
    "checks_to_server": (0, 0),
    "checks_other": (0, 0),
    "dtls": None,
    "packets_to_client": None,
    "packets_to_server": None,
}


def drawn(*changes, width=None):
    return [row.plain.rstrip() for row in calls.table([Line(**(LINE | change)) for change in changes], width)]


def cells(**change):
    """The cells of the one call's row, without call number and time."""
    return drawn(change)[3].split()[2:]


def test_the_whole_table():
    assert drawn({}, NOTHING | {"call": 2, "start": at(86400)}, {"call": 3, "start": at(86401)}) == [
        "call time     from → to           legs SIP cand.   checks  DTLS  media  verdict",
        "     UTC                                     c/s   s→c c→s      s→c c→s",
        "2026-01-01",
        "   1 12:01:01 721 → +498984079810    2 200   2/3 11/11 2/3 ok   401 543 ok",
        "2026-01-02",
        "   2 12:00:00 – → –                  0   –     –     –   – –      –   – ok",
        "   3 12:00:01 721 → +498984079810    2 200   2/3 11/11 2/3 ok   401 543 ok",
        calls.LEGEND.en,
    ]


@pytest.mark.parametrize("width", [80, 100, 132])
def test_no_row_is_wider_than_the_terminal(width):
    change = {"from_user": "a" * 500, "to_user": "呼" * 300, "packets_to_client": 10**9, "ambiguous": True}
    rows = calls.table([Line(**(LINE | change))], width)
    assert max(cell_len(row.plain) for row in rows[:-1]) <= width
    assert len({cell_len(row.plain) for row in rows[:2]}) == 1


@pytest.mark.parametrize("lang", ["en", "de"])
@pytest.mark.parametrize("width", [80, 100, 132])
def test_lines_that_come_one_by_one_fit_the_terminal_and_are_whole(width, lang):
    headings, drawn = calls.as_they_come(width, lang)

    def line(**change) -> Line:
        return Line(**(LINE | change))

    faulty = {"verdict": "fault", "dtls": "client_hello_only", "checks_to_client": (0, 17)}
    lines = [drawn(line(**values)).plain.rstrip() for values in ({}, faulty)]
    assert all(cell_len(text) <= width for text in (*lines, *(each.plain.rstrip() for each in headings)))
    long = drawn(line(checks_to_client=(1234, 5678), dtls="incomplete")).plain
    assert "1234/5678" in long
    assert calls.cells(line(dtls="incomplete"), lang).dtls.text in long.split()


def test_the_longer_party_loses_its_middle():
    assert "721 → +498…00000000 " in drawn({"to_user": "+4989840798100000000000"}, width=79)[3]
    both = {"from_user": "anna.mobil.long.name", "to_user": "0123456789012345678"}
    assert "anna…ng.name → 0123…2345678 " in drawn(both, width=87)[3]


def test_in_a_pipe_a_name_is_shortened_only_when_absurd():
    assert "sip.user.with.a.long.name" in drawn({"from_user": "sip.user.with.a.long.name"})[3]
    assert len(drawn({"from_user": "x" * 5000})[3]) < 160


@pytest.mark.parametrize("evil", ["\x1b[31mred", "a\rb", "\u202egnp", "a\nb", "\x9b2J", "\u200b"])
def test_escapes_and_direction_marks_of_a_header_are_shown_as_text(evil):
    rows = drawn({"from_user": evil, "to_user": evil})
    assert len(rows) == 5
    assert not set(evil) & {"\x1b", "\r", "\u202e", "\n", "\x9b", "\u200b"} & set("".join(rows))
    assert "\\" in rows[3]


def test_unanswered_checks_and_missing_media_stand_out():
    change = {"checks_to_client": (0, 6), "packets_to_server": None, "dtls": "client_hello_only"}
    row = calls.table([Line(**(LINE | change))], None)[3]
    styles = {row.plain[span.start : span.end].strip(): span.style for span in row.spans}
    assert (styles["0/6"], styles["0"], styles["hello"]) == ("red", "red", "red")
    assert (styles["2/3"], styles["401"], styles["200"]) == ("yellow", "green", "green")


@pytest.mark.parametrize(
    ("status", "style"),
    [
        (200, "green"),
        (302, "yellow"),
        (480, "yellow"),
        (486, "yellow"),
        (487, "yellow"),
        (488, "red"),
        (403, "red"),
    ],
)
def test_a_busy_or_cancelled_call_is_no_fault(status, style):
    line = Line(**(LINE | {"final_status": status, "verdict": "fault"}))
    row = calls.table([line], None)[3]
    assert {row.plain[s.start : s.end].strip(): s.style for s in row.spans}[str(status)] == style


NO_MEDIA = {"packets_to_client": None, "packets_to_server": None}


def test_media_of_a_call_without_a_client_is_in_parentheses_and_explained():
    rows = drawn(NO_MEDIA | {"packets_other": 900, "candidates": (0, 0)})
    assert "(900)" in rows[3]
    assert rows[-1] == calls.WITHOUT_SIDES.en


def test_an_answered_call_of_a_client_without_media_shows_it_whatever_the_other_leg_has():
    assert cells(**NO_MEDIA, packets_other=900)[-3:] == ["0", "0", "ok"]


def test_a_call_that_was_not_answered_need_not_have_media():
    assert cells(**NO_MEDIA, final_status=488)[-3:] == ["–", "–", "ok"]


def test_a_million_packets_are_short():
    assert cells(packets_to_client=1_234_567)[-3:-1] == ["1.2M", "543"]


def test_checks_stand_in_brackets_where_no_side_is_known():
    drawn_cells = cells(**NOTHING | {"start": at(1), "checks_other": (3, 4)})
    assert "(3/4)" in drawn_cells
    assert drawn(NOTHING | {"start": at(1), "checks_other": (3, 4)})[-1] == calls.WITHOUT_SIDES.en
    assert "(3/4)" not in cells(checks_other=(3, 4))


def test_a_leg_that_could_belong_elsewhere_says_so_and_is_explained():
    rows = drawn({"ambiguous": True})
    assert " 2? 200" in rows[3]
    assert rows[-1] == calls.AMBIGUOUS.en
    assert "?" not in "".join(drawn({}))


@pytest.mark.parametrize(
    ("verdict", "said", "style"),
    [
        ("fault", "fault", "red"),
        ("suspect", "suspect", "yellow"),
        ("cannot_tell", "unclear", ""),
        (None, "–", "dim"),
    ],
)
def test_the_verdict_stands_at_the_end(verdict, said, style):
    row = calls.table([Line(**(LINE | {"verdict": verdict}))], None)[3]
    assert row.plain.split()[-1] == said
    assert {row.plain[s.start : s.end].strip(): s.style for s in row.spans}.get(said, "") == style


def test_the_table_speaks_german():
    rows = [row.plain for row in calls.table([Line(**(LINE | {"verdict": "fault"}))], 80, "de")]
    assert rows[0].split()[-1] == "Urteil"
    assert rows[3].split()[-1] == "Fehler"
    assert rows[-1] == calls.LEGEND.de


def test_the_status_of_a_call_that_is_ok_is_never_painted_as_an_error():
    line = Line(**(LINE | {"final_status": 404, "verdict": "ok"}))
    assert calls.cells(line, "en").status == ("404", "doubt")
