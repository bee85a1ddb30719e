"""Packets come from an address that was never offered, or the offered address is outdated."""

from collections.abc import Iterator, Sequence

from postproc.diagnose.evidence.candidates import PUBLIC, bases, offered, public
from postproc.diagnose.evidence.case import CLIENT, SERVER, Case, evidence
from postproc.diagnose.evidence.media import connected
from postproc.diagnose.evidence.paths import TO_SERVER, checks
from postproc.model.addresses import addr_class
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.loading import Row
from postproc.model.rows import CandidateRow
from postproc.model.text import Text

TITLE = Text(
    "Addresses do not match: the {side:word} offers {offered}, but is seen outside as {seen}.",
    "Die Adressen passen nicht zusammen: Der {side:word} bietet {offered} an, erscheint außen aber als {seen}.",
)
MAPPED = Text(
    "The answer to its own request says {seen}.",
    "Die Antwort auf seinen eigenen Request nennt {seen}.",
)
SOURCE = Text(
    "Its Binding Requests come from {seen}.",
    "Seine Binding Requests kommen von {seen}.",
)
KNOWN = Text(
    "The deployment file names {seen} as the server's public address.",
    "Die Deployment-Datei nennt {seen} als öffentliche Adresse des Servers.",
)


def find(case: Case) -> Iterator[Finding]:
    for leg in case.judged_legs:
        if connected(case, leg):
            continue
        yield from _mapped(case, leg)
        yield from _sources(case, leg)
        yield from _deployed(case, leg)


def _mapped(case: Case, leg: int | None) -> Iterator[Finding]:
    """Yield findings on server bases whose address observed by STUN is not among the candidates."""
    for base in bases(case, leg):
        candidates = public(offered(case, base.side, leg))
        observed = [row for row in base.rows if row.learned_from in ("stun_server", "check")]
        odd = [row for row in observed if addr_class(row.mapped_addr) in PUBLIC]
        if candidates and odd and not {row.mapped_addr for row in odd} & {row.addr for row in candidates}:
            yield _finding(
                leg,
                base.side,
                candidates,
                addresses=[row.mapped_addr for row in odd],
                detail=MAPPED,
                rows=odd,
                sure=0.85,
            )


def _sources(case: Case, leg: int | None) -> Iterator[Finding]:
    candidates = public(offered(case, CLIENT, leg))
    addresses = {row.addr for row in offered(case, CLIENT, leg)}
    odd = [
        row
        for row in checks(case, TO_SERVER, leg).rows
        if row.src_addr not in addresses and addr_class(row.src_addr) in PUBLIC
    ]
    if candidates and odd:
        yield _finding(
            leg,
            CLIENT,
            candidates,
            addresses=[row.src_addr for row in odd],
            detail=SOURCE,
            rows=odd,
            sure=0.7,
        )


def _deployed(case: Case, leg: int | None) -> Iterator[Finding]:
    candidates = public(offered(case, SERVER, leg))
    if candidates and all(case.deployment.is_own_public(row.addr) is False for row in candidates):
        own_networks = [str(network) for network in case.deployment.public_addresses]
        yield _finding(
            leg, SERVER, candidates, addresses=own_networks, detail=KNOWN, rows=candidates, sure=0.8
        )


def _finding(
    leg: int | None,
    side: str,
    candidates: list[CandidateRow],
    *,
    addresses: list[str],
    detail: Text,
    rows: Sequence[Row],
    sure: float,
) -> Finding:
    facts = {
        "side": side,
        "offered": sorted({row.addr for row in candidates if row.addr}),
        "seen": sorted(set(addresses)),
    }
    return Finding(
        RULE.name, "suspect", sure, evidence(*rows), TITLE, (detail,), facts, leg=leg, tags=frozenset({side})
    )


RULE = Rule(
    code="NAT004",
    name="address-mismatch",
    stage="nat",
    breaks="mapped_address",
    summary=Text("Addresses do not match", "Adressen passen nicht zusammen"),
    claim=Text(
        "The address offered in SDP is not the one under which that side is seen.",
        "Die im SDP angebotene Adresse ist nicht die, unter der diese Seite gesehen wird.",
    ),
    causes=(
        cause(
            "The public address has changed since the server asked its STUN server: XCC keeps the answer until its next restart.",
            "Die öffentliche Adresse hat sich geändert, seit der Server seinen STUN-Server gefragt hat: Der XCC behält die Antwort bis zum nächsten Neustart.",
            product="xphone",
            tag="server",
        ),
        cause(
            "The configured external address (ext-rtp-ip) is out of date.",
            "Die eingetragene externe Adresse (ext-rtp-ip) ist veraltet.",
            product="freeswitch",
            tag="server",
        ),
        cause(
            "Several public addresses or network cards; STUN is asked over another line than media uses.",
            "Mehrere öffentliche Adressen oder Netzwerkkarten; STUN wird über eine andere Leitung gefragt, als die Medien nehmen.",
        ),
        cause(
            "The client goes through a VPN or changes its network.",
            "Der Client geht durch ein VPN oder wechselt das Netz.",
            tag="client",
        ),
    ),
    remedies=(
        remedy(
            "Give the media server one network card, or set the routes in the firewall.",
            "Dem Medienserver nur eine Netzwerkkarte geben oder die Routen in der Firewall setzen.",
            tag="server",
        ),
        remedy(
            "Restart XCC, so that it asks its STUN server again.",
            "Den XCC neu starten, damit er seinen STUN-Server neu fragt.",
            product="xphone",
            tag="server",
        ),
        remedy(
            "Set ext-rtp-ip to the address seen outside, or to stun:.",
            "ext-rtp-ip auf die außen sichtbare Adresse oder auf stun: setzen.",
            product="freeswitch",
            tag="server",
        ),
        remedy("Try the client without VPN.", "Den Client ohne VPN testen.", tag="client"),
    ),
    references=("RFC 8445, section 5.1.1", "RFC 8489, section 14.2"),
    known_problems=Text(
        "Peer reflexive addresses are ordinary in ICE; the rule speaks only where no path works.",
        "Peer-reflexive Adressen sind bei ICE üblich; die Regel meldet sich nur, wo kein Pfad funktioniert.",
    ),
    find=find,
)
