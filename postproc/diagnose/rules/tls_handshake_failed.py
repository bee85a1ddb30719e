"""TLS for SIP fails: alerts, a connection closed during the handshake, or unused after it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from postproc.diagnose.evidence.case import Case, at_one_place, evidence
from postproc.diagnose.evidence.web import (
    FEWEST_GONE,
    GUESSED,
    PORTS,
    Fault,
    connection_key,
    fault_of,
    hosts,
)
from postproc.model.alerts import HARMLESS
from postproc.model.calls import connection
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import ConnectionEventRow, TlsRow
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
GONE = Text(
    "TLS from {client} to {server} is not used: {client} completes the handshake and closes at once, without any SIP message ({times:time|times}).",
    "TLS von {client} zu {server} bleibt ungenutzt: {client} vollendet den Handshake und trennt sofort, ohne eine SIP-Nachricht ({times}-mal).",
)
CERTIFICATES: dict[Fault, Text] = {
    "expired": Text(
        "The server's certificate ({subject}) was valid until {until}: it has expired, by the capture's clock.",
        "Das Zertifikat des Servers ({subject}) galt bis {until}: Nach der Uhr des Mitschnitts ist es abgelaufen.",
    ),
    "not_yet": Text(
        "The server's certificate ({subject}) is valid from {since} only, by the capture's clock after this handshake.",
        "Das Zertifikat des Servers ({subject}) gilt erst ab {since}, nach der Uhr des Mitschnitts nach diesem Handshake.",
    ),
    "self_signed": Text(
        "The server's certificate is self-signed ({subject}).",
        "Das Zertifikat des Servers ist selbst ausgestellt ({subject}).",
    ),
    "name": Text(
        "The server's certificate is for {names:5}, not for {name}, the name asked for.",
        "Das Zertifikat des Servers gilt für {names:5}, nicht für den angefragten Namen {name}.",
    ),
    "chain": Text(
        "The server sends its certificate ({subject}) without the intermediate ones.",
        "Der Server sendet sein Zertifikat ({subject}) ohne die Zwischenzertifikate.",
    ),
    "unknown": Text(
        "The server's certificate ({subject}) is issued by {issuer}; its dates are right.",
        "Das Zertifikat des Servers ({subject}) hat {issuer} ausgestellt; der Zeitraum stimmt.",
    ),
}
CHECKED_LATER = Text(
    "Some clients check the certificate only then; health checks look the same.",
    "Manche Clients prüfen das Zertifikat erst dann; Health-Checks sehen genauso aus.",
)
HIDDEN = Text(
    "The certificate cannot be read here: TLS 1.3 encrypts it, or the capture cuts packets short.",
    "Das Zertifikat ist hier nicht lesbar: TLS 1.3 verschlüsselt es, oder der Mitschnitt kürzt Pakete.",
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
AT_ONCE_S = 5.0  # from the SYN on; a choice: a slow handshake fits, and no idle timeout of phones or servers is shorter
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
    shown = {(row.capture, row.frame): row for row in case.tls if row.server_port not in PORTS}
    left = _left(case, [*shown.values()])
    gone = {(row.capture, row.frame) for rows in left for row in rows}
    failed: dict[tuple[object, ...], list[Handshake]] = defaultdict(list)
    good = set()
    for each in _handshakes(case):
        hello = each.hello
        ends = hello.capture, hello.src_addr, hello.dst_addr, hello.dst_port
        if each.done:
            if (hello.capture, hello.frame) not in gone:
                good.add(ends)
        elif (end := each.end) is not None:
            failed[*ends, end.src_addr == hello.src_addr, end.alert, each.answered].append(each)
    for key, handshakes in _at_one_place(failed):
        hello = handshakes[0].hello
        yield _finding(handshakes, shown.get((hello.capture, hello.frame)), succeeds=key[:4] in good)
    for rows in left:
        yield _gone(rows)


def _at_one_place(
    failed: Mapping[tuple[object, ...], list[Handshake]],
) -> Iterator[tuple[tuple[object, ...], list[Handshake]]]:
    """Yield failures once: of several captures that of the one which shows most of them."""
    most: dict[tuple[object, ...], tuple[object, ...]] = {}
    for key, handshakes in failed.items():
        other = most.setdefault(key[1:], key)
        if len(handshakes) > len(failed[other]):
            most[key[1:]] = key
    return ((key, failed[key]) for key in most.values())


def _left(case: Case, every: Sequence[TlsRow]) -> list[list[TlsRow]]:
    """Return the complete handshakes after which the client went away without a message, by client and server.

    Once is chance, unless its certificate has a visible fault; and none are a fault where another was used.
    """
    ended = {(connection_key(row), row.ended_by) for row in case.connections if row.lasted_s <= AT_ONCE_S}
    used = {hosts(row) for row in every if row.requested}
    by_hosts: dict[tuple[object, ...], list[TlsRow]] = defaultdict(list)
    for row in every:
        by_client = any((connection_key(row), how) in ended for how in ("client_fin", "client_reset"))
        if row.outcome == "complete" and not row.requested and by_client and hosts(row) not in used:
            by_hosts[hosts(row)[1:]].append(row)
    once = [at_one_place(rows) for rows in by_hosts.values()]
    return [rows for rows in once if len(rows) >= FEWEST_GONE or _fault(rows[0]) not in GUESSED]


def _fault(row: TlsRow) -> Fault:
    return fault_of(row, known_elsewhere=False)


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


def _finding(failed: Sequence[Handshake], shown: TlsRow | None, *, succeeds: bool) -> Finding:
    first = failed[0]
    hello, end = first.hello, first.end
    assert end is not None  # only ended ones are collected
    readable = end.event == "alert" and end.alert != "encrypted"
    detail = [AFTER_HELLO if first.answered else NO_HELLO]
    alert = end.alert or ""
    kind = "certificate" if alert in CERTIFICATE else "name" if alert in NAME else "other"
    side = "client" if end.src_addr == hello.src_addr else "server"
    tags = {f"{kind}_{side}" if kind == "certificate" else kind, *([] if readable else ["unsaid"])}
    # What the certificate lacks is the reason only where the client turns away, and not for another one that it names.
    if shown is not None and side == "client" and (kind == "certificate" or not readable):
        fault = _fault(shown)
        detail += [CERTIFICATES[fault]] if shown.subject else []
        tags |= {"certificate_client", fault} if shown.subject and fault not in GUESSED else set()
    if succeeds:
        detail.append(SUCCEEDS_TOO)
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
            **_of_certificate(shown),
        },
        SETTLE,
        tags=frozenset(tags),
    )


def _gone(rows: Sequence[TlsRow]) -> Finding:
    row, fault = rows[0], _fault(rows[0])
    guessed = fault in GUESSED
    dated = fault in ("expired", "not_yet")  # the others are accepted by phones that are told to
    sure = dated and len(rows) >= FEWEST_GONE
    return Finding(
        RULE.name,
        "cannot_tell" if guessed else "fault" if sure else "suspect",
        0.5 if guessed else 0.8 if sure else 0.7 if dated else 0.6,
        evidence(*rows[:SHOWN]),
        GONE,
        (CERTIFICATES[fault] if row.subject else HIDDEN, CHECKED_LATER),
        {
            "client": row.client_addr,
            "server": hosts(row).place,
            "sender": row.client_addr,
            "alert": "",
            "times": len(rows),
            **_of_certificate(row),
        },
        SETTLE,
        tags=frozenset({"unsaid"} if guessed else {"certificate_client", fault}),
    )


def _of_certificate(row: TlsRow | None) -> dict[str, object]:
    if row is None:
        return {}
    return {
        "subject": row.subject or "",
        "issuer": row.issuer or "",
        "names": tuple((row.names or row.subject or "").split(",")),
        "name": row.server_name or "",
        "until": row.not_after or "",
        "since": row.not_before or "",
    }


RULE = Rule(
    code="SIP016",
    name="tls-handshake-failed",
    stage="sip",
    beside_calls=True,
    summary=Text("TLS of signalling failed", "TLS der Signalisierung gescheitert"),
    claim=Text(
        "A TLS handshake on a SIP port fails, or the client goes away after it, so that not one SIP message is sent over it.",
        "Ein TLS-Handshake auf einem SIP-Port scheitert, oder der Client geht danach weg, sodass darüber keine einzige SIP-Nachricht gesendet wird.",
    ),
    causes=(
        cause(
            "The client does not trust the server's certificate: own or unknown authority, expired, or for another name.",
            "Der Client vertraut dem Zertifikat des Servers nicht: eigene oder unbekannte Zertifizierungsstelle, abgelaufen oder für einen anderen Namen.",
            tag="certificate_client",
        ),
        cause(
            "The certificate was not renewed, or the server still uses the one that it read when it started.",
            "Das Zertifikat wurde nicht erneuert, oder der Server verwendet noch das, das er beim Start gelesen hat.",
            tag="expired",
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
            "Renew the certificate and have the server read it (restart the service or its SIP profile).",
            "Das Zertifikat erneuern und vom Server lesen lassen (Dienst oder SIP-Profil neu starten).",
            tag="expired",
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
        "Strangers who scan a public server's ports break handshakes off, too. Validity is judged by the capture's clock.",
        "Auch Fremde, die die Ports eines öffentlichen Servers absuchen, brechen Handshakes ab. Die Gültigkeit wird nach der Uhr des Mitschnitts beurteilt.",
    ),
    find=find,
)
