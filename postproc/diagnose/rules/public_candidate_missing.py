"""A side offers no candidate that is reachable from outside its network."""

from collections.abc import Iterator, Sequence

from postproc.diagnose.evidence.candidates import classes, offered, public, shown
from postproc.diagnose.evidence.case import CLIENT, SERVER, Case, evidence
from postproc.diagnose.evidence.media import connected
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import CandidateRow
from postproc.model.text import Text

TITLE = Text(
    "The {side:word} offers no public candidate, only {candidates}.",
    "Der {side:word} bietet keinen öffentlichen Kandidaten an, nur {candidates}.",
)
BOTH = Text(
    "Neither side offers a public candidate: client {candidates}, server {server_candidates}.",
    "Keine Seite bietet einen öffentlichen Kandidaten an: Client {candidates}, Server {server_candidates}.",
)
DETAIL = Text(
    "From outside its network nobody can send to these addresses, and no connectivity check succeeded.",
    "Von außerhalb des eigenen Netzes sind diese Adressen nicht erreichbar; kein Connectivity Check war erfolgreich.",
)
# RFC 8445, section 7.3.1.3: who is asked learns the asker's address from the request (peer-reflexive).
ONE_IS_ENOUGH = Text(
    "The server's public candidate is enough: the client's own checks open its NAT, and the server answers where they"
    " come from. Look for what stops those.",
    "Der öffentliche Kandidat des Servers genügt: Die eigenen Checks des Clients öffnen dessen NAT, und der Server"
    " antwortet dorthin, woher sie kommen. Zu klären ist, was diese aufhält.",
)
PRIVATE_RELAY = Text(
    "Its relayed candidate {relay} is private, too: the TURN server hands out an address that it has itself behind NAT.",
    "Auch ihr Relay-Kandidat {relay} ist privat: Der TURN-Server vergibt eine Adresse, die er selbst hinter NAT hat.",
)
SETTLE = Text(
    "if client and server are in one routed network, the private addresses should do:"
    " then look for the firewall between them.",
    "Sind Client und Server im selben gerouteten Netz, müssten die privaten Adressen genügen:"
    " dann die Firewall dazwischen prüfen.",
)


def find(case: Case) -> Iterator[Finding]:
    for leg in case.judged_legs:
        client, server = offered(case, CLIENT, leg), offered(case, SERVER, leg)
        if not client or not server or connected(case, leg):
            continue
        missing = [
            side
            for side, candidates in ((CLIENT, client), (SERVER, server))
            if not public(candidates)
            and classes(candidates) != {"mdns"}  # hidden addresses are covered by mdns-only
        ]
        if not missing or (len(missing) == 2 and _routed(case, client) and _routed(case, server)):
            continue
        candidates = client if CLIENT in missing else server
        facts = {
            "side": missing[0],
            "sides": missing,
            "candidates": shown(candidates),
            "server_candidates": shown(server),
        }
        rows = [
            row for side, found in ((CLIENT, client), (SERVER, server)) if side in missing for row in found
        ]
        both = len(missing) == 2
        relays = sorted({f"{row.addr}:{row.port}" for row in rows if row.type == "relay"})
        facts["relay"] = relays
        harmless = missing == [CLIENT] and bool(public(server)) and not relays
        yield Finding(
            RULE.name,
            "note" if harmless else "suspect",
            0.8 if both or SERVER in missing else 0.6,
            evidence(*rows),
            BOTH if both else TITLE,
            (DETAIL, *((PRIVATE_RELAY,) if relays else (ONE_IS_ENOUGH,) if harmless else ())),
            facts,
            None if harmless else SETTLE,
            leg=leg,
            tags=frozenset({*missing, "relay" if relays else "no_relay"}),
        )


def _routed(case: Case, candidates: Sequence[CandidateRow]) -> bool:
    """Whether SIP comes from an address that is offered: no NAT is between there and the capture.

    If it does from both sides, the two are in one routed network, and their private addresses should do.
    """
    offered_hosts = {row.addr for row in candidates if row.type == "host"}
    return any(row.src_addr in offered_hosts for row in case.at_every_place.sip_messages)


RULE = Rule(
    code="SDP001",
    name="public-candidate-missing",
    stage="sdp",
    breaks="public_candidate",
    summary=Text("Public candidate missing", "Öffentlicher Kandidat fehlt"),
    claim=Text(
        "One side's SDP holds only addresses that cannot be reached from outside, and no path comes about.",
        "Das SDP einer Seite enthält nur Adressen, die von außen nicht erreichbar sind, und es entsteht kein Pfad.",
    ),
    causes=(
        cause(
            "The TURN server is behind NAT and does not know its public address.",
            "Der TURN-Server steht hinter NAT und kennt seine öffentliche Adresse nicht.",
            tag="relay",
        ),
        cause(
            "That side did not reach its STUN server, so it does not know its public address.",
            "Diese Seite hat ihren STUN-Server nicht erreicht und kennt deshalb ihre öffentliche Adresse nicht.",
            tag="no_relay",
        ),
        cause(
            "No STUN server is configured there.", "Dort ist kein STUN-Server eingetragen.", tag="no_relay"
        ),
        cause(
            "STUN is not enabled in the SIP gateway, or the release has the known fault of V9 before 9.0.131 (patch) / 9.0.164.",
            "STUN ist im SIP-Gateway nicht aktiviert, oder der Stand hat den bekannten Fehler von V9 vor 9.0.131 (Patch) / 9.0.164.",
            product="xphone",
        ),
        cause(
            "FreeSWITCH offers only its private address to peers on its own host or in local-network-acl, and without ext-rtp-ip.",
            "FreeSWITCH bietet Gegenstellen auf demselben Host oder aus local-network-acl nur seine private Adresse an, ebenso ohne ext-rtp-ip.",
            product="freeswitch",
            tag=SERVER,
        ),
    ),
    remedies=(
        remedy(
            "Tell the TURN server its public address (coturn: external-ip=PUBLIC/PRIVATE) and open its relay ports.",
            "Dem TURN-Server seine öffentliche Adresse nennen (coturn: external-ip=ÖFFENTLICH/PRIVAT) und seine Relay-Ports öffnen.",
            tag="relay",
        ),
        remedy(
            "Check that the firewall lets UDP to the STUN server (3478) and its answers through.",
            "Prüfen, ob die Firewall UDP zum STUN-Server (3478) und dessen Antworten durchlässt.",
        ),
        remedy(
            "Run the STUN test of the WebApi Tester from the client's network.",
            "Den STUN-Test des WebApi Testers aus dem Netz des Clients ausführen.",
            product="xphone",
            tag=CLIENT,
        ),
        remedy(
            "Check the STUN server on the admin page Telefonie & Meetings > Netzwerk.",
            "Den STUN-Server auf der Admin-Seite Telefonie & Meetings > Netzwerk prüfen.",
            product="xphone",
        ),
        remedy(
            "Configure a STUN server, or the public address itself, on that side.",
            "Auf dieser Seite einen STUN-Server oder die öffentliche Adresse selbst eintragen.",
        ),
    ),
    references=("RFC 8445, section 5.1.1", "RFC 8489"),
    known_problems=Text(
        "Within one routed network private candidates are enough; the rule then names the wrong culprit and says so.",
        "In einem gemeinsamen gerouteten Netz genügen private Kandidaten; dann benennt die Regel den Falschen und weist darauf hin.",
    ),
    find=find,
)
