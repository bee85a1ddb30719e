"""The client offers only mDNS names, which hide its addresses."""

from collections.abc import Iterator

from postproc.diagnose.evidence.candidates import classes, offered, shown
from postproc.diagnose.evidence.case import CLIENT, Case, evidence
from postproc.diagnose.evidence.media import connected
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.text import Text

TITLE = Text(
    "The client offers only mDNS names ({candidates}), which the server cannot resolve.",
    "Der Client bietet nur mDNS-Namen an ({candidates}), die der Server nicht auflösen kann.",
)
DETAIL = Text(
    "Names that end in .local are known in the client's own network only, and no check succeeded.",
    "Namen auf .local sind nur im Netz des Clients bekannt, und kein Connectivity Check war erfolgreich.",
)


def find(case: Case) -> Iterator[Finding]:
    for leg in case.judged_legs:
        candidates = offered(case, CLIENT, leg)
        if classes(candidates) == {"mdns"} and not connected(case, leg) and not _trickled(case, leg):
            yield Finding(
                RULE.name,
                "suspect",
                0.8,
                evidence(*candidates),
                TITLE,
                (DETAIL,),
                {"candidates": shown(candidates)},
                leg=leg,
                tags=frozenset({"client"}),
            )


def _trickled(case: Case, leg: int | None) -> bool:
    """Whether checks of the client were answered, so that the server has learned its address."""
    return any(
        b.leg == leg and b.purpose == "check" and b.direction == "client_to_server" and b.outcome == "success"
        for b in case.bindings
    )


RULE = Rule(
    code="SDP005",
    name="mdns-only",
    stage="sdp",
    breaks="local_candidate",
    summary=Text("Only mDNS candidates", "Nur mDNS-Kandidaten"),
    claim=Text(
        "Every candidate of the client is an mDNS name, which no one outside its network can resolve.",
        "Alle Kandidaten des Clients sind mDNS-Namen, die außerhalb seines Netzes niemand auflösen kann.",
    ),
    causes=(
        cause(
            "The browser hides local addresses while the page may not use the microphone, and no STUN server answered.",
            "Der Browser verbirgt lokale Adressen, solange die Seite das Mikrofon nicht nutzen darf, und kein STUN-Server hat geantwortet.",
        ),
    ),
    remedies=(
        remedy(
            "Configure a STUN server at the client and let UDP to it pass.",
            "Am Client einen STUN-Server eintragen und UDP dorthin freigeben.",
        ),
        remedy(
            "Grant the microphone before the call: the browser then offers addresses instead of names.",
            "Das Mikrofon vor dem Anruf freigeben: Dann bietet der Browser Adressen statt Namen an.",
        ),
    ),
    references=("RFC 8828", "draft-ietf-mmusic-mdns-ice-candidates"),
    known_problems=Text(
        "Candidates that come later by trickle ICE outside SIP are not seen.",
        "Kandidaten, die später per Trickle ICE außerhalb von SIP kommen, sind nicht zu sehen.",
    ),
    find=find,
)
