"""TLS for SIP fails: alerts, or a connection closed during the handshake."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from postproc.diagnose.evidence.case import Case, evidence
from postproc.model.alerts import HARMLESS
from postproc.model.calls import connection
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import ConnectionEventRow
from postproc.model.text import Text

ALERT = Text(
    "TLS from {client} to {server} fails: {sender} sends the alert {alert} ({times:handshake|handshakes}).",
    "TLS von {client} zu {server} scheitert: {sender} sendet den Alert {alert} ({times:Handshake|Handshakes}).",
)
ENCRYPTED = Text(
    "TLS from {client} to {server} fails: {sender} breaks it off with an encrypted alert ({times:handshake|handshakes}).",
    "TLS von {client} zu {server} scheitert: {sender} bricht mit einem verschlüsselten Alert ab ({times:Handshake|Handshakes}).",
)
CLOSED = Text(
    "TLS from {client} to {server} fails: {sender} closes the connection amid the handshake ({times:time|times}).",
    "TLS von {client} zu {server} scheitert: {sender} schließt die Verbindung mitten im Handshake ({times}-mal).",
)
NO_HELLO = Text(
    "No ServerHello came: the handshake failed before the server's certificate was seen.",
    "Ein ServerHello kam nicht: Der Handshake scheiterte, bevor das Zertifikat des Servers zu sehen war.",
)
AFTER_HELLO = Text(
    "The server's hello and certificate had come before.",
    "ServerHello und Zertifikat des Servers waren vorher gekommen.",
)
SUCCEEDS_TOO = Text(
    "Other handshakes of the same two machines succeed in this capture.",
    "Andere Handshakes derselben zwei Systeme gelingen in diesem Mitschnitt.",
)
SETTLE = Text(
    "the log of {sender} names the reason.",
    "Das Log von {sender} nennt den Grund.",
)

CERTIFICATE = frozenset(
    {
        "bad_certificate",
        "unsupported_certificate",
        "certificate_revoked",
        "certificate_expired",
        "certificate_unknown",
        "unknown_ca",
        "access_denied",
        "decrypt_error",
        "certificate_required",
        "no_certificate",
    }
)
NAME = frozenset({"unrecognized_name", "no_application_protocol"})
SHOWN = 20  # frames listed as evidence


class Handshake(NamedTuple):
    """The events of a connection from a ClientHello on."""

    hello: ConnectionEventRow
    events: Sequence[ConnectionEventRow]

    @property
    def done(self) -> bool:
        """Whether the client switched to the new keys, its last step."""
        return any(
            row.event == "keyed" and row.src_addr == self.hello.src_addr for row in self.events
        ) and not any(
            row.event == "alert" and row.src_addr == self.hello.dst_addr and self._breaks(row)
            for row in self.events
        )

    @property
    def end(self) -> ConnectionEventRow | None:
        """The event that broke it: an alert, else the first close of the connection."""
        alert = next((row for row in self.events if row.event == "alert" and self._breaks(row)), None)
        closing = (row for row in self.events if row.event in ("fin", "reset"))
        return alert or next(closing, None)

    @property
    def answered(self) -> bool:
        return any(row.event == "server_hello" for row in self.events)

    def _breaks(self, row: ConnectionEventRow) -> bool:
        """Whether an alert breaks it: a readable one, or an encrypted one as the client's first encrypted record."""
        if row.alert != "encrypted":
            return row.alert not in HARMLESS
        keyed = any(
            each.event == "keyed" and each.src_addr == self.hello.src_addr and each.time <= row.time
            for each in self.events
        )
        return row.src_addr == self.hello.src_addr and not keyed


def find(case: Case) -> Iterator[Finding]:
    failed: dict[tuple[object, ...], list[Handshake]] = defaultdict(list)
    good = set()
    for each in _handshakes(case):
        hello = each.hello
        hosts = hello.capture, hello.src_addr, hello.dst_addr, hello.dst_port
        if each.done:
            good.add(hosts)
        elif (end := each.end) is not None:
            failed[*hosts, end.src_addr == hello.src_addr, end.alert, each.answered].append(each)
    for key, handshakes in failed.items():
        yield _finding(handshakes, succeeds=key[:4] in good)


def _handshakes(case: Case) -> Iterator[Handshake]:
    by_connection: dict[object, list[ConnectionEventRow]] = defaultdict(list)
    for row in case.connection_events:
        by_connection[connection(row)].append(row)
    for rows in by_connection.values():
        hellos = [place for place, row in enumerate(rows) if row.event == "client_hello"]
        for place, following in pairwise([*hellos, len(rows)]):
            # After a HelloRetryRequest, the client sends a second ClientHello.
            if following < len(rows) and not any(
                row.event in ("fin", "reset") for row in rows[place:following]
            ):
                continue
            yield Handshake(rows[place], rows[place:following])


def _finding(failed: Sequence[Handshake], *, succeeds: bool) -> Finding:
    first = failed[0]
    hello, end = first.hello, first.end
    assert end is not None  # only ended ones are collected
    readable = end.event == "alert" and end.alert != "encrypted"
    detail = [AFTER_HELLO if first.answered else NO_HELLO]
    if succeeds:
        detail.append(SUCCEEDS_TOO)
    alert = end.alert or ""
    kind = "certificate" if alert in CERTIFICATE else "name" if alert in NAME else "other"
    side = "client" if end.src_addr == hello.src_addr else "server"
    sure = readable or len(failed) > 1
    return Finding(
        RULE.name,
        "note" if succeeds else "fault" if sure else "suspect",
        0.9 if readable else 0.8 if sure else 0.6,
        evidence(*(row for each in failed[:SHOWN] for row in (each.hello, each.end))),
        ALERT if readable else ENCRYPTED if end.event == "alert" else CLOSED,
        tuple(detail),
        {
            "client": hello.src_addr,
            "server": f"{hello.dst_addr}:{hello.dst_port}",
            "sender": end.src_addr,
            "alert": alert,
            "times": len(failed),
        },
        SETTLE,
        tags=frozenset(
            {f"{kind}_{side}" if kind == "certificate" else kind, *([] if readable else ["unsaid"])}
        ),
    )


RULE = Rule(
    code="SIP016",
    name="tls-handshake-failed",
    stage="sip",
    beside_calls=True,
    summary=Text("TLS of signalling failed", "TLS der Signalisierung gescheitert"),
    claim=Text(
        "A TLS handshake on a SIP port fails, so that not one SIP message can be sent over it.",
        "Ein TLS-Handshake auf einem SIP-Port scheitert, sodass darüber keine einzige SIP-Nachricht gesendet werden kann.",
    ),
    causes=(
        cause(
            "The client does not trust the server's certificate: own or unknown authority, expired, or for another name.",
            "Der Client vertraut dem Zertifikat des Servers nicht: eigene oder unbekannte Zertifizierungsstelle, abgelaufen oder für einen anderen Namen.",
            tag="certificate_client",
        ),
        cause(
            "The server wants a certificate of the client, and gets none or one that it does not trust.",
            "Der Server verlangt ein Zertifikat des Clients und erhält keines oder eines, dem er nicht vertraut.",
            tag="certificate_server",
        ),
        cause(
            "The two have no TLS version or cipher suite in common.",
            "Beide haben keine TLS-Version oder Cipher-Suite gemeinsam.",
            tag="other",
        ),
        cause(
            "The server has no certificate for the name asked for (SNI), or speaks another protocol on this port.",
            "Der Server hat kein Zertifikat für den angefragten Namen (SNI), oder er spricht auf diesem Port ein anderes Protokoll.",
            tag="name",
        ),
        cause(
            "A certificate that is not trusted: some stacks close the connection, or their alert is encrypted (TLS 1.3).",
            "Ein Zertifikat, dem nicht vertraut wird: Manche Stacks schließen die Verbindung, oder ihr Alert ist verschlüsselt (TLS 1.3).",
            tag="unsaid",
        ),
    ),
    remedies=(
        remedy(
            "Look at certificate, chain and versions: openssl s_client -connect {server} -showcerts",
            "Zertifikat, Kette und Versionen ansehen: openssl s_client -connect {server} -showcerts",
        ),
        remedy(
            "Install the authority's certificate in the client, or a certificate of a public authority with the whole chain on the server.",
            "Das Zertifikat der Zertifizierungsstelle im Client installieren oder am Server ein öffentliches Zertifikat mit vollständiger Kette.",
        ),
        remedy(
            "In FreeSWITCH: tls-version and tls-ciphers of the SIP profile, agent.pem and cafile.pem in its tls folder.",
            "In FreeSWITCH: tls-version und tls-ciphers im SIP-Profil, agent.pem und cafile.pem im tls-Verzeichnis.",
            product="freeswitch",
        ),
    ),
    references=("RFC 8446, section 6", "RFC 5246, section 7.2", "RFC 3261, section 26.3.1"),
    known_problems=Text(
        "Strangers who scan a public server's ports break handshakes off, too.",
        "Auch Fremde, die die Ports eines öffentlichen Servers absuchen, brechen Handshakes ab.",
    ),
    find=find,
)
