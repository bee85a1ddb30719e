"""WebSocket fails: refused, closed repeatedly after the same idle time, or cut silently."""

from collections.abc import Iterator, Sequence
from statistics import median

from postproc.diagnose.evidence.case import Case
from postproc.diagnose.evidence.web import (
    REFUSED_UPGRADES_BESIDE,
    connection_of,
    finding,
    grouped,
    hosts,
    hub,
    watched,
)
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import ConnectionRow, HttpRow
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
SWITCHING, NOT_FOUND, FORBIDDEN, ERROR = 101, 404, 403, 500
# Idle timeouts close a WebSocket after the same time each time: within a tenth, or a second. A choice.
ALIKE_SHARE, ALIKE_S = 0.1, 1.0
SHORTEST_IDLE_S = 2.0  # a choice: shorter pauses occur in traffic; SignalR itself pings every 15 s
FEWEST_CLOSED = 3  # a choice: two may be chance
# Unacknowledged segments, and their duration: TCP has retransmitted twice by then (RFC 6298, section 5).
FEWEST_UNHEARD, UNHEARD_S = 3, 1.0
FEWEST_CUT = 2
ENDS_S = (
    2.0  # seconds of capture after an unanswered upgrade; a choice, less reports captures that end too early
)


def find(case: Case) -> Iterator[Finding]:
    upgrades = [row for row in case.http if "websocket" in (row.upgrade or "")]
    for rows in grouped(upgrades, lambda row: (hosts(row), row.host, hub(row))).values():
        refused = _refused(case, rows)
        if refused:
            yield _refusal(case, refused)
        sockets = [
            (row, connection)
            for row in rows
            if _granted(row) and (connection := connection_of(case, row)) is not None
        ]
        killed = [(row, each) for row, each in sockets if _closed_idle(row, each)]
        times = [each.longest_pause_s for _, each in killed]
        if len(killed) >= FEWEST_CLOSED and _alike(times):
            yield _killed(case, killed)
        cut = {each.frame: (row, each) for row, each in sockets if _unheard(case, each)}
        if len(cut) >= FEWEST_CUT:
            yield _cut(case, [*cut.values()])


def _refused(case: Case, rows: Sequence[HttpRow]) -> list[HttpRow]:
    """Return upgrades not granted although the hub exists; empty if one was granted."""
    if any(_granted(row) for row in rows):
        return []
    first = rows[0]
    beside = [
        row.status
        for row in case.http
        if hosts(row) == hosts(first)
        and row.status is not None
        and not row.upgrade
        and hub(row) == hub(first)
    ]
    hub_exists = any(status < 400 for status in beside)
    broken = not beside or any(status >= ERROR for status in beside)
    return [row for row in rows if _not_granted(case, row, hub_exists=hub_exists, broken=broken)]


def _granted(row: HttpRow) -> bool:
    """Whether the upgrade was granted: 101, or over HTTP/2 any success (RFC 8441, section 5)."""
    return row.status == SWITCHING or (row.method == "CONNECT" and 200 <= (row.status or 0) < 300)


def _not_granted(case: Case, row: HttpRow, *, hub_exists: bool, broken: bool) -> bool:
    if row.status is None:
        connection = connection_of(case, row)
        return connection is not None and connection.ended_by is not None and watched(case, row) > ENDS_S
    if row.status in REFUSED_UPGRADES_BESIDE or 300 <= row.status < 400:
        return False
    if row.status in (NOT_FOUND, FORBIDDEN):
        return hub_exists
    return hub_exists or not broken if row.status >= ERROR else True


def _closed_idle(row: HttpRow, connection: ConnectionRow) -> bool:
    """Whether the server's side closed it at the end of a pause, without a Close frame, as a proxy does."""
    by = connection.ended_by or ""
    closes = by.startswith("server") or (by.startswith("client") and row.forwarded)
    paused = connection.pause_before_end and connection.longest_pause_s >= SHORTEST_IDLE_S
    # Over HTTP/2 a Close frame is not visible, and the connection is shared.
    return closes and paused and row.goodbye is None and row.status == SWITCHING


def _alike(times: Sequence[float]) -> bool:
    middle = median(times)
    return all(abs(each - middle) <= max(ALIKE_S, ALIKE_SHARE * middle) for each in times)


def _unheard(case: Case, connection: ConnectionRow) -> bool:
    """Whether one side gets no response while another connection of the two is answered."""
    unheard = max(connection.unheard_client, connection.unheard_server)
    if unheard < FEWEST_UNHEARD or (connection.unheard_s or 0.0) < UNHEARD_S:
        return False
    since = connection.last_time.timestamp() - (connection.unheard_s or 0.0)
    return any(
        each.outcome == "established"
        and hosts(each) == hosts(connection)
        and since < each.time.timestamp() <= connection.last_time.timestamp()
        for each in case.connections
    )


def _works(case: Case, row: HttpRow) -> int:
    return sum(
        each.signalr == "poll"
        and each.status == 200
        and hosts(each)[:2] == hosts(row)[:2]
        and not each.upgrade
        for each in case.http
    )


def _facts(case: Case, rows: Sequence[HttpRow]) -> dict[str, object]:
    row = rows[0]
    return {
        "client": row.client_addr,
        "server": row.host or hosts(row).place,
        "path": hub(row),
        "times": len(rows),
        "polls": _works(case, row),
    }


def _refusal(case: Case, refused: Sequence[HttpRow]) -> Finding:
    statuses = sorted({row.status for row in refused if row.status is not None})
    facts = _facts(case, refused) | {"answer": ", ".join(map(str, statuses))}
    return finding(
        RULE.name,
        "fault",
        0.9,
        refused,
        REFUSED if statuses else UNANSWERED,
        [POLLS] if facts["polls"] else [],
        facts,
        tests=("hub",),
        settle=SETTLE,
        tags=["refused"],
        more=[row.response_frame for row in refused],
    )


def _killed(case: Case, killed: Sequence[tuple[HttpRow, ConnectionRow]]) -> Finding:
    rows = [row for row, _ in killed]
    facts = _facts(case, rows) | {"idle": median(each.longest_pause_s for _, each in killed)}
    return finding(
        RULE.name,
        "fault",
        0.85,
        rows,
        KILLED,
        [NO_GOODBYE],
        facts,
        tests=("hub",),
        settle=SETTLE,
        tags=["killed"],
    )


def _cut(case: Case, cut: Sequence[tuple[HttpRow, ConnectionRow]]) -> Finding:
    rows = [row for row, _ in cut]
    idle = median(each.longest_pause_s for _, each in cut)
    return finding(
        RULE.name,
        "fault",
        0.8,
        rows,
        CUT,
        [ALIVE],
        _facts(case, rows) | {"idle": idle},
        tests=("hub",),
        settle=SETTLE,
        tags=["killed"],
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
