"""TLS and HTTP of the application: which handshakes a client aborted and why, and SignalR requests.

A client aborts with an alert, or by closing the connection. The fault is derived from the certificate if it
can be read: clients send one alert for several faults.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Literal, NamedTuple, TypeVar

from postproc.diagnose.evidence.case import Case, evidence
from postproc.model.alerts import ENCRYPTED
from postproc.model.enumerations import Verdict
from postproc.model.findings import Facts, Finding
from postproc.model.rows import ConnectionRow, HttpRow, TlsRow
from postproc.model.text import Text
from postproc.model.wayin import ConnectionTest
from postproc.wire.x509 import covers

TESTS_FAIL = Text(
    "Of the app's connection test fails: {tests:tests}.",
    "Vom Verbindungstest der App scheitert: {tests:tests}.",
)
WEB, APPLICATION_SERVERS = 443, (2230, 2231)
BEHIND_PROXY = (80, 8080, 8181, 8443)  # ports of web servers behind a reverse proxy
PORTS = frozenset({WEB, *APPLICATION_SERVERS, *BEHIND_PROXY})  # TLS on other ports is SIP's
SHOWN = 20  # frames listed as evidence

# Alerts about the server's certificate (RFC 8446, section 6.2).
CERTIFICATE_ALERTS = frozenset(
    {
        "bad_certificate",
        "unsupported_certificate",
        "certificate_revoked",
        "certificate_expired",
        "certificate_unknown",
        "unknown_ca",
    }
)
# A client that closes without an alert may have other reasons: once is chance unless the certificate has a
# visible fault. A choice: 1 reports chance aborts, more delays the finding.
FEWEST_GONE = 2

Fault = Literal["expired", "not_yet", "self_signed", "name", "chain", "unknown", "unreadable"]
GUESSED: frozenset[Fault] = frozenset({"unknown", "unreadable"})  # no fault of the certificate is seen
Row = TypeVar("Row", ConnectionRow, TlsRow, HttpRow)


class Hosts(NamedTuple):
    """Client and server of a connection, in one capture."""

    capture: str
    client: str
    server: str
    port: int

    @property
    def place(self) -> str:
        return f"[{self.server}]:{self.port}" if ":" in self.server else f"{self.server}:{self.port}"


def hosts(row: ConnectionRow | TlsRow | HttpRow) -> Hosts:
    return Hosts(row.capture, row.client_addr, row.server_addr, row.server_port)


def grouped(rows: Iterable[Row], key: Callable[[Row], Any]) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups


def finding(  # noqa: PLR0917  (a Finding's own, in its order)
    rule: str,
    verdict: Verdict,
    confidence: float,
    rows: Sequence[Row],
    title: Text,
    detail: Sequence[Text],
    facts: Facts,
    *,
    tests: Sequence[ConnectionTest] = (),
    settle: Text | None = None,
    tags: Iterable[str] = (),
    more: Iterable[int | None] = (),
) -> Finding:
    """Return a finding that names the parts of the app's connection test that fail."""
    return Finding(
        rule,
        verdict,
        confidence,
        evidence(*rows[:SHOWN], more=[frame for frame in [*more][:SHOWN] if frame is not None]),
        title,
        (*detail, *([TESTS_FAIL] if tests else [])),
        {**facts, "tests": tuple(tests)},
        settle,
        tags=frozenset(tags),
    )


def watched(case: Case, row: ConnectionRow | TlsRow | HttpRow) -> float:
    """Return the seconds from this row to the end of its capture; 0 if unknown."""
    end = next((each.last_time for each in case.run_captures if each.capture == row.capture), None)
    return float((end - row.time).total_seconds()) if end is not None else 0.0


def tests_of_port(port: int) -> tuple[ConnectionTest, ...]:
    """Return the parts of the connection test that need this port."""
    return {2231: ("authentication", "reinitialise"), 2230: ()}.get(port, ("url", "health"))  # type: ignore[return-value]


class Refusal(NamedTuple):
    """A handshake that the client aborted; ``said``: with a readable alert."""

    row: TlsRow
    fault: Fault
    said: bool


def handshakes(case: Case) -> list[TlsRow]:
    """Return the handshakes of the application; TLS for SIP has a rule of its own."""
    return [row for row in case.tls if row.server_port in PORTS]


def refusals(case: Case) -> list[Refusal]:
    """Return the handshakes that clients aborted, probably because of the certificate, in order of time."""
    every = handshakes(case)
    accepted = {_shown(row) for row in every if row.requested}
    trusted = {(row.capture, row.subject, row.not_after) for row in every if row.requested and row.subject}
    ends = {(connection_key(row), row.ended_by) for row in case.connections}
    aborted: dict[Hosts, list[Refusal]] = defaultdict(list)
    rejected = []
    for row in every:
        fault = fault_of(row, known_elsewhere=(row.capture, row.subject, row.not_after) in trusted)
        if row.outcome == "alert" and row.broken_by == "client" and row.alert in CERTIFICATE_ALERTS:
            rejected.append(Refusal(row, fault, True))
            continue
        has_reason = fault not in GUESSED or row.outcome != "complete"
        if has_reason and _went_away(row, ends) and _shown(row) not in accepted:
            aborted[hosts(row)].append(Refusal(row, fault, False))
    for by_host in aborted.values():
        clear = any(each.fault not in GUESSED for each in by_host)
        if clear or len(by_host) >= FEWEST_GONE:
            rejected += by_host
    return sorted(rejected, key=lambda each: each.row.time)


def connection_key(row: ConnectionRow | TlsRow | HttpRow) -> tuple[Any, ...]:
    return hosts(row), row.client_port


def _shown(row: TlsRow) -> tuple[Any, ...]:
    """Return a key of who was shown which certificate for which name."""
    return hosts(row), row.server_name, row.subject, row.not_after


def too_old(row: TlsRow) -> bool:
    """Whether the server chose a version older than any the client offered; version names sort by age."""
    return row.version is not None and row.oldest_offered is not None and row.version < row.oldest_offered


def _went_away(row: TlsRow, ended: AbstractSet[tuple[Any, str | None]]) -> bool:
    """Whether the client aborted without a readable alert, or completed the handshake and requested nothing."""
    if not row.answered or row.requested or too_old(row):
        return False
    if row.outcome in ("alert", "closed"):
        return row.broken_by == "client" and row.alert in (None, ENCRYPTED)
    by_client = {(connection_key(row), how) for how in ("client_fin", "client_reset")} & ended
    return row.outcome == "complete" and row.server_name is not None and bool(by_client)


def fault_of(row: TlsRow, *, known_elsewhere: bool) -> Fault:
    """Return the fault of a certificate; ``known_elsewhere``: another client accepted it."""
    if row.subject is None:
        return "expired" if row.alert == "certificate_expired" else "unreadable"
    if row.in_date is False and row.not_before is not None:
        return "not_yet" if row.not_before > f"{row.time:%Y-%m-%dT%H:%M:%SZ}" else "expired"
    if row.self_signed:
        return "self_signed"
    if row.fits_name is False:
        return "name"
    alone = row.certificates == 1 and (row.ca_issuers or known_elsewhere)
    return "chain" if row.chain_breaks or alone else "unknown"


def blamed(case: Case, *faults: Fault) -> Iterator[list[Refusal]]:
    """Yield the refusals with one of these faults, grouped by client, server, name and fault."""
    by_hosts: dict[Any, list[Refusal]] = defaultdict(list)
    for each in refusals(case):
        if each.fault in faults:
            by_hosts[hosts(each.row), each.row.server_name, each.fault].append(each)
    yield from by_hosts.values()


def certificate_finding(
    rule: str,
    held: Sequence[Refusal],
    title: Text,
    detail: Sequence[Text],
    settle: Text,
    *,
    verdict: Verdict | None = None,
    confidence: float | None = None,
    facts: Facts | None = None,
    tags: Iterable[str] = (),
) -> Finding:
    """Return a finding about a certificate that clients rejected."""
    row, has_alert = held[0].row, any(each.said for each in held)
    readable = row.subject is not None
    sure = 0.95 if has_alert and readable else 0.9 if has_alert else 0.8 if readable else 0.5
    return finding(
        rule,
        verdict or ("fault" if has_alert else "suspect" if readable else "cannot_tell"),
        confidence or sure,
        [each.row for each in held],
        title,
        detail,
        {
            "client": row.client_addr,
            "server": hosts(row).place,
            "name": row.server_name or row.server_addr,
            "alert": next((each.row.alert for each in held if each.said), ""),
            "times": len(held),
            "subject": row.subject or "",
            "issuer": row.issuer or "",
            "names": tuple((row.names or row.subject or "").split(",")),
            "until": row.not_after or "",
            "since": row.not_before or "",
            **(facts or {}),
        },
        tests=("health",),
        settle=settle,
        tags=tags,
        more=[each.row.alert_frame for each in held],
    )


SAYS = Text(
    "The client says so with the alert {alert} ({times:handshake|handshakes}).",
    "Der Client sagt das mit dem Alert {alert} ({times:Handshake|Handshakes}).",
)
GOES = Text(
    "The client goes away without an alert that can be read ({times:handshake|handshakes}), as some do.",
    "Der Client geht ohne lesbaren Alert weg ({times:Handshake|Handshakes}), wie es manche tun.",
)


def how(held: Sequence[Refusal]) -> Text:
    """Return the sentence on how the client rejected the certificate."""
    return SAYS if any(each.said for each in held) else GOES


def rightly_elsewhere(case: Case, row: TlsRow) -> TlsRow | None:
    """Return TLS of another machine whose authority-issued certificate covers the requested name; or None."""
    if row.server_name is None:
        return None
    for other in case.tls:
        names = (other.names or other.subject or "").split(",")
        elsewhere = other.server_addr != row.server_addr and other.self_signed is False
        if elsewhere and covers(names, row.server_name):
            return other
    return None


APPLICATION = "/xphoneconnect/"
REFUSED_UPGRADES_BESIDE = frozenset({401, 407})  # status codes of the sign-in, not of WebSocket


def of_application(row: HttpRow) -> bool:
    """Whether a request is to the application or to a SignalR hub."""
    return APPLICATION in row.url_path.lower() or row.signalr is not None


def hub(row: HttpRow) -> str:
    """Return the path of the hub that a SignalR request is for."""
    path = row.url_path.rstrip("/")
    return path.removesuffix("/negotiate") or "/"


def connection_of(case: Case, row: HttpRow) -> ConnectionRow | None:
    """Return the connection that carried a request, or None."""
    candidates = [
        each
        for each in case.connections
        if each.client_port == row.client_port and hosts(each) == hosts(row) and each.time <= row.time
    ]
    return candidates[-1] if candidates else None
