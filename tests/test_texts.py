"""Every text people read is there in English and in German, with the same facts in both."""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from string import Formatter
from typing import Any

import pytest

import postproc
from postproc.model.text import Text


def texts(held: Any, seen: set[int]) -> Iterator[Text]:
    """The texts in a module's constants, however deep."""
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


def test_texts_are_found_at_all():
    assert sum(len(of_module(name)) for name in modules()) > 500
