"""A generated notebook: valid, the same each time, in both languages, and nobody else's code."""

import ast
from pathlib import PurePosixPath

import nbformat
import pytest

from postproc.model.text import Text
from postproc.show import notebook_texts
from postproc.show.documents import code, inline
from postproc.show.notebook import OURS, Seen, Subject, notebook, sources

EVIL = '"]); import os; os.system("touch pwned") #\n%sx ls\n<img src=x onerror=alert(1)>$x$\u202e\x1b[2J'
STEPS = [
    {"step": "trace", "state": "passed", "question": "Whole?", "said": "yes"},
    {"step": "answers", "state": "failed", "question": "Answered?", "said": EVIL},
]
PLACE = PurePosixPath("../../pcaps/a.pcapng")


def made(calls=(), **more):
    return notebook(Subject(**({"name": "a.pcapng", "capture": PLACE} | more)), list(calls))


def told(held, kind):
    return [cell.source for cell in held.cells if cell.cell_type == kind]


@pytest.mark.parametrize("lang", ["en", "de"])
@pytest.mark.parametrize(
    "calls", [[], [Seen()], [Seen("one", STEPS), Seen("two")], [Seen("three", places=True)]]
)
def test_it_is_a_valid_notebook_of_valid_python(calls, lang):
    held = made(calls, lang=lang)
    nbformat.validate(held)
    for cell in told(held, "code"):
        ast.parse(cell)
    assert all(told(held, "markdown"))


def test_the_same_subject_gives_the_same_bytes():
    assert nbformat.writes(made([Seen("x", STEPS)])) == nbformat.writes(made([Seen("x", STEPS)]))


def test_results_are_loaded_and_else_the_capture_is_analysed():
    loading = told(made(results=PurePosixPath("..")), "code")[0]
    assert "postproc.load(Path('..')).capture('a.pcapng')" in loading
    assert "run = postproc.analyze(CAPTURE)" in loading
    assert "CAPTURE = Path('../../pcaps/a.pcapng')" in loading
    alone = told(made(), "code")[0]
    assert "load" not in alone
    assert "SetupError" not in alone


def test_logs_keys_and_language_are_handed_on():
    logs = (PurePosixPath("../fs.log"), PurePosixPath("b.log"))
    loading = told(made(logs=logs, keylog=PurePosixPath("keys"), lang="de"), "code")[0]
    assert "analyze(CAPTURE, fs_logs=['../fs.log', 'b.log'], keylog='keys', lang='de')" in loading


def test_the_worst_call_is_told_first_with_the_step_at_which_it_stopped():
    text = "\n".join(told(made([Seen("No Binding Success", STEPS), Seen("fine")]), "markdown"))
    assert text.index("No Binding Success") < text.index("Answered?") < text.index("### Legs")
    assert "2 calls in this capture" in text
    assert "fine" not in text


def test_a_call_from_several_places_has_their_pictures_and_tables():
    several, one = ("\n".join(told(made([Seen("x", places=each)]), "code")) for each in (True, False))
    for cell in ("call.places()", "call.route()", "call.passages[", "call.clocks["):
        assert cell in several and cell not in one


def test_one_call_has_no_overview_and_no_next_calls():
    one, two = ("\n".join(told(made([Seen()] * many), "code")) for many in (1, 2))
    assert "overview" not in one
    assert "overview" in two
    assert "other" not in one
    assert "other.ladder()" in two


def test_no_call_is_said_and_shown_what_there_is():
    held = made()
    assert "No call was found" in told(held, "markdown")[0]
    assert any("sip_messages" in cell for cell in told(held, "code"))


def test_values_of_strangers_are_strings_in_code_and_text_in_markdown():
    held = made(
        [Seen(EVIL, STEPS)],
        name=EVIL,
        capture=PurePosixPath(EVIL),
        results=PurePosixPath(EVIL),
        logs=(PurePosixPath(EVIL),),
        keylog=PurePosixPath(EVIL),
    )
    harmless = made([Seen("x", STEPS)], results=PLACE, logs=(PLACE,), keylog=PLACE)
    for cell, model in zip(told(held, "code"), told(harmless, "code"), strict=True):
        assert shape(cell) == shape(model)
        assert "\x1b" not in cell
        assert "\u202e" not in cell
    text = "\n".join(told(held, "markdown"))
    assert "<img" not in text
    assert "](" not in text.replace(inline(EVIL), "").replace(code(EVIL), "")


def shape(source):
    """The cell's syntax, strings left aside."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    return ast.dump(tree)


def test_the_hash_tells_an_edited_notebook_from_an_executed_one():
    held = made([Seen()])
    assert held.metadata[OURS]["sources"] == sources(held)
    code_cell = next(cell for cell in held.cells if cell.cell_type == "code")
    code_cell.outputs, code_cell.execution_count = [nbformat.v4.new_output("stream", text="x")], 1
    assert held.metadata[OURS]["sources"] == sources(held)
    code_cell.source += "\n# mine"
    assert held.metadata[OURS]["sources"] != sources(held)


def test_every_text_is_in_two_languages():
    texts = [each for each in vars(notebook_texts).values() if isinstance(each, Text)]
    assert len(texts) > 10
    assert all(each.en != each.de for each in texts)
