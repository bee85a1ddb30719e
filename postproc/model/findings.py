"""What a rule, a finding and a step of the walk are: the diagnosis rests on these.

A rule is a known error picture; a finding is one place where it was seen. Findings
carry facts (language-neutral) and templates in both languages that name them, so
that one diagnosis can be told in German and in English.
"""

import string
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
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

# The links of the chain in the order in which a call comes up; a break earlier explains those later.
Stage = Literal["capture", "way_in", "sip", "sdp", "stun", "nat", "dtls", "media"]
STAGES: tuple[Stage, ...] = ("capture", "way_in", "sip", "sdp", "stun", "nat", "dtls", "media")

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Advice:
    """A cause or a remedy.

    ``product``: said only of calls in which that product takes part (a name of
    Deployment.products). ``tag``: said only of findings that bear the tag.
    """

    text: Text
    product: str | None = None
    tag: str | None = None


def cause(en: str, de: str, *, tag: str | None = None, product: str | None = None) -> Advice:
    """What may bring a rule's picture about."""
    return Advice(Text(en, de), product, tag)


def remedy(en: str, de: str, *, tag: str | None = None, product: str | None = None) -> Advice:
    """What to do about it."""
    return Advice(Text(en, de), product, tag)


@dataclass(frozen=True)
class Evidence:
    """Where a finding is seen: a capture, its frames in order, and the time of the first."""

    capture: str
    frames: tuple[int, ...] = ()
    time: datetime | None = None


@dataclass(frozen=True)
class Finding:
    """One place where a rule holds.

    ``title`` is one line that can be read aloud and becomes the call's headline;
    ``detail`` are sentences on what was seen; both are filled in from ``facts``.
    ``confidence`` is 0 to 1; ``settle`` says what would settle a doubt.
    ``supported_by`` and ``refuted_by`` are calls of the run beside it.
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
    """Where a picture is seen that may show in several parts of a call, and what is broken there."""

    stage: Stage
    breaks: Link


@dataclass(frozen=True)
class Rule:
    """A known error picture.

    ``breaks``: the link of the chain that is broken where the picture is seen
    (postproc.model.causes); None: it breaks nothing, and nothing explains it.
    ``despite_media``: it is a fault even where media flows both ways on the
    client's leg; other rules are then no more than a note. ``beside_calls``: it is
    asked once a run, of what belongs to no call; its findings have no call.
    ``from_absence``: it concludes from what is not in the capture; whatever hides packets puts it in doubt.
    ``variants``: by tag, of a picture that shows in several parts of a call; each finding bears one of the
    tags, and ``stage`` is where the rule stands in the list of all.
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
    variants: Mapping[str, Variant] = field(default_factory=dict)

    def variant(self, tags: Iterable[str]) -> "Rule":
        """The rule as it is for a finding with these tags."""
        seen = next((self.variants[tag] for tag in sorted(tags) if tag in self.variants), None)
        return self if seen is None else replace(self, stage=seen.stage, breaks=seen.breaks, variants={})

    @cached_property
    def every_variant(self) -> tuple["Rule", ...]:
        return tuple(self.variant({tag}) for tag in self.variants) or (self,)

    def causes_among(self, rules: Iterable["Rule"]) -> tuple["Rule", ...]:
        """Those of the rules whose findings explain this one's."""
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
    """One question of the network-analysis chart, and its answer for a call."""

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
    # with its zone: beside it stand tables in the zone of whoever reads
    "clock": lambda value, _: f"{_hms(value)} UTC" if value is not None else _hms(value),
}


def _hms(value: datetime | None) -> str:
    return f"{value:%H:%M:%S}.{value.microsecond // 1000:03d}" if value is not None else "–"


class _Filler(string.Formatter):
    """Formats of templates: {n:call|calls} {side:word} {by:joined} {rtt:1} {list:3} {at:clock} {ways:way}.

    Of two times in a sentence the first is {since:hms}: the zone is said once.
    """

    def __init__(self, lang: Lang) -> None:
        self._lang: Lang = lang

    def format_field(self, value: Any, spec: str) -> str:
        if "|" in spec:
            one, many = spec.split("|")
            return f"{value} {one if value == 1 else many}"
        if spec in SAID:
            return SAID[spec](value, self._lang)
        if isinstance(value, float):
            shown = f"{value:.{spec or '1'}f}"
            return shown.replace(".", ",") if self._lang == "de" else shown
        if isinstance(value, tuple | list):
            return _listed(value, int(spec or "4"), self._lang)
        return str(value)


def _listed(values: Iterable[Any], limit: int, lang: Lang) -> str:
    held = [str(value) for value in values]
    more = len(held) - limit
    if more <= 0:
        return ", ".join(held)
    return ", ".join(held[:limit]) + (f" und {more} weitere" if lang == "de" else f" and {more} more")


def filled(text: Text, lang: Lang, facts: Facts) -> str:
    """Return a template in one language with its facts filled in."""
    return _Filler(lang).vformat(text.de if lang == "de" else text.en, (), facts)
