"""The client uses a mobile hotspot."""

from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from postproc.diagnose.evidence.candidates import offered
from postproc.diagnose.evidence.case import CLIENT, Case, evidence
from postproc.diagnose.evidence.media import connected
from postproc.model.addresses import endpoint
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.text import Text

# Networks that phones and Windows use for connection sharing.
HOTSPOTS = {
    ip_network("172.20.10.0/28"): "iPhone",
    ip_network("192.168.43.0/24"): "Android",
    ip_network("192.168.137.0/24"): "Windows",
}

TITLE = Text(
    "The client is in a mobile hotspot ({kind}, {address}).",
    "Der Client ist in einem mobilen Hotspot ({kind}, {address}).",
)
DETAIL = Text(
    "The hotspot adds a NAT of its own to the mobile network's, and {address} cannot be reached from elsewhere.",
    "Der Hotspot fügt dem NAT des Mobilfunknetzes ein eigenes hinzu, und {address} ist von anderswo nicht erreichbar.",
)


def hotspot(addr: str | None) -> str | None:
    """Return the kind of hotspot that assigns this address, or None."""
    try:
        parsed = ip_address((addr or "").partition("%")[0])
    except ValueError:
        return None
    return next((kind for network, kind in HOTSPOTS.items() if parsed in network), None)


def find(case: Case) -> Iterator[Finding]:
    for leg in case.judged_legs:
        for row in [] if connected(case, leg) else offered(case, CLIENT, leg):
            if kind := hotspot(row.addr):
                facts = {"kind": kind, "address": endpoint(row.addr, row.port)}
                yield Finding(RULE.name, "note", 0.8, evidence(row), TITLE, (DETAIL,), facts, leg=leg)
                break


RULE = Rule(
    code="NAT005",
    name="hotspot-client",
    stage="nat",
    summary=Text("Client in a hotspot", "Client im Hotspot"),
    claim=Text(
        "The client's private address is one that mobile hotspots give out, and no path came about.",
        "Die private Adresse des Clients stammt aus einem mobilen Hotspot, und es entstand kein Pfad.",
    ),
    causes=(
        cause(
            "The mobile network's or the phone's NAT or firewall blocks UDP.",
            "NAT oder Firewall des Mobilfunknetzes oder des Telefons blockiert UDP.",
        ),
    ),
    remedies=(remedy("Try the client in another network.", "Den Client in einem anderen Netz testen."),),
    references=("RFC 4787",),
    known_problems=Text(
        "Other networks use the same addresses: it is a hint, no fault.",
        "Andere Netze verwenden dieselben Adressen: ein Hinweis, kein Fehler.",
    ),
    find=find,
)
