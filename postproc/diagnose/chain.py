"""Separate root causes from symptoms: which finding explains which, and the verdict on a call.

The chain is SIP -> candidates -> bindings -> DTLS -> media. Consequences of an
earlier failure are listed under it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from postproc.model.causes import Link
from postproc.model.enumerations import Verdict
from postproc.model.findings import STAGES, VERDICTS, Finding, Rule

BROKEN: frozenset[Verdict] = frozenset({"fault", "suspect", "cannot_tell"})
NATURAL = frozenset({"sdp", "stun", "nat", "dtls", "media"})  # stages that working media prove harmless


class Chain(NamedTuple):
    """A call's findings in display order."""

    root: Finding | None
    findings: tuple[Finding, ...]
    caused_by: Mapping[int, str]  # position in findings -> rule that explains it
    doubts_media: bool = (
        False  # media may have failed, or the capture lost it, although some arrived both ways
    )


def chain(findings: Sequence[Finding], rules: Mapping[str, Rule], *, media_ok: bool | None) -> Chain:
    """Order a call's findings: the root first, its consequences next, notes last. ``rules``: by name, in order."""
    order = {name: position for position, name in enumerate(rules)} if findings else {}
    ruled = [_Ruled(each, rules[each.rule].variant(each.tags), order[each.rule]) for each in findings]
    eased = [_eased(each) if media_ok else each for each in ruled]
    broken = _once(each for each in eased if each.finding.verdict in BROKEN)
    explained = {each.key: why for each in broken if (why := _reason(each.rule, broken))}
    roots = [each for each in eased if each.finding.verdict in BROKEN and each.key not in explained]
    root = min(roots, key=_rank, default=None)
    ordered = sorted(eased, key=lambda each: _place(each, root, explained))
    caused = {
        position: explained[each.key]
        for position, each in enumerate(ordered)
        if each.key in explained and each.finding.verdict in BROKEN
    }
    return Chain(
        root.finding if root is not None else None,
        tuple(each.finding for each in ordered),
        caused,
        any(map(_doubts_media, eased)),
    )


class _Ruled(NamedTuple):
    """A finding, its rule's variant, and the rule's position among all rules."""

    finding: Finding
    rule: Rule
    position: int

    @property
    def key(self) -> tuple[str, Link | None]:
        return self.rule.name, self.rule.breaks


def _once(ruled: Iterable[_Ruled]) -> list[_Ruled]:
    """Return one finding per rule and link, in the order of the rules."""
    by_key = {each.key: each for each in ruled}
    return sorted(by_key.values(), key=lambda each: (each.position, STAGES.index(each.rule.stage)))


def _eased(each: _Ruled) -> _Ruled:
    """Turn a failure that working media proves harmless into a note."""
    rule, finding = each.rule, each.finding
    if rule.despite_media or rule.stage not in NATURAL or finding.verdict not in BROKEN:
        return each
    return each._replace(finding=replace(finding, verdict="note"))


def _doubts_media(each: _Ruled) -> bool:
    """Whether an undecided finding counts despite media both ways; quality does not put audio in doubt."""
    rule = each.rule
    counts = rule.despite_media and rule.stage in NATURAL and rule.breaks != "quality"
    return counts and each.finding.verdict == "cannot_tell"


def _reason(rule: Rule, broken: Sequence[_Ruled]) -> str | None:
    """Return the nearest cause: of the rules that explain this one, the last that explains no other of them."""
    explaining = rule.causes_among([each.rule for each in broken])
    farther = {each.name for one in explaining for each in one.causes_among(explaining)}
    return next((each.name for each in reversed(explaining) if each.name not in farther), None)


Rank = tuple[int, int, int]


def _rank(each: _Ruled) -> Rank:
    """Sort key: worst verdict, then earliest stage, then the order of the rules."""
    return VERDICTS.index(each.finding.verdict), STAGES.index(each.rule.stage), each.position


def _place(
    each: _Ruled, root: _Ruled | None, explained: Mapping[tuple[str, Link | None], str]
) -> tuple[int, Rank]:
    """Sort key: the root, its consequences along the chain, other failures, notes."""
    rank = _rank(each)
    if each is root:
        return 0, rank
    if each.finding.verdict in BROKEN:
        return (1, (0, *rank[1:])) if each.key in explained else (2, rank)
    return 3, rank


def confidence(chained: Chain, call_verdict: Verdict, joined: float | None) -> float | None:
    """Return the confidence of a verdict, 0 to 1: the highest of the findings with that verdict.

    ``ok`` is proven on every leg, so it has the confidence that the legs belong together (``joined``).
    None for ``cannot_tell`` without a finding: nothing is claimed.
    """
    if call_verdict == "ok":
        return joined
    return max((each.confidence for each in chained.findings if each.verdict == call_verdict), default=None)


def verdict(chained: Chain, *, ended_well: bool, media_ok: bool | None) -> Verdict:
    """Return a call's verdict: the worst of the root and its consequences.

    If the root is undecided, so are its consequences. ``ended_well``: the call ended normally
    without media: busy, cancelled, not answered.
    """
    broken = [each.verdict for each in chained.findings if each.verdict in BROKEN]
    if broken and chained.root is not None and chained.root.verdict != "cannot_tell":
        return min(broken, key=VERDICTS.index)
    doubted = any(each != "cannot_tell" for each in broken)  # explained by a gap, but not disproven by media
    media_certain = media_ok and not doubted and not chained.doubts_media
    return "ok" if media_certain or (ended_well and not broken) else "cannot_tell"
