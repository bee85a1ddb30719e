"""Problems of configuration files as lines for a terminal, as a diff, and as a list for programs."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from postproc.config.check import Checked
from postproc.config.problems import MASK, Problem
from postproc.config.source import Source
from postproc.model.text import Lang, Text, clean
from postproc.model.vocabulary import VERDICTS

SHOWN = 60  # characters of a value, and of a line on either side of a change; a choice
WORDS = {"fault": VERDICTS["fault"], "hint": VERDICTS["note"]}
PUT = Text("put", "eintragen")
RIGHT = Text("nothing wrong found", "nichts Falsches gefunden")
ROLE_UNKNOWN = Text(
    "what hangs on where the web server or XCC runs is not judged without --role",
    "was davon abhängt, wo Webserver oder XCC laufen, wird ohne --role nicht beurteilt",
)


def document(checked: Iterable[Checked], lang: Lang) -> list[dict[str, Any]]:
    """Return one entry per problem: file, key, value, line, put, why, level; or broken, line, column, why."""
    entries: list[dict[str, Any]] = []
    for file in checked:
        name = clean(file.source.name)
        if file.broken:
            place = {"line": file.broken.line, "column": file.broken.column}
            entries.append({"file": name, "broken": True, **place, "why": file.broken.why.of(lang)})
        entries += [_entry(name, file.source, problem, lang) for problem in file.problems]
    return entries


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
    """Yield for each file what is wrong in it, in the file's order, and its changes as a diff."""
    for file in checked:
        name = clean(file.source.name)
        if file.broken:
            yield f"{name}:{file.broken.line}:{file.broken.column}: {file.broken.why.of(lang)}"
            continue
        if not file.problems:
            yield f"{name}: {RIGHT.of(lang)}"
        for problem in file.problems:
            line = file.source.line(problem.setting.start)
            value = problem.value if isinstance(problem.value, str) else json.dumps(problem.value)
            text = f"{clean(problem.setting.key)} = {_cut(clean(value))}"
            yield f"{name}:{line}: {WORDS[problem.level].of(lang)}: {text}"
            yield f"    {problem.why.of(lang)}"
            yield f"    {PUT.of(lang)}: {clean(problem.put.of(lang))}"
        yield from diff(file)


def diff(checked: Checked) -> list[str]:
    """Return the changed lines as a unified diff without context; secrets are masked, long lines cut."""
    source = checked.source
    changes = sorted(
        (problem for problem in checked.problems if problem.new), key=lambda problem: problem.setting.start
    )
    by_line: dict[int, list[Problem]] = {}
    for problem in changes:
        by_line.setdefault(source.line(problem.setting.start), []).append(problem)
    if not by_line:
        return []
    diff_lines = [f"--- {clean(source.name)}", f"+++ {clean(source.name)}"]
    for number, of_line in by_line.items():
        old, new = (_changed(checked, number, of_line, put=put) for put in (False, True))
        diff_lines += [f"@@ -{number} +{number} @@", f"-{old}", f"+{new}"]
    return diff_lines


def _changed(checked: Checked, number: int, problems: Sequence[Problem], *, put: bool) -> str:
    """Return a line as it is, or with the changes (``put``); of a long one the part near them."""
    begin, text = checked.source.line_start(number), checked.source.line_text(number)
    spans = [(item.setting, item.new or "") for item in problems]
    first, last = spans[0][0].start - begin, spans[-1][0].end - begin
    hidden = [(item, f'"{MASK}"') for item in checked.secrets]
    at, cut_at = max(first - SHOWN, 0), min(last + SHOWN, len(text))
    text_out = "…" if at else ""
    for setting, new in sorted((*spans, *hidden), key=lambda item: item[0].start):
        start, end = setting.start - begin, setting.end - begin
        if end <= at or start >= cut_at:
            continue
        masked = (setting, new) in hidden
        text_out += text[at:start] + (new if put or masked else text[start:end])
        at = end
    text_out += text[at : max(at, cut_at)]
    return "\t".join(map(clean, text_out.split("\t"))) + ("…" if cut_at < len(text) else "")


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
