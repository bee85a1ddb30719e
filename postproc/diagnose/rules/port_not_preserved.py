"""The server's NAT changes the media port, so that the offered port does not work."""

from collections.abc import Iterator

from postproc.diagnose.evidence.candidates import Base, bases
from postproc.diagnose.evidence.case import SERVER, Case, evidence
from postproc.diagnose.evidence.media import connected
from postproc.diagnose.evidence.paths import TO_SERVER, checks
from postproc.model.addresses import endpoint
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.text import Text

TITLE = Text(
    "The server's NAT changes the media port: {base} is {mapped} outside, and no check of the client arrives.",
    "Das NAT des Servers ändert den Medien-Port: {base} ist außen {mapped}, und kein Check des Clients kommt an.",
)
DETAIL = Text(
    "The client is told {mapped}. Unless the router forwards that port to {base}, or uses the same one towards"
    " everybody, the client's packets end at the router.",
    "Dem Client wird {mapped} genannt. Leitet der Router diesen Port nicht an {base} weiter und verwendet er nicht"
    " gegenüber allen denselben, enden die Pakete des Clients am Router.",
)
ICMP = Text(
    "The client's side answers the server's packets with ICMP port unreachable: they come from another port than the"
    " one the client was told.",
    "Die Seite des Clients beantwortet Pakete des Servers mit ICMP port unreachable: Sie kommen von einem anderen Port,"
    " als dem Client genannt wurde.",
)
SETTLE = Text(
    "capture at the WAN interface of the server's router: it shows the port the packets really leave from.",
    "an der WAN-Schnittstelle des Routers beim Server mitschneiden: Dort ist der Port zu sehen, von dem die Pakete wirklich kommen.",
)


def find(case: Case) -> Iterator[Finding]:
    for leg in case.judged_legs:
        if connected(case, leg) or checks(case, TO_SERVER, leg).sent or not checks(case, leg=leg).sent:
            continue
        for base in bases(case, leg):
            if base.side == SERVER and base.seen and all(port != base.port for _, port in base.seen):
                yield _finding(case, leg, base)


def _finding(case: Case, leg: int | None, base: Base) -> Finding:
    refused = any(row.src_addr == base.addr and row.type == 3 and row.code == 3 for row in case.icmp_errors)
    facts = {
        "base": endpoint(base.addr, base.port),
        "mapped": [endpoint(*seen) for seen in sorted(base.seen)],
    }
    return Finding(
        RULE.name,
        "suspect",
        0.8 if refused else 0.65,
        evidence(*base.rows),
        TITLE,
        (DETAIL, ICMP) if refused else (DETAIL,),
        facts,
        SETTLE,
        leg=leg,
    )


RULE = Rule(
    code="NAT002",
    name="port-not-preserved",
    stage="nat",
    breaks="mapped_port",
    summary=Text("NAT changes the server's port", "NAT ändert den Port des Servers"),
    claim=Text(
        "The server's media port has another number outside its NAT, and the client does not get through to it.",
        "Der Medien-Port des Servers hat außerhalb seines NAT eine andere Nummer, und der Client kommt nicht durch.",
    ),
    causes=(
        cause(
            "The router in front of the server has no port forwarding for the media ports ({ports}).",
            "Der Router vor dem Server hat keine Portweiterleitung für die Medien-Ports ({ports}).",
        ),
        cause(
            "Its NAT takes a new port for every destination (symmetric NAT), so the port learnt from STUN is not the one used towards the client.",
            "Sein NAT nimmt je Ziel einen neuen Port (symmetrisches NAT); der per STUN gelernte Port ist dann nicht der gegenüber dem Client.",
        ),
    ),
    remedies=(
        remedy(
            "Let the router keep the server's source port for the media ports (static NAT, no port translation).",
            "Den Router den Quellport des Servers für die Medien-Ports beibehalten lassen (statisches NAT ohne Portumsetzung).",
        ),
        remedy(
            "Forward the media ports ({ports}) one to one to the media server.",
            "Die Medien-Ports ({ports}) eins zu eins an den Medienserver weiterleiten.",
        ),
        remedy("Switch off SIP and STUN ALGs in the router.", "SIP- und STUN-ALGs im Router abschalten."),
    ),
    references=("RFC 4787, REQ-3", "RFC 5780"),
    known_problems=Text(
        "A forwarding to other port numbers works as well; the rule is silent once a path works.",
        "Eine Weiterleitung auf andere Portnummern funktioniert auch; funktioniert ein Pfad, schweigt die Regel.",
    ),
    find=find,
)
