"""The guide's first chart as far as captures answer it: is the way into the app open?

A step fails by the first of the findings that it names. Without one it is passed if the tables show that it
succeeded; otherwise it stays open, since captures do not answer it.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from postproc.model.described import Described
from postproc.model.loading import load
from postproc.model.rows import ConnectionRow, HttpRow, TlsRow
from postproc.model.tables import Tables
from postproc.model.text import Lang, Text
from postproc.model.wayin import FIRST_CHART, ChartStep, StepId

SEEN: dict[StepId, Text] = {
    "web_application": Text("A path of it is answered.", "Ein Pfad davon wird beantwortet."),
    "certificate": Text(
        "A client accepts it and goes on ({name}).", "Ein Client akzeptiert es und macht weiter ({name})."
    ),
    "server_urls": Text("Port {port} of {name} answers.", "Port {port} von {name} antwortet."),
    "site": Text("Paths of the Web API are answered.", "Pfade der Web-API werden beantwortet."),
    "test_url": Text("Port {port} of {name} answers.", "Port {port} von {name} antwortet."),
    "test_health": Text("Its health is asked for and given.", "Ihr Zustand wird abgefragt und gemeldet."),
    "test_authentication": Text("A sign-in is accepted.", "Eine Anmeldung wird angenommen."),
    "test_hub": Text(
        "WebSocket or poll of the hub is granted.", "WebSocket oder Abfrage des Hubs wird gewährt."
    ),
    "test_reinitialise": Text("The server's port {port} answers.", "Port {port} des Servers antwortet."),
}
NOTHING = Text(
    "The captures do not answer this.",
    "Die Mitschnitte beantworten das nicht.",
)
FAILS = ("fault", "suspect")
WEB, SERVER = 443, 2231


def first_chart(tables: Tables, beside: Sequence[Described], lang: Lang) -> list[dict[str, Any]]:
    """Return the steps as those of a walk; none where the captures show nothing of the way in."""
    connections = tables.connections[tables.connections["copy_of"].isna()]
    on_ports = connections["server_port"].isin((WEB, 2230, SERVER))
    findings = {finding.name for finding in beside} & {name for step in FIRST_CHART for name in step.findings}
    if not on_ports.any() and tables.http.empty and not findings:
        return []
    return [_step(step, tables, beside, lang) for step in FIRST_CHART]


def _step(step: ChartStep, tables: Tables, beside: Iterable[Described], lang: Lang) -> dict[str, Any]:
    failing = [finding for finding in beside if finding.name in step.findings and _concerns(step, finding)]
    broken = next((finding for finding in failing if finding.verdict in FAILS), next(iter(failing), None))
    if broken is not None:
        state = "failed" if broken.verdict in FAILS else "cannot_tell"
        return _record(step, lang, state, broken.title) | {
            "capture": broken.capture,
            "frames": list(broken.frames),
        }
    row = _success(step.id, tables)
    if row is None:
        return _record(step, lang, "not_reached", NOTHING.of(lang))
    name = getattr(row, "server_name", None) or getattr(row, "host", None) or row.server_addr
    answer = SEEN[step.id].of(lang, name=name, port=row.server_port)
    return _record(step, lang, "passed", answer) | {"capture": row.capture, "frames": [row.frame]}


def _concerns(step: ChartStep, finding: Described) -> bool:
    """Tell whether a closed port concerns the step: its parts of the connection test fail with it."""
    failing = set(finding.facts.get("tests", ()))
    return not step.id.startswith("test_") or not failing or bool(failing & set(step.tests))


def _success(step: StepId, tables: Tables) -> ConnectionRow | TlsRow | HttpRow | None:
    """Return the first row that shows that the step succeeded."""
    if step in WENT_WELL:
        return next(filter(WENT_WELL[step], load(HttpRow, tables.http)), None)
    if step == "certificate":
        shown = load(TlsRow, tables.tls)
        return next((row for row in shown if row.requested and row.server_port == WEB), None)
    if step in PORTS:
        opened = load(ConnectionRow, tables.connections)
        answers = (row for row in opened if row.outcome == "established" and row.server_port == PORTS[step])
        return next(answers, None)
    return None


def _good(row: HttpRow, part: str) -> bool:
    return row.status is not None and row.status < 400 and part in row.url_path.lower()


def _is_channel(row: HttpRow) -> bool:
    """Tell whether a WebSocket was granted, or a poll without an upgrade was answered."""
    if row.signalr == "websocket":
        return row.status == 101
    return row.signalr in ("poll", "events") and row.status == 200 and not row.upgrade


PORTS: dict[StepId, int] = {"server_urls": WEB, "test_url": WEB, "test_reinitialise": SERVER}
WENT_WELL: dict[StepId, Callable[[HttpRow], bool]] = {
    "web_application": lambda row: _good(row, "/mobile"),
    "site": lambda row: _good(row, "/webclientapi"),
    "test_health": lambda row: _good(row, "/health"),
    "test_authentication": lambda row: _good(row, "/webclientapi/auth"),
    "test_hub": _is_channel,
}


def _record(step: ChartStep, lang: Lang, state: str, answer: str) -> dict[str, Any]:
    return {
        "step": step.id,
        "state": state,
        "question": step.question.of(lang),
        "said": answer,
        "capture": None,
        "frames": [],
        "filter": None,
    }
