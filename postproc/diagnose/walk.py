"""Walk the guide's network analysis chart for each call.

Trace complete? Both legs? Candidates of both sides? Requests each way? Answered?
DTLS? Media both ways? Every step is passed, failed, not_reached, cannot_tell or
not_needed, with its evidence and a display filter for it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from postproc.diagnose import steps
from postproc.diagnose.chain import BROKEN, Chain
from postproc.diagnose.evidence.case import Case
from postproc.model import causes
from postproc.model.causes import StepName
from postproc.model.findings import Finding, Rule, State, Step, filled
from postproc.model.text import Lang, Text

NOT_REACHED = Text("The call did not get that far.", "So weit kam der Anruf nicht.")


class Question(NamedTuple):
    """A box of the chart: a finding assigned to it makes it fail; otherwise ``judge`` answers it."""

    name: StepName
    question: Text
    judge: Callable[[Case], steps.Answer | None]
    filter: Callable[[Case], str]


CHART = (
    Question(
        "trace",
        Text("Is the trace complete?", "Ist der Mitschnitt vollständig?"),
        steps.trace,
        steps.sip_filter,
    ),
    Question(
        "legs",
        Text("Are both call legs found?", "Sind beide Call-Legs gefunden?"),
        steps.legs,
        steps.sip_filter,
    ),
    Question(
        "client_candidates",
        Text("Does the client offer usable candidates?", "Bietet der Client brauchbare Kandidaten an?"),
        steps.client_candidates,
        steps.candidate_filter,
    ),
    Question(
        "server_candidates",
        Text("Does the server offer usable candidates?", "Bietet der Server brauchbare Kandidaten an?"),
        steps.server_candidates,
        steps.candidate_filter,
    ),
    Question(
        "requests",
        Text("Are Binding Requests sent each way?", "Gehen Binding Requests in beide Richtungen?"),
        steps.requests,
        steps.check_filter,
    ),
    Question(
        "answers",
        Text("Are they answered (Binding Success)?", "Werden sie beantwortet (Binding Success)?"),
        steps.answers,
        steps.check_filter,
    ),
    Question(
        "dtls",
        Text("Is DTLS completed?", "Kommt DTLS zustande?"),
        steps.dtls,
        steps.dtls_filter,
    ),
    Question(
        "media",
        Text("Does media flow both ways?", "Fließen Medien in beide Richtungen?"),
        steps.media,
        steps.media_filter,
    ),
)


def walk(case: Case, chained: Chain, rules: Mapping[str, Rule]) -> tuple[Step, ...]:
    """Return the steps of the chart for a call in order; the first finding assigned to a step makes it fail."""
    broken: dict[str | None, Finding] = {}
    for each in chained.findings:
        if each.verdict in BROKEN:
            link = rules[each.rule].variant(each.tags).breaks
            broken.setdefault(causes.step(link, each.tags), each)
    walked: list[Step] = []
    stopped = False
    for question in CHART:
        step = _step(question, case, broken.get(question.name), stopped=stopped)
        stopped = stopped or step.state == "failed"
        walked.append(step)
    return tuple(walked)


def _step(question: Question, case: Case, broken: Finding | None, *, stopped: bool) -> Step:
    unreached = Step(
        question.name, "cannot_tell", question.question, NOT_REACHED, filter=question.filter(case) or None
    )
    if broken is not None:
        state: State = "cannot_tell" if broken.verdict == "cannot_tell" else "failed"
        return replace(
            unreached, state=state, said=broken.title, facts=broken.facts, evidence=broken.evidence
        )
    answer = question.judge(case)
    if answer is None:
        return replace(unreached, state="not_reached")
    state = "not_reached" if stopped and answer.state in ("failed", "cannot_tell") else answer.state
    return replace(unreached, state=state, said=answer.said, facts=answer.facts, evidence=answer.evidence)


def records(walked: Iterable[Step], lang: Lang) -> list[dict[str, Any]]:
    """Return the steps in the form of findings.json."""
    return [
        {
            "step": step.name,
            "state": step.state,
            "question": step.question.of(lang),
            "said": filled(step.said, lang, step.facts),
            "capture": step.evidence.capture if step.evidence else None,
            "frames": list(step.evidence.frames) if step.evidence else [],
            "filter": step.filter,
        }
        for step in walked
    ]
