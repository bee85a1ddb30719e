"""The client rejects an expired certificate."""

from collections.abc import Iterator

from postproc.diagnose.evidence.case import Case
from postproc.diagnose.evidence.web import blamed, certificate_finding, how
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.text import Text

TITLE = Text(
    "The certificate of {server} for {name} has expired: {client} does not accept it.",
    "Das Zertifikat von {server} für {name} ist abgelaufen: {client} akzeptiert es nicht.",
)
UNTIL = Text(
    "It was valid until {until}, by the capture's clock before this handshake.",
    "Es war gültig bis {until}, nach der Uhr des Mitschnitts vor diesem Handshake.",
)
NOT_READ = Text(
    "The certificate itself cannot be read here.",
    "Das Zertifikat selbst ist hier nicht lesbar.",
)
SETTLE = Text(
    "ask the server itself: openssl s_client -connect {server} -servername {name} | openssl x509 -noout -dates",
    "den Server selbst fragen: openssl s_client -connect {server} -servername {name} | openssl x509 -noout -dates",
)


def find(case: Case) -> Iterator[Finding]:
    for refused in blamed(case, "expired"):
        detail = [UNTIL if refused[0].row.not_after else NOT_READ, how(refused)]
        yield certificate_finding(RULE.name, refused, TITLE, detail, SETTLE)


RULE = Rule(
    code="WEB004",
    name="certificate-expired",
    stage="way_in",
    beside_calls=True,
    summary=Text("Certificate expired", "Zertifikat abgelaufen"),
    claim=Text(
        "The web server shows a certificate whose validity ended before the handshake, and the client turns away.",
        "Der Webserver zeigt ein Zertifikat, dessen Gültigkeit vor dem Handshake endete, und der Client wendet sich ab.",
    ),
    causes=(
        cause("It was not renewed.", "Es wurde nicht erneuert."),
        cause(
            "It was renewed on another machine: what clients see is the reverse proxy's, where there is one.",
            "Es wurde auf einem anderen System erneuert: Clients sehen das des Reverse Proxys, wo es einen gibt.",
        ),
        cause(
            "The client's clock is wrong.",
            "Die Uhr des Clients geht falsch.",
        ),
    ),
    remedies=(
        remedy(
            "Renew the certificate and bind it on {server}.",
            "Das Zertifikat erneuern und auf {server} binden.",
        ),
    ),
    references=("RFC 5280, section 4.1.2.5", "RFC 8446, section 6.2"),
    known_problems=Text(
        "Validity is judged by the capture's clock.",
        "Die Gültigkeit wird nach der Uhr des Mitschnitts beurteilt.",
    ),
    find=find,
)
