"""No TCP connection to a SIP port comes about: refused, or SYNs without any answer, and so no SIP at all."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from postproc.diagnose.evidence.case import Beside, Case, at_one_place
from postproc.diagnose.evidence.web import PORTS, Hosts, finding, grouped, hosts, watched
from postproc.diagnose.rules.port_closed import FALLS_BACK_S, REFUSED_SINCE, fell_back
from postproc.diagnose.rules.port_filtered import REJECTED, WATCHED_S
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import ConnectionRow, IcmpErrorRow
from postproc.model.statuses import is_success
from postproc.model.text import Text

CLOSED = Text(
    "SIP port {port} of {server} is closed: it answers {times:connection attempt|connection attempts} of {clients:3} with RST.",
    "SIP-Port {port} von {server} ist geschlossen: Er beantwortet {times:Verbindungsversuch|Verbindungsversuche} von {clients:3} mit RST.",
)
SILENT = Text(
    "SIP port {port} of {server} does not answer: {attempts} SYNs from {clients:3} in {times:connection attempt|connection attempts}, no reply.",
    "SIP-Port {port} von {server} antwortet nicht: {attempts} SYNs von {clients:3} in {times:Verbindungsversuch|Verbindungsversuchen}, keine Antwort.",
)
UNSENT = Text(
    "Without a connection no SIP message is sent: neither a registration at {server} nor a call through it comes about.",
    "Ohne Verbindung wird keine SIP-Nachricht gesendet: Weder eine Registrierung bei {server} noch ein Anruf darüber kommt zustande.",
)
AFTER = Text(
    "The RST comes {ms:2} ms after the SYN, from {server} itself or from a firewall in its name.",
    "Das RST kommt {ms:2} ms nach dem SYN, von {server} selbst oder von einer Firewall in seinem Namen.",
)
REACH = Text(
    "Whether the SYNs reach {server} is not seen, unless the capture was taken there.",
    "Ob die SYNs bei {server} ankommen, ist nicht zu sehen, es sei denn, der Mitschnitt stammt von dort.",
)
PLACES = Text(
    "The same attempts are in {places:3}: so far they get.",
    "Dieselben Versuche sind in {places:3}: So weit kommen sie.",
)
SINCE = Text(
    "Before, {before:connection|connections} to it succeeded.",
    "Vorher gelungen: {before:Verbindung|Verbindungen} dorthin.",
)
OTHERS = Text(
    "Others reach this port meanwhile ({others:3}): it is open, and what differs is the way or the sender.",
    "Andere erreichen diesen Port währenddessen ({others:3}): Er ist offen; verschieden sind Weg oder Absender.",
)
ELSEWHERE = Text(
    "Meanwhile SIP works between {clients:3} and {elsewhere:3}.",
    "Währenddessen funktioniert SIP zwischen {clients:3} und {elsewhere:3}.",
)
LISTENS = Text(
    "on {server} itself, see whether something listens on TCP port {port} (ss -ltn, netstat -ano).",
    "auf {server} selbst nachsehen, ob etwas auf TCP-Port {port} lauscht (ss -ltn, netstat -ano).",
)
ARRIVES = Text(
    "a capture on {server} shows whether the SYNs arrive there, and whether it answers them.",
    "ein Mitschnitt auf {server} zeigt, ob die SYNs dort ankommen und ob es sie beantwortet.",
)
FAILURES = ("refused", "unanswered")
# A phone tries again; a stranger who looks for open ports sends one SYN or two (so do the scanners in use). A choice.
FEWEST_REFUSED, FEWEST_SYNS = 2, 3
# Servers, and ports of one server, that a phone with an outbound proxy and a second one tries; a choice: with more,
# ports are being searched.
MOST_SERVERS, MOST_PORTS = 3, 3


class Failure(NamedTuple):
    """The attempts of a client on a port, all of them failed in the same way; ``before``: those that had succeeded."""

    rows: Sequence[ConnectionRow]
    before: int

    @property
    def hosts(self) -> Hosts:
        return hosts(self.rows[0])

    @property
    def refused(self) -> bool:
        return self.rows[0].outcome == "refused"


def find(case: Case) -> Iterator[Finding]:
    if not isinstance(case, Beside):
        return
    attempts = [row for row in case.connections if row.server_port not in PORTS]
    failures = [*_failures(case, attempts)]
    ends = {end for each in failures for end in (each.hosts.client, each.hosts.server)}
    answers = {(row.src_addr, row.dst_addr): row.time for row in case.sip_among(ends)}  # the latest
    connected = _connected(attempts)
    by_port: dict[tuple[str, int, bool], list[Failure]] = defaultdict(list)
    for each in failures:
        end, first = each.hosts, each.rows[0]
        spoke = answers.get((end.server, end.client)), connected.get((end.client, end.server))
        otherwise = any(time is not None and time >= first.time for time in spoke)
        if not otherwise and not fell_back(case, first) and not fell_back(case, each.rows[-1]):
            by_port[end.server, end.port, each.refused].append(each)
    for found in by_port.values():
        yield _finding(case, attempts, found)


def _failures(case: Beside, attempts: Sequence[ConnectionRow]) -> Iterator[Failure]:
    """Yield what failed of each client and port, without those who search for open ports."""
    tried: dict[str, set[tuple[str, int]]] = defaultdict(set)
    for row in case.connections:
        tried[row.client_addr].add((row.server_addr, row.server_port))
    for end, rows in grouped(attempts, hosts).items():
        searching = end.client not in case.sip_senders and _searching(tried[end.client], end.server)
        if not searching and (failure := _failure(case, rows)) is not None:
            yield failure


def _failure(case: Case, rows: Sequence[ConnectionRow]) -> Failure | None:
    """Return the failed attempts since the last that succeeded if they are enough."""
    reached = [row for row in rows if row.outcome not in FAILURES]
    since = [row for row in rows if not reached or row.time > reached[-1].time]
    failed = [row for row in since if row.outcome == since[-1].outcome]
    if not failed:
        return None
    if failed[0].outcome == "refused":
        enough = len(failed) >= (REFUSED_SINCE if reached else FEWEST_REFUSED)
    else:
        syns = sum(row.attempts for row in failed)
        enough = syns >= FEWEST_SYNS and watched(case, failed[0]) >= WATCHED_S
    return Failure(failed, len(reached)) if enough else None


def _searching(tried: Collection[tuple[str, int]], server: str) -> bool:
    """Whether so many ports and addresses are tried as by one who looks for open ones, where nobody speaks SIP."""
    ports = [port for each, port in tried if each == server]
    return len({each for each, _ in tried}) > MOST_SERVERS or len(ports) > MOST_PORTS


def _connected(attempts: Sequence[ConnectionRow]) -> Mapping[tuple[str, str], datetime]:
    """Return until when each client and server were connected, on whatever SIP port, anywhere in the run."""
    until: dict[tuple[str, str], datetime] = {}
    for row in attempts:
        if row.outcome not in FAILURES:
            ends = row.client_addr, row.server_addr
            until[ends] = max(row.last_time, until.get(ends, row.last_time))
    return until


def _elsewhere(case: Beside, attempts: Sequence[ConnectionRow], each: Failure) -> set[str]:
    """Return the servers that the client turned to with success: where it registered or connected."""
    end, since = each.hosts, each.rows[0].time
    registered = {
        row.src_addr
        for row in case.sip_messages
        if row.cseq_method == "REGISTER"
        and row.dst_addr == end.client
        and row.time >= since
        and is_success(row.status)
    }
    connected = {
        row.server_addr
        for row in attempts
        if row.outcome == "established"
        and row.client_addr == end.client
        and (row.time - since).total_seconds() > -FALLS_BACK_S
    }
    return (registered | connected) - {end.server}


def _finding(case: Beside, attempts: Sequence[ConnectionRow], found: Sequence[Failure]) -> Finding:
    elsewhere = {each.hosts.client: _elsewhere(case, attempts, each) for each in found}
    stuck = [each for each in found if not elsewhere[each.hosts.client]]
    told = stuck or found
    rows = sorted(at_one_place(row for each in told for row in each.rows), key=lambda row: row.time)
    end, refused = hosts(rows[0]), told[0].refused
    clients = sorted({row.client_addr for row in rows})
    icmp = _rejection(case, end)
    facts: dict[str, object] = {
        "clients": clients,
        "server": end.server,
        "port": end.port,
        "times": len(rows),
        "attempts": sum(row.attempts for row in rows),
        "ms": min((row.lasted_s for row in rows), default=0.0) * 1000,
        "places": sorted({row.capture for each in told for row in each.rows}),
        "before": sum(each.before for each in told if each.hosts.capture == end.capture),
        "others": sorted(_others(attempts, rows[0]) - {*clients}),
        "elsewhere": [] if stuck else sorted(set().union(*elsewhere.values())),
    }
    if icmp is not None:
        facts |= {"reporter": icmp.reporter, "type": icmp.type, "code": icmp.code}
    known = not case.sip_senders.isdisjoint(clients)
    return finding(
        RULE.name,
        "note" if not stuck else "fault" if known else "suspect",
        0.85 if known else 0.7,
        rows,
        CLOSED if refused else SILENT,
        _detail(case, facts, refused=refused, rejected=icmp is not None),
        facts,
        settle=LISTENS if refused else ARRIVES,
        tags=["closed" if refused else "rejected" if icmp else "filtered"],
        more=[icmp.frame] if icmp else (),
    )


def _detail(case: Beside, facts: Mapping[str, object], *, refused: bool, rejected: bool) -> list[Text]:
    clients, server, places = facts["clients"], facts["server"], facts["places"]
    assert isinstance(clients, list)
    assert isinstance(places, list)
    spoke = any((one, server) in case.sip_ways or (server, one) in case.sip_ways for one in clients)
    said = {
        UNSENT: not spoke,
        AFTER: refused,
        REJECTED: rejected,
        PLACES: len(places) > 1,
        REACH: not refused and not rejected,
        SINCE: facts["before"],
        OTHERS: facts["others"],
        ELSEWHERE: facts["elsewhere"],
    }
    return [text for text, holds in said.items() if holds]


def _rejection(case: Case, end: Hosts) -> IcmpErrorRow | None:
    return next(
        (
            row
            for row in case.icmp_errors
            if (row.capture, row.dst_addr, row.dst_port) == (end.capture, end.server, end.port)
        ),
        None,
    )


def _others(attempts: Sequence[ConnectionRow], first: ConnectionRow) -> set[str]:
    return {
        row.client_addr
        for row in attempts
        if row.outcome == "established"
        and (row.capture, row.server_addr, row.server_port)
        == (first.capture, first.server_addr, first.server_port)
        and row.last_time >= first.time
    }


RULE = Rule(
    code="SIP019",
    name="sip-port-unreachable",
    stage="sip",
    beside_calls=True,
    from_absence=True,
    summary=Text("SIP port not reached", "SIP-Port nicht erreicht"),
    claim=Text(
        "Every TCP connection to a SIP port is refused (RST), or its SYNs get no answer, so that not one SIP message can be sent over it.",
        "Jede TCP-Verbindung zu einem SIP-Port wird abgewiesen (RST), oder ihre SYNs bleiben ohne Antwort, sodass darüber keine einzige SIP-Nachricht gesendet werden kann.",
    ),
    causes=(
        cause(
            "Nothing listens there: the SIP service does not run, listens on another port or address, or has TCP or TLS not enabled.",
            "Dort lauscht nichts: Der SIP-Dienst läuft nicht, lauscht auf einem anderen Port oder einer anderen Adresse, oder TCP oder TLS ist"
            " nicht eingeschaltet.",
            tag="closed",
        ),
        cause(
            "A firewall rejects the port in the server's name.",
            "Eine Firewall weist den Port im Namen des Servers ab.",
            tag="closed",
        ),
        cause(
            "A firewall drops the port, on the way or on the server itself; or it blocks this sender after failed attempts (fail2ban).",
            "Eine Firewall verwirft den Port, auf dem Weg oder auf dem Server selbst; oder sie sperrt diesen Absender nach Fehlversuchen"
            " (fail2ban).",
            tag="filtered",
        ),
        cause(
            "The machine is off, the address belongs to none, or its answers go another way back.",
            "Das System ist aus, die Adresse gehört keinem, oder seine Antworten nehmen einen anderen Rückweg.",
            tag="filtered",
        ),
        cause(
            "{reporter} does not let the packets through, or has no route.",
            "{reporter} lässt die Pakete nicht durch oder hat keine Route.",
            tag="rejected",
        ),
        cause(
            "The sender has the wrong server, port or transport: by hand, by DNS (NAPTR, SRV), or from an old contact.",
            "Beim Absender sind Server, Port oder Transport falsch: von Hand, durch DNS (NAPTR, SRV) oder aus einem alten Contact.",
        ),
    ),
    remedies=(
        remedy(
            "Enable TCP or TLS for SIP on {server} and have it listen on {port}, on the address that is asked.",
            "TCP oder TLS für SIP auf {server} einschalten und auf {port} lauschen lassen, und zwar auf der angefragten Adresse.",
            tag="closed",
        ),
        remedy(
            "Open TCP {port} to {server} in every firewall on the way, the one on the machine itself included.",
            "TCP {port} zu {server} in jeder Firewall auf dem Weg öffnen, auch in der auf dem System selbst.",
            tag="filtered",
        ),
        remedy(
            "Look at the rules and routes of {reporter}.",
            "Regeln und Routen von {reporter} prüfen.",
            tag="rejected",
        ),
        remedy(
            "Compare server, port and transport in the sender's settings, and in DNS, with those that the server offers.",
            "Server, Port und Transport in den Einstellungen des Absenders und im DNS mit denen vergleichen, die der Server anbietet.",
        ),
    ),
    references=("RFC 3261, section 18.1.1", "RFC 3263, section 4", "RFC 9293, section 3.5.2"),
    known_problems=Text(
        "Only the usual SIP ports are looked at. Strangers who try a public server's port several times look the same.",
        "Betrachtet werden nur die üblichen SIP-Ports. Fremde, die einen Port eines öffentlichen Servers mehrmals versuchen, sehen genauso aus.",
    ),
    find=find,
)
