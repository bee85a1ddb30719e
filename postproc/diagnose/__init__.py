"""Tables in, findings out: every known error picture, judged call by call.

``RULES`` is written by hand, in the order of the chain: of two breaks in one
stage the one named first is the cause.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from postproc.deployment import Deployment
from postproc.diagnose import no_binding_success
from postproc.diagnose.case.case import Case, cases
from postproc.diagnose.case.media import media_ok
from postproc.diagnose.chain import Chain, chain, verdict
from postproc.diagnose.ending import ended_well, ending
from postproc.diagnose.told import headline, records
from postproc.findings import Finding, Rule, Step
from postproc.tables import CALLS, FINDINGS, Tables
from postproc.text import Lang

RULES: tuple[Rule, ...] = (
    no_binding_success.RULE,
)  # fmt: skip
BY_NAME = {rule.name: rule for rule in RULES}


@dataclass(frozen=True)
class Judged:
    """What diagnosis says of a call."""

    case: Case
    chain: Chain
    media_ok: bool | None
    walk: tuple[Step, ...] = ()


def diagnose(
    tables: Tables, deployment: Deployment, *, lang: Lang = "en", only: Collection[str] = ()
) -> tuple[Tables, list[Judged]]:
    """Return the tables with findings and the calls' verdicts, and what they rest on.

    ``only``: names of rules to ask; none = all.
    """
    asked = [rule for rule in RULES if not only or rule.name in only]
    judged = [judge(case, asked) for case in cases(tables, deployment)]
    findings = FINDINGS.rows(row for each in judged for row in records(each.chain, BY_NAME, each.case, lang))
    return tables.with_(findings=findings, calls=_with_verdicts(tables, judged, lang)), judged


def judge(case: Case, rules: Collection[Rule] = RULES) -> Judged:
    """Ask every rule about a call and put the answers in order."""
    found = [replace(each, call=case.number) for rule in rules for each in _ask(rule, case)]
    heard = media_ok(case)
    return Judged(case, chain(found, RULES, media_ok=heard), heard)


def _ask(rule: Rule, case: Case) -> Iterator[Finding]:
    yield from rule.find(case)


def _with_verdicts(tables: Tables, judged: list[Judged], lang: Lang) -> pd.DataFrame:
    said = {each.case.number: _verdict(each, lang) for each in judged}
    numbers = tables.calls["call"]
    columns = (
        {name: [said[number][name] for number in numbers] for name in said[numbers.iloc[0]]} if said else {}
    )
    return CALLS.conform(tables.calls.assign(**columns))


def _verdict(judged: Judged, lang: Lang) -> dict[str, Any]:
    case, chained, heard = judged.case, judged.chain, judged.media_ok
    said = verdict(chained, ended_well=ended_well(case), media_ok=heard)
    sentence, facts = ending(case, said, heard)
    root = chained.root if said != "ok" else None
    shown = replace(chained, root=root)
    return {
        "verdict": said,
        "cause": root.rule if root else None,
        "headline": headline(case, shown, sentence, facts, lang),
        "media_ok": heard,
    }
