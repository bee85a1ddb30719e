"""What is wrong in configuration files: lines for a terminal, the changes as a diff, a list for programs."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from postproc.config.check import Checked
from postproc.config.problems import MASK, Problem
from postproc.config.source import Source
from postproc.model.text import Lang, Text, clean
from postproc.model.vocabulary import VERDICTS

SHOWN = 60  # characters of a value, and of a line on either side of what changes
WORDS = {"fault": VERDICTS["fault"], "hint": VERDICTS["note"]}
PUT = Text("put", "eintragen")
RIGHT = Text("nothing wrong found", "nichts Falsches gefunden")
ROLE_UNKNOWN = Text(
    "what hangs on where the web server or XCC runs is not judged without --role",
    "was davon abhängt, wo Webserver oder XCC laufen, wird ohne --role nicht beurteilt",
)


def document(checked: Iterable[Checked], lang: Lang) -> list[dict[str, Any]]:
    """One entry per problem: file, key, value, line, put, why, level; of a broken file line, column and why."""
    found: list[dict[str, Any]] = []
    for each in checked:
        name = clean(each.source.name)
        if each.broken:
            place = {"line": each.broken.line, "column": each.broken.column}
            found.append({"file": name, "broken": True, **place, "why": each.broken.why.of(lang)})
        found += [_entry(name, each.source, problem, lang) for problem in each.problems]
    return found


def _entry(name: str, source: Source, problem: Problem, lang: Lang) -> dict[str, Any]:
    value = problem.value
    return {
        "file": name,
        "key": clean(problem.setting.key),
        "value": clean(value) if isinstance(value, str) else value,
        "line": source.line(problem.setting.start),
        "put": clean(problem.put.of(lang)),
        "why": problem.why.of(lang),
        "level": problem.level,
    }


def as_json(checked: Iterable[Checked], lang: Lang) -> str:
    return json.dumps(document(checked, lang), indent=2, ensure_ascii=False)


def lines(checked: Iterable[Checked], lang: Lang) -> Iterator[str]:
    """For each file what is wrong in it, worst told first, and its changes as a diff."""
    for each in checked:
        name = clean(each.source.name)
        if each.broken:
            yield f"{name}:{each.broken.line}:{each.broken.column}: {each.broken.why.of(lang)}"
            continue
        if not each.problems:
            yield f"{name}: {RIGHT.of(lang)}"
        for problem in each.problems:
            line = each.source.line(problem.setting.start)
            value = problem.value if isinstance(problem.value, str) else json.dumps(problem.value)
            said = f"{clean(problem.setting.key)} = {_cut(clean(value))}"
            yield f"{name}:{line}: {WORDS[problem.level].of(lang)}: {said}"
            yield f"    {problem.why.of(lang)}"
            yield f"    {PUT.of(lang)}: {clean(problem.put.of(lang))}"
        yield from diff(each)


def diff(checked: Checked) -> list[str]:
    """The lines that change, as a unified diff without context; secrets masked, long lines cut."""
    source = checked.source
    changes = sorted((each for each in checked.problems if each.new), key=lambda each: each.setting.start)
    by_line: dict[int, list[Problem]] = {}
    for each in changes:
        by_line.setdefault(source.line(each.setting.start), []).append(each)
    if not by_line:
        return []
    told = [f"--- {clean(source.name)}", f"+++ {clean(source.name)}"]
    for number, held in by_line.items():
        old, new = (_changed(checked, number, held, put=put) for put in (False, True))
        told += [f"@@ -{number} +{number} @@", f"-{old}", f"+{new}"]
    return told


def _changed(checked: Checked, number: int, problems: Sequence[Problem], *, put: bool) -> str:
    """A line as it is, or with what is to be put; of a long one what is near the changes."""
    begin, text = checked.source.line_start(number), checked.source.line_text(number)
    spans = [(each.setting, each.new or "") for each in problems]
    first, last = spans[0][0].start - begin, spans[-1][0].end - begin
    hidden = [(each, f'"{MASK}"') for each in checked.secrets]
    at, stop = max(first - SHOWN, 0), min(last + SHOWN, len(text))
    written = "…" if at else ""
    for setting, new in sorted((*spans, *hidden), key=lambda each: each[0].start):
        start, end = setting.start - begin, setting.end - begin
        if end <= at or start >= stop:
            continue
        masked = (setting, new) in hidden
        written += text[at:start] + (new if put or masked else text[start:end])
        at = end
    written += text[at : max(at, stop)]
    return "\t".join(map(clean, written.split("\t"))) + ("…" if stop < len(text) else "")


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
