"""SignalR is negotiated, but no event channel follows: no WebSocket, no polling, no event stream."""

from collections.abc import Iterator, Sequence

from postproc.diagnose.evidence.case import Case
from postproc.diagnose.evidence.web import connection_key, finding, grouped, hosts, hub, watched
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import HttpRow
from postproc.model.text import Text

TITLE = Text(
    "The event channel is missing: {client} negotiates {path} {times:time|times}, and neither WebSocket nor poll follows.",
    "Der Ereigniskanal fehlt: {client} handelt {path} {times}-mal aus, und weder WebSocket noch Abfrage folgt.",
)
SEEN = Text(
    "The capture goes on for {watched:0} s after the first; every negotiation was granted.",
    "Der Mitschnitt läuft nach der ersten {watched:0} s weiter; jede Aushandlung wurde gewährt.",
)
SETTLE = Text(
    "the app's log says what it did after negotiate; a capture on the client's side shows whether a request left it.",
    "Das Log der App sagt, was sie nach negotiate tat; ein Mitschnitt auf ihrer Seite zeigt, ob eine Anfrage sie verließ.",
)
CHANNELS = frozenset({"websocket", "events", "poll"})
# A client opens its channel within a few round trips; SignalR clients wait 2 s before they retry.
WATCHED_S = 5.0
FEWEST = 2  # a client that was just switched off does not retry


def find(case: Case) -> Iterator[Finding]:
    signalr = [row for row in case.http if row.signalr is not None]
    for rows in grouped(signalr, lambda row: (row.capture, row.client_addr, row.host, hub(row))).values():
        granted = [row for row in rows if row.signalr == "negotiate" and row.status == 200]
        followed = any(row.signalr in CHANNELS or row.upgrade for row in rows)
        lasting = len(granted) >= FEWEST and watched(case, granted[0]) >= WATCHED_S
        if lasting and not followed and not _hidden(case, granted[0]):
            yield _finding(case, granted)


def _hidden(case: Case, row: HttpRow) -> bool:
    """Whether an encrypted connection of the client to this server may carry the channel."""
    read = {connection_key(each) for each in case.http}
    return any(
        each.requested and hosts(each) == hosts(row) and connection_key(each) not in read for each in case.tls
    )


def _finding(case: Case, granted: Sequence[HttpRow]) -> Finding:
    row = granted[0]
    return finding(
        RULE.name,
        "fault",
        0.8,
        granted,
        TITLE,
        [SEEN],
        {
            "client": row.client_addr,
            "server": row.host or hosts(row).place,
            "path": hub(row),
            "times": len(granted),
            "watched": watched(case, row),
        },
        tests=("hub",),
        settle=SETTLE,
        more=[each.response_frame for each in granted],
    )


RULE = Rule(
    code="WEB012",
    name="event-channel-missing",
    stage="way_in",
    beside_calls=True,
    from_absence=True,
    summary=Text("Event channel missing", "Ereigniskanal fehlt"),
    claim=Text(
        "SignalR's negotiate is granted again and again, and no WebSocket, poll or event stream follows it.",
        "SignalRs negotiate wird immer wieder gewährt, und weder WebSocket noch Abfrage noch Ereignisstrom folgt.",
    ),
    causes=(
        cause(
            "Something before the place of the capture keeps the WebSocket request back: proxy, firewall, virus scanner.",
            "Etwas vor der Stelle des Mitschnitts hält die WebSocket-Anfrage zurück: Proxy, Firewall, Virenscanner.",
        ),
        cause(
            "The app gives up, as none of the transports offered suits it.",
            "Die App gibt auf, weil ihr keiner der angebotenen Transporte passt.",
        ),
        cause(
            "The WebSocket goes to another address, of which the capture shows nothing.",
            "Der WebSocket geht an eine andere Adresse, von der der Mitschnitt nichts zeigt.",
        ),
    ),
    remedies=(
        remedy(
            "Set SignalRLongPolling to true in appsettings.json, restart the site and test again.",
            "SignalRLongPolling in appsettings.json auf true setzen, die Website neu starten und erneut testen.",
        ),
        remedy(
            "Set the log levels Microsoft.AspNetCore.SignalR and Microsoft.AspNetCore.Http.Connections to Debug for the test, and back afterwards.",
            "Die Logstufen Microsoft.AspNetCore.SignalR und Microsoft.AspNetCore.Http.Connections für den Test auf Debug setzen, danach zurück.",
        ),
    ),
    references=("RFC 6455, section 4.1",),
    known_problems=Text(
        "Requests in connections that cannot be decrypted are not seen: nothing is said then.",
        "Anfragen in Verbindungen, die sich nicht entschlüsseln lassen, sind nicht zu sehen: Dann wird nichts gesagt.",
    ),
    find=find,
)
