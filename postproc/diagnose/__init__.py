"""Diagnose tables: run every rule on every call and return findings and verdicts."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from postproc.diagnose import describe
from postproc.diagnose.chain import Chain, chain, confidence, verdict
from postproc.diagnose.ending import ended_well, ending, hung_up
from postproc.diagnose.evidence.case import Beside, Case, beside, cases, in_turn
from postproc.diagnose.evidence.media import described, media_ok
from postproc.diagnose.evidence.silences import phase_verdict
from postproc.diagnose.evidence.view import leaky
from postproc.diagnose.neighbours import comparable, compared
from postproc.diagnose.rules import BY_NAME, RULES, one_direction_only
from postproc.diagnose.walk import records as walk_records
from postproc.diagnose.walk import walk
from postproc.model.columns import TEXT, array, plain
from postproc.model.deployment import Deployment
from postproc.model.enumerations import CallVerdict
from postproc.model.errors import SetupError
from postproc.model.findings import Finding, Rule, Step
from postproc.model.merged import Recordings
from postproc.model.packed import Packed, packed
from postproc.model.tables import CALLS, FINDINGS, ROWS_AT_ONCE, Tables
from postproc.model.text import LANGS, Lang

# The stages of the media path between the two sides, after both know each other's candidates.
NETWORK = frozenset({"stun", "nat", "dtls", "media"})
# Packets per second: no voice codec in use sends fewer (100 ms each). Lower: a few packets of a VPN beside
# the call make its verdict unclear; higher: a call hidden in a tunnel becomes a fault.
SLOWEST_MEDIA = 10
PhaseKey = tuple[int | None, int | None, int | None]  # call, leg, phase


class Judged(NamedTuple):
    """The diagnosis of a call."""

    case: Case
    chain: Chain
    media_ok: bool | None
    walk: tuple[Step, ...] = ()


class Told(NamedTuple):
    """What is said of a call beside its rows in tables, packed."""

    number: int
    walk: bytes
    answers: bytes


@dataclass
class _Rows:
    """What is said of calls in tables; findings become a table block by block, as rows would be large."""

    verdicts: dict[int, dict[str, Any]] = field(default_factory=dict)  # columns of CALLS by call
    phases: dict[PhaseKey, CallVerdict | None] = field(default_factory=dict)
    _waiting: list[dict[str, Any]] = field(default_factory=list)  # rows of FINDINGS
    _blocks: list[pd.DataFrame] = field(default_factory=list)

    def add(self, findings: Iterable[dict[str, Any]]) -> None:
        self._waiting += findings
        if len(self._waiting) >= ROWS_AT_ONCE:
            self._blocks.append(FINDINGS.rows(self._waiting))
            self._waiting = []

    def findings(self, order: Iterable[int]) -> pd.DataFrame:
        """Return the rows in the order of the calls; those of no call come last."""
        self._blocks.append(FINDINGS.rows(self._waiting))
        rows = pd.concat(self._blocks, ignore_index=True) if self._blocks[1:] else self._blocks[0]
        places = {number: place for place, number in enumerate(order)}
        by_call = np.array([places.get(number, len(places)) for number in plain(rows["call"])], np.int64)
        return rows.iloc[np.argsort(by_call, kind="stable")].reset_index(drop=True)


def diagnose(
    tables: Tables,
    deployment: Deployment,
    *,
    lang: Lang = "en",
    only: Collection[str] = (),
    recorded: Recordings | None = None,
) -> tuple[Tables, list[Told]]:
    """Return the tables with findings and verdicts, and what else is said of every call.

    ``only``: names of the rules to run; empty means all. ``recorded``: the recordings among the captures;
    findings then name their files.
    """
    files = recorded or Recordings((), tables.captures)
    rules = [rule for rule in RULES if not only or rule.name in only]
    every = cases(tables, deployment)
    found, told, said = list[list[Finding]](), dict[int, Told](), _Rows()

    def tell(case: Case, findings: list[Finding]) -> None:
        whole = _judged(case, _reconsidered(case, findings, rules))
        told[case.number] = _told(_in_files(whole, files), lang, said)

    for case in in_turn(every):
        findings = _found(case, rules)
        waits = any(comparable(each) for each in findings)
        found.append(findings if waits else [])
        if not waits:
            tell(case, findings)
    for case, findings in zip(in_turn(every), compared(every, found), strict=True):
        if case.number not in told:
            tell(case, findings)
    said.add(_beside_calls(beside(tables, deployment), rules, lang, files))
    rows = said.findings(case.number for case in every)
    calls, phases = _with_verdicts(tables, said.verdicts), _phases_with_verdicts(tables, said.phases)
    return tables.with_(findings=rows, calls=calls, phases=phases), [told[case.number] for case in every]


def _told(judged: Judged, lang: Lang, said: _Rows) -> Told:
    """Return what is said of a call; its rows are added to ``said``."""
    case, media = judged.case, judged.media_ok
    call_verdict = verdict(judged.chain, ended_well=ended_well(case), media_ok=media)
    shown = judged.chain if call_verdict != "ok" else judged.chain._replace(root=None)
    went, ended = ending(case, call_verdict, media), hung_up(case)
    headlines = {each: describe.headline(case, shown, went, ended, each) for each in LANGS}
    said.add(found.row() for found in describe.findings(judged.chain, BY_NAME, case, lang))
    said.verdicts[case.number] = {
        "verdict": call_verdict,
        "cause": shown.root.rule if shown.root else None,
        "headline": headlines[lang],
        "confidence": confidence(shown, call_verdict, case.call.joined_confidence),
        "media_ok": media,
    }
    said.phases |= _phases(judged)
    answered = {
        each: describe.answer(shown, BY_NAME, case, sentence, each) for each, sentence in headlines.items()
    }
    return Told(case.number, packed(walk_records(judged.walk, lang)), packed(answered))


def _beside_calls(
    case: Beside, rules: Iterable[Rule], lang: Lang, files: Recordings
) -> Iterator[dict[str, Any]]:
    for rule in rules:
        if rule.beside_calls or rule.also_beside_calls:
            for finding in rule.find(case):
                yield describe.described(_in_file(finding, files), rule, case, lang).row()


def _in_files(judged: Judged, files: Recordings) -> Judged:
    """Convert findings and steps in recordings to file names and frames in the file."""
    if not files.several:
        return judged
    findings = tuple(_in_file(each, files) for each in judged.chain.findings)
    root = judged.chain.root and _in_file(judged.chain.root, files)
    steps = tuple(
        replace(
            step,
            facts=files.facts(step.facts, step.evidence),
            evidence=step.evidence and files.evidence(step.evidence),
        )
        for step in judged.walk
    )
    return judged._replace(chain=judged.chain._replace(root=root, findings=findings), walk=steps)


def _in_file(finding: Finding, files: Recordings) -> Finding:
    facts = files.facts(finding.facts, finding.evidence)
    return replace(finding, facts=facts, evidence=files.evidence(finding.evidence))


def judge(case: Case, rules: Collection[Rule] = RULES) -> Judged:
    """Run every rule on one call, without its neighbors, and return the diagnosis."""
    return _judged(case, _found(case, rules))


def _found(case: Case, rules: Collection[Rule]) -> list[Finding]:
    """Return the rules' findings on a call."""
    network = _network_matters(case)
    findings = [
        replace(each, call=case.number)
        for rule in rules
        if not rule.beside_calls
        and (network or any(variant.stage not in NETWORK for variant in rule.every_variant))
        for each in rule.find(case)
        if network or rule.variant(each.tags).stage not in NETWORK
    ]
    doubtful = _media_may_be_hidden(case) or leaky(case)
    doubtful = doubtful or any(map(one_direction_only.on_media_path, findings))
    return [_doubted(each) for each in findings] if doubtful else findings


def _reconsidered(case: Case, findings: list[Finding], rules: Collection[Rule]) -> list[Finding]:
    """Add findings of rules that were suppressed by a suspicion which other calls refute."""
    case.refuted = frozenset(each.rule for each in findings if each.refuted_by and each.verdict == "note")
    if not case.refuted:
        return findings
    silent = {rule.name for rule in rules} - {each.rule for each in findings}
    return findings + _found(case, [rule for rule in rules if rule.name in silent])


def _judged(case: Case, findings: Sequence[Finding]) -> Judged:
    """Return the ordered findings, and the walk."""
    media = media_ok(case)
    chained = chain(findings, BY_NAME, media_ok=media)
    walked = walk(case, chained, BY_NAME)
    case.answers.clear()  # for all calls of a run they would be large
    return Judged(case, chained, media, walked)


def _media_may_be_hidden(case: Case) -> bool:
    """Whether so many packets were not examined that the call's media may be among them."""
    unseen = sum(each.packets_not_looked_at or 0 for each in case.captures)
    times = [row.time for row in case.sip_messages if row.time is not None]
    lasted = (max(times) - min(times)).total_seconds() if times else 0.0
    return unseen > 0 and unseen >= SLOWEST_MEDIA * lasted


def _doubted(finding: Finding) -> Finding:
    """Downgrade a conclusion from missing packets to cannot_tell; positive evidence stands."""
    missing = BY_NAME[finding.rule].from_absence and finding.verdict in ("fault", "suspect")
    return replace(finding, verdict="cannot_tell") if missing else finding


def _of(finding: Finding) -> Rule:
    """Return the finding's rule in its variant for this finding."""
    return BY_NAME[finding.rule].variant(finding.tags)


def _network_matters(case: Case) -> bool:
    """Whether the media path matters: a busy, cancelled or still ringing call never needed it.

    Checks before the answer may reach a side that is not ready; that they fail proves nothing.
    """
    if any(described(case, leg) for leg in case.judged_legs):
        return True
    return not ended_well(case) and not _ringing(case)


def _ringing(case: Case) -> bool:
    """Whether the call is neither answered nor refused when the captures end."""
    return bool(case.legs) and not any(
        leg.answer_time or leg.final_status or leg.state == "starts_mid_call" for leg in case.legs
    )


def _with_verdicts(tables: Tables, said: Mapping[int, Mapping[str, Any]]) -> pd.DataFrame:
    verdicts = [said[number] for number in plain(tables.calls["call"])]
    names = verdicts[0] if verdicts else ()
    columns = {name: array([each[name] for each in verdicts], CALLS.dtypes[name]) for name in names}
    return tables.calls.assign(**columns)


def _phases_with_verdicts(tables: Tables, said: Mapping[PhaseKey, CallVerdict | None]) -> pd.DataFrame:
    keys = zip(*(plain(tables.phases[name]) for name in ("call", "leg", "phase")), strict=True)
    return tables.phases.assign(verdict=array([said.get(key) for key in keys], TEXT))


def _phases(judged: Judged) -> dict[PhaseKey, CallVerdict | None]:
    path = [found for found in judged.chain.findings if _of(found).stage in NETWORK]
    return {
        (phase.call, phase.leg, phase.phase): phase_verdict(judged.case, phase, path)
        for phase in judged.case.phases
    }


def walks(told: Iterable[Told]) -> Packed:
    """Return the walk of every call by its number."""
    return Packed({each.number: each.walk for each in told})


def answers(told: Iterable[Told]) -> Packed:
    """Return what an answer to the customer says of every call, by its number, in each language."""
    return Packed({each.number: each.answers for each in told})


def named(words: Iterable[str]) -> tuple[str, ...]:
    """Return the names of rules given by name or code; SetupError for an unknown one."""
    codes = {rule.code.lower(): rule.name for rule in RULES}
    names = [codes.get(word.strip().lower(), word.strip().lower()) for word in words if word.strip()]
    if unknown := [name for name in names if name not in BY_NAME]:
        near = get_close_matches(unknown[0], BY_NAME, 1)
        hint = f"; did you mean {near[0]}?" if near else "; `postproc rules` lists them"
        raise SetupError(f"no rule {unknown[0]!r}{hint}")
    return tuple(names)
