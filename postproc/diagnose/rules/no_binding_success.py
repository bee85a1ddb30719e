"""No check of the call is answered in either direction: the vendor's "No Binding Success"."""

from collections.abc import Iterator

from postproc.diagnose.evidence.candidates import BEHIND_NAT, PUBLIC, offered, public
from postproc.diagnose.evidence.case import CLIENT, Case, evidence
from postproc.diagnose.evidence.media import described
from postproc.diagnose.evidence.paths import TO_CLIENT, TO_SERVER, Checks, checks, requests
from postproc.diagnose.evidence.signalling import rejection
from postproc.diagnose.rules.hotspot_client import hotspot
from postproc.model.addresses import addr_class, endpoint
from postproc.model.enumerations import Verdict
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.text import Text

TITLE = Text(
    "No Binding Success: {unanswered} of {sent} Binding Requests were never answered.",
    "Kein Binding Success: {unanswered} von {sent} Binding Requests blieben unbeantwortet.",
)
TO = Text(
    "{unanswered_to_client} of {sent_to_client} requests from the server to the client"
    " ({targets}) got no answer.",
    "{unanswered_to_client} von {sent_to_client} Requests des Servers an den Client"
    " ({targets}) erhielten keine Antwort.",
)
FROM = Text(
    "{unanswered_to_server} of {sent_to_server} requests from the client to the server got no answer.",
    "{unanswered_to_server} von {sent_to_server} Requests des Clients an den Server erhielten keine Antwort.",
)
NONE_ARRIVED = Text(
    "No Binding Request of the client is in the capture.",
    "Vom Client ist kein Binding Request im Mitschnitt.",
)
HOTSPOT = Text(
    "{hotspot_addr} is a private address as a mobile hotspot ({hotspot}) gives out.",
    "{hotspot_addr} ist eine private Adresse, wie sie ein mobiler Hotspot ({hotspot}) vergibt.",
)
NO_PUBLIC_TRIED = Text("No public candidate was tried.", "Ein öffentlicher Kandidat wurde nicht versucht.")
SETTLE = Text(
    "capture at the WAN interface and at the client as well; it shows where the requests are lost.",
    "zusätzlich an der WAN-Schnittstelle und am Client mitschneiden; das zeigt, wo die Requests verloren gehen.",
)


def find(case: Case) -> Iterator[Finding]:
    for leg in case.judged_legs:
        both = checks(case, leg=leg)
        if both.dead(case.deployment.thresholds) and not _refused_unheard(case, leg):
            yield _finding(case, leg, both)


def _refused_unheard(case: Case, leg: int | None) -> bool:
    """Whether the call was refused before the checks' other side got a description: it could not answer them."""
    offered = any(row.method == "INVITE" and row.leg == leg and row.has_sdp for row in case.sip_messages)
    return offered and rejection(case) is not None and not described(case, leg)


def _finding(case: Case, leg: int | None, both: Checks) -> Finding:
    to_client, to_server = checks(case, TO_CLIENT, leg), checks(case, TO_SERVER, leg)
    facts = _counts(both, to_client, to_server)
    tags, details = set(), [TO] if to_client.sent else []
    details.append(FROM if to_server.sent else NONE_ARRIVED)
    for addr, kind in _hotspots(both):
        facts |= {"hotspot": kind, "hotspot_addr": addr}
        details.append(HOTSPOT)
        tags.add("hotspot")
    if not _tried_public(both) and {row.addr_class for row in offered(case, CLIENT, leg)} & BEHIND_NAT:
        details.append(NO_PUBLIC_TRIED)
        facts["public_offered"] = [endpoint(row.addr, row.port) for row in public(offered(case, CLIENT, leg))]
        tags.add("private-target")
    # without SIP, the capture may show one direction only
    verdict: Verdict = "fault" if case.legs else "suspect"
    return Finding(
        RULE.name,
        verdict,
        0.95 if case.legs else 0.6,
        evidence(*both.silent),
        TITLE,
        tuple(details),
        facts,
        SETTLE,
        leg=leg,
        tags=frozenset(tags),
    )


def _counts(both: Checks, to_client: Checks, to_server: Checks) -> dict[str, object]:
    return {
        "sent": requests(both.rows),
        "unanswered": requests(both.silent),
        "sent_to_client": requests(to_client.rows),
        "unanswered_to_client": requests(to_client.silent),
        "sent_to_server": requests(to_server.rows),
        "unanswered_to_server": requests(to_server.silent),
        "targets": [endpoint(*target) for target in to_client.targets or both.targets],
    }


def _hotspots(both: Checks) -> Iterator[tuple[str, str]]:
    for addr in dict.fromkeys(row.dst_addr for row in both.rows):
        if kind := hotspot(addr):
            yield addr, kind


def _tried_public(both: Checks) -> bool:
    """Whether a check target is publicly reachable."""
    return any(addr_class(addr) in PUBLIC for addr, _ in both.targets)


RULE = Rule(
    code="ICE001",
    name="no-binding-success",
    stage="stun",
    breaks="path",
    from_absence=True,
    summary=Text("No Binding Success", "Kein Binding Success"),
    claim=Text(
        "Binding Requests leave, and none is answered in either direction: no media path comes about.",
        "Binding Requests gehen hinaus, aber keiner wird beantwortet: Es entsteht kein Medienpfad.",
    ),
    causes=(
        cause(
            "The server tries a private address of the client to which it has no route.",
            "Der Server versucht eine private Adresse des Clients, zu der er keine Route hat.",
            tag="private-target",
        ),
        cause(
            "There is no route between the networks of client and server.",
            "Zwischen den Netzen von Client und Server gibt es keine Route.",
        ),
        cause(
            "A firewall drops UDP, on the server's or on the client's side.",
            "Eine Firewall verwirft UDP, auf der Seite des Servers oder des Clients.",
        ),
        cause(
            "The one candidate that XCC tries cannot be reached.",
            "Der eine Kandidat, den der XCC versucht, ist nicht erreichbar.",
            product="xphone",
        ),
    ),
    remedies=(
        remedy(
            "Enable the Pin Hole Puncher: XCC then tries every candidate of the client.",
            "Den Pin Hole Puncher einschalten: Der XCC versucht dann alle Kandidaten des Clients.",
            product="xphone",
        ),
        remedy(
            "Capture on both sides and at the WAN interface: the place where the requests vanish is the fault.",
            "Auf beiden Seiten und an der WAN-Schnittstelle mitschneiden: Wo die Requests verschwinden, liegt der Fehler.",
        ),
        remedy(
            "Check that UDP from and to the server's media ports ({ports}) passes the firewall.",
            "Prüfen, ob UDP von und zu den Medien-Ports des Servers ({ports}) durch die Firewall kommt.",
        ),
        remedy("NAT must keep the server's port.", "NAT muss den Port des Servers beibehalten."),
        remedy(
            "Destination NAT (port forwarding) must point at the media server.",
            "Destination-NAT (Portweiterleitung) muss auf den Medienserver zeigen.",
        ),
        remedy(
            "Switch off SIP and STUN ALGs in routers and firewalls.",
            "SIP- und STUN-ALGs in Routern und Firewalls abschalten.",
        ),
        remedy(
            "On the client's side look for a mobile network's firewall, a VPN or a virus scanner.",
            "Auf der Client-Seite nach Mobilfunk-Firewall, VPN oder Virenscanner suchen.",
        ),
    ),
    references=("RFC 8445, sections 6 and 7", "RFC 8489, section 6.2.1"),
    known_problems=Text(
        "A capture that sees only outgoing packets looks the same; the rule is then only a suspicion.",
        "Ein Mitschnitt, der nur ausgehende Pakete enthält, sieht genauso aus; die Regel ist dann nur ein Verdacht.",
    ),
    find=find,
)
