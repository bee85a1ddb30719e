"""A port of the application is closed: connection attempts get a reset."""

from collections.abc import Iterator, Sequence
from ipaddress import ip_address

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
)
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import ConnectionRow
from postproc.model.text import Text

TITLE = Text(
    "Port {port} of {address} is closed: {client} is refused ({times:connection|connections}).",
    "Port {port} von {address} ist geschlossen: {client} wird abgewiesen ({times:Verbindung|Verbindungen}).",
)
RESET = Text(
    "Every SYN is answered with RST: the machine is there, or a firewall rejects in its name.",
    "Jedes SYN wird mit RST beantwortet: Das System ist da, oder eine Firewall weist in seinem Namen ab.",
)
SINCE = Text(
    "Before, {before:connection|connections} to it succeeded.",
    "Vorher gelungen: {before:Verbindung|Verbindungen} dorthin.",
)
SETTLE = Text(
    "on {address} itself, see whether something listens on {port} (netstat -ano).",
    "auf {address} selbst nachsehen, ob auf {port} etwas lauscht (netstat -ano).",
)
# A restarting service refuses for a moment; this many refusals after the last success are more than that. A choice.
REFUSED_SINCE = 3
# Seconds in which a client tries its other address family (RFC 8305, section 5: 250 ms between attempts).
FALLS_BACK_S = 3.0


def find(case: Case) -> Iterator[Finding]:
    proxies = {row.server_addr for row in case.connections if row.server_port == WEB}
    for key, rows in grouped(case.connections, hosts).items():
        refused = _refused(rows)
        inside = key.port in BEHIND_PROXY and key.client in proxies
        if (
            refused
            and (key.port in (WEB, *APPLICATION_SERVERS) or inside)
            and not fell_back(case, refused[0])
        ):
            yield _finding(key, refused, len([row for row in rows if row.outcome == "established"]))


def _refused(rows: Sequence[ConnectionRow]) -> list[ConnectionRow]:
    """Return the refused attempts since the last success if they are enough, else empty."""
    last = max((row.time for row in rows if row.outcome == "established"), default=None)
    refused = [row for row in rows if row.outcome == "refused" and (last is None or row.time > last)]
    return refused if last is None or len(refused) >= REFUSED_SINCE else []


def fell_back(case: Case, row: ConnectionRow) -> bool:
    """Whether the client succeeded at once over the other address family (RFC 8305)."""
    version = ip_address(row.server_addr).version
    return any(
        each.outcome == "established"
        and (each.client_port != row.client_port or each.client_addr != row.client_addr)
        and each.server_port == row.server_port
        and ip_address(each.server_addr).version != version
        and abs((each.time - row.time).total_seconds()) < FALLS_BACK_S
        for each in case.connections
        if each.capture == row.capture
    )


def _finding(key: Hosts, refused: Sequence[ConnectionRow], before: int) -> Finding:
    facts = {
        "client": key.client,
        "address": key.server,
        "port": key.port,
        "times": len(refused),
        "before": before,
    }
    return finding(
        RULE.name,
        "fault",
        0.9,
        refused,
        TITLE,
        [RESET, *([SINCE] if before else [])],
        facts,
        tests=tests_of_port(key.port),
        settle=SETTLE,
        tags=["web" if key.port == WEB else "server" if key.port in APPLICATION_SERVERS else "behind"],
    )


RULE = Rule(
    code="WEB001",
    name="port-closed",
    stage="way_in",
    beside_calls=True,
    summary=Text("Port of the way in is closed", "Port des Zugangs geschlossen"),
    claim=Text(
        "A TCP port that sign-in needs (443 outside; 2230 and 2231 towards the server; the web server behind its proxy) answers every SYN with RST.",
        "Ein TCP-Port, den die Anmeldung braucht (443 außen; 2230 und 2231 zum Server; der Webserver hinter seinem Proxy), beantwortet jedes SYN mit RST.",
    ),
    causes=(
        cause(
            "The service does not run, or listens on another address or port.",
            "Der Dienst läuft nicht oder lauscht auf einer anderen Adresse oder einem anderen Port.",
        ),
        cause(
            "The port forwarding leads to a machine on which no web server listens on 443.",
            "Die Portweiterleitung führt zu einem System, auf dem auf 443 kein Webserver lauscht.",
            tag="web",
        ),
        cause(
            "A firewall between DMZ and server rejects the port instead of dropping.",
            "Eine Firewall zwischen DMZ und Server weist den Port ab, statt zu verwerfen.",
            tag="server",
        ),
        cause(
            "The reverse proxy passes on to the wrong address or port.",
            "Der Reverse Proxy leitet an die falsche Adresse oder den falschen Port weiter.",
            tag="behind",
        ),
    ),
    remedies=(
        remedy(
            "Start the service on {address} and see that it listens on {port}, on the address that is asked.",
            "Den Dienst auf {address} starten und prüfen, dass er auf {port} lauscht, und zwar auf der angefragten Adresse.",
        ),
        remedy(
            "Open TCP 2230 and 2231 from the web server in the DMZ to the server; WCF endpoint (web.config) and gRPC endpoint (appsettings.json) must name that server.",
            "TCP 2230 und 2231 vom Webserver in der DMZ zum Server öffnen; WCF-Endpunkt (web.config) und gRPC-Endpunkt (appsettings.json) müssen diesen Server nennen.",
            tag="server",
        ),
        remedy(
            "Check the port forwarding of 443 to the web server or reverse proxy.",
            "Die Portweiterleitung von 443 zum Webserver oder Reverse Proxy prüfen.",
            tag="web",
        ),
        remedy(
            "Correct address and port of the web server in the reverse proxy.",
            "Adresse und Port des Webservers im Reverse Proxy berichtigen.",
            tag="behind",
        ),
    ),
    references=("RFC 9293, section 3.5.2",),
    known_problems=Text(
        "Whether the machine itself or a firewall sent the RST is not told apart. A proxy is known by its address: one that has another inside is not.",
        "Ob das System selbst oder eine Firewall das RST gesendet hat, wird nicht unterschieden. Ein Proxy wird an seiner Adresse erkannt: einer mit anderer Adresse innen nicht.",
    ),
    find=find,
)
