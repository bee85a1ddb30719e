"""What was found out, as lines for a terminal: headlines, and with -v the walk and the findings."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.text import Text as Styled

from postproc.model.described import Described, of_table
from postproc.model.tables import Tables
from postproc.model.text import Lang, Text
from postproc.model.vocabulary import (
    CALL_NUMBER,
    CALLS,
    CALLS_IN_CAPTURES,
    CAUSES,
    FRAMES,
    REMEDIES,
    STATES,
    VERDICTS,
    counted,
    word,
)
from postproc.show.overview import Line
from postproc.show.terminal import clean, folded
from postproc.show.verdicts import Walks

STYLES = {"fault": "red", "suspect": "yellow", "failed": "red", "passed": "green", "cannot_tell": "yellow"}
SHOWN = 12  # frames named


def headlines(lines: Sequence[Line], width: int | None, lang: Lang) -> list[Styled]:
    """``call 5: No Binding Success ...`` for each call that is not simply well."""
    told = []
    for line in lines:
        if line.verdict not in (None, "ok") and line.headline:
            text = f"{CALL_NUMBER.of(lang, call=line.call)}: {clean(line.headline)}"
            told += [Styled(part, STYLES.get(line.verdict or "", "")) for part in folded(text, width, 2)]
    return told


def details(tables: Tables, walks: Walks, width: int | None, lang: Lang) -> list[Styled]:
    """Of every call the walk and the findings with evidence, causes and remedies."""
    by_call: dict[int | None, list[Described]] = {}
    for each in of_table(tables.findings):
        by_call.setdefault(each.call, []).append(each)
    told: list[Styled] = []
    for call, headline in zip(tables.calls["call"], tables.calls["headline"], strict=True):
        title = f"{CALL_NUMBER.of(lang, call=call)}: {clean(headline)}"
        told += [Styled(""), *(Styled(part, "bold") for part in folded(title, width, 2))]
        told += [line for step in walks.get(call, ()) for line in _step(step, width, lang)]
        told += [line for each in by_call.get(call, []) for line in _finding(each, width, lang)]
    return told


def _step(step: Mapping[str, Any], width: int | None, lang: Lang) -> Iterator[Styled]:
    state = STATES[step["state"]].of(lang)
    text = f"  {step['question']} {state}: {clean(step['said'])}"
    for part in folded(text, width, 4):
        yield Styled(part, STYLES.get(step["state"], "dim"))


def _finding(found: Described, width: int | None, lang: Lang) -> Iterator[Styled]:
    indent = 4 if found.caused_by else 2
    head = f"{' ' * indent}{found.code} {word(VERDICTS, found.verdict, lang)}: {clean(found.title)}"
    for part in folded(head, width, indent + 2):
        yield Styled(part, STYLES.get(found.verdict, ""))
    yield from _block(found.detail, width, indent + 2)
    if found.frames:
        frames = f"{FRAMES.of(lang)} {frame_list(found.frames)} ({found.capture})"
        yield from _block(frames, width, indent + 2)
    for title, lines in sections(found):
        yield Styled(f"{' ' * (indent + 2)}{title.of(lang)}:")
        for line in lines:
            yield from _block(f"- {line}", width, indent + 4)


def frame_list(frames: Sequence[int]) -> str:
    """``19, 21``; of many the first."""
    return ", ".join(map(str, frames[:SHOWN])) + (" …" if len(frames) > SHOWN else "")


def sections(found: Described) -> list[tuple[Text, tuple[str, ...]]]:
    """What a finding advises, where it is to be shown: heading and lines."""
    both = ((CAUSES, found.causes), (REMEDIES, found.remedies))
    return [(title, lines) for title, lines in both if lines and found.advised]


def _block(text: str, width: int | None, indent: int) -> Iterator[Styled]:
    for part in folded(f"{' ' * indent}{clean(text)}", width, indent):
        yield Styled(part)


UNCHANGED = Text(" ({n} unchanged, not read again)", " ({n} unverändert, nicht neu gelesen)")


def closing(calls: int, captures: int, unchanged: int, lang: Lang) -> str:
    """``54 calls in 46 captures (46 unchanged, not read again)``."""
    text = counted(CALLS_IN_CAPTURES, captures, lang, calls=counted(CALLS, calls, lang))
    return text + (UNCHANGED.of(lang, n=unchanged) if unchanged else "")
