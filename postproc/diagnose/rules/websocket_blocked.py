"""WebSocket fails: refused, closed repeatedly after the same idle time, or cut silently."""

from collections.abc import Iterator

from postproc.diagnose.evidence.case import Case
from postproc.diagnose.evidence.web import finding, hosts
from postproc.diagnose.evidence.websockets import Trouble, troubles
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import HttpRow
from postproc.model.text import Text

REFUSED = Text(
    "WebSocket is refused: {server} answers the upgrade to {path} with {answer} ({times:time|times}).",
    "WebSocket wird verweigert: {server} beantwortet das Upgrade für {path} mit {answer} ({times}-mal).",
)
UNANSWERED = Text(
    "WebSocket is refused: the connection is closed after the upgrade to {path}, without an answer ({times:time|times}).",
    "WebSocket wird verweigert: Nach dem Upgrade für {path} wird die Verbindung ohne Antwort geschlossen ({times}-mal).",
)
KILLED = Text(
    "WebSockets of {client} to {server} are closed after {idle:1} s without data, {times:time|times}.",
    "WebSockets von {client} zu {server} werden nach {idle:1} s ohne Daten geschlossen, {times}-mal.",
)
CUT = Text(
    "WebSockets between {client} and {server} go dead after {idle:1} s without data: what is sent then is not answered, {times:time|times}.",
    "WebSockets zwischen {client} und {server} sind nach {idle:1} s ohne Daten tot: Was danach gesendet wird, bleibt ohne Antwort, {times}-mal.",
)
NO_GOODBYE = Text(
    "No Close frame comes before, from either side; the client comes back each time.",
    "Ein Close-Frame kommt vorher von keiner Seite; der Client kommt jedes Mal wieder.",
)
ALIVE = Text(
    "Other connections of the same two machines work meanwhile.",
    "Andere Verbindungen derselben zwei Systeme arbeiten währenddessen.",
)
POLLS = Text(
    "Long polling works: {polls:poll|polls} answered.",
    "Long Polling funktioniert: {polls:Abfrage|Abfragen} beantwortet.",
)
SETTLE = Text(
    "the same test past the proxy or firewall shows which machine in between does it.",
    "derselbe Test am Proxy oder an der Firewall vorbei zeigt, welches System dazwischen es tut.",
)


def find(case: Case) -> Iterator[Finding]:
    for trouble in troubles(case, sip=False):
        yield _finding(case, trouble)


def _finding(case: Case, trouble: Trouble) -> Finding:
    polls = _works(case, trouble.rows[0])
    refused = REFUSED if trouble.statuses else UNANSWERED
    return finding(
        RULE.name,
        "fault",
        trouble.confidence,
        trouble.rows,
        {"refused": refused, "killed": KILLED, "cut": CUT}[trouble.kind],
        {"refused": [POLLS] if polls else [], "killed": [NO_GOODBYE], "cut": [ALIVE]}[trouble.kind],
        trouble.facts | {"polls": polls},
        tests=("hub",),
        settle=SETTLE,
        tags=["refused" if trouble.kind == "refused" else "killed"],
        more=trouble.answers,
    )


def _works(case: Case, row: HttpRow) -> int:
    return sum(
        each.signalr == "poll"
        and each.status == 200
        and hosts(each)[:2] == hosts(row)[:2]
        and not each.upgrade
        for each in case.http
    )


RULE = Rule(
    code="WEB011",
    name="websocket-blocked",
    stage="way_in",
    beside_calls=True,
    summary=Text("WebSocket blocked", "WebSocket blockiert"),
    claim=Text(
        "The upgrade to WebSocket is not granted, or WebSockets are closed or go dead after the same idle time again and again.",
        "Das Upgrade auf WebSocket wird nicht gewährt, oder WebSockets werden immer wieder nach derselben Ruhezeit geschlossen oder sind dann tot.",
    ),
    causes=(
        cause(
            "A reverse proxy or firewall does not know WebSocket or does not pass Upgrade on (Netscaler; nginx without its settings).",
            "Ein Reverse Proxy oder eine Firewall kennt WebSocket nicht oder reicht Upgrade nicht weiter (Netscaler; nginx ohne die Einstellungen dafür).",
            tag="refused",
        ),
        cause(
            "The feature WebSocket Protocol is not installed in the web server.",
            "Das Feature WebSocket-Protokoll ist im Webserver nicht installiert.",
            tag="refused",
        ),
        cause(
            "A proxy, firewall or NAT forgets connections after an idle time shorter than the interval of SignalR's pings.",
            "Ein Proxy, eine Firewall oder NAT vergisst Verbindungen nach einer Ruhezeit, die kürzer ist als der Abstand der SignalR-Pings.",
            tag="killed",
        ),
    ),
    remedies=(
        remedy(
            "Let proxy and firewall pass WebSocket (Upgrade and Connection headers, HTTP/1.1 to the web server).",
            "WebSocket in Proxy und Firewall durchlassen (Header Upgrade und Connection, HTTP/1.1 zum Webserver).",
            tag="refused",
        ),
        remedy(
            "Raise the idle time of proxy and firewall for these connections above 60 s.",
            "Die Ruhezeit von Proxy und Firewall für diese Verbindungen auf über 60 s erhöhen.",
            tag="killed",
        ),
        remedy(
            "Otherwise set SignalRLongPolling to true in appsettings.json and restart the site: long polling needs no WebSocket.",
            "Sonst SignalRLongPolling in appsettings.json auf true setzen und die Website neu starten: Long Polling braucht kein WebSocket.",
        ),
    ),
    references=("RFC 6455, section 4.2.2", "RFC 8441, section 5", "RFC 9110, section 7.8"),
    known_problems=Text(
        "In TLS without keys neither upgrades nor Close frames are seen: nothing is said then. Over HTTP/2 only refusals and connections that go dead are told.",
        "In TLS ohne Schlüssel sind weder Upgrades noch Close-Frames zu sehen: Dann wird nichts gesagt. Über HTTP/2 werden nur Verweigerungen und tote Verbindungen erkannt.",
    ),
    find=find,
)
