"""One side appears with several public addresses: several lines, interfaces or a NAT pool."""

from collections.abc import Iterator

from postproc.diagnose.evidence.candidates import bases
from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import connected
from postproc.model.addresses import endpoint
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.text import Text

TITLE = Text(
    "The {side:word} goes out over several public addresses: {outside}.",
    "Der {side:word} geht über mehrere öffentliche Adressen hinaus: {outside}.",
)
DETAIL = Text(
    "{base} is seen as {mapped}: STUN was asked over another line than media uses.",
    "{base} erscheint außen als {mapped}: STUN wurde über eine andere Leitung gefragt, als die Medien nehmen.",
)


def find(case: Case) -> Iterator[Finding]:
    for leg in case.judged_legs:
        for base in [] if connected(case, leg) else bases(case, leg):
            if len(base.outside) > 1:
                facts = {
                    "side": base.side,
                    "base": endpoint(base.addr, base.port),
                    "outside": sorted(base.outside),
                    "mapped": [endpoint(*seen) for seen in sorted(base.seen)],
                }
                yield Finding(
                    RULE.name,
                    "fault",
                    0.85,
                    evidence(*base.rows),
                    TITLE,
                    (DETAIL,),
                    facts,
                    leg=leg,
                    tags=frozenset({base.side}),
                )


RULE = Rule(
    code="NAT003",
    name="several-uplinks",
    stage="nat",
    breaks="uplink",
    summary=Text("Several public addresses", "Mehrere öffentliche Adressen"),
    claim=Text(
        "One socket is seen under two public addresses, so the one offered is not the one that packets come from.",
        "Ein Socket erscheint unter zwei öffentlichen Adressen; die angebotene ist dann nicht die, von der Pakete kommen.",
    ),
    causes=(
        cause(
            "Several internet lines with load balancing.", "Mehrere Internetanschlüsse mit Lastverteilung."
        ),
        cause(
            "Several network cards with routes of their own.", "Mehrere Netzwerkkarten mit eigenen Routen."
        ),
        cause(
            "A carrier's NAT with a pool of addresses.",
            "Ein Provider-NAT mit einem Pool von Adressen.",
            tag="client",
        ),
    ),
    remedies=(
        remedy(
            "Give the media server one network card.",
            "Dem Medienserver nur eine Netzwerkkarte geben.",
            tag="server",
        ),
        remedy(
            "Route STUN and media of the server over the same line in the firewall.",
            "In der Firewall STUN und Medien des Servers über dieselbe Leitung führen.",
            tag="server",
        ),
        remedy(
            "Try the client in another network.", "Den Client in einem anderen Netz testen.", tag="client"
        ),
    ),
    references=("RFC 4787, REQ-2", "RFC 8489, section 14.2"),
    known_problems=Text(
        "A proxy or VPN that is switched on between two look-ups looks the same.",
        "Ein Proxy oder VPN, das zwischen zwei Anfragen eingeschaltet wird, sieht genauso aus.",
    ),
    find=find,
)
