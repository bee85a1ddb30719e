"""The certificate in the handshake does not match the fingerprint in the SDP."""

from collections.abc import Iterator

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.paths import handshakes
from postproc.model.addresses import endpoint
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.text import Text

TITLE = Text(
    "The DTLS certificate does not match the fingerprint in the SDP.",
    "Das DTLS-Zertifikat passt nicht zum Fingerprint im SDP.",
)
DETAIL = Text(
    "The certificate seen between {client} and {server} has SHA-256 {sha256}; no fingerprint of the leg's SDP is equal.",
    "Das Zertifikat zwischen {client} und {server} hat SHA-256 {sha256}; kein Fingerprint im SDP des Legs ist gleich.",
)


def find(case: Case) -> Iterator[Finding]:
    for leg in case.judged_legs:
        for row in handshakes(case, leg):
            if row.fingerprint_matches is False:
                facts = {
                    "client": endpoint(row.client_addr, row.client_port),
                    "server": endpoint(row.server_addr, row.server_port),
                    "sha256": row.certificate_sha256 or "–",
                }
                yield Finding(RULE.name, "fault", 0.9, evidence(row), TITLE, (DETAIL,), facts, leg=leg)


RULE = Rule(
    code="DTLS004",
    name="dtls-fingerprint-mismatch",
    stage="dtls",
    breaks="certificate",
    summary=Text("Fingerprint mismatch", "Fingerprint passt nicht"),
    claim=Text(
        "A certificate was presented whose hash no a=fingerprint of the SDP holds.",
        "Es wurde ein Zertifikat vorgelegt, dessen Hash in keinem a=fingerprint des SDP steht.",
    ),
    causes=(
        cause(
            "Something between the sides rewrites the SDP or ends DTLS itself.",
            "Etwas zwischen den Seiten schreibt das SDP um oder terminiert DTLS selbst.",
        ),
        cause(
            "The certificate was renewed between the SDP and the handshake.",
            "Das Zertifikat wurde zwischen SDP und Handshake erneuert.",
        ),
    ),
    remedies=(
        remedy(
            "Compare a=fingerprint at the sender and at the receiver.",
            "a=fingerprint beim Absender und beim Empfänger vergleichen.",
        ),
        remedy(
            "Restart the side whose certificate was renewed.",
            "Die Seite neu starten, deren Zertifikat erneuert wurde.",
        ),
    ),
    references=("RFC 8122", "RFC 5763, section 5"),
    known_problems=Text(
        "With DTLS 1.3 certificates are encrypted, and nothing can be said.",
        "Bei DTLS 1.3 sind Zertifikate verschlüsselt; dann ist keine Aussage möglich.",
    ),
    find=find,
)
