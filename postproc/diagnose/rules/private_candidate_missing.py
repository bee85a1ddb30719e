"""Both sides are behind one public address, and a needed private candidate is not offered."""

from collections.abc import Iterator

from postproc.diagnose.evidence.candidates import classes, offered, public, shown
from postproc.diagnose.evidence.case import CLIENT, SERVER, Case, evidence
from postproc.diagnose.evidence.media import connected
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.text import Text

TITLE = Text(
    "The {side:word} offers no private candidate, and both sides have the public address {address}.",
    "Der {side:word} bietet keinen privaten Kandidaten an, und beide Seiten haben die öffentliche Adresse {address}.",
)
DETAIL = Text(
    "Packets between them would have to leave and come back through the same NAT (hairpinning),"
    " and no check succeeded. Offered: {candidates}.",
    "Pakete zwischen ihnen müssten durch dasselbe NAT hinaus und wieder herein (Hairpinning),"
    " und kein Connectivity Check war erfolgreich. Angeboten: {candidates}.",
)
SETTLE = Text(
    "two customers behind one carrier NAT look the same; ask whether client and server are on one site.",
    "Zwei Kunden hinter einem Provider-NAT sehen genauso aus; klären, ob Client und Server am selben Standort sind.",
)


def find(case: Case) -> Iterator[Finding]:
    for leg in case.judged_legs:
        client, server = offered(case, CLIENT, leg), offered(case, SERVER, leg)
        shared = {r.addr for r in public(client) if r.addr} & {r.addr for r in public(server)}
        if not shared or connected(case, leg):
            continue
        for side, candidates in ((CLIENT, client), (SERVER, server)):
            if not classes(candidates) & {"private", "ula"}:
                facts = {"side": side, "address": min(shared), "candidates": shown(candidates)}
                yield Finding(
                    RULE.name,
                    "suspect",
                    0.6,
                    evidence(*candidates),
                    TITLE,
                    (DETAIL,),
                    facts,
                    SETTLE,
                    leg=leg,
                    tags=frozenset({side}),
                )


RULE = Rule(
    code="SDP002",
    name="private-candidate-missing",
    stage="sdp",
    breaks="local_candidate",
    summary=Text("Private candidate missing", "Privater Kandidat fehlt"),
    claim=Text(
        "Client and server share a public address, and one of them offers no private candidate.",
        "Client und Server haben dieselbe öffentliche Adresse, und einer von beiden bietet keinen privaten Kandidaten an.",
    ),
    causes=(
        cause(
            "The router between them does not send packets back to its own public address (no hairpinning).",
            "Der Router zwischen ihnen schickt Pakete an seine eigene öffentliche Adresse nicht zurück (kein Hairpinning).",
        ),
        cause(
            "The server announces only the address that STUN or ext-rtp-ip tells it.",
            "Der Server nennt nur die Adresse, die er von STUN oder ext-rtp-ip hat.",
            product="freeswitch",
            tag=SERVER,
        ),
        cause(
            "A known fault of V9 before 9.0.131 (patch) / 9.0.164 leaves candidates out.",
            "Ein bekannter Fehler von V9 vor 9.0.131 (Patch) / 9.0.164 lässt Kandidaten weg.",
            product="xphone",
        ),
    ),
    remedies=(
        remedy(
            "Let that side offer its private address as well, or enable hairpinning (NAT loopback) in the router.",
            "Diese Seite auch ihre private Adresse anbieten lassen oder im Router Hairpinning (NAT-Loopback) einschalten.",
        ),
        remedy(
            "Check the admin page Telefonie & Meetings > Netzwerk.",
            "Die Admin-Seite Telefonie & Meetings > Netzwerk prüfen.",
            product="xphone",
        ),
    ),
    references=("RFC 4787, REQ-9", "RFC 8445, section 5.1.1"),
    known_problems=Text(
        "Two sites behind one carrier NAT share an address without being in one network.",
        "Zwei Standorte hinter einem Provider-NAT haben eine gemeinsame Adresse, ohne in einem Netz zu sein.",
    ),
    find=find,
)
