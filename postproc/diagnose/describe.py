"""Render findings in one language, and a call's headline."""

from collections.abc import Iterable, Mapping
from typing import Any

from postproc.diagnose.chain import Chain
from postproc.diagnose.ending import Sentence
from postproc.diagnose.evidence.case import SERVER, Case
from postproc.model.described import Described
from postproc.model.findings import Advice, Finding, Rule, filled
from postproc.model.text import Lang, Text

UNSET = Text("as configured there", "wie dort eingestellt")
FOLLOWS = Text("This follows from: {cause}.", "Das folgt aus: {cause}.")
SETTLE = Text("To settle it: {settle}", "Klärung: {settle}")


def findings(chained: Chain, rules: Mapping[str, Rule], case: Case, lang: Lang) -> list[Described]:
    """Return every finding of a call, the root first."""
    return [
        described(each, rules[each.rule], case, lang, rules.get(chained.caused_by.get(position, "")))
        for position, each in enumerate(chained.findings)
    ]


def described(finding: Finding, rule: Rule, case: Case, lang: Lang, because: Rule | None = None) -> Described:
    """Render a finding; ``because``: the rule whose finding explains it, named in the detail."""
    values = _deployed(case, lang) | dict(finding.facts)
    follows = FOLLOWS.of(lang).replace("{cause}", because.summary.of(lang)) if because else ""
    return Described(
        code=rule.code,
        name=rule.name,
        verdict=finding.verdict,
        title=filled(finding.title, lang, finding.facts),
        detail=f"{detail(finding, lang)} {follows}".strip(),
        confidence=finding.confidence,
        call=finding.call,
        leg=finding.leg,
        capture=finding.evidence.capture,
        frames=finding.evidence.frames,
        time=finding.evidence.time,
        facts=finding.facts,
        causes=_advice(rule.causes, finding, case.products, values, lang),
        remedies=_advice(rule.remedies, finding, case.products, values, lang),
        references=rule.references,
        caused_by=because.name if because else None,
        supported_by=finding.supported_by,
        refuted_by=finding.refuted_by,
    )


def detail(finding: Finding, lang: Lang) -> str:
    """Return the sentences on what was seen, and on what would settle a doubt."""
    sentences = [filled(each, lang, finding.facts) for each in finding.detail]
    if finding.settle:
        sentences.append(SETTLE.of(lang).replace("{settle}", filled(finding.settle, lang, finding.facts)))
    return " ".join(sentences)


def _deployed(case: Case, lang: Lang) -> dict[str, Any]:
    """Return the deployment's values used in remedies."""
    ports = [f"{each[0]}-{each[-1]}" for each in case.deployment.media_ports.get(SERVER, ())]
    return {"ports": ports or UNSET.of(lang)}


def _advice(
    advice: Iterable[Advice],
    finding: Finding,
    products: frozenset[str],
    values: Mapping[str, Any],
    lang: Lang,
) -> tuple[str, ...]:
    return tuple(
        filled(each.text, lang, values)
        for each in advice
        if each.product in (None, *products) and each.tag in (None, *finding.tags)
    )


def answer(
    chained: Chain, rules: Mapping[str, Rule], case: Case, sentence: str, lang: Lang
) -> dict[str, Any]:
    """Return the contents of an answer to the customer: the headline ``sentence``, and the root's texts."""
    root = chained.root
    if root is None:
        return {
            "headline": sentence,
            "detail": "",
            "claim": "",
            "confidence": None,
            "causes": [],
            "remedies": [],
        }
    rule = rules[root.rule]
    description = described(root, rule, case, lang)
    return {
        "headline": sentence,
        "detail": description.detail,
        "claim": rule.claim.of(lang),
        "confidence": root.confidence,
        "causes": list(description.causes),
        "remedies": list(description.remedies),
    }


def headline(case: Case, chained: Chain, went: Sentence, ended: Sentence | None, lang: Lang) -> str:
    """Return the root's title, or else how the call went; then who ended it, when and why."""
    root = chained.root
    if root is not None:
        verdict = filled(root.title, lang, root.facts)
    else:
        verdict = filled(went[0], lang, {"call": case.number, **went[1]})
    return verdict if ended is None else f"{verdict} {filled(ended[0], lang, ended[1])}"
