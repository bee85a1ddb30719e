"""Root cause before symptom: which finding explains which, and the verdict on a call.

The chain is SIP -> candidates -> bindings -> DTLS -> media. What follows from an
earlier break is listed under it, not beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from postproc.model.enumerations import Verdict
from postproc.model.findings import STAGES, VERDICTS, Finding, Rule

BROKEN: frozenset[Verdict] = frozenset({"fault", "suspect", "cannot_tell"})
NATURAL = frozenset({"sdp", "stun", "nat", "dtls", "media"})  # stages that working media prove harmless


@dataclass(frozen=True)
class Chain:
    """A call's findings in the order they are told."""

    root: Finding | None
    findings: tuple[Finding, ...]
    caused_by: Mapping[int, str]  # position in findings -> rule that explains it
    doubts_media: bool = False  # media may have broken, or the capture lost them, though some came both ways


def chain(found: Sequence[Finding], rules: Sequence[Rule], *, media_ok: bool | None) -> Chain:
    """Order a call's findings: the root first, its consequences next, notes last."""
    order = {rule.name: position for position, rule in enumerate(rules)}
    by_name = {rule.name: rule for rule in rules}
    held = [_eased(each, by_name[each.rule]) if media_ok else each for each in found]
    broken = {each.rule for each in held if each.verdict in BROKEN}
    broken_rules = [rule for rule in rules if rule.name in broken]
    explained = {rule.name: why for rule in broken_rules if (why := _reason(rule, broken_rules))}
    roots = [each for each in held if each.verdict in BROKEN and each.rule not in explained]
    root = min(roots, key=lambda each: _rank(each, by_name, order), default=None)
    told = sorted(held, key=lambda each: _place(each, root, explained, by_name, order))
    caused = {i: explained[f.rule] for i, f in enumerate(told) if f.rule in explained and f.verdict in BROKEN}
    return Chain(root, tuple(told), caused, any(_doubts_media(each, by_name[each.rule]) for each in held))


def _eased(finding: Finding, rule: Rule) -> Finding:
    """Media both ways on the client's leg is ok, whatever NAT did."""
    if rule.despite_media or rule.stage not in NATURAL or finding.verdict not in BROKEN:
        return finding
    return replace(finding, verdict="note")


def _doubts_media(finding: Finding, rule: Rule) -> bool:
    """What counts despite media both ways, and nobody can tell; lost packets leave audio both ways as it is."""
    counts = rule.despite_media and rule.stage in NATURAL and rule.breaks != "quality"
    return counts and finding.verdict == "cannot_tell"


def _reason(rule: Rule, broken: Sequence[Rule]) -> str | None:
    """The nearest link of the chain: of the rules that explain this one, the last that explains no other of them."""
    explaining = rule.causes_among(broken)
    farther = {each.name for one in explaining for each in one.causes_among(explaining)}
    return next((each.name for each in reversed(explaining) if each.name not in farther), None)


def _rank(finding: Finding, rules: Mapping[str, Rule], order: Mapping[str, int]) -> tuple[int, int, int]:
    """Faults before doubts; then the earliest link of the chain."""
    certain = VERDICTS.index(finding.verdict)
    return certain, STAGES.index(rules[finding.rule].stage), order[finding.rule]


def _place(
    finding: Finding, root: Finding | None, explained: Mapping[str, str],
    rules: Mapping[str, Rule], order: Mapping[str, int],
) -> tuple[int, tuple[int, int, int]]:  # fmt: skip
    """The root, then what follows from it along the chain, then other breaks, then notes."""
    rank = _rank(finding, rules, order)
    if finding is root:
        return 0, rank
    if finding.verdict in BROKEN:
        return (1, (0, *rank[1:])) if finding.rule in explained else (2, rank)
    return 3, rank


def confidence(chained: Chain, said: Verdict, joined: float | None) -> float | None:
    """How sure a verdict is, 0 to 1: as the surest finding that says the same.

    What is ok is proven on every leg, so it is as sure as that these legs are the call's (``joined``).
    None for ``cannot_tell`` without a finding: nothing is claimed.
    """
    if said == "ok":
        return joined
    return max((each.confidence for each in chained.findings if each.verdict == said), default=None)


def verdict(chained: Chain, *, ended_well: bool, media_ok: bool | None) -> Verdict:
    """What to say of the call: the worst of the root and what follows from it.

    Where the root is that nothing can be told, neither can what follows from it.
    ``ended_well``: it ended as calls do without media: busy, cancelled, not answered.
    """
    held = [each.verdict for each in chained.findings if each.verdict in BROKEN]
    if held and chained.root is not None and chained.root.verdict != "cannot_tell":
        return min(held, key=VERDICTS.index)
    doubted = any(each != "cannot_tell" for each in held)  # explained by a gap, and yet not by working media
    heard = media_ok and not doubted and not chained.doubts_media
    return "ok" if heard or (ended_well and not held) else "cannot_tell"
