"""Root cause before symptom: which finding explains which, and the verdict on a call.

The chain is SIP -> candidates -> bindings -> DTLS -> media. What follows from an
earlier break is listed under it, not beside it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from postproc.model.causes import Link
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
    by_name = {rule.name: rule for rule in rules}
    order = {rule.name: position for position, rule in enumerate(rules)}
    held = [_Ruled(each, by_name[each.rule].variant(each.tags), order[each.rule]) for each in found]
    eased = [_eased(each) if media_ok else each for each in held]
    broken = _once(each for each in eased if each.finding.verdict in BROKEN)
    explained = {each.key: why for each in broken if (why := _reason(each.rule, broken))}
    roots = [each for each in eased if each.finding.verdict in BROKEN and each.key not in explained]
    root = min(roots, key=_rank, default=None)
    told = sorted(eased, key=lambda each: _place(each, root, explained))
    caused = {
        position: explained[each.key]
        for position, each in enumerate(told)
        if each.key in explained and each.finding.verdict in BROKEN
    }
    return Chain(
        root.finding if root is not None else None,
        tuple(each.finding for each in told),
        caused,
        any(map(_doubts_media, eased)),
    )


@dataclass(frozen=True)
class _Ruled:
    """A finding, its rule as it is for this finding, and where the rule stands in the list of all."""

    finding: Finding
    rule: Rule
    position: int

    @property
    def key(self) -> tuple[str, Link | None]:
        return self.rule.name, self.rule.breaks


def _once(held: Iterable[_Ruled]) -> list[_Ruled]:
    """One of each rule and link, in the order of the rules."""
    found = {each.key: each for each in held}
    return sorted(found.values(), key=lambda each: (each.position, STAGES.index(each.rule.stage)))


def _eased(each: _Ruled) -> _Ruled:
    """Media both ways on the client's leg is ok, whatever NAT did."""
    rule, finding = each.rule, each.finding
    if rule.despite_media or rule.stage not in NATURAL or finding.verdict not in BROKEN:
        return each
    return replace(each, finding=replace(finding, verdict="note"))


def _doubts_media(each: _Ruled) -> bool:
    """What counts despite media both ways, and nobody can tell; lost packets leave audio both ways as it is."""
    rule = each.rule
    counts = rule.despite_media and rule.stage in NATURAL and rule.breaks != "quality"
    return counts and each.finding.verdict == "cannot_tell"


def _reason(rule: Rule, broken: Sequence[_Ruled]) -> str | None:
    """The nearest link of the chain: of the rules that explain this one, the last that explains no other of them."""
    explaining = rule.causes_among([each.rule for each in broken])
    farther = {each.name for one in explaining for each in one.causes_among(explaining)}
    return next((each.name for each in reversed(explaining) if each.name not in farther), None)


Rank = tuple[int, int, int]


def _rank(each: _Ruled) -> Rank:
    """Faults before doubts; then the earliest link of the chain."""
    return VERDICTS.index(each.finding.verdict), STAGES.index(each.rule.stage), each.position


def _place(
    each: _Ruled, root: _Ruled | None, explained: Mapping[tuple[str, Link | None], str]
) -> tuple[int, Rank]:
    """The root, then what follows from it along the chain, then other breaks, then notes."""
    rank = _rank(each)
    if each is root:
        return 0, rank
    if each.finding.verdict in BROKEN:
        return (1, (0, *rank[1:])) if each.key in explained else (2, rank)
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
