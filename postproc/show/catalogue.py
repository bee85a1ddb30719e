"""The rules as text: a list of all, and one explained."""

import re
from collections.abc import Iterable, Sequence
from textwrap import wrap

from postproc.model.findings import Advice, Rule
from postproc.model.text import Lang, Text
from postproc.model.vocabulary import REMEDIES, SOURCES, capital

PLACEHOLDER = re.compile(r"\{(\w+)(?::[^}]*)?\}")
CLAIM = Text("What it says", "Was sie sagt")
CAUSES = Text("What brings it about", "Wodurch es entsteht")
FOLLOWS = Text("May follow from", "Kann folgen aus")
KNOWN = Text("Known problems", "Bekannte Grenzen")


def listing(rules: Iterable[Rule], lang: Lang) -> list[str]:
    """``CODE  name  what it is`` for each rule."""
    held = list(rules)
    width = max((len(rule.name) for rule in held), default=0)
    return [f"{rule.code:8} {rule.name:{width}}  {rule.summary.of(lang)}" for rule in held]


def explained(rule: Rule, lang: Lang, width: int | None) -> list[str]:
    """All that is known of a rule, in lines of a width; None: unbroken."""
    lines = [f"{rule.code} {rule.name}: {rule.summary.of(lang)}"]
    lines += _section(CLAIM.of(lang), [rule.claim.of(lang)], width)
    lines += _section(CAUSES.of(lang), _advice(rule.causes, lang), width)
    lines += _section(capital(REMEDIES).of(lang), _advice(rule.remedies, lang), width)
    lines += _section(FOLLOWS.of(lang), [", ".join(rule.follows)] if rule.follows else [], width)
    lines += _section(KNOWN.of(lang), [rule.known_problems.of(lang)], width)
    return lines + _section(capital(SOURCES).of(lang), list(rule.references), width)


def _advice(held: Iterable[Advice], lang: Lang) -> list[str]:
    """Each with the product it is meant for; what a finding would fill in is shown by its name."""
    return [
        PLACEHOLDER.sub(r"<\1>", each.text.of(lang)) + (f" [{each.product}]" if each.product else "")
        for each in held
    ]


def _section(title: str, items: Sequence[str], width: int | None) -> list[str]:
    if not items:
        return []
    mark = "- " if len(items) > 1 else ""
    lines = ["", f"{title}:"]
    for item in items:
        text = f"  {mark}{item}"
        lines += wrap(text, max(width, 40), subsequent_indent=" " * (2 + len(mark))) if width else [text]
    return lines
