"""The rules as pages of Markdown: what each claims, and which fires on which capture.

docs/RULES.md and docs/RULES-MATRIX.md are made of it; tests keep them up to date.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from postproc.model.findings import STAGES, VERDICTS, Rule
from postproc.show.markdown import code

HEAD = """# Rules

Every known error picture that a run looks for, in the order of the chain: of several breaks the
earliest is the cause. `postproc explain NAME` tells causes, remedies, references and known problems.
[RULES-MATRIX.md](RULES-MATRIX.md) says which of them fires on which capture.
"""
STAGE: Mapping[str, str] = {
    "capture": "The capture", "sip": "SIP", "sdp": "SDP: candidates and codecs",
    "stun": "STUN and ICE: bindings", "nat": "NAT", "dtls": "DTLS", "media": "Media",
}  # fmt: skip
MATRIX = """# Rules and captures

Which rule fires on which capture when all are judged in one run, and what it says of it: **F** fault,
**S** suspect, **?** cannot tell, n note. A rule whose row is empty is shown by no capture; it fires on
the tables built in its test in `tests/diagnose`.
"""
MARKS: Mapping[str, str] = {"fault": "**F**", "suspect": "**S**", "cannot_tell": "**?**", "note": "n"}


def page(rules: Sequence[Rule]) -> str:
    """Every rule with its claim, stage by stage."""
    return "\n".join([HEAD, *(_stage(stage, rules) for stage in STAGES)])


def _stage(stage: str, rules: Sequence[Rule]) -> str:
    rows = [
        (
            rule.code,
            f"`{rule.name}`",
            rule.summary.en,
            rule.claim.en,
            ", ".join(f"`{cause.name}`" for cause in rule.causes_among(rules)),
        )
        for rule in rules
        if rule.stage == stage
    ]
    return f"## {STAGE[stage]}\n\n{_table(('code', 'name', 'picture', 'claim', 'may follow from'), rows)}"


def matrix(rules: Iterable[Rule], findings: pd.DataFrame, captures: Iterable[str]) -> str:
    """Which rule fires on which capture; ``findings`` is the table of that name."""
    names = sorted(captures)
    told = _worst(findings)
    shown = [name for name in names if any(capture == name for _, capture in told)]
    columns = [str(number) for number in range(1, len(shown) + 1)]
    rows = [
        (
            f"`{rule.name}`",
            *(MARKS[told[rule.name, name]] if (rule.name, name) in told else "" for name in shown),
        )
        for rule in rules
    ]
    legend = [f"{number}. {_named(name)}" for number, name in zip(columns, shown, strict=True)]
    silent = [f"- {_named(name)}" for name in names if name not in shown]
    parts = [MATRIX, *legend, "", _table(("rule", *columns), rows)]
    if silent:
        parts += ["Silent are all of them on:", "", *silent, ""]
    return "\n".join(parts)


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
