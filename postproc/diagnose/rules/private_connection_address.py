"""Without ICE, a side names a private media address, and the other side is outside that network."""

from collections.abc import Iterator
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import NamedTuple

from postproc.diagnose.evidence.candidates import INSIDE, PUBLIC
from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import Way, talks, ways
from postproc.diagnose.evidence.negotiation import Described, exchanges
from postproc.model.addresses import addr_class, ip_version
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import RtpStreamRow
from postproc.model.text import Text

TITLE = Text(
    "The SDP from {source} names {addr} for media, which {peer} cannot reach: no RTP came to it.",
    "Das SDP von {source} nennt für Medien {addr}, für {peer} unerreichbar: Dort kam kein RTP an.",
)
SENT_THERE = Text(
    "{peer} sends its RTP to {addr}, the private address in the SDP from {source}, where it cannot arrive.",
    "{peer} sendet sein RTP an {addr}, die private Adresse aus dem SDP von {source}, wo es nicht ankommen kann.",
)
MAY_REACH = Text(
    "The SDP from {source} names the private address {addr} for media, and no RTP came to it; {theirs} may be in the same network, or in"
    " another with such addresses.",
    "Das SDP von {source} nennt für Medien die private Adresse {addr}, und dort kam kein RTP an; {theirs} kann im selben Netz sein oder in"
    " einem anderen mit solchen Adressen.",
)
MAY_ARRIVE = Text(
    "{theirs} sends its RTP to {addr}, the private address in the SDP from {source}, and none comes from there; the two may be in the same"
    " network, or in two with such addresses.",
    "{theirs} sendet sein RTP an {addr}, die private Adresse aus dem SDP von {source}, und von dort kommt keines; beide können im selben Netz"
    " sein oder in zweien mit solchen Adressen.",
)
SETTLE_NETWORK = Text(
    "whether {theirs} reaches {addr} directly (ping, traceroute): behind two different routers it does not.",
    "Ob {theirs} die Adresse {addr} direkt erreicht (ping, traceroute): Hinter zwei verschiedenen Routern ist das nicht so.",
)
COUNTED = Text(
    "Leg {number} has no ICE; {packets} packets went the other way in {seconds:0} s.",
    "Leg {number} ist ohne ICE; in die andere Richtung gingen in {seconds:0} s {packets} Pakete.",
)
LOST = Text(
    "Leg {number} has no ICE; {packets} packets went there in {seconds:0} s.",
    "Leg {number} ist ohne ICE; in {seconds:0} s gingen {packets} Pakete dorthin.",
)
HEARD = Text(
    "Its own RTP comes from {seen}: an answer to there would arrive.",
    "Sein eigenes RTP kommt von {seen}: Eine Antwort dorthin käme an.",
)
TWICE = Text(
    "The same address stands in the SDP of another leg, and nothing came to it there either.",
    "Dieselbe Adresse steht im SDP eines weiteren Legs, und auch dort kam nichts an.",
)
SETTLE = Text(
    "a capture at {peer} shows where it sends its RTP: a NAT or SBC on the way may have replaced the address.",
    "Ein Mitschnitt bei {peer} zeigt, wohin das RTP gesendet wird: Ein NAT oder SBC dazwischen kann die Adresse ersetzt"
    " haben.",
)

# After an answer that names another address media still go to the one before, until it has arrived and is acted on.
# With a third, an ACK over a mobile network counts as ignored; three times is as long as talk takes to fail.
IN_FLIGHT = timedelta(seconds=1)
Network = IPv4Network | IPv6Network
# Private networks that are routed within a company, so that two addresses of one may reach each other (RFC 1918, RFC 4193).
# Those of link-local addresses and of carriers are not: there every customer has the same.
ROUTED = tuple(ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"))
# Docker's default bridge network: local to one machine, while other private networks may be routed.
DOCKER = ip_network("172.17.0.0/16")


class Unreachable(NamedTuple):
    """A description with an address its reader cannot reach; ``lost``: the reader sends there anyway.

    ``theirs``: an address of the reader in the same private network, so that it may reach it after all.
    """

    leg: int | None
    author: Described
    reader: Described
    flow: Way
    lost: bool
    seen: str | None
    theirs: str | None = None


def find(case: Case) -> Iterator[Finding]:
    every = [unreachable for talk in talks(case) if (unreachable := _on_leg(case, talk.leg)) is not None]
    for each in every:
        yield _finding(each, _twice(each, every))


def _twice(one: Unreachable, every: list[Unreachable]) -> bool:
    named = [each.author.audio.connection_addr for each in every if not each.lost and not each.theirs]
    return not one.lost and not one.theirs and named.count(one.author.audio.connection_addr) > 1


def _on_leg(case: Case, leg: int | None) -> Unreachable | None:
    """Return the unreachable author; if both are, the one whose own machine shows that nothing arrives."""
    last = next((each for each in reversed(exchanges(case, leg)) if each.accepted), None)
    if last is None or last.ice:
        return None
    flows = ways(case, leg)
    unreachable = []
    for author, reader in last.descriptions:
        if _named_in_vain(author, reader):
            unreachable += [
                _nothing_came(case, leg, author, reader, flows),
                _sent_there(case, leg, author, reader, flows),
            ]
    certain = [each for each in unreachable if each is not None]
    return min(certain, key=lambda each: (each.theirs is not None, each.lost), default=None)


def _named_in_vain(author: Described, reader: Described) -> bool:
    """Whether the address is private, and one of the two is seen outside that network."""
    addr = author.audio.connection_addr
    if addr is None or addr_class(addr) not in INSIDE or author.audio.direction not in (None, "sendrecv"):
        return False
    source, peer = author.message.src_addr, author.message.dst_addr
    outside = addr_class(peer) in PUBLIC or (addr_class(source) in PUBLIC and source != addr)
    return outside or (
        _docker(addr) and not _docker(peer) and not _docker(reader.audio.connection_addr or addr)
    )


def _docker(addr: str) -> bool:
    try:
        return ip_address(addr) in DOCKER
    except ValueError:
        return False


def _in_one_network(addr: str | None, *others: str | None) -> str | None:
    """Return the first of the others that is in one private network with the address; None if none is."""
    own = [network for network in ROUTED if _within(addr, network) and not _docker(addr or "")]
    return next((other for other in others if own and _within(other, own[0])), None)


def _within(addr: str | None, network: Network) -> bool:
    return addr is not None and ip_version(addr) == network.version and ip_address(addr) in network


def _nothing_came(
    case: Case, leg: int | None, author: Described, reader: Described, flows: dict[tuple[str, str], Way]
) -> Unreachable | None:
    """Return the case that the capture shows media from the author, directly or through NAT, but none to it; or None."""
    limits = case.deployment.thresholds
    own = author.audio.connection_addr, author.message.src_addr
    sent = [way for (source, _), way in flows.items() if source in own]
    came = sum(row.packets or 0 for row in _since(case, leg, author, reader) if row.dst_addr in own)
    most = max(sent, key=lambda way: way.packets, default=None)
    inside = most is not None and most.rows[0].src_addr == own[0]  # no NAT is seen
    theirs = _in_one_network(own[0], reader.audio.connection_addr) if inside else None
    if most is not None and _undelivered(case, most):
        return None  # so the reader cannot learn from it where to send, either
    if most is None or most.seconds < limits.one_way_seconds or came >= limits.one_way_packets:
        return None
    return Unreachable(leg, author, reader, most, lost=False, seen=None, theirs=theirs)


def _undelivered(case: Case, way: Way) -> bool:
    """Whether ICMP says that these packets did not arrive."""
    ends = {(row.src_addr, row.dst_addr, row.dst_port) for row in way.rows}
    return any((row.src_addr, row.dst_addr, row.dst_port) in ends for row in case.icmp_errors)


def _sent_there(
    case: Case, leg: int | None, author: Described, reader: Described, flows: dict[tuple[str, str], Way]
) -> Unreachable | None:
    """Return the case that the reader sends to that address to the end although the author is elsewhere; or None."""
    limits = case.deployment.thresholds
    addr, source = author.audio.connection_addr, author.message.src_addr
    sent = [(ends[0], way) for ends, way in flows.items() if ends[1] == addr]
    sender, way = max(sent, key=lambda each: each[1].packets, default=(None, None))
    if (
        way is None
        or source == addr
        or addr_class(source) not in PUBLIC
        or way.seconds < limits.one_way_seconds
    ):
        return None
    # All streams, not one per SSRC as in flows: a capture on a router shows packets on both sides of its NAT.
    if any(
        row.src_addr in (addr, sender) and row.dst_addr != addr for row in _since(case, leg, author, reader)
    ):
        return None  # the author does send from there, or the reader has learned its address
    own = [
        ends[0]
        for ends, held in flows.items()
        if held.packets >= limits.one_way_packets and ends[1] == sender
    ]
    theirs = None if own else _in_one_network(addr, sender, reader.audio.connection_addr)
    return Unreachable(leg, author, reader, way, lost=True, seen=own[0] if own else None, theirs=theirs)


def _since(case: Case, leg: int | None, *described: Described) -> list[RtpStreamRow]:
    """Return the streams of a leg that go on for longer than packets take after offer and answer: a change may end others."""
    known = max(each.message.time for each in described) + IN_FLIGHT
    return [row for row in case.rtp_streams if row.leg == leg and row.last_time > known]


def _finding(each: Unreachable, twice: bool) -> Finding:
    details = [LOST if each.lost else COUNTED]
    if each.seen:
        details.append(HEARD)
    if twice:
        details.append(TWICE)
    sure = twice or each.seen is not None
    facts = {
        "number": each.leg,
        "source": each.author.message.src_addr,
        "addr": each.author.audio.connection_addr,
        "peer": each.author.message.dst_addr,
        "packets": each.flow.packets,
        "seconds": each.flow.seconds,
        "seen": each.seen,
        "theirs": each.theirs,
    }
    said = (SENT_THERE if each.lost else TITLE, None if each.lost else SETTLE)
    if each.theirs:
        said = (MAY_ARRIVE if each.lost else MAY_REACH, SETTLE_NETWORK)
    return Finding(
        RULE.name,
        "note" if each.theirs else "fault" if sure else "suspect",
        0.5 if each.theirs else 0.85 if sure else 0.7,
        evidence(each.author.message, each.reader.message, more=(row.frame for row in each.flow.rows[:1])),
        said[0],
        tuple(details),
        facts,
        said[1],
        leg=each.leg,
        tags=frozenset({"symmetric" if each.seen else "named"}),
    )


RULE = Rule(
    code="SDP007",
    name="private-connection-address",
    stage="sdp",
    breaks="connection_address",
    despite_media=True,
    summary=Text("Private address in the c= line", "Private Adresse in der c=-Zeile"),
    claim=Text(
        "Without ICE media goes to the address in the c= line; a private one cannot be reached from outside.",
        "Ohne ICE gehen Medien an die Adresse der c=-Zeile; eine private ist von außen nicht erreichbar.",
    ),
    causes=(
        cause(
            "The server is behind NAT or in a container, and writes the address of its own interface.",
            "Der Server steht hinter NAT oder in einem Container und schreibt die Adresse seiner eigenen Schnittstelle.",
            tag="named",
        ),
        cause(
            "The phone is behind NAT (home router, carrier, 464XLAT: 192.0.0.0/29) and does not use STUN.",
            "Das Telefon steht hinter NAT (Heimrouter, Mobilfunk, 464XLAT: 192.0.0.0/29) und verwendet kein STUN.",
        ),
        cause(
            "The receiving side does not learn from incoming RTP where to send (symmetric RTP, comedia).",
            "Die Gegenseite lernt nicht aus dem ankommenden RTP, wohin sie senden soll (symmetrisches RTP, comedia).",
            tag="symmetric",
        ),
    ),
    remedies=(
        remedy(
            "Have the server announce its public address; for a container publish the RTP ports or use the host's network.",
            "Den Server seine öffentliche Adresse nennen lassen; beim Container die RTP-Ports veröffentlichen oder das Netz"
            " des Hosts verwenden.",
            tag="named",
        ),
        remedy(
            "FreeSWITCH: set ext-rtp-ip and ext-sip-ip in the profile.",
            "FreeSWITCH: im Profil ext-rtp-ip und ext-sip-ip setzen.",
            product="freeswitch",
            tag="named",
        ),
        remedy(
            "Switch symmetric RTP (comedia, NAT handling of the peer) on at the side that sends to the private address.",
            "Symmetrisches RTP (comedia, NAT-Behandlung des Peers) auf der Seite einschalten, die an die private Adresse"
            " sendet.",
        ),
        remedy(
            "Have the phone use ICE or STUN.",
            "Das Telefon ICE oder STUN verwenden lassen.",
        ),
    ),
    references=("RFC 8866, section 5.7", "RFC 4961", "RFC 7362"),
    known_problems=Text(
        "A NAT or SBC beyond the capture point may replace the address; a VPN may make it reachable. Of two sides with addresses of one private network it is only noted, unless a NAT is seen.",
        "Ein NAT oder SBC hinter dem Mitschnittpunkt kann die Adresse ersetzen, ein VPN sie erreichbar machen. Bei zwei Seiten mit Adressen eines privaten Netzes ist es nur ein Hinweis, außer wenn ein NAT zu sehen ist.",
    ),
    find=find,
)
