"""The client is behind a carrier's NAT, or in several networks at once as with a VPN."""

from collections.abc import Iterator

from postproc.diagnose.evidence.candidates import offered
from postproc.diagnose.evidence.case import CLIENT, Case, evidence
from postproc.diagnose.evidence.media import connected
from postproc.model.addresses import endpoint
from postproc.model.findings import Advice, Finding, Rule
from postproc.model.text import Text

CGNAT = Text(
    "The client is behind a carrier's NAT ({address}).",
    "Der Client steht hinter einem Provider-NAT ({address}).",
)
SEVERAL = Text(
    "The client has addresses in several networks ({address}): a VPN or several network cards.",
    "Der Client hat Adressen in mehreren Netzen ({address}): ein VPN oder mehrere Netzwerkkarten.",
)
DETAIL = Text(
    "Which of them packets leave by decides whether the server's answers find their way back.",
    "Über welche davon Pakete hinausgehen, entscheidet, ob Antworten des Servers zurückfinden.",
)
DETAIL_CGNAT = Text(
    "100.64.0.0/10 is shared by many customers; the server's packets reach the client only where it has sent first.",
    "100.64.0.0/10 teilen sich viele Kunden; Pakete des Servers erreichen den Client nur, wohin er selbst zuerst gesendet hat.",
)


def find(case: Case) -> Iterator[Finding]:
    for leg in case.judged_legs:
        if connected(case, leg):
            continue
        hosts = [row for row in offered(case, CLIENT, leg) if row.type == "host"]
        carrier = [row for row in hosts if row.addr_class == "cgnat"]
        private = [row for row in hosts if row.addr_class == "private"]
        rows, title, detail = (carrier, CGNAT, DETAIL_CGNAT) if carrier else (private, SEVERAL, DETAIL)
        if carrier or len({(row.addr or "").rpartition(".")[0] for row in private}) > 1:
            facts = {"address": [endpoint(row.addr, row.port) for row in rows]}
            tag = "carrier" if carrier else "vpn"
            yield Finding(
                RULE.name,
                "note",
                0.7,
                evidence(*rows),
                title,
                (detail,),
                facts,
                leg=leg,
                tags=frozenset({tag}),
            )


RULE = Rule(
    code="NAT006",
    name="carrier-nat-or-vpn",
    stage="nat",
    summary=Text("Carrier NAT or VPN", "Provider-NAT oder VPN"),
    claim=Text(
        "The client's addresses show a carrier's NAT or several networks, and no path came about.",
        "Die Adressen des Clients zeigen ein Provider-NAT oder mehrere Netze, und es entstand kein Pfad.",
    ),
    causes=(
        Advice(Text(
            "The carrier's firewall blocks packets that are no answers.",
            "Die Firewall des Providers blockiert Pakete, die keine Antworten sind.",
        ), tag="carrier"),
        Advice(Text(
            "A VPN takes the packets another way than the candidates say, or blocks UDP.",
            "Ein VPN führt die Pakete anders, als die Kandidaten sagen, oder blockiert UDP.",
        ), tag="vpn"),
    ),
    remedies=(
        Advice(Text(
            "Try the client in another network.",
            "Den Client in einem anderen Netz testen.",
        )),
        Advice(Text(
            "Try the client without VPN, or let the VPN leave out the server's address.",
            "Den Client ohne VPN testen oder die Adresse des Servers vom VPN ausnehmen.",
        ), tag="vpn"),
    ),
    references=("RFC 6598", "RFC 6888"),
    known_problems=Text(
        "Virtual machines and containers give a client several networks, too: a hint, no fault.",
        "Auch virtuelle Maschinen und Container geben einem Client mehrere Netze: ein Hinweis, kein Fehler.",
    ),
    find=find,
)  # fmt: skip
