"""Every text, alone, through everything that writes texts of strangers somewhere."""

import ast
import re
from collections import Counter
from pathlib import Path, PurePosixPath

import pytest

from postproc.model import filters
from postproc.model.described import of_table
from postproc.model.tables import Tables
from postproc.share.account import Account, Tally, markdown
from postproc.share.annotate import comments
from postproc.share.packing import LONGEST, safe_name
from postproc.show import acl, checklist, notebook_html
from postproc.show.documents import code, inline
from postproc.show.notebook import Seen, Subject, notebook
from postproc.show.terminal import error_line, trace
from tests import builders
from tests.hostile import MOVES, SURROGATE, TEXTS
from tests.injection.markdown import LINK, PLAIN_TAGS, tags
from tests.show.report.pages import Page

EVERY = pytest.mark.parametrize("text", [*TEXTS.values(), SURROGATE], ids=[*TEXTS, "surrogate"])
STORED = pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)  # a table holds no half of a pair
SAID = {"verdict": "fault", "severity": "error", "code": "ICE001", "name": "x", "call": 1, "frames": "3,4"}


@EVERY
def test_a_line_on_the_terminal_is_one_line(text):
    told = [
        error_line(Path(f"/{text}".replace("\0", "")), text),
        *acl.address(text, [text, "b"], {}, "en", together=True),
    ]
    assert not (MOVES | {"\n"}) & set("".join(told))
    assert not MOVES & set(trace(ValueError(text)))


@EVERY
def test_markdown_is_text(text):
    account = Account(Tally(), {"a.txt": Counter([text])}, (text,))
    answered = checklist.markdown(dict.fromkeys(checklist.KEYS, text), "en")
    for page in (f"said: {inline(text)}", f"# {code(text)}", answered, markdown(account, "en")):
        assert tags(page) <= PLAIN_TAGS
        assert not MOVES & set(page) and not LINK.search(page)


@STORED
def test_a_notebook_s_code_is_ours(text):
    place = PurePosixPath(text)
    held = notebook(Subject(text, place, place, (place,), place, "en"), [Seen(text, ())])
    ours = notebook(
        Subject("a", *[PurePosixPath("a")] * 2, (PurePosixPath("a"),), PurePosixPath("a"), "en"),
        [Seen("a", ())],
    )
    for cell, other in zip(held.cells, ours.cells, strict=True):
        assert not MOVES & set(cell.source)
        if cell.cell_type == "code":
            assert nodes(cell.source) == nodes(other.source)
        else:
            assert tags(cell.source) <= PLAIN_TAGS


def nodes(source: str) -> list[type]:
    return [type(node) for node in ast.walk(ast.parse(source))]


@STORED
def test_a_card_in_a_notebook_has_no_elements_of_theirs(text):
    def tables(said: str) -> Tables:
        return Tables(
            captures=builders.captures({"capture": said, "warnings": said}),
            calls=builders.calls(
                {"call": 1, "from_user": said, "to_user": said, "headline": said, "legs": 1}
            ),
            findings=builders.rows(
                "findings", SAID | dict.fromkeys(("title", "detail", "causes", "remedies"), said)
            ),
        )

    steps = [{"step": "trace", "state": "passed", "question": "Whole?", "said": text}]
    for theirs, ours in (
        (
            notebook_html.run_card(tables(text), [(text, text)], "en"),
            notebook_html.run_card(tables("a"), [("a", "a")], "en"),
        ),
        (
            notebook_html.call_card(tables(text), 1, steps, "en"),
            notebook_html.call_card(tables("a"), 1, steps, "en"),
        ),
    ):
        held, plain = Page(theirs), Page(ours)
        assert set(held.elements) <= set(plain.elements)
        assert {name for _, name, _ in held.attributes} <= {name for _, name, _ in plain.attributes}
        assert not MOVES & set(theirs)


@STORED
def test_a_packet_comment_is_one_line(text):
    row = SAID | dict.fromkeys(("title", "detail", "code", "name"), text)
    told = [each for said in comments(of_table(builders.rows("findings", row))).values() for each in said]
    assert told and not (MOVES | {"\n"}) & set("".join(told))


@EVERY
def test_a_file_s_name_is_a_plain_one(text):
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", safe_name(text)) and len(safe_name(text)) <= LONGEST


@EVERY
def test_a_value_in_a_filter_ends_nowhere_but_at_its_end(text):
    held = filters.quoted(text)
    assert held.isascii() and held.isprintable()
    assert not set(held[1:-1]) & {'"', "$", "@"}
    assert not re.search(r"\\(?!x[0-9a-f]{2})", held)
