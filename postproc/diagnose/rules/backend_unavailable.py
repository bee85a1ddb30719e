"""Requests to the application get 502, 503 or 504: the backend does not work."""

from collections import Counter
from collections.abc import Iterator, Sequence

from postproc.diagnose.evidence.case import Case
from postproc.diagnose.evidence.web import finding, grouped, hosts, of_application
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import HttpRow
from postproc.model.text import Text

TITLE = Text(
    "Behind {server} something does not work: {paths:3} answered with {status} ({times:request|requests}).",
    "Hinter {server} arbeitet etwas nicht: {paths:3} mit {status} beantwortet ({times:Anfrage|Anfragen}).",
)
BY = Text(
    "The answer names {software} as its sender; what it waited for took {slowest:1} s at most.",
    "Die Antwort nennt {software} als Absender; das Warten dauerte höchstens {slowest:1} s.",
)
WORKS = Text(
    "Others of its paths are answered: {others:3}.",
    "Andere ihrer Pfade werden beantwortet: {others:3}.",
)
SETTLE = Text(
    "a capture on {server} shows its connections to what stands behind: web server, or ports 2230 and 2231 of the server.",
    "ein Mitschnitt auf {server} zeigt dessen Verbindungen nach hinten: Webserver oder Ports 2230 und 2231 des Servers.",
)
BAD_GATEWAY, UNAVAILABLE, TIMEOUT = 502, 503, 504
SAID = frozenset({BAD_GATEWAY, UNAVAILABLE, TIMEOUT})


def find(case: Case) -> Iterator[Finding]:
    answered = [
        row for row in case.http if row.status is not None and of_application(row) and not row.upgrade
    ]
    for rows in grouped(answered, lambda row: (hosts(row), row.host)).values():
        by_path = grouped(rows, lambda row: row.url_path)
        failing = {path: requests for path, requests in by_path.items() if requests[-1].status in SAID}
        if failing:
            yield _finding(failing, [path for path in by_path if path not in failing])


def _finding(failing: dict[str, list[HttpRow]], others: Sequence[str]) -> Finding:
    rows = sorted(
        (row for held in failing.values() for row in held if row.status in SAID), key=lambda row: row.time
    )
    status = Counter(row.status for row in rows).most_common(1)[0][0]
    row = next(each for each in rows if each.status == status)
    signs_in = any("auth" in path.lower() for path in failing)
    hub = any(each.signalr for each in rows)
    return finding(
        RULE.name,
        "fault",
        0.9,
        rows,
        TITLE,
        [*([BY] if row.software else []), *([WORKS] if others else [])],
        {
            "server": row.host or hosts(row).place,
            "paths": tuple(failing),
            "status": status,
            "times": len(rows),
            "software": row.software or "",
            "slowest": max((each.duration_ms or 0.0) for each in rows) / 1000,
            "others": tuple(others),
        },
        tests=("authentication", "reinitialise") if signs_in and others else ("hub",) if hub else ("health",),
        settle=SETTLE,
        tags=[{BAD_GATEWAY: "gateway", TIMEOUT: "late"}.get(status or 0, "unavailable")],
        more=[each.response_frame for each in rows],
    )


RULE = Rule(
    code="WEB009",
    name="backend-unavailable",
    stage="way_in",
    beside_calls=True,
    summary=Text(
        "Application or server behind does not work", "Anwendung oder Server dahinter arbeitet nicht"
    ),
    claim=Text(
        "Requests of the app are answered with 502, 503 or 504, and not otherwise later.",
        "Anfragen der App werden mit 502, 503 oder 504 beantwortet und später nicht anders.",
    ),
    causes=(
        cause(
            "The reverse proxy gets no connection to the web server, or it breaks.",
            "Der Reverse Proxy bekommt keine Verbindung zum Webserver, oder sie bricht ab.",
            tag="gateway",
        ),
        cause(
            "The web server answers later than the proxy waits, as it itself waits for the server (2230, 2231).",
            "Der Webserver antwortet später, als der Proxy wartet, weil er selbst auf den Server wartet (2230, 2231).",
            tag="late",
        ),
        cause(
            "The application pool is stopped, or the application does not reach the server on 2230 (mobile page) or 2231 (sign-in).",
            "Der Anwendungspool ist gestoppt, oder die Anwendung erreicht den Server auf 2230 (mobile Seite) oder 2231 (Anmeldung) nicht.",
            tag="unavailable",
        ),
    ),
    remedies=(
        remedy(
            "Check web server, application pool and the server's service, and start what is stopped.",
            "Webserver, Anwendungspool und Dienst des Servers prüfen und starten, was gestoppt ist.",
        ),
        remedy(
            "Open TCP 2230 and 2231 to the server, and let the WCF endpoint (web.config) and the gRPC endpoint (appsettings.json) name it; then restart the site.",
            "TCP 2230 und 2231 zum Server öffnen, WCF-Endpunkt (web.config) und gRPC-Endpunkt (appsettings.json) auf ihn zeigen lassen; dann die Website neu starten.",
        ),
    ),
    references=("RFC 9110, section 15.6",),
    known_problems=Text(
        "Whether proxy or application answered is told from the header Server only, which both may change.",
        "Ob Proxy oder Anwendung geantwortet hat, sagt nur der Header Server, den beide ändern können.",
    ),
    find=find,
)
