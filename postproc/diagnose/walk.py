"""The guide's network-analysis chart, walked through for each call.

Trace complete? Both legs? Candidates of both sides? Requests each way? Answered?
DTLS? Media both ways? Every step says passed, failed, not_reached, cannot_tell or
not_needed, with its evidence and a display filter that shows it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from postproc.diagnose import steps
from postproc.diagnose.chain import BROKEN, Chain
from postproc.diagnose.evidence.case import Case
from postproc.model.findings import Finding, State, Step, filled
from postproc.model.text import Lang, Text

NOT_REACHED = Text("The call did not get that far.", "So weit kam der Anruf nicht.")


@dataclass(frozen=True)
class Question:
    """A box of the chart: its rules fail it; else its judge says how it went."""

    name: str
    question: Text
    rules: tuple[str, ...]
    judge: Callable[[Case], steps.Answer | None]
    filter: Callable[[Case], str]


CHART = (
    Question(
        "trace", Text("Is the trace complete?", "Ist der Mitschnitt vollständig?"),
        ("capture-cut-short", "starts-mid-call", "one-direction-only"), steps.trace, steps.sip_filter,
    ),
    Question(
        "legs", Text("Are both call legs found?", "Sind beide Call-Legs gefunden?"),
        ("first-leg-missing", "second-leg-missing", "invite-rejected-by-acl", "candidates-rejected-by-acl",
         "no-common-codec", "call-rejected"), steps.legs, steps.sip_filter,
    ),
    Question(
        "client_candidates", Text("Does the client offer usable candidates?", "Bietet der Client brauchbare Kandidaten an?"),
        ("mdns-only",), steps.client_candidates, steps.candidate_filter,
    ),
    Question(
        "server_candidates", Text("Does the server offer usable candidates?", "Bietet der Server brauchbare Kandidaten an?"),
        ("stun-server-unreachable",), steps.server_candidates, steps.candidate_filter,
    ),
    Question(
        "requests", Text("Are Binding Requests sent each way?", "Gehen Binding Requests in beide Richtungen?"),
        ("no-checks",), steps.requests, steps.check_filter,
    ),
    Question(
        "answers", Text("Are they answered (Binding Success)?", "Werden sie beantwortet (Binding Success)?"),
        ("no-binding-success", "bindings-one-way", "binding-error", "icmp-unreachable"), steps.answers,
        steps.check_filter,
    ),
    Question(
        "dtls", Text("Is DTLS completed?", "Kommt DTLS zustande?"),
        ("dtls-not-started", "dtls-incomplete", "dtls-alert", "dtls-fingerprint-mismatch", "dtls-fragment-lost"),
        steps.dtls, steps.dtls_filter,
    ),
    Question(
        "media", Text("Does media flow both ways?", "Fließen Medien in beide Richtungen?"),
        ("no-media", "one-way-media", "consent-lost", "media-on-unexpected-path"), steps.media, steps.media_filter,
    ),
)  # fmt: skip
SIDED = {"client_candidates": "client", "server_candidates": "server"}
CANDIDATES = ("public-candidate-missing", "private-candidate-missing")


def walk(case: Case, chained: Chain) -> tuple[Step, ...]:
    """The steps of the chart for a call, in its order."""
    found: list[Step] = []
    stopped = False
    for question in CHART:
        step = _step(question, case, chained.findings, stopped=stopped)
        stopped = stopped or step.state == "failed"
        found.append(step)
    return tuple(found)


def _step(question: Question, case: Case, findings: Iterable[Finding], *, stopped: bool) -> Step:
    asked = Step(
        question.name, "cannot_tell", question.question, NOT_REACHED, filter=question.filter(case) or None
    )
    if broken := next((each for each in findings if _fails(each, question)), None):
        state: State = "cannot_tell" if broken.verdict == "cannot_tell" else "failed"
        return replace(asked, state=state, said=broken.title, facts=broken.facts, evidence=broken.evidence)
    answer = question.judge(case)
    if answer is None:
        return replace(asked, state="not_reached")
    state = "not_reached" if stopped and answer.state in ("failed", "cannot_tell") else answer.state
    return replace(asked, state=state, said=answer.said, facts=answer.facts, evidence=answer.evidence)


def _fails(finding: Finding, question: Question) -> bool:
    if finding.verdict not in BROKEN:
        return False
    if question.name in SIDED and finding.rule in CANDIDATES:
        return SIDED[question.name] in finding.tags
    return finding.rule in question.rules


def records(walked: Iterable[Step], lang: Lang) -> list[dict[str, Any]]:
    """The steps as findings.json holds them."""
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
