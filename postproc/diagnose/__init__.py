"""Tables in, findings out: every known error picture, judged call by call."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

import pandas as pd

from postproc.diagnose import describe
from postproc.diagnose.chain import Chain, chain, confidence, verdict
from postproc.diagnose.ending import ended_well, ending
from postproc.diagnose.evidence.case import Beside, Case, beside, cases
from postproc.diagnose.evidence.media import described, media_ok
from postproc.diagnose.evidence.silences import phase_verdict
from postproc.diagnose.evidence.view import leaky
from postproc.diagnose.neighbours import compared
from postproc.diagnose.rules import BY_NAME, RULES
from postproc.diagnose.walk import records as walk_records
from postproc.diagnose.walk import walk
from postproc.model.columns import TEXT, array
from postproc.model.deployment import Deployment
from postproc.model.enumerations import CallVerdict
from postproc.model.errors import SetupError
from postproc.model.findings import Finding, Rule, Step
from postproc.model.loading import load
from postproc.model.recordings import Recordings
from postproc.model.rows import PhaseRow
from postproc.model.tables import CALLS, FINDINGS, PHASES, Tables
from postproc.model.text import LANGS, Lang

# The stages of what carries media between the two sides, once each knows the other's candidates.
NETWORK = frozenset({"stun", "nat", "dtls", "media"})
# Packets per second: no voice codec in use sends fewer (100 ms each). With a lower number a few packets of
# a VPN beside the call make its verdict unclear; with a higher one a call hidden in a tunnel is a fault.
SLOWEST_MEDIA = 10


@dataclass(frozen=True)
class Judged:
    """What diagnosis says of a call."""

    case: Case
    chain: Chain
    media_ok: bool | None
    walk: tuple[Step, ...] = ()


def diagnose(
    tables: Tables,
    deployment: Deployment,
    *,
    lang: Lang = "en",
    only: Collection[str] = (),
    recorded: Recordings | None = None,
) -> tuple[Tables, list[Judged]]:
    """Return the tables with findings and the calls' verdicts, and what they rest on.

    ``only``: names of rules to ask; none = all. ``recorded``: the recordings among the captures, whose files
    are named where something is seen.
    """
    files = recorded or Recordings((), tables.captures)
    asked = [rule for rule in RULES if not only or rule.name in only]
    every = cases(tables, deployment)
    found = compared(every, [_found(case, asked) for case in every])
    judged = [
        _in_files(_judged(case, _reconsidered(case, each, asked)), files)
        for case, each in zip(every, found, strict=True)
    ]
    of_calls = (
        found.row() for each in judged for found in describe.findings(each.chain, BY_NAME, each.case, lang)
    )
    findings = FINDINGS.rows([*of_calls, *_beside_calls(beside(tables, deployment), asked, lang, files)])
    calls, phases = _with_verdicts(tables, judged, lang), _phases_with_verdicts(tables, judged)
    return tables.with_(findings=findings, calls=calls, phases=phases), judged


def _beside_calls(
    case: Beside, rules: Iterable[Rule], lang: Lang, files: Recordings
) -> Iterator[dict[str, Any]]:
    for rule in rules:
        if rule.beside_calls:
            for found in rule.find(case):
                yield describe.described(_in_file(found, files), rule, case, lang).row()


def _in_files(judged: Judged, files: Recordings) -> Judged:
    """The same with what was found in recordings named by file."""
    if not files.several:
        return judged
    found = tuple(_in_file(each, files) for each in judged.chain.findings)
    root = judged.chain.root and _in_file(judged.chain.root, files)
    steps = tuple(
        replace(
            step,
            facts=files.facts(step.facts, step.evidence),
            evidence=step.evidence and files.evidence(step.evidence),
        )
        for step in judged.walk
    )
    return replace(judged, chain=replace(judged.chain, root=root, findings=found), walk=steps)


def _in_file(found: Finding, files: Recordings) -> Finding:
    facts = files.facts(found.facts, found.evidence)
    return replace(found, facts=facts, evidence=files.evidence(found.evidence))


def judge(case: Case, rules: Collection[Rule] = RULES) -> Judged:
    """Ask every rule about a call by itself and put the answers in order."""
    return _judged(case, _found(case, rules))


def _found(case: Case, rules: Collection[Rule]) -> list[Finding]:
    """What the rules find in a call."""
    network = _network_matters(case)
    found = [
        replace(each, call=case.number)
        for rule in rules
        if not rule.beside_calls
        and any(network or variant.stage not in NETWORK for variant in rule.every_variant)
        for each in rule.find(case)
        if network or rule.variant(each.tags).stage not in NETWORK
    ]
    doubtful = _media_may_be_hidden(case) or leaky(case)
    return [_doubted(each) for each in found] if doubtful else found


def _reconsidered(case: Case, found: list[Finding], rules: Collection[Rule]) -> list[Finding]:
    """The findings, and those of rules that kept silent before a suspicion that other calls refute."""
    case.refuted = frozenset(each.rule for each in found if each.refuted_by and each.verdict == "note")
    if not case.refuted:
        return found
    silent = {rule.name for rule in rules} - {each.rule for each in found}
    return found + _found(case, [rule for rule in rules if rule.name in silent])


def _judged(case: Case, found: Sequence[Finding]) -> Judged:
    """The findings in order, and the walk."""
    heard = media_ok(case)
    chained = chain(found, RULES, media_ok=heard)
    walked = walk(case, chained, RULES)
    case.answers.clear()  # of all calls of a run they would be large
    return Judged(case, chained, heard, walked)


def _media_may_be_hidden(case: Case) -> bool:
    """Whether so many packets were not looked at that the call's media may be among them."""
    unseen = sum(each.packets_not_looked_at or 0 for each in case.captures)
    times = [row.time for row in case.sip_messages if row.time is not None]
    lasted = (max(times) - min(times)).total_seconds() if times else 0.0
    return unseen > 0 and unseen >= SLOWEST_MEDIA * lasted


def _doubted(finding: Finding) -> Finding:
    """What is missing may be where nobody looked, or lost by the capture; what is seen stays proven."""
    missing = BY_NAME[finding.rule].from_absence and finding.verdict in ("fault", "suspect")
    return replace(finding, verdict="cannot_tell") if missing else finding


def _of(finding: Finding) -> Rule:
    """The finding's rule, as it is for this finding."""
    return BY_NAME[finding.rule].variant(finding.tags)


def _network_matters(case: Case) -> bool:
    """Busy, cancelled or still ringing, a call never needed the network its media would have taken.

    Checks before the answer reach a side that is not ready for them: that they fail there shows nothing.
    """
    if any(described(case, leg) for leg in case.judged_legs):
        return True
    return not ended_well(case) and not _ringing(case)


def _ringing(case: Case) -> bool:
    """As far as the captures go, nobody has answered, nor refused."""
    return bool(case.legs) and not any(
        leg.answer_time or leg.final_status or leg.state == "starts_mid_call" for leg in case.legs
    )


def _with_verdicts(tables: Tables, judged: list[Judged], lang: Lang) -> pd.DataFrame:
    said = {each.case.number: _verdict(each, lang) for each in judged}
    numbers = tables.calls["call"]
    columns = (
        {name: [said[number][name] for number in numbers] for name in said[numbers.iloc[0]]} if said else {}
    )
    return CALLS.conform(tables.calls.assign(**columns))


def _phases_with_verdicts(tables: Tables, judged: list[Judged]) -> pd.DataFrame:
    said: dict[tuple[int | None, int | None, int | None], CallVerdict | None] = {}
    for each in judged:
        path = [found for found in each.chain.findings if _of(found).stage in NETWORK]
        for phase in each.case.phases:
            said[phase.call, phase.leg, phase.phase] = phase_verdict(each.case, phase, path)
    phases = load(PhaseRow, tables.phases)
    verdicts = [said.get((phase.call, phase.leg, phase.phase)) for phase in phases]
    return PHASES.conform(tables.phases.assign(verdict=array(verdicts, TEXT)))


def _verdict(judged: Judged, lang: Lang) -> dict[str, Any]:
    case, chained, heard = judged.case, judged.chain, judged.media_ok
    said = verdict(chained, ended_well=ended_well(case), media_ok=heard)
    sentence, facts = ending(case, said, heard)
    root = chained.root if said != "ok" else None
    shown = replace(chained, root=root)
    return {
        "verdict": said,
        "cause": root.rule if root else None,
        "headline": describe.headline(case, shown, sentence, facts, lang),
        "confidence": confidence(chained, said, case.call.joined_confidence),
        "media_ok": heard,
    }


def walks(judged: Iterable[Judged], lang: Lang) -> dict[int, list[dict[str, Any]]]:
    """The walk of every call by its number, in one language."""
    return {each.case.number: walk_records(each.walk, lang) for each in judged}


def answers(judged: Iterable[Judged]) -> dict[int, dict[Lang, dict[str, Any]]]:
    """What an answer to the customer says of every call, by its number, in each language."""
    return {
        each.case.number: {
            lang: describe.answer(_shown(each), BY_NAME, each.case, _verdict(each, lang)["headline"], lang)
            for lang in LANGS
        }
        for each in judged
    }


def _shown(judged: Judged) -> Chain:
    """The chain without a root where the call is well."""
    said = verdict(judged.chain, ended_well=ended_well(judged.case), media_ok=judged.media_ok)
    return judged.chain if said != "ok" else replace(judged.chain, root=None)


def named(words: Iterable[str]) -> tuple[str, ...]:
    """Names of the rules given by name or code; SetupError for one that is unknown."""
    codes = {rule.code.lower(): rule.name for rule in RULES}
    names = [codes.get(word.strip().lower(), word.strip().lower()) for word in words if word.strip()]
    if unknown := [name for name in names if name not in BY_NAME]:
        near = get_close_matches(unknown[0], BY_NAME, 1)
        hint = f"; did you mean {near[0]}?" if near else "; `postproc rules` lists them"
        raise SetupError(f"no rule {unknown[0]!r}{hint}")
    return tuple(names)
