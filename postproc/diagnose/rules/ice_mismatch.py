"""A side abandons ICE because the other's default address is not among its candidates (RFC 8839, section 5.4)."""

from collections.abc import Iterator

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import both_ways, talks
from postproc.diagnose.evidence.negotiation import Described, Exchange, exchanges
from postproc.model.addresses import UNSPECIFIED, endpoint
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.text import Text

TITLE = Text(
    "{who} gives ICE up on leg {number}: the address {default} in the SDP from {other} is none of its candidates.",
    "{who} gibt ICE auf Leg {number} auf: Die Adresse {default} im SDP von {other} ist keiner von dessen Kandidaten.",
)
STATED = Text(
    "Its answer says a=ice-mismatch; media then goes to {default} without ICE.",
    "Die Antwort enthält a=ice-mismatch; Medien gehen dann ohne ICE an {default}.",
)
SILENT = Text(
    "Its answer has no ICE at all, without saying why.",
    "Die Antwort enthält gar kein ICE, ohne einen Grund zu nennen.",
)
OFFERED = Text("Candidates offered: {candidates}.", "Angebotene Kandidaten: {candidates}.")
NOWHERE = Text(
    "{default} stands for candidates that come later; RFC 8839 has it taken as no mismatch, older software does not.",
    "{default} steht für Kandidaten, die später kommen; nach RFC 8839 ist das kein Mismatch, ältere Software sieht es"
    " anders.",
)


def find(case: Case) -> Iterator[Finding]:
    for talk in talks(case):
        if both_ways(case, talk.leg):
            continue
        for exchange in exchanges(case, talk.leg):
            stated = [pair for pair in exchange.descriptions if pair[0].audio.ice_mismatch]
            author, other = stated[0] if stated else exchange.descriptions[1]
            if stated or _dropped(case, exchange):
                yield _finding(case, talk.leg, author, other, stated=bool(stated))
                break


def _dropped(case: Case, exchange: Exchange) -> bool:
    """Whether the offer's default address is not among its candidates, and the answer has no ICE."""
    offer = exchange.offer.audio
    candidates = _candidates(case, exchange.offer)
    default = (offer.connection_addr, offer.port)
    real = offer.connection_addr not in UNSPECIFIED
    return bool(
        exchange.accepted and offer.ufrag and not exchange.answer.audio.ufrag and candidates and real
    ) and (default not in candidates)


def _candidates(case: Case, described: Described) -> list[tuple[str | None, int | None]]:
    place = (described.message.capture, described.message.frame, described.message.call_id)
    return [
        (row.addr, row.port)
        for row in case.candidates
        if (row.capture, row.frame, row.call_id) == place and row.addr
    ]


def _finding(case: Case, leg: int | None, author: Described, other: Described, *, stated: bool) -> Finding:
    candidates = _candidates(case, other)
    details = [STATED if stated else SILENT]
    if other.audio.connection_addr in UNSPECIFIED:
        details.append(NOWHERE)
    if candidates:
        details.append(OFFERED)
    return Finding(
        RULE.name,
        "fault" if stated else "suspect",
        0.85 if stated else 0.6,
        evidence(other.message, author.message),
        TITLE,
        tuple(details),
        {
            "who": author.message.src_addr,
            "other": other.message.src_addr,
            "number": leg,
            "default": endpoint(other.audio.connection_addr, other.audio.port),
            "candidates": [endpoint(*each) for each in candidates],
        },
        leg=leg,
    )


RULE = Rule(
    code="SDP011",
    name="ice-mismatch",
    stage="sdp",
    breaks="ice",
    summary=Text("ICE given up (ice-mismatch)", "ICE aufgegeben (ice-mismatch)"),
    claim=Text(
        "The address in c= and m= is none of the candidates, so the other side goes on without ICE.",
        "Die Adresse in c= und m= ist keiner der Kandidaten; die Gegenseite macht deshalb ohne ICE weiter.",
    ),
    causes=(
        cause(
            "A SIP ALG or SBC on the way rewrote c= and m=, but not the candidates.",
            "Ein SIP-ALG oder SBC unterwegs hat c= und m= umgeschrieben, die Kandidaten aber nicht.",
        ),
        cause(
            "The application writes a placeholder (0.0.0.0, port 9) into c= and m= although it has candidates.",
            "Die Anwendung schreibt einen Platzhalter (0.0.0.0, Port 9) in c= und m=, obwohl sie Kandidaten hat.",
        ),
    ),
    remedies=(
        remedy(
            "Switch the SIP ALG of the router off, or send SIP encrypted.",
            "Das SIP-ALG des Routers ausschalten oder SIP verschlüsselt senden.",
        ),
        remedy(
            "Have the application write its default candidate into c= and m=.",
            "Die Anwendung ihren Standardkandidaten in c= und m= schreiben lassen.",
        ),
    ),
    references=("RFC 8839, section 5.4", "RFC 8839, section 4.2.5"),
    known_problems=Text(
        "Where media flows both ways all the same, nothing is said.",
        "Wo trotzdem Medien in beide Richtungen fließen, wird nichts gesagt.",
    ),
    find=find,
)
