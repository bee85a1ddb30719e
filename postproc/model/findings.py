"""The types of the diagnosis: rule, finding, and step of the walk.

A rule describes a known fault pattern; a finding is one place where it was seen. Findings
carry language-neutral facts and templates in both languages that refer to them, so that
one diagnosis can be rendered in German and in English.
"""

import string
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, Literal, NamedTuple

from postproc.model import causes
from postproc.model.causes import Link
from postproc.model.enumerations import Severity, Verdict
from postproc.model.text import Lang, Text
from postproc.model.vocabulary import ENDERS, PASSING, PLACES, SIDES, joined, way, word
from postproc.model.wayin import tests

VERDICTS: tuple[Verdict, ...] = ("fault", "suspect", "cannot_tell", "note", "ok")  # worst first
SEVERITY: Mapping[Verdict, Severity] = {
    "fault": "error",
    "suspect": "warning",
    "cannot_tell": "note",
    "note": "note",
    "ok": "info",
}

# The stages of a call's setup in order; an earlier failure explains later ones.
Stage = Literal["capture", "way_in", "sip", "sdp", "stun", "nat", "dtls", "media"]
STAGES: tuple[Stage, ...] = ("capture", "way_in", "sip", "sdp", "stun", "nat", "dtls", "media")

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Advice:
    """A cause or a remedy.

    ``product``: shown only for calls in which that product takes part (a name in
    Deployment.products). ``tag``: shown only for findings with that tag.
    """

    text: Text
    product: str | None = None
    tag: str | None = None


def cause(en: str, de: str, *, tag: str | None = None, product: str | None = None) -> Advice:
    """Return a possible cause of a rule's fault pattern."""
    return Advice(Text(en, de), product, tag)


def remedy(en: str, de: str, *, tag: str | None = None, product: str | None = None) -> Advice:
    """Return a remedy for a rule's fault pattern."""
    return Advice(Text(en, de), product, tag)


@dataclass(frozen=True)
class Evidence:
    """Where a finding is seen: a capture, its frames in order, and the time of the first."""

    capture: str
    frames: tuple[int, ...] = ()
    time: datetime | None = None


@dataclass(frozen=True)
class Finding:
    """One place where a rule matches.

    ``title`` is one line that can be read aloud and becomes the call's headline;
    ``detail`` are sentences on what was seen; both are filled in from ``facts``.
    ``confidence`` is 0 to 1; ``settle`` says what would settle a doubt.
    ``supported_by`` and ``refuted_by`` are numbers of other calls of the run.
    """

    rule: str
    verdict: Verdict
    confidence: float
    evidence: Evidence
    title: Text
    detail: tuple[Text, ...] = ()
    facts: Facts = field(default_factory=dict)
    settle: Text | None = None
    call: int | None = None
    leg: int | None = None
    tags: frozenset[str] = frozenset()
    supported_by: tuple[int, ...] = ()
    refuted_by: tuple[int, ...] = ()


class Variant(NamedTuple):
    """The stage and the broken link of a fault pattern that occurs in several parts of a call.

    ``despite_media``: in this variant it is a fault even if media flows both ways.
    """

    stage: Stage
    breaks: Link
    despite_media: bool = False


@dataclass(frozen=True)
class Rule:
    """A known fault pattern.

    ``breaks``: the link of the chain that is broken where the pattern matches
    (postproc.model.causes); None: it breaks nothing, and nothing explains it.
    ``despite_media``: a fault even if media flows both ways on the client's leg;
    other rules are then at most a note. ``beside_calls``: run once per run, on
    rows that belong to no call; its findings have no call. ``also_beside_calls``: both on each call
    and on those rows.
    ``from_absence``: it concludes from missing packets; anything that hides packets puts it in doubt.
    ``variants``: by tag, for a pattern that occurs in several parts of a call; each finding has one of the
    tags, and ``stage`` is the rule's place in the list of all rules.
    """

    code: str
    name: str
    stage: Stage
    summary: Text
    claim: Text
    causes: tuple[Advice, ...]
    remedies: tuple[Advice, ...]
    references: tuple[str, ...]
    known_problems: Text
    find: Callable[[Any], Iterator[Finding]]
    breaks: Link | None = None
    despite_media: bool = False
    from_absence: bool = False
    beside_calls: bool = False
    also_beside_calls: bool = False
    variants: Mapping[str, Variant] = field(default_factory=dict)

    def variant(self, tags: Iterable[str]) -> "Rule":
        """Return the rule with the stage and link of a finding with these tags."""
        if not self.variants:
            return self
        variant = next((self.variants[tag] for tag in sorted(tags) if tag in self.variants), None)
        return (
            self
            if variant is None
            else replace(
                self,
                stage=variant.stage,
                breaks=variant.breaks,
                despite_media=self.despite_media or variant.despite_media,
                variants={},
            )
        )

    @cached_property
    def every_variant(self) -> tuple["Rule", ...]:
        return tuple(self.variant({tag}) for tag in self.variants) or (self,)

    def causes_among(self, rules: Iterable["Rule"]) -> tuple["Rule", ...]:
        """Return those of the rules whose findings explain this rule's."""
        broken = {each.breaks for each in self.every_variant if each.breaks is not None}
        explaining = frozenset[Link]().union(*map(causes.explaining, broken))
        return tuple(
            rule
            for rule in rules
            if rule.name != self.name and any(each.breaks in explaining for each in rule.every_variant)
        )


State = Literal["passed", "failed", "not_reached", "cannot_tell", "not_needed"]


@dataclass(frozen=True)
class Step:
    """One question of the network analysis chart, and its answer for a call."""

    name: str
    state: State
    question: Text
    said: Text
    facts: Facts = field(default_factory=dict)
    evidence: Evidence | None = None
    filter: str | None = None  # a Wireshark display filter that shows it


WORDS = {**SIDES, **ENDERS, **PLACES, **PASSING}


SAID: Mapping[str, Callable[[Any, Lang], str]] = {
    "word": lambda value, lang: str(word(WORDS, value, lang)),
    "way": way,
    "joined": joined,
    "tests": tests,
    "hms": lambda value, _: _hms(value),
    # with the zone: tables next to it are in the reader's zone
    "clock": lambda value, _: f"{_hms(value)} UTC" if value is not None else _hms(value),
}


def _hms(value: datetime | None) -> str:
    return f"{value:%H:%M:%S}.{value.microsecond // 1000:03d}" if value is not None else "–"


def _said(value: Any, spec: str, lang: Lang) -> str:
    if "|" in spec:
        singular, plural = spec.split("|")
        return f"{value} {singular if value == 1 else plural}"
    if spec in SAID:
        return SAID[spec](value, lang)
    if isinstance(value, float):
        digits = f"{value:.{spec or '1'}f}"
        return digits.replace(".", ",") if lang == "de" else digits
    if isinstance(value, tuple | list):
        return _listed(value, int(spec or "4"), lang)
    return str(value)


def _listed(values: Iterable[Any], limit: int, lang: Lang) -> str:
    texts = [str(value) for value in values]
    more = len(texts) - limit
    if more <= 0:
        return ", ".join(texts)
    return ", ".join(texts[:limit]) + (f" und {more} weitere" if lang == "de" else f" and {more} more")


def filled(text: Text, lang: Lang, facts: Facts) -> str:
    """Return a template in one language with its facts filled in.

    Templates: {n:call|calls} {side:word} {by:joined} {rtt:1} {list:3} {at:clock} {ways:way}. The first of two
    times in a sentence is {since:hms}, so that the zone appears once.
    """
    return "".join(
        literal if name is None else f"{literal}{_said(facts[name], spec, lang)}"
        for literal, name, spec in _pieces(text.of(lang))
    )


@lru_cache(maxsize=4096)
def _pieces(template: str) -> tuple[tuple[str, str | None, str], ...]:
    """Return a template as literal texts, each with the name and format of the fact after it."""
    return tuple((literal, name, spec or "") for literal, name, spec, _ in string.Formatter().parse(template))
