"""Both sides claim the same ICE role, and error 487 makes neither switch (RFC 8445, section 7.3.1.1)."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import both_ways, ways
from postproc.diagnose.evidence.paths import (
    EITHER_WAY,
    ROLE_CONFLICT,
    TO_CLIENT,
    TO_SERVER,
    Checks,
    best,
    checks,
    receiver,
    requests,
    sender,
)
from postproc.model.enumerations import Direction
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import BindingRow
from postproc.model.text import Text

REFUSED = Text(
    "ICE role conflict: {errors} of {sent} Binding Requests from the {side:word} are answered with error 487.",
    "ICE-Rollenkonflikt: {errors} von {sent} Binding Requests vom {side:word} werden mit Fehler 487 beantwortet.",
)
REFUSED_SOMEWHERE = Text(
    "ICE role conflict: {errors} of {sent} Binding Requests are answered with error 487.",
    "ICE-Rollenkonflikt: {errors} von {sent} Binding Requests werden mit Fehler 487 beantwortet.",
)
SAME = Text(
    "ICE role conflict: both sides claim to be {role}, and nobody switches.",
    "ICE-Rollenkonflikt: Beide Seiten geben sich als {role} aus, und niemand wechselt.",
)
KEPT = Text(
    "After the first 487 it goes on claiming to be {role}, although it should switch its role.",
    "Nach dem ersten 487 gibt sie sich weiter als {role} aus, obwohl sie die Rolle wechseln müsste.",
)
SWITCHED = Text(
    "It does switch its role after a 487, but the {peer:word} refuses the new role as well.",
    "Sie wechselt nach einem 487 zwar die Rolle, aber auch die neue wird vom {peer:word} abgelehnt.",
)
NEVER_AFTER = Text(
    "None of these requests succeeds from then on.", "Von da an gelingt keiner dieser Requests."
)
NOT_NOMINATED = Text(
    "Checks are answered both ways, but no pair is nominated, and nobody sends a ClientHello or media.",
    "Checks werden in beiden Richtungen beantwortet, aber kein Paar wird nominiert, und niemand sendet ein"
    " ClientHello oder Medien.",
)
SETTLE = Text(
    "the ICE log of both sides says which role each takes and why.",
    "Das ICE-Log beider Seiten zeigt, welche Rolle jede einnimmt und warum.",
)


def find(case: Case) -> Iterator[Finding]:
    for leg in case.judged_legs:
        shake = best(case, leg)
        connected = both_ways(case, leg) or (shake is not None and shake.state == "complete")
        refused = list(_refused(case, leg, connected=bool(connected)))
        yield from refused or (() if connected else _same(case, leg))


def _refused(case: Case, leg: int | None, *, connected: bool) -> Iterator[Finding]:
    """Yield findings on one side's requests refused with 487 if none of its later ones succeeded.

    A leg that had been ``connected`` may meet the conflict in an ICE restart, and is then without media from there on.
    """
    for way in (TO_CLIENT, TO_SERVER, EITHER_WAY):
        sent = checks(case, way, leg)
        conflicts = [row for row in sent.rows if row.error_code == ROLE_CONFLICT]
        if not conflicts or _succeeded_after(sent, conflicts[0].time):
            continue
        if not connected or _ended_with(case, leg, conflicts[0].time):
            yield _finding(case, leg, way, sent, conflicts)


def _ended_with(case: Case, leg: int | None, time: datetime) -> bool:
    """Whether media of the leg in some direction was over by then, so that no later restart or old pair carries it."""
    flows = [flow.last for flow in ways(case, leg).values()]
    return bool(flows) and all(last is not None and last <= time for last in flows)


def _succeeded_after(sent: Checks, time: datetime) -> bool:
    return any(row.time >= time for row in sent.of("success"))


def _finding(
    case: Case, leg: int | None, way: Direction, sent: Checks, conflicts: list[BindingRow]
) -> Finding:
    is_many = requests(conflicts) >= case.deployment.thresholds.dead_requests
    facts: dict[str, Any] = {"errors": len(conflicts), "sent": sent.sent}
    claimed = [row.role for row in sent.rows if row.time >= conflicts[0].time and row.role]
    detail = [NEVER_AFTER]
    tag = "refused"
    if len(claimed) > 1 and len(set(claimed)) == 1:
        detail, tag = [KEPT, NEVER_AFTER], "kept"
        facts["role"] = claimed[0]
    elif len({row.role for row in conflicts if row.role}) > 1 and way != EITHER_WAY:
        detail, tag = [SWITCHED, NEVER_AFTER], "switched"
    if way != EITHER_WAY:
        facts |= {"side": sender(way), "peer": receiver(way)}
    return Finding(
        RULE.name,
        "fault" if is_many else "suspect",
        0.9 if is_many else 0.6,
        evidence(*conflicts),
        REFUSED_SOMEWHERE if way == EITHER_WAY else REFUSED,
        tuple(detail),
        facts,
        None if is_many else SETTLE,
        leg=leg,
        tags=frozenset({tag}),
    )


def _same(case: Case, leg: int | None) -> Iterator[Finding]:
    """Yield a suspect if both sides claim one role throughout and are answered without result."""
    both = [checks(case, way, leg) for way in (TO_CLIENT, TO_SERVER)]
    last = [[row for row in sent.rows if row.role][-1:] for sent in both]
    claimed = {row.role for rows in last for row in rows}
    started = best(case, leg) is not None or any(row.leg == leg for row in case.rtp_streams)
    nominated = any(row.leg == leg and row.nominated for row in case.pairs)
    limit = case.deployment.thresholds.dead_requests
    if (
        all(last)
        and len(claimed) == 1
        and not started
        and not nominated
        and all(requests(sent.of("success")) >= limit for sent in both)
    ):
        yield Finding(
            RULE.name,
            "suspect",
            0.6,
            evidence(*(row for rows in last for row in rows)),
            SAME,
            (NOT_NOMINATED,),
            {"role": claimed.pop()},
            SETTLE,
            leg=leg,
            tags=frozenset({"same"}),
        )


RULE = Rule(
    code="ICE009",
    name="ice-role-conflict",
    stage="stun",
    breaks="ice_roles",
    summary=Text("ICE role conflict", "ICE-Rollenkonflikt"),
    claim=Text(
        "Both sides are controlling, or both controlled, and neither switches to the other role.",
        "Beide Seiten sind controlling oder beide controlled, und keine wechselt in die andere Rolle.",
    ),
    causes=(
        cause(
            "The side that gets the 487 does not know role conflicts, or does not evaluate the error.",
            "Die Seite, die den Fehler 487 bekommt, kennt Rollenkonflikte nicht oder wertet den Fehler nicht aus.",
            tag="kept",
        ),
        cause(
            "Both sides compare the tie-breakers wrongly, or one draws a new tie-breaker for each request.",
            "Beide Seiten vergleichen die Tie-Breaker falsch, oder eine würfelt den Tie-Breaker für jeden Request neu.",
            tag="switched",
        ),
        cause(
            "After a re-INVITE, a fork or a B2BUA both sides take themselves for the one that offers, or both for the one that"
            " answers.",
            "Nach einem re-INVITE, einem Fork oder hinter einem B2BUA halten sich beide Seiten für die anbietende oder beide"
            " für die antwortende.",
        ),
        cause(
            "A side that implements ICE lite acts as controlling towards a full one.",
            "Eine Seite mit ICE lite tritt gegenüber einer vollwertigen als controlling auf.",
        ),
    ),
    remedies=(
        remedy(
            "Update the side that ignores the answer 487.",
            "Die Seite aktualisieren, die die Antwort 487 ignoriert.",
            tag="kept",
        ),
        remedy(
            "Compare ICE-CONTROLLING and ICE-CONTROLLED in the requests of both sides with who made the offer: the offerer"
            " is controlling, and a lite side always controlled.",
            "ICE-CONTROLLING und ICE-CONTROLLED in den Requests beider Seiten damit vergleichen, wer das Angebot gemacht"
            " hat: Die anbietende Seite ist controlling, eine Lite-Seite immer controlled.",
        ),
    ),
    references=("RFC 8445, sections 6.1.1 and 7.3.1.1", "RFC 8445, section 7.2.5.1"),
    known_problems=Text(
        "One 487 after which the roles are switched and checks succeed is ordinary; then the rule is silent.",
        "Ein 487, nach dem die Rollen gewechselt werden und Checks gelingen, ist üblich; dann schweigt die Regel.",
    ),
    find=find,
)
