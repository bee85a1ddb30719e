"""An alert ends the DTLS handshake."""

from collections.abc import Iterator

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import both_ways
from postproc.diagnose.evidence.paths import best
from postproc.model.addresses import endpoint
from postproc.model.alerts import ENCRYPTED
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import DtlsRow
from postproc.model.text import Text

TITLE = Text(
    "DTLS fails with the alert {alert}, sent by {sender}.",
    "DTLS scheitert mit dem Alert {alert}, gesendet von {sender}.",
)
VERSIONS = frozenset({"protocol_version", "handshake_failure", "insufficient_security", "illegal_parameter"})
CERTIFICATES = frozenset(
    {
        "bad_certificate",
        "certificate_unknown",
        "unsupported_certificate",
        "unknown_ca",
        "certificate_expired",
        "certificate_revoked",
        "decrypt_error",
    }
)


def find(case: Case) -> Iterator[Finding]:
    for leg in case.judged_legs:
        row = best(case, leg)
        if row is None or row.state != "alert" or both_ways(case, leg):
            continue
        ends = {(row.client_addr, row.client_port), (row.server_addr, row.server_port)}
        alerts = [m for m in case.dtls_messages if m.alert and (m.src_addr, m.src_port) in ends]
        senders = {(m.src_addr, m.src_port) for m in alerts} or ends
        if row.alert == ENCRYPTED and _had_keys(case, row, senders):
            continue
        sender = endpoint(alerts[0].src_addr, alerts[0].src_port) if alerts else "–"
        name = (row.alert or "").lower().replace(" ", "_")
        tag = {"version"} if name in VERSIONS else {"certificate"} if name in CERTIFICATES else set()
        facts = {"alert": row.alert or "–", "sender": sender}
        yield Finding(
            RULE.name,
            "fault",
            0.95,
            evidence(*(alerts or (row,))),
            TITLE,
            (),
            facts,
            leg=leg,
            tags=frozenset(tag),
        )


def _had_keys(case: Case, row: DtlsRow, senders: set[tuple[str, int]]) -> bool:
    """Whether the alert's sender sent media to the other end after the ClientHello.

    It then had completed the handshake, and its encrypted alert is most likely close_notify; the snapshot length
    may have cut off the messages that complete the handshake.
    """
    client, server = (row.client_addr, row.client_port), (row.server_addr, row.server_port)
    return row.started is not None and any(
        (source := (each.src_addr, each.src_port)) in senders
        and (each.dst_addr, each.dst_port) == (server if source == client else client)
        and each.first_time >= row.started
        for each in case.at_every_place.rtp_streams
    )


RULE = Rule(
    code="DTLS003",
    name="dtls-alert",
    stage="dtls",
    breaks="handshake_end",
    summary=Text("DTLS alert", "DTLS-Alert"),
    claim=Text(
        "One side breaks the handshake off and says why in an alert.",
        "Eine Seite bricht den Handshake ab und nennt den Grund in einem Alert.",
    ),
    causes=(
        cause(
            "Version or ciphers do not go together: one side demands DTLS 1.2, the other speaks 1.0.",
            "Version oder Verfahren passen nicht zusammen: Eine Seite verlangt DTLS 1.2, die andere spricht 1.0.",
            tag="version",
        ),
        cause(
            "The certificate does not fit the fingerprint in SDP, or is refused.",
            "Das Zertifikat passt nicht zum Fingerprint im SDP oder wird abgelehnt.",
            tag="certificate",
        ),
        cause(
            "The stack of one side meets a case it does not handle (split flights, large ClientHello).",
            "Die Software einer Seite trifft auf einen Fall, den sie nicht beherrscht (geteilte Flights, großer ClientHello).",
        ),
    ),
    remedies=(
        remedy(
            "Update the side that sends the alert, or the one it complains of.",
            "Die Seite aktualisieren, die den Alert sendet, oder die, über die sie sich beschwert.",
        ),
        remedy(
            "Renew the server's DTLS certificate and restart it.",
            "Das DTLS-Zertifikat des Servers erneuern und ihn neu starten.",
            tag="certificate",
        ),
    ),
    references=("RFC 6347", "RFC 5246, section 7.2"),
    known_problems=Text(
        "close_notify at the end of a call is no fault and not meant here.",
        "close_notify am Ende eines Anrufs ist kein Fehler und hier nicht gemeint.",
    ),
    find=find,
)
