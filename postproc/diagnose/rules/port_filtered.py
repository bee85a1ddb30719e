"""A port of the application is filtered: SYNs are retransmitted without any response."""

from collections.abc import Iterator, Sequence

from postproc.diagnose.evidence.case import Case
from postproc.diagnose.evidence.web import (
    APPLICATION_SERVERS,
    BEHIND_PROXY,
    WEB,
    Hosts,
    finding,
    grouped,
    hosts,
    tests_of_port,
    watched,
)
from postproc.diagnose.rules.port_closed import fell_back
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import ConnectionRow
from postproc.model.text import Text

TITLE = Text(
    "Port {port} of {address} does not answer: {attempts} SYNs from {client} in {times:connection|connections}, no reply.",
    "Port {port} von {address} antwortet nicht: {attempts} SYNs von {client} in {times:Verbindung|Verbindungen}, keine Antwort.",
)
REJECTED = Text(
    "{reporter} says by ICMP (type {type}, code {code}) that the packets are not let through.",
    "{reporter} meldet per ICMP (Typ {type}, Code {code}), dass die Pakete nicht durchgelassen werden.",
)
OTHERS = Text(
    "Others get through to a web server in the same capture ({others:3}): what differs is the way, so firewall or network.",
    "Andere erreichen im selben Mitschnitt einen Webserver ({others:3}): Verschieden ist der Weg, also Firewall oder Netz.",
)
SETTLE = Text(
    "a capture on {address} shows whether the SYNs arrive there.",
    "ein Mitschnitt auf {address} zeigt, ob die SYNs dort ankommen.",
)
# SYNs are retransmitted after 1 and 3 s (RFC 6298, section 2): after a single loss, the second is answered.
FEWEST_SYNS = 2
WATCHED_S = 3.0


def find(case: Case) -> Iterator[Finding]:
    proxies = {row.server_addr for row in case.connections if row.server_port == WEB}
    for key, rows in grouped(case.connections, hosts).items():
        lost = [row for row in rows if row.outcome == "unanswered"]
        attempts = sum(row.attempts for row in lost)
        inside = key.port in BEHIND_PROXY and key.client in proxies
        if not lost or attempts < FEWEST_SYNS or len(lost) < len(rows) or watched(case, lost[0]) < WATCHED_S:
            continue
        if (key.port in (WEB, *APPLICATION_SERVERS) or inside) and not fell_back(case, lost[0]):
            yield _finding(case, key, lost)


def _finding(case: Case, key: Hosts, lost: Sequence[ConnectionRow]) -> Finding:
    icmp = next(
        (
            row
            for row in case.icmp_errors
            if row.capture == key.capture and (row.dst_addr, row.dst_port) == (key.server, key.port)
        ),
        None,
    )
    others = sorted(
        {
            row.client_addr
            for row in case.connections
            if row.outcome == "established"
            and (row.capture, row.server_port) == (key.capture, key.port)
            and row.client_addr != key.client
        }
    )
    facts = {
        "client": key.client,
        "address": key.server,
        "port": key.port,
        "times": len(lost),
        "attempts": sum(row.attempts for row in lost),
        "others": tuple(others),
    }
    if icmp is not None:
        facts |= {"reporter": icmp.reporter, "type": icmp.type, "code": icmp.code}
    return finding(
        RULE.name,
        "fault",
        0.9,
        lost,
        TITLE,
        [*([REJECTED] if icmp else []), *([OTHERS] if others else [])],
        facts,
        tests=tests_of_port(key.port),
        settle=SETTLE,
        tags=["web" if key.port == WEB else "server" if key.port in APPLICATION_SERVERS else "behind"],
        more=[icmp.frame] if icmp else (),
    )


RULE = Rule(
    code="WEB002",
    name="port-filtered",
    stage="way_in",
    beside_calls=True,
    from_absence=True,
    summary=Text("Port of the way in does not answer", "Port des Zugangs antwortet nicht"),
    claim=Text(
        "SYNs to a TCP port that sign-in needs (443 outside; 2230 and 2231 towards the server) are sent again and again without any answer.",
        "SYNs an einen TCP-Port, den die Anmeldung braucht (443 außen; 2230 und 2231 zum Server), werden immer wieder ohne jede Antwort gesendet.",
    ),
    causes=(
        cause(
            "A firewall drops the port: on the way in from outside, or between DMZ and server.",
            "Eine Firewall verwirft den Port: auf dem Weg von außen herein oder zwischen DMZ und Server.",
        ),
        cause(
            "The port forwarding is missing, or leads to an address that no machine has.",
            "Die Portweiterleitung fehlt oder führt zu einer Adresse, die kein System hat.",
            tag="web",
        ),
        cause(
            "The machine is off, or its answers go another way back.",
            "Das System ist aus, oder seine Antworten nehmen einen anderen Rückweg.",
        ),
    ),
    remedies=(
        remedy(
            "Open TCP {port} to {address} in every firewall between {client} and it, the one on the machine itself included.",
            "TCP {port} zu {address} in jeder Firewall zwischen {client} und dort öffnen, auch in der auf dem System selbst.",
        ),
        remedy(
            "Make the same test from the company's Wi-Fi and from the internet: if it works inside, firewall or network is the cause.",
            "Denselben Test aus dem WLAN der Firma und aus dem Internet machen: Gelingt er innen, liegt es an Firewall oder Netz.",
            tag="web",
        ),
        remedy(
            "Test from the web server: Test-NetConnection {address} -Port {port}",
            "Vom Webserver aus prüfen: Test-NetConnection {address} -Port {port}",
            tag="server",
        ),
    ),
    references=("RFC 9293, section 3.8.1", "RFC 6298, section 2"),
    known_problems=Text(
        "A capture of one direction shows no answers; it is told by what the client sends after them.",
        "Ein Mitschnitt nur einer Richtung zeigt keine Antworten; erkannt wird das an dem, was der Client danach sendet.",
    ),
    find=find,
)
