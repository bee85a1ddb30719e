"""Client and web server share no TLS version."""

from collections.abc import Iterator, Sequence

from postproc.diagnose.evidence.case import Case
from postproc.diagnose.evidence.web import finding, grouped, handshakes, hosts, too_old
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import TlsRow
from postproc.model.text import Text

TITLE = Text(
    "{client} and {server} have no TLS version in common ({times:handshake|handshakes}).",
    "{client} und {server} haben keine TLS-Version gemeinsam ({times:Handshake|Handshakes}).",
)
OFFERED = Text(
    "The client speaks {oldest} to {newest}; {sender} breaks it off with the alert {alert}.",
    "Der Client spricht {oldest} bis {newest}; {sender} bricht mit dem Alert {alert} ab.",
)
CLOSED = Text(
    "The client speaks {oldest} to {newest}; {sender} closes the connection without an alert.",
    "Der Client spricht {oldest} bis {newest}; {sender} schließt die Verbindung ohne Alert.",
)
CHOSEN = Text(
    "The server answers with {chosen}, which the client does not accept.",
    "Der Server antwortet mit {chosen}, das der Client nicht akzeptiert.",
)
OTHERS = Text(
    "Other clients get through to this server with {works:3}.",
    "Andere Clients erreichen diesen Server mit {works:3}.",
)
SETTLE = Text(
    "openssl s_client -connect {server} -tls1_2 (or -tls1_3) shows what the server accepts.",
    "openssl s_client -connect {server} -tls1_2 (oder -tls1_3) zeigt, was der Server annimmt.",
)
# Older servers use this alert for versions too; counted only for clients without TLS 1.2 or later.
UNSPECIFIC = frozenset({"handshake_failure", "insufficient_security"})
OLD = frozenset({"SSL 3.0", "TLS 1.0", "TLS 1.1"})


def find(case: Case) -> Iterator[Finding]:
    by_offer = grouped(handshakes(case), lambda row: (hosts(row), row.oldest_offered, row.newest_offered))
    for rows in by_offer.values():
        failed = [row for row in rows if _mismatch(row)]
        if failed and not any(row.outcome == "complete" for row in rows):
            yield _finding(case, failed)


def _mismatch(row: TlsRow) -> bool:
    if row.outcome != "alert":
        return row.outcome == "closed" and row.broken_by == "client" and too_old(row)
    old = row.newest_offered in OLD and row.version is None and row.broken_by == "server"
    return row.alert == "protocol_version" or (row.alert in UNSPECIFIC and old)


def _finding(case: Case, failed: Sequence[TlsRow]) -> Finding:
    row = next((each for each in failed if each.alert), failed[0])
    works = sorted(
        {
            each.version
            for each in case.tls
            if each.outcome == "complete"
            and each.version
            and (each.server_addr, each.server_port) == (row.server_addr, row.server_port)
        }
    )
    chosen = next((each.version for each in failed if each.version), None)
    return finding(
        RULE.name,
        "fault",
        0.95 if row.alert == "protocol_version" else 0.8,
        failed,
        TITLE,
        [OFFERED if row.alert else CLOSED, *([CHOSEN] if chosen else []), *([OTHERS] if works else [])],
        {
            "client": row.client_addr,
            "server": hosts(row).place,
            "times": len(failed),
            "oldest": row.oldest_offered or "–",
            "newest": row.newest_offered or "–",
            "sender": row.client_addr if row.broken_by == "client" else row.server_addr,
            "alert": row.alert or "",
            "chosen": chosen or "",
            "works": tuple(works),
        },
        tests=("health",),
        settle=SETTLE,
        tags=["old_client" if row.newest_offered in OLD else "old_server"],
        more=[each.alert_frame for each in failed],
    )


RULE = Rule(
    code="WEB003",
    name="tls-version",
    stage="way_in",
    beside_calls=True,
    summary=Text("No common TLS version", "Keine gemeinsame TLS-Version"),
    claim=Text(
        "Client or web server breaks the handshake off because the other speaks no TLS version that it accepts.",
        "Client oder Webserver bricht den Handshake ab, weil der andere keine TLS-Version spricht, die er annimmt.",
    ),
    causes=(
        cause(
            "The device is too old for TLS 1.2.",
            "Das Gerät ist zu alt für TLS 1.2.",
            tag="old_client",
        ),
        cause(
            "The web server, or the proxy before it, speaks nothing from TLS 1.2 on: old system, or versions switched off.",
            "Der Webserver oder der Proxy davor spricht nichts ab TLS 1.2: altes System, oder Versionen sind abgeschaltet.",
            tag="old_server",
        ),
        cause(
            "A firewall that inspects TLS stands between them and speaks older versions only.",
            "Eine Firewall mit TLS-Inspektion steht dazwischen und spricht nur ältere Versionen.",
        ),
    ),
    remedies=(
        remedy(
            "Switch on TLS 1.2 and 1.3 on {server}.",
            "TLS 1.2 und 1.3 auf {server} einschalten.",
            tag="old_server",
        ),
        remedy(
            "Bring the device's system up to date, or use another device.",
            "Das System des Geräts aktualisieren oder ein anderes Gerät verwenden.",
            tag="old_client",
        ),
        remedy(
            "Exempt the application from TLS inspection.",
            "Die Anwendung von der TLS-Inspektion ausnehmen.",
        ),
    ),
    references=("RFC 8446, section 6.2", "RFC 8996"),
    known_problems=Text(
        "A server that closes the connection instead of sending an alert is not told from other reasons.",
        "Ein Server, der statt eines Alerts die Verbindung schließt, ist von anderen Gründen nicht zu unterscheiden.",
    ),
    find=find,
)
