"""Every user-visible text exists in English and German, with the same facts in both."""

import ast
import importlib
import pkgutil
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from itertools import pairwise
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

import postproc
from postproc.model import vocabulary
from postproc.model.text import Text


def texts(held: Any, seen: set[int]) -> Iterator[Text]:
    """Yield the texts in a module's constants, at any depth."""
    if id(held) in seen:
        return
    seen.add(id(held))
    if isinstance(held, Text):
        yield held
    elif isinstance(held, dict):
        for each in (*held.keys(), *held.values()):
            yield from texts(each, seen)
    elif isinstance(held, list | tuple | set | frozenset):
        for each in held:
            yield from texts(each, seen)
    elif is_dataclass(held) and not isinstance(held, type):
        for each in fields(held):
            yield from texts(getattr(held, each.name), seen)


def modules() -> list[str]:
    found = pkgutil.walk_packages(postproc.__path__, "postproc.")
    return sorted(each.name for each in found if not each.name.endswith("__main__"))


def placeholders(template: str) -> list[str]:
    return sorted(name for _, name, _, _ in Formatter().parse(template) if name)


def of_module(name: str) -> list[Text]:
    seen: set[int] = set()
    held = vars(importlib.import_module(name))
    return [text for value in list(held.values()) for text in texts(value, seen)]


@pytest.mark.parametrize("name", modules())
def test_both_languages_say_the_same(name):
    for text in of_module(name):
        assert bool(text.en.strip()) == bool(text.de.strip()), text
        assert set(placeholders(text.en)) == set(placeholders(text.de)), text


@pytest.mark.parametrize("name", modules())
def test_no_sentence_was_left_untranslated(name):
    for text in of_module(name):
        if len(text.en.split()) > 3:
            assert text.en != text.de, text


@pytest.mark.parametrize("name", modules())
def test_no_number_stands_twice(name):
    """``{n:call|calls}`` writes the number itself."""
    for text in of_module(name):
        for template in (text.en, text.de):
            parts = [(before, field, spec or "") for before, field, spec, _ in Formatter().parse(template)]
            for (_, first, _), (between, second, spec) in pairwise(parts):
                assert not (first == second and "|" in spec and not between.strip()), template


def test_texts_are_found_at_all():
    assert sum(len(of_module(name)) for name in modules()) > 500


def written(path: Path) -> list[tuple[str, str]]:
    """Return every literal text in a module's source, in English and German."""
    calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
    pairs = [
        [each.value for each in call.args if isinstance(each, ast.Constant)]
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id in ("Text", "Words")
    ]
    return [(pair[0], pair[1]) for pair in pairs if len(pair) == 2]


SOURCES = sorted(Path(postproc.__file__).parent.rglob("*.py"))
VOCABULARY = Path(vocabulary.__file__)


def test_no_english_text_has_two_german_ones():
    german = defaultdict(set)
    for path in SOURCES:
        for en, de in written(path):
            german[en.lower()].add(de.lower())
    assert {en: de for en, de in german.items() if len(de) > 1} == {}


def test_terms_of_the_vocabulary_are_written_in_no_other_module():
    terms = {en.lower() for en, _ in written(VOCABULARY)}
    again = [
        (path.name, en)
        for path in SOURCES
        if path != VOCABULARY
        for en, _ in written(path)
        if en.lower() in terms
    ]
    assert len(terms) > 90
    assert again == []


@pytest.mark.parametrize(
    ("calls", "captures", "lang", "text"),
    [
        (1, 1, "en", "1 call in 1 capture"),
        (2, 1, "en", "2 calls in 1 capture"),
        (0, 2, "en", "0 calls in 2 captures"),
        (1, 1, "de", "1 Anruf in 1 Mitschnitt"),
        (54, 46, "de", "54 Anrufe in 46 Mitschnitten"),
        (1234, 2, "de", "1.234 Anrufe in 2 Mitschnitten"),
    ],
)
def test_one_and_many_in_both_languages(calls, captures, lang, text):
    within = vocabulary.CALLS_IN_CAPTURES
    counted = vocabulary.counted(vocabulary.CALLS, calls, lang)
    assert vocabulary.counted(within, captures, lang, calls=counted) == text


def test_a_sentence_or_heading_begins_with_a_capital_letter_and_keeps_the_rest():
    assert vocabulary.capital(Text("client", "Client")) == Text("Client", "Client")
    assert vocabulary.capital(Text("possible causes", "mögliche Ursachen")).de == "Mögliche Ursachen"
