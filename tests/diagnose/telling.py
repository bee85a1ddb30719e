"""What a rule's own tests hold it to, word for word: ``told/NAME.txt``.

The head of the file is what the rule declares. Below it stands, test by test, each finding that
``asked`` returned there: verdict, confidence, leg, frames, tags, facts that no sentence names, and all
sentences in both languages. ``conftest.py`` compares after every test, so that a test need only state
what it is about. ``pytest tests/diagnose/test_NAME.py --renew-told`` writes the file again: read what changed.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from string import Formatter
from typing import Any

from postproc.model.findings import Advice, Finding, Rule, filled
from postproc.model.text import LANGS, Lang, Text
from tests.diagnose.scenes import XPHONE, scene_for

TOLD = Path(__file__).parent / "told"
HEAD = "declares"


def path(rule: Rule) -> Path:
    return TOLD / f"{rule.name.replace('-', '_')}.txt"


class Telling:
    """What one test, or several, were told by a rule."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.sections: dict[str, list[str]] = {HEAD: list(declared(rule))}

    def recording(self, test: str) -> Any:
        """An ``asked`` that writes down what it finds for this rule."""

        def asked(rule: Rule, deployment: Any = XPHONE, **changes: Any) -> list[Finding]:
            case = scene_for(rule, deployment, **changes)
            found = list(rule.find(case))
            if rule is self.rule:
                for each in found:
                    self.sections.setdefault(test, []).extend(told(each, rule, case.products))
            return found

        return asked

    def write(self) -> None:
        TOLD.mkdir(exist_ok=True)
        blocks = ("\n".join((f"== {name}", *lines)) for name, lines in self.sections.items())
        path(self.rule).write_text("\n\n".join(blocks) + "\n", encoding="utf-8")


def expected(rule: Rule) -> dict[str, list[str]]:
    """The sections of the rule's file."""
    if not path(rule).exists():
        return {}
    blocks = re.split(r"^== ", path(rule).read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {name: lines for name, *lines in (block.rstrip("\n").split("\n") for block in blocks)}


def difference(rule: Rule, section: str, now: Iterable[str]) -> list[str]:
    """The lines of a section that changed, as a diff; none: it is told as before."""
    return list(difflib.unified_diff(expected(rule).get(section, []), list(now), "told", "now", lineterm=""))


def declared(rule: Rule) -> Iterator[str]:
    """The declaration, each text in both languages."""
    more = ", even where media flows" if rule.despite_media else ""
    breaks = rule.breaks or "nothing"
    if rule.variants:
        breaks = ", ".join(f"{each.breaks} in {tag}" for tag, each in rule.variants.items())
    yield f"{rule.code} {rule.name}: {rule.stage}, breaks {breaks}{more}"
    yield from _both(rule.summary)
    yield from _both(rule.claim)
    for kind, advice in (("cause", rule.causes), ("remedy", rule.remedies)):
        for number, each in enumerate(advice, 1):
            yield f"{kind} {number}{_condition(each)}"
            yield from _both(each.text)
    yield "known problems"
    yield from _both(rule.known_problems)
    yield from (f"see {reference}" for reference in rule.references)


def _condition(advice: Advice) -> str:
    words = [f"of {advice.product}"] if advice.product else []
    words += [f"where {advice.tag}"] if advice.tag else []
    return f" ({', '.join(words)})" if words else ""


def _both(text: Text, facts: Mapping[str, Any] | None = None) -> Iterator[str]:
    for lang in LANGS:
        yield f"{lang} {text.of(lang) if facts is None else filled(text, lang, facts)}".rstrip()


def told(finding: Finding, rule: Rule, products: frozenset[str]) -> Iterator[str]:
    """One finding, a line for what it is and two for each of its sentences."""
    texts = [finding.title, *finding.detail, *([finding.settle] if finding.settle else [])]
    words = [f"{finding.verdict} {finding.confidence:g}", f"leg {finding.leg or '-'}"]
    words.append(f"{finding.evidence.capture} {_frames(finding.evidence.frames)}".rstrip())
    if finding.evidence.time is not None:
        words.append(f"from {finding.evidence.time:%H:%M:%S.%f}"[:-3])
    words += [f"tag {tag}" for tag in sorted(finding.tags)]
    for kind, advice in (("causes", rule.causes), ("remedies", rule.remedies)):
        numbers = [
            number
            for number, each in enumerate(advice, 1)
            if each.product in (None, *products) and each.tag in (None, *finding.tags)
        ]
        words.append(f"{kind} {_frames(numbers)}")
    yield "; ".join(words)
    named = {name for text in texts for _, name, _, _ in Formatter().parse(text.en) if name}
    for name in sorted(set(finding.facts) - named):
        yield f"   {name} = {finding.facts[name]}"
    for text in texts:
        yield from _both(text, finding.facts)


def _frames(numbers: Iterable[int]) -> str:
    """``1-3 7`` for 1, 2, 3, 7; their order is kept."""
    runs = groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])
    spans = [[number for _, number in run] for _, run in runs]
    return " ".join(str(span[0]) if len(span) == 1 else f"{span[0]}-{span[-1]}" for span in spans)


def untold(rule: Rule, texts: Iterable[tuple[Lang, str]]) -> list[str]:
    """Those templates that no finding in the rule's file shows filled in."""
    lines = [line for name, held in expected(rule).items() if name != HEAD for line in held]
    missing = []
    for lang, template in texts:
        parts = (
            re.escape(literal) + (".*" if name is not None else "")
            for literal, name, _, _ in Formatter().parse(template)
        )
        shown = re.compile(f"{lang} .*{''.join(parts)}")
        if not any(shown.match(line) for line in lines):
            missing.append(template)
    return missing
