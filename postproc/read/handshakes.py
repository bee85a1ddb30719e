"""Progress of a TLS handshake: hellos, certificates, alerts, and the side that aborted it.

RFC 8446, RFC 5246. In TLS 1.3 only hellos, and alerts that a client sends before it has keys, are in clear;
a record of 19 bytes under the keys is an alert (two bytes, its content type, 16 of the tag).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from postproc.model.alerts import ALERTS, ENCRYPTED, HARMLESS
from postproc.model.text import clean
from postproc.read.connections import LARGEST_ALERT
from postproc.read.tcp import Connection, Event, Side, assembled
from postproc.wire import MalformedError, tls, x509
from postproc.wire.dtls import (
    ALERT,
    APPLICATION_DATA,
    CERTIFICATE,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    TLS_RECORD,
    ClientHello,
    ServerHello,
    TlsRecord,
    parse_certificates,
    tls_records,
)

WARNING = 1
LONGEST = 4000  # characters of all names of a certificate
SHOWN_NAME = 253  # characters of a server name: the longest DNS name as text (RFC 1035, section 2.3.4)


class Record(NamedTuple):
    at: Event
    record: TlsRecord


class AlertSent(NamedTuple):
    """An alert; ``description`` is ``encrypted`` if it cannot be read."""

    at: Event
    by_client: bool
    description: str
    fatal: bool


@dataclass
class Handshake:
    """What both sides sent of a handshake, as far as it can be read."""

    at: Event
    client: ClientHello | None = None
    server: ServerHello | None = None
    answered: bool = False
    version: int | None = None
    chain: tuple[x509.Certificate, ...] = ()
    certificates: int | None = None
    client_keyed: bool = False
    requested: bool = False
    alerts: list[AlertSent] = field(default_factory=list)
    closed: tuple[Event, str] | None = None  # what closed the connection, and which side

    @property
    def broken(self) -> AlertSent | None:
        """The alert that aborted the handshake, None if there was none."""
        for alert in self.alerts:
            if self.requested or alert.description in HARMLESS:
                continue
            early = alert.by_client and not self.client_keyed
            if alert.description == ENCRYPTED:
                if early:
                    return alert
            elif alert.fatal or (early and self.closed):
                return alert
        return None

    @property
    def outcome(self) -> str:
        if self.broken:
            return "alert"
        if self.client_keyed:
            return "complete"
        return "closed" if self.closed else "unfinished"

    def row(self) -> dict[str, Any]:
        broken, closed = self.broken, self.closed if self.outcome == "closed" else None
        side = ("client" if broken.by_client else "server") if broken else closed[1] if closed else None
        return (
            {
                "frame": self.at.frame,
                "time": self.at.time,
                "answered": self.answered,
                "outcome": self.outcome,
                "broken_by": side,
                "alert": broken.description if broken else None,
                "alert_frame": broken.at.frame if broken else closed[0].frame if closed else None,
                "requested": self.requested,
            }
            | self._hellos()
            | self._certificate()
        )

    @property
    def server_name(self) -> str | None:
        try:
            return tls.server_name(self.client.extensions) if self.client else None
        except MalformedError:
            return None

    def _hellos(self) -> dict[str, Any]:
        offered = _tried(tls.offered_versions, self.client) or ()
        sent = [self.client.extensions] if self.client else []
        chosen = [self.server.extensions] if self.server else []
        return {
            "server_name": clean(self.server_name)[:SHOWN_NAME] if self.server_name else None,
            "oldest_offered": tls.VERSIONS[offered[0]] if offered else None,
            "newest_offered": tls.VERSIONS[offered[-1]] if offered else None,
            "version": tls.VERSIONS.get(self.version, f"0x{self.version:04x}") if self.version else None,
            "cipher": f"0x{self.server.suite:04x}" if self.server else None,
            "offered_protocols": _protocols(sent),
            "protocol": _protocols(chosen),
            "resumed": self._resumed,
        }

    @property
    def _resumed(self) -> bool:
        """Whether the server resumes the client's session or ticket (RFC 5246, section 7.3; RFC 5077)."""
        if self.server is None or self.client is None or self.version == tls.TLS_1_3:
            return False
        return bool(self.server.session) and self.server.session == self.client.session

    def _certificate(self) -> dict[str, Any]:
        if not self.chain:
            return {"certificates": self.certificates}
        leaf, name = self.chain[0], self.server_name
        now = datetime.fromtimestamp(self.at.time / 1e9, UTC)
        return {
            "certificates": self.certificates,
            "subject": clean(leaf.subject),
            "names": clean(",".join(leaf.names))[:LONGEST] or None,
            "issuer": clean(leaf.issuer),
            "not_before": f"{leaf.not_before:%Y-%m-%dT%H:%M:%SZ}",
            "not_after": f"{leaf.not_after:%Y-%m-%dT%H:%M:%SZ}",
            "self_signed": leaf.self_issued,
            "ca_issuers": leaf.ca_issuers,
            "chain_breaks": any(
                below.issuer_name != above.subject_name
                for below, above in zip(self.chain, self.chain[1:], strict=False)
                if not below.self_issued
            ),
            "fits_name": leaf.fits(name) if name else None,
            "in_date": leaf.not_before <= now <= leaf.not_after,
        }


def handshake(
    connection: Connection, certificates: Sequence[bytes], alerts: Sequence[tuple[Event, bool, int]]
) -> Handshake | None:
    """Return the handshake at the start of a connection; None if there is none.

    ``certificates`` and ``alerts`` (event, whether the client's, number) are the decrypted ones.
    """
    client, server = (list(_records(side)) for side in connection.sides)
    if not client or client[0].record.kind != HANDSHAKE:
        return None
    shake = Handshake(client[0].at)
    shake.client = next((each for each in _hellos(client) if isinstance(each, ClientHello)), None)
    shake.server = next((each for each in _hellos(server) if isinstance(each, ServerHello)), None)
    shake.answered = any(each.record.kind == HANDSHAKE for each in server)
    shake.version = _tried(tls.chosen_version, shake.server)
    _note_certificates(shake, certificates or _sent_in_clear(server))
    _note_keys(shake, client, connection.sides[0])
    shake.alerts = sorted(
        [*_alerts(client, by_client=True), *_alerts(server, by_client=False)], key=lambda each: each.at
    )
    _note_decrypted(shake, alerts)
    shake.closed = _closed(connection)
    return shake


def _records(side: Side) -> Iterator[Record]:
    """Yield the records of a side's beginning; the body of a partly captured one as far as it goes."""
    stream, captured, frames = assembled(side)
    at = place = 0
    for record in tls_records(stream):
        while place + 1 < len(frames) and frames[place + 1][0] <= at:
            place += 1
        body = captured[at + TLS_RECORD : at + TLS_RECORD + record.size]
        cut = len(body) if body.all() else int(body.argmin())
        yield Record(Event(*frames[place][1:]), record._replace(body=record.body[:cut]))
        at += TLS_RECORD + record.size


def _hellos(records: Sequence[Record]) -> Iterator[ClientHello | ServerHello]:
    for message in tls.messages([each.record for each in records]):
        if (hello := tls.hello(message)) is not None:
            yield hello


def _sent_in_clear(server: Sequence[Record]) -> tuple[bytes, ...]:
    for message in tls.messages([each.record for each in server]):
        if message.kind == CERTIFICATE:
            try:
                return parse_certificates(message.body)
            except MalformedError:
                return ()
    return ()


def _note_certificates(shake: Handshake, chain: Sequence[bytes]) -> None:
    """Set the chain as far as it can be parsed, the server's own certificate first."""
    if not chain:
        return
    shake.certificates = len(chain)
    read = []
    for der in chain:
        try:
            read.append(x509.parse(der))
        except MalformedError:
            break
    shake.chain = tuple(read)


def _note_keys(shake: Handshake, client: Sequence[Record], side: Side) -> None:
    """Set whether the client used its keys, and whether it then sent data."""
    data = [
        each for each in client if each.record.kind == APPLICATION_DATA and each.record.size != LARGEST_ALERT
    ]
    changed = any(each.record.kind == CHANGE_CIPHER_SPEC for each in client)
    captured = sum(TLS_RECORD + each.record.size for each in client)
    if shake.version == tls.TLS_1_3 or (shake.version is None and not changed):
        shake.client_keyed = bool(data)
        shake.requested = len(data) > 1 or (bool(data) and side.reached > captured)
    else:
        shake.client_keyed = changed and _finished(client)
        shake.requested = bool(data) or (shake.client_keyed and side.reached > captured)


def _finished(client: Sequence[Record]) -> bool:
    """Return whether ChangeCipherSpec is followed by Finished, or nothing captured, and not by an alert."""
    kinds = [each.record.kind for each in client]
    behind = kinds[kinds.index(CHANGE_CIPHER_SPEC) + 1 :]
    return behind[:1] != [ALERT]


def _alerts(records: Sequence[Record], *, by_client: bool) -> Iterator[AlertSent]:
    keyed = False
    for each in records:
        record = each.record
        if record.kind == ALERT:
            readable = record.size == len(record.body) == 2 and not (keyed and record.body[0] > 2)
            description = ALERTS.get(record.body[1], str(record.body[1])) if readable else ENCRYPTED
            yield AlertSent(each.at, by_client, description, readable and record.body[0] != WARNING)
        elif record.kind == APPLICATION_DATA and record.size == LARGEST_ALERT:
            yield AlertSent(each.at, by_client, ENCRYPTED, fatal=False)
        keyed = keyed or record.kind == CHANGE_CIPHER_SPEC


def _note_decrypted(shake: Handshake, alerts: Sequence[tuple[Event, bool, int]]) -> None:
    """Replace encrypted alerts by their decrypted ones."""
    if not alerts:
        return
    decrypted = [
        AlertSent(at, by_client, ALERTS.get(number, str(number)), fatal=ALERTS.get(number) not in HARMLESS)
        for at, by_client, number in alerts
    ]
    frames = {each.at.frame for each in decrypted}
    others = [each for each in shake.alerts if each.at.frame not in frames]
    shake.alerts = sorted([*others, *decrypted], key=lambda each: each.at)


def _closed(connection: Connection) -> tuple[Event, str] | None:
    closings = [
        (event, name)
        for name, side in zip(("client", "server"), connection.sides, strict=True)
        for event in (side.fin, side.reset)
        if event is not None
    ]
    return min(closings, key=lambda each: each[0].time) if closings else None


def _tried(read: Any, hello: Any) -> Any:  # noqa: ANN401  (of either hello)
    if hello is None:
        return None
    try:
        return read(hello)
    except MalformedError:
        return None


def _protocols(extensions: Sequence[Any]) -> str | None:
    for each in extensions:
        try:
            return clean(",".join(tls.protocols(each)))[:SHOWN_NAME] or None
        except MalformedError:
            return None
    return None
