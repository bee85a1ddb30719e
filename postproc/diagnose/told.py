"""Findings as rows of the findings table, in one language."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import orjson

from postproc.diagnose.case.case import SERVER, Case
from postproc.diagnose.chain import Chain
from postproc.model.findings import SEVERITY, Advice, Finding, Rule, filled
from postproc.model.text import Lang, Text

UNSET = Text("as configured there", "wie dort eingestellt")
FOLLOWS = Text("This follows from: {cause}.", "Das folgt aus: {cause}.")
SETTLE = Text("To settle it: {settle}", "Klärung: {settle}")


def records(chained: Chain, rules: Mapping[str, Rule], case: Case, lang: Lang) -> list[dict[str, Any]]:
    """One record of FINDINGS per finding, the root first."""
    return [
        record(each, rules[each.rule], case, lang)
        | _because(rules.get(chained.caused_by.get(position, "")), each, lang)
        for position, each in enumerate(chained.findings)
    ]


def _because(reason: Rule | None, finding: Finding, lang: Lang) -> dict[str, Any]:
    """What a finding follows from, in its detail as well."""
    if reason is None:
        return {"caused_by": None}
    said = FOLLOWS.of(lang).replace("{cause}", reason.summary.of(lang))
    return {"caused_by": reason.name, "detail": f"{detail(finding, lang)} {said}".strip()}


def record(finding: Finding, rule: Rule, case: Case, lang: Lang) -> dict[str, Any]:
    """The columns of a finding but ``caused_by``."""
    known = _deployed(case, lang) | dict(finding.facts)
    return {
        "capture": finding.evidence.capture,
        "frame": finding.evidence.frames[0] if finding.evidence.frames else None,
        "time": finding.evidence.time,
        "code": rule.code,
        "name": rule.name,
        "severity": SEVERITY[finding.verdict],
        "verdict": finding.verdict,
        "confidence": finding.confidence,
        "call": finding.call,
        "leg": finding.leg,
        "frames": ",".join(str(frame) for frame in finding.evidence.frames),
        "title": filled(finding.title, lang, finding.facts),
        "detail": detail(finding, lang),
        "facts": orjson.dumps(dict(finding.facts), default=_plain).decode(),
        "causes": "\n".join(_said(rule.causes, finding, case.products, known, lang)),
        "remedies": "\n".join(_said(rule.remedies, finding, case.products, known, lang)),
        "reference": "; ".join(rule.references),
    }


def detail(finding: Finding, lang: Lang) -> str:
    """What was seen, and what would settle a doubt."""
    said = [filled(each, lang, finding.facts) for each in finding.detail]
    if finding.settle:
        said.append(SETTLE.of(lang).replace("{settle}", filled(finding.settle, lang, finding.facts)))
    return " ".join(said)


def _deployed(case: Case, lang: Lang) -> dict[str, Any]:
    """What remedies say of the deployment."""
    ports = [f"{held[0]}-{held[-1]}" for held in case.deployment.media_ports.get(SERVER, ())]
    return {"ports": ports or UNSET.of(lang)}


def _said(
    held: Iterable[Advice], finding: Finding, products: frozenset[str], facts: Mapping[str, Any], lang: Lang
) -> list[str]:
    return [
        filled(each.text, lang, facts)
        for each in held
        if each.product in (None, *products) and each.tag in (None, *finding.tags)
    ]


def _plain(value: Any) -> Any:
    """Facts as JSON: times in ISO 8601 UTC, sets as lists."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)


def headline(case: Case, chained: Chain, ending: Text, facts: Mapping[str, Any], lang: Lang) -> str:
    """The root's title, else how the call ended."""
    if chained.root is not None:
        return filled(chained.root.title, lang, chained.root.facts)
    return filled(ending, lang, {"call": case.number, **facts})
