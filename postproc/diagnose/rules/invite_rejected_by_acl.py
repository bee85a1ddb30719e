"""The server rejects the INVITE by an access list before it processes the call: 403 at once."""

from collections.abc import Iterator
from typing import Any

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.server import BY_LOG, Line, logged, peers, quoted
from postproc.diagnose.evidence.signalling import Rejection, rejection
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.statuses import FORBIDDEN
from postproc.model.text import Text

DIGEST = "Falling back to Digest"  # then credentials decide, not the list

LISTED = Text(
    'The server\'s access list "{list}" rejects {address}: 403 Forbidden.',
    "Die Zugriffsliste „{list}“ des Servers weist {address} ab: 403 Forbidden.",
)
UNNAMED = Text(
    "The server's access lists reject {address}: 403 Forbidden.",
    "Die Zugriffslisten des Servers weisen {address} ab: 403 Forbidden.",
)
LIKELY = Text(
    "403 Forbidden at once: probably an access list of the server rejects {address}.",
    "Sofort 403 Forbidden: Vermutlich weist eine Zugriffsliste des Servers {address} ab.",
)
SEEN = Text(
    "{server} answered the INVITE from {address} with {answer} after {after_ms} ms.",
    "{server} beantwortete den INVITE von {address} nach {after_ms} ms mit {answer}.",
)
ALONE = Text(
    "It is the only response: no challenge for credentials and nothing provisional came before,"
    " and nobody else was called. So the call was not even begun.",
    "Es ist die einzige Antwort: Weder wurden Zugangsdaten verlangt noch kam eine vorläufige Antwort,"
    " und niemand sonst wurde angerufen. Der Anruf wurde also gar nicht erst begonnen.",
)
BY_FILE = Text(
    "By the access lists of the deployment file {address} is denied ({entry}).",
    "Nach den Zugriffslisten der Deployment-Datei ist {address} gesperrt ({entry}).",
)
SETTLE = Text(
    "the server's log of that moment names the list and the address; a rule for callers or numbers"
    " in the server would look the same on the wire.",
    "Das Log des Servers nennt zu diesem Zeitpunkt Liste und Adresse; eine Regel für Anrufer oder"
    " Rufnummern im Server sähe im Mitschnitt genauso aus.",
)


def find(case: Case) -> Iterator[Finding]:
    refused = rejection(case)
    if refused is None or refused.status != FORBIDDEN:
        return
    lines = [
        line
        for line in logged(case, "acl", call_id=refused.leg.call_id)
        if line.facts.get("verdict") == "Rejected" and DIGEST not in line.row.text
    ]
    if lines:
        yield _logged(refused, lines)
    elif refused.own(case):
        yield from _concluded(case, refused)


def _logged(refused: Rejection, lines: list[Line]) -> Finding:
    names = [line.facts["list"] for line in lines if "list" in line.facts]
    facts = _facts(refused) | {
        "address": lines[-1].facts.get("addr", refused.invite.src_addr),
        "lists": names,
        "list": ", ".join(dict.fromkeys(names)),
        "log": quoted(lines),
    }
    title = LISTED if names else UNNAMED
    return Finding(
        RULE.name,
        "fault",
        0.98,
        evidence(refused.invite, refused.response),
        title,
        (SEEN, BY_LOG),
        facts,
        leg=refused.leg.leg,
    )


def _concluded(case: Case, refused: Rejection) -> Iterator[Finding]:
    """Conclude from packets, with the deployment's lists if known."""
    decisions = {peer.address: peer.verdict for peer in peers(case)}
    decision = decisions.get(refused.invite.src_addr)
    facts, proof = _facts(refused), evidence(refused.invite, refused.response)
    if decision is not None and decision.verdict == "allowed":
        return
    if decision is not None and decision.verdict == "denied":
        names = [each.list for each in decision.decisions]
        deciding = decision.deciding
        entry = deciding.text if deciding and deciding.text else "–"
        facts |= {"lists": names, "list": ", ".join(names), "entry": entry}
        yield Finding(
            RULE.name, "fault", 0.9, proof, LISTED, (SEEN, ALONE, BY_FILE), facts, leg=refused.leg.leg
        )
        return
    sure = 0.7 if "freeswitch" in case.products else 0.5
    yield Finding(
        RULE.name, "suspect", sure, proof, LIKELY, (SEEN, ALONE), facts, SETTLE, leg=refused.leg.leg
    )


def _facts(refused: Rejection) -> dict[str, Any]:
    return {
        "address": refused.invite.src_addr,
        "server": refused.response.src_addr,
        "answer": refused.phrase,
        "after_ms": refused.after_ms,
    }


RULE = Rule(
    code="SIP001",
    name="invite-rejected-by-acl",
    stage="sip",
    breaks="admission",
    summary=Text(
        "INVITE rejected by an access list (403)", "INVITE von einer Zugriffsliste abgewiesen (403)"
    ),
    claim=Text(
        "An access list of the server does not let in the SIP peer's address: the INVITE is answered"
        " with 403 at once, and no call comes about.",
        "Eine Zugriffsliste des Servers lässt die Adresse der SIP-Gegenstelle nicht zu: Der INVITE wird"
        " sofort mit 403 beantwortet, ein Anruf kommt nicht zustande.",
    ),
    causes=(
        cause(
            "The whitelist of the XCC does not contain the address of the XPhone Server.",
            "Die Whitelist des XCC enthält die Adresse des XPhone Servers nicht.",
            product="xphone",
        ),
        cause(
            "The SIP peer's address is in no list of the server that allows it, or in one that denies it.",
            "Die Adresse der SIP-Gegenstelle steht in keiner erlaubenden Liste des Servers oder in einer sperrenden.",
        ),
        cause(
            "The peer sends from another address than before: another network card, NAT, VPN or a new server.",
            "Die Gegenstelle sendet von einer anderen Adresse als früher: andere Netzwerkkarte, NAT, VPN oder neuer Server.",
        ),
    ),
    remedies=(
        remedy(
            "Put the address of the XPhone Server into the whitelist of the XCC; if the XCC runs on"
            " the XPhone Server itself and uses the loopback adapter, 127.0.0.1/32 as well.",
            "Die Adresse des XPhone Servers in die Whitelist des XCC aufnehmen; läuft der XCC auf dem"
            " XPhone Server selbst und nutzt den Loopback-Adapter, zusätzlich 127.0.0.1/32.",
            product="xphone",
        ),
        remedy(
            "Let the rejected address in by the server's access list for signalling, then reload the lists.",
            "Die abgewiesene Adresse in der Zugriffsliste des Servers für die Signalisierung zulassen, danach die Listen neu laden.",
        ),
        remedy(
            "FreeSWITCH: the list is named in apply-inbound-acl of the SIP profile and written in acl.conf.xml;"
            " reloadacl makes a change effective.",
            "FreeSWITCH: Die Liste steht unter apply-inbound-acl im SIP-Profil, ihr Inhalt in acl.conf.xml;"
            " reloadacl macht eine Änderung wirksam.",
            product="freeswitch",
        ),
    ),
    references=("RFC 3261, section 21.4.4", "FreeSWITCH sofia.c: Rejected by acl"),
    known_problems=Text(
        "Without the server's log a rule for callers or numbers that answers 403 at once looks the same;"
        " the rule is then only a suspicion.",
        "Ohne Log des Servers sieht eine Regel für Anrufer oder Rufnummern, die sofort mit 403 antwortet,"
        " genauso aus; die Regel ist dann nur ein Verdacht.",
    ),
    find=find,
)
