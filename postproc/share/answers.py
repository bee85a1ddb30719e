"""Answers to the checklist that somebody gave in a file, and the same with pseudonyms."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import orjson

from postproc.model.errors import SetupError
from postproc.read.inputs import said
from postproc.show.checklist import KEYS

NUL = "\0"
AS_GIVEN = ("customer_id",)  # the vendor must know who asks


def read_answers(path: Path) -> dict[str, str]:
    """Answers from a JSON or TOML file, by the questions' keys; SetupError when it is neither."""
    try:
        text = path.read_text(encoding="utf-8")
        held = tomllib.loads(text) if path.suffix.lower() == ".toml" else orjson.loads(text)
    except OSError as error:
        raise SetupError(f"{path}: {said(error)}") from error
    except RecursionError as error:
        raise SetupError(f"{path}: neither JSON nor TOML: nested too deeply") from error
    except (ValueError, tomllib.TOMLDecodeError) as error:
        raise SetupError(f"{path}: neither JSON nor TOML: {error}") from error
    if isinstance(held, list):  # a checklist.json
        held = {str(each.get("key")): each.get("answer") for each in held if isinstance(each, dict)}
    if not isinstance(held, dict) or (unknown := sorted(map(str, set(held) - set(KEYS)))):
        named = f"unknown: {', '.join(unknown)}; " if isinstance(held, dict) else ""
        raise SetupError(f"{path}: {named}the answers are {', '.join(KEYS)}")
    return {key: str(value) for key, value in held.items() if value not in (None, "")}


def as_lines(answers: Mapping[str, str]) -> str:
    """The answers that are to be redacted as a text, one in a line, by their keys; no text has a NUL."""
    return "".join(f"{' '.join(answers[key].replace(NUL, ' ').split())}\n" for key in _redacted(answers))


def of_lines(text: str, answers: Mapping[str, str]) -> dict[str, str]:
    """The answers of which the lines are what became of ``as_lines``, and those that stay as given."""
    new = dict(zip(_redacted(answers), text.split("\n"), strict=False))
    return new | as_given(answers)


def as_given(answers: Mapping[str, str]) -> dict[str, str]:
    """What is not redacted."""
    return {key: answers[key] for key in AS_GIVEN if key in answers}


def words_as_given(answers: Mapping[str, str]) -> frozenset[str]:
    """That, and each word of it, in lower case."""
    return frozenset(
        word
        for text in as_given(answers).values()
        for word in (text.lower(), *re.findall(r"\w+|\S+", text.lower()))
    )


def _redacted(answers: Mapping[str, str]) -> list[str]:
    return sorted(set(answers) - set(AS_GIVEN))
