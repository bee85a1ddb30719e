"""SIP over WebSocket fails: refused, closed again and again after the same idle time, or cut silently."""

from collections.abc import Iterator

from postproc.diagnose.evidence.case import Case
from postproc.diagnose.evidence.web import finding
from postproc.diagnose.evidence.websockets import Trouble, troubles
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.text import Text

REFUSED = Text(
    "SIP over WebSocket is refused: {server} answers the upgrade of {client} to {path} with {answer} ({times:time|times}).",
    "SIP über WebSocket wird verweigert: {server} beantwortet das Upgrade von {client} für {path} mit {answer} ({times}-mal).",
)
UNANSWERED = Text(
    "SIP over WebSocket is refused: the connection of {client} to {server} is closed after the upgrade to {path}, without an answer ({times:time|times}).",
    "SIP über WebSocket wird verweigert: Die Verbindung von {client} zu {server} wird nach dem Upgrade für {path} ohne Antwort geschlossen ({times}-mal).",
)
KILLED = Text(
    "WebSockets with SIP of {client} to {server} are closed after {idle:1} s without data, {times:time|times}.",
    "WebSockets mit SIP von {client} zu {server} werden nach {idle:1} s ohne Daten geschlossen, {times}-mal.",
)
CUT = Text(
    "WebSockets with SIP between {client} and {server} go dead after {idle:1} s without data: what is sent then is not answered, {times:time|times}.",
    "WebSockets mit SIP zwischen {client} und {server} sind nach {idle:1} s ohne Daten tot: Was danach gesendet wird, bleibt ohne Antwort, {times}-mal.",
)
UNSENT = Text(
    "Without a WebSocket no SIP message is sent: there is neither registration nor call.",
    "Ohne WebSocket wird keine SIP-Nachricht gesendet: Es gibt weder Registrierung noch Anruf.",
)
UNREACHED = Text(
    "Until the client has registered again it cannot be called.",
    "Bis der Client sich neu registriert hat, ist er nicht erreichbar.",
)
SETTLE = Text(
    "the log of {server} names the reason, or shows that the request does not get there: then a proxy or firewall on the way does it.",
    "Das Log von {server} nennt den Grund oder zeigt, dass die Anfrage dort nicht ankommt: Dann liegt es an einem Proxy oder einer Firewall dazwischen.",
)


def find(case: Case) -> Iterator[Finding]:
    for trouble in troubles(case, sip=True):
        yield _finding(trouble)


def _finding(trouble: Trouble) -> Finding:
    refused = trouble.kind == "refused"
    titles = {"refused": REFUSED if trouble.statuses else UNANSWERED, "killed": KILLED, "cut": CUT}
    return finding(
        RULE.name,
        "fault",
        trouble.confidence,
        trouble.rows,
        titles[trouble.kind],
        [UNSENT if refused else UNREACHED],
        trouble.facts,
        settle=SETTLE,
        tags=["refused" if refused else "idle"],
        more=trouble.answers,
    )


RULE = Rule(
    code="SIP020",
    name="sip-websocket-blocked",
    stage="sip",
    beside_calls=True,
    summary=Text("SIP over WebSocket blocked", "SIP über WebSocket blockiert"),
    claim=Text(
        "The upgrade to a WebSocket for SIP is not granted, or such WebSockets are closed or go dead after the same idle time again and again.",
        "Das Upgrade auf einen WebSocket für SIP wird nicht gewährt, oder solche WebSockets werden immer wieder nach derselben Ruhezeit geschlossen oder sind dann tot.",
    ),
    causes=(
        cause(
            "The path, port or host is not the one at which the SIP server takes WebSockets, or its WebSocket transport is off.",
            "Pfad, Port oder Host sind nicht die, an denen der SIP-Server WebSockets annimmt, oder sein WebSocket-Transport ist aus.",
            tag="refused",
        ),
        cause(
            "The server does not accept the page's origin (Origin), or not the subprotocol sip.",
            "Der Server akzeptiert die Herkunft der Seite (Origin) nicht oder nicht das Subprotokoll sip.",
            tag="refused",
        ),
        cause(
            "A reverse proxy or firewall does not pass Upgrade, Connection or Sec-WebSocket-Protocol on.",
            "Ein Reverse Proxy oder eine Firewall reicht Upgrade, Connection oder Sec-WebSocket-Protocol nicht weiter.",
            tag="refused",
        ),
        cause(
            "A proxy, firewall or NAT forgets connections after an idle time shorter than the interval of the keep-alives.",
            "Ein Proxy, eine Firewall oder NAT vergisst Verbindungen nach einer Ruhezeit, die kürzer ist als der Abstand der Keep-Alives.",
            tag="idle",
        ),
    ),
    remedies=(
        remedy(
            "Compare the client's URL with the server's setting (path /ws in Asterisk, xhttp and websocket in Kamailio).",
            "Die URL im Client mit der Einstellung des Servers vergleichen (Pfad /ws bei Asterisk, xhttp und websocket bei Kamailio).",
            tag="refused",
        ),
        remedy(
            "FreeSWITCH: compare it with ws-binding and wss-binding of the SIP profile.",
            "FreeSWITCH: mit ws-binding und wss-binding des SIP-Profils vergleichen.",
            tag="refused",
            product="freeswitch",
        ),
        remedy(
            "Let proxy and firewall pass WebSocket (Upgrade, Connection and Sec-WebSocket-Protocol, HTTP/1.1 to the server).",
            "WebSocket in Proxy und Firewall durchlassen (Upgrade, Connection und Sec-WebSocket-Protocol, HTTP/1.1 zum Server).",
            tag="refused",
        ),
        remedy(
            "Have client or server send keep-alives (CRLF, or WebSocket Ping) more often than every {idle:0} s, or raise the idle time of proxy and firewall.",
            "Client oder Server Keep-Alives (CRLF oder WebSocket-Ping) öfter als alle {idle:0} s senden lassen oder die Ruhezeit von Proxy und Firewall erhöhen.",
            tag="idle",
        ),
    ),
    references=("RFC 7118, sections 4 and 6", "RFC 6455, section 4.2.2", "RFC 5626, section 3.5.1"),
    known_problems=Text(
        "In TLS without keys no upgrade is seen: nothing is said then. SIP is known by the subprotocol that the client asks for.",
        "In TLS ohne Schlüssel ist kein Upgrade zu sehen: Dann wird nichts gesagt. SIP wird am Subprotokoll erkannt, das der Client verlangt.",
    ),
    find=find,
)
