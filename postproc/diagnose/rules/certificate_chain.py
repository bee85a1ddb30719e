"""The client aborts because the server does not send the intermediate certificates."""

from collections.abc import Iterator

from postproc.diagnose.evidence.case import Case
from postproc.diagnose.evidence.web import blamed, certificate_finding, how
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.text import Text

TITLE = Text(
    "The certificate chain of {server} for {name} is incomplete: {client} cannot get from it to an authority it trusts.",
    "Die Zertifikatskette von {server} für {name} ist unvollständig: {client} kommt von ihr nicht zu einer Stelle, der er vertraut.",
)
SENT = Text(
    "The server sends {sent:certificate|certificates}; the certificate of {issuer}, which issued it, is missing.",
    "Der Server sendet {sent:Zertifikat|Zertifikate}; das Zertifikat von {issuer}, das es ausgestellt hat, fehlt.",
)
OTHERS = Text(
    "Another client accepts it: desktop browsers know or fetch what is missing, phones do not.",
    "Ein anderer Client akzeptiert es: Desktop-Browser kennen oder laden, was fehlt, Telefone nicht.",
)
SETTLE = Text(
    "openssl s_client -connect {server} -servername {name} -showcerts lists what the server sends.",
    "openssl s_client -connect {server} -servername {name} -showcerts listet auf, was der Server sendet.",
)


def find(case: Case) -> Iterator[Finding]:
    for refused in blamed(case, "chain"):
        row = refused[0].row
        works = any(
            each.requested
            and (each.capture, each.subject, each.not_after) == (row.capture, row.subject, row.not_after)
            for each in case.tls
        )
        yield certificate_finding(
            RULE.name,
            refused,
            TITLE,
            [SENT, *([OTHERS] if works else []), how(refused)],
            SETTLE,
            confidence=0.85,
            facts={"sent": row.certificates},
        )


RULE = Rule(
    code="WEB006",
    name="certificate-chain",
    stage="way_in",
    beside_calls=True,
    summary=Text("Certificate chain incomplete", "Zertifikatskette unvollständig"),
    claim=Text(
        "The web server sends its certificate without the intermediate ones, and the client turns away.",
        "Der Webserver sendet sein Zertifikat ohne die Zwischenzertifikate, und der Client wendet sich ab.",
    ),
    causes=(
        cause(
            "The intermediate certificates are not installed on the web server or proxy, or not in the file it sends.",
            "Die Zwischenzertifikate sind auf dem Webserver oder Proxy nicht installiert oder nicht in der Datei, die er sendet.",
        ),
        cause(
            "They are sent in the wrong order, or belong to another authority.",
            "Sie werden in falscher Reihenfolge gesendet oder gehören zu einer anderen Zertifizierungsstelle.",
        ),
    ),
    remedies=(
        remedy(
            "Install the authority's intermediate certificates on {server} and bind the certificate anew; test from a phone.",
            "Die Zwischenzertifikate der Zertifizierungsstelle auf {server} installieren und das Zertifikat neu binden; mit einem Telefon prüfen.",
        ),
    ),
    references=("RFC 8446, section 4.4.2", "RFC 5280, section 4.2.2.1"),
    known_problems=Text(
        "A certificate alone may come from a private root, too: it counts as cut where it names its issuer's address or another client accepts it.",
        "Ein Zertifikat allein kann auch von einer privaten Wurzel stammen: Als Lücke gilt es, wo es die Adresse des Ausstellers nennt oder ein anderer Client es akzeptiert.",
    ),
    find=find,
)
