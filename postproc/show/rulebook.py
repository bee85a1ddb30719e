"""The rules as a page of Markdown: what each claims, and on which captures it fires.

docs/RULES.md is made of it; a test keeps the two together.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from postproc.model.findings import STAGES, VERDICTS, Rule
from postproc.show.markdown import code

HEAD = """# Rules

Every known error picture that a run looks for, in the order of the chain: of several breaks the
earliest is the cause. `postproc explain NAME` tells causes, remedies, references and known problems.
"""
STAGE: Mapping[str, str] = {
    "capture": "The capture", "sip": "SIP", "sdp": "SDP: candidates and codecs",
    "stun": "STUN and ICE: bindings", "nat": "NAT", "dtls": "DTLS", "media": "Media",
}  # fmt: skip
MATRIX = """## Rules and captures

Which rule fires on which capture when all are judged in one run, and what it says of it: **F** fault,
**S** suspect, **?** cannot tell, n note. A rule whose row is empty is shown by no capture; it fires on
the tables built in its test in `tests/diagnose`.
"""
MARKS: Mapping[str, str] = {"fault": "**F**", "suspect": "**S**", "cannot_tell": "**?**", "note": "n"}


def page(rules: Sequence[Rule], findings: pd.DataFrame, captures: Iterable[str]) -> str:
    """The page; without captures only the rules. ``findings`` is the table of that name."""
    held = sorted(captures)
    parts = [HEAD, *(_stage(stage, rules) for stage in STAGES)]
    return "\n".join([*parts, *([_matrix(rules, findings, held)] if held else [])])


def _stage(stage: str, rules: Iterable[Rule]) -> str:
    rows = [
        (
            rule.code,
            f"`{rule.name}`",
            rule.summary.en,
            rule.claim.en,
            ", ".join(f"`{n}`" for n in rule.follows),
        )
        for rule in rules
        if rule.stage == stage
    ]
    return f"## {STAGE[stage]}\n\n{_table(('code', 'name', 'picture', 'claim', 'may follow from'), rows)}"


def _matrix(rules: Iterable[Rule], findings: pd.DataFrame, captures: Sequence[str]) -> str:
    told = _worst(findings)
    shown = [name for name in captures if any(capture == name for _, capture in told)]
    columns = [str(number) for number in range(1, len(shown) + 1)]
    rows = [
        (
            f"`{rule.name}`",
            *(MARKS[told[rule.name, name]] if (rule.name, name) in told else "" for name in shown),
        )
        for rule in rules
    ]
    legend = [f"{number}. {_named(name)}" for number, name in zip(columns, shown, strict=True)]
    silent = [f"- {_named(name)}" for name in captures if name not in shown]
    parts = [MATRIX, *legend, "", _table(("rule", *columns), rows)]
    return "\n".join([*parts, "Silent are all of them on:", "", *silent, ""])


def _named(capture: str) -> str:
    """A file's name: as it is where nothing in it could be Markdown."""
    return f"`{capture}`" if re.fullmatch(r"[\w./+-]+", capture) else code(capture)


def _worst(findings: pd.DataFrame) -> dict[tuple[str, str], str]:
    """Rule and capture -> the worst verdict."""
    found: dict[tuple[str, str], str] = {}
    for name, capture, verdict in zip(
        findings["name"], findings["capture"], findings["verdict"], strict=True
    ):
        held = found.get((name, capture), verdict)
        found[name, capture] = min(held, verdict, key=VERDICTS.index)
    return found


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
