"""Packets come from an address that was never offered, or the offered address is outdated."""

from collections.abc import Iterator, Sequence

from postproc.diagnose.evidence.candidates import PRIVATE, PUBLIC, bases, offered, public
from postproc.diagnose.evidence.case import CLIENT, SERVER, Case, evidence
from postproc.diagnose.evidence.media import audio, connected
from postproc.diagnose.evidence.negotiation import exchanges
from postproc.diagnose.evidence.paths import TO_SERVER, checks
from postproc.model.addresses import addr_class
from postproc.model.findings import Finding, Rule, Variant, cause, remedy
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
OTHER_SOURCE = Text(
    "{seen} sends the media of leg {number}, although its SDP names {offered}, and the other side's media arrives there.",
    "{seen} sendet die Medien von Leg {number}, obwohl das eigene SDP {offered} nennt und die Medien der Gegenseite dort ankommen.",
)
UNEXPECTED = Text(
    "So they leave by another interface and NAT, and come to the other side from an address that it does not know: many firewalls and"
    " phones drop them.",
    "Sie gehen also über eine andere Schnittstelle und ein NAT hinaus und kommen bei der Gegenseite von einer unbekannten Adresse: Viele"
    " Firewalls und Telefone verwerfen sie.",
)
SETTLE_SOURCE = Text(
    "a capture at the other side shows from where the media come, and whether they are taken.",
    "Ein Mitschnitt bei der Gegenseite zeigt, woher die Medien kommen und ob sie angenommen werden.",
)


def find(case: Case) -> Iterator[Finding]:
    for leg in case.judged_legs:
        if connected(case, leg):
            continue
        yield from _mapped(case, leg)
        yield from _sources(case, leg)
        yield from _deployed(case, leg)
    for number in case.numbers:
        if number not in case.client_legs:
            yield from _other_interface(case, number)


def _other_interface(case: Case, leg: int) -> Iterator[Finding]:
    """Yield a finding on media that leave from a private address of a machine whose SDP names a public one of its own.

    Where NAT or a container is seen on both of its sides, each stream is there with both addresses. A packet from a
    private address to a public one is captured on the sender's side of its NAT, so what is sent to the address named
    arrives; between private ones (a VPN) it may as well be on its way out (``one-way-media``).
    """
    least = case.deployment.thresholds.one_way_packets
    streams = [row for row in audio(case, leg) if (row.packets or 0) >= least]
    sources, targets = {row.src_addr for row in streams}, {row.dst_addr for row in streams}
    named = {part.audio.connection_addr for each in exchanges(case, leg) for part in each}
    for sent in streams:
        outward = addr_class(sent.src_addr) in PRIVATE and addr_class(sent.dst_addr) in PUBLIC
        if not outward or sent.src_addr in targets:
            continue
        for came in streams:
            if (
                (came.capture, came.src_addr, came.dst_port) == (sent.capture, sent.dst_addr, sent.src_port)
                and addr_class(came.dst_addr) in PUBLIC
                and came.dst_addr in named - sources
            ):
                yield Finding(
                    RULE.name,
                    "suspect",
                    0.5,
                    evidence(sent, came),
                    OTHER_SOURCE,
                    (UNEXPECTED,),
                    {"seen": sent.src_addr, "offered": came.dst_addr, "number": leg},
                    SETTLE_SOURCE,
                    leg=leg,
                    tags=frozenset({"source"}),
                )
                return


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
    variants={
        CLIENT: Variant("nat", "mapped_address"),
        SERVER: Variant("nat", "mapped_address"),
        "source": Variant("nat", "mapped_address", despite_media=True),
    },
    summary=Text("Addresses do not match", "Adressen passen nicht zusammen"),
    claim=Text(
        "The address offered in SDP is not the one under which that side is seen, or from which it sends.",
        "Die im SDP angebotene Adresse ist nicht die, unter der diese Seite gesehen wird oder von der sie sendet.",
    ),
    causes=(
        cause(
            "The routes of the machine send media out by another interface (default route, VPN, second line) than the one that SDP names.",
            "Die Routen des Rechners schicken Medien über eine andere Schnittstelle hinaus (Default-Route, VPN, zweite Leitung) als die im SDP"
            " genannte.",
            tag="source",
        ),
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
            "Bind the media to the interface that SDP names (Asterisk: media_address with bind_rtp_to_media_address), or route by source"
            " address (ip rule).",
            "Die Medien an die im SDP genannte Schnittstelle binden (Asterisk: media_address mit bind_rtp_to_media_address) oder nach"
            " Quelladresse routen (ip rule).",
            tag="source",
        ),
        remedy(
            "In FreeSWITCH: rtp-ip of the profile is the address that media are sent from.",
            "In FreeSWITCH: rtp-ip des Profils ist die Adresse, von der Medien gesendet werden.",
            tag="source",
            product="freeswitch",
        ),
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
