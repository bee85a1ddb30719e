"""The client rejects a certificate for other names."""

from collections.abc import Iterator

from postproc.diagnose.evidence.case import Case
from postproc.diagnose.evidence.web import blamed, certificate_finding, how, rightly_elsewhere
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.text import Text

TITLE = Text(
    "The certificate of {server} is not for {name}: {client} does not accept it.",
    "Das Zertifikat von {server} gilt nicht für {name}: {client} akzeptiert es nicht.",
)
NAMES = Text(
    "It is for {names:5}.",
    "Es gilt für {names:5}.",
)
TOO_DEEP = Text(
    "A star stands for one label only: names below a sub-domain are not covered; phones fail first, desktop browsers later.",
    "Ein Stern steht für genau eine Ebene: Namen unterhalb einer Subdomain sind nicht abgedeckt; Telefone scheitern zuerst, Desktop-Browser später.",
)
ELSEWHERE = Text(
    "{other} shows one that is for this name: it stands on the wrong machine.",
    "{other} zeigt eines, das für diesen Namen gilt: Es liegt auf dem falschen System.",
)
SETTLE = Text(
    "ask the server itself: openssl s_client -connect {server} -servername {name} | openssl x509 -noout -ext subjectAltName",
    "den Server selbst fragen: openssl s_client -connect {server} -servername {name} | openssl x509 -noout -ext subjectAltName",
)


def find(case: Case) -> Iterator[Finding]:
    for refused in blamed(case, "name"):
        row = refused[0].row
        name, names = (row.server_name or "").lower(), (row.names or "").lower().split(",")
        deep = any(each.startswith("*.") and name.endswith(each[1:]) for each in names)
        other = rightly_elsewhere(case, row)
        yield certificate_finding(
            RULE.name,
            refused,
            TITLE,
            [NAMES, *([TOO_DEEP] if deep else []), *([ELSEWHERE] if other else []), how(refused)],
            SETTLE,
            facts={"other": other.server_addr if other else ""},
            tags=[*(["deep"] if deep else []), *(["elsewhere"] if other else [])],
        )


RULE = Rule(
    code="WEB005",
    name="certificate-name",
    stage="way_in",
    beside_calls=True,
    summary=Text("Certificate for another name", "Zertifikat für anderen Namen"),
    claim=Text(
        "The web server shows a certificate that does not cover the name asked for (SNI), and the client turns away.",
        "Der Webserver zeigt ein Zertifikat, das den angefragten Namen (SNI) nicht abdeckt, und der Client wendet sich ab.",
    ),
    causes=(
        cause(
            "A wildcard certificate is used for a name two labels below (a.b.example.com under *.example.com).",
            "Ein Wildcard-Zertifikat wird für einen Namen zwei Ebenen darunter verwendet (a.b.example.com unter *.example.com).",
            tag="deep",
        ),
        cause(
            "The certificate for the name is on another machine: with a reverse proxy it belongs on the proxy, without one on the web server.",
            "Das Zertifikat für den Namen liegt auf einem anderen System: Mit Reverse Proxy gehört es auf den Proxy, ohne ihn auf den Webserver.",
        ),
        cause(
            "The web server has no binding for this name and shows its standard certificate.",
            "Der Webserver hat keine Bindung für diesen Namen und zeigt sein Standardzertifikat.",
        ),
    ),
    remedies=(
        remedy(
            "Bind a certificate on {server} whose subjectAltName has {name}.",
            "Auf {server} ein Zertifikat binden, dessen subjectAltName {name} enthält.",
        ),
        remedy(
            "Or use a name of one label below the domain of the wildcard.",
            "Oder einen Namen genau eine Ebene unter der Domain des Wildcards verwenden.",
            tag="deep",
        ),
        remedy(
            "Move the certificate from {other} to where clients arrive.",
            "Das Zertifikat von {other} dorthin bringen, wo Clients ankommen.",
            tag="elsewhere",
        ),
    ),
    references=("RFC 6125, section 6.4", "RFC 9110, section 4.3.4"),
    known_problems=Text(
        "A client that asks for no name is not judged by it.",
        "Ein Client, der keinen Namen anfragt, wird nicht danach beurteilt.",
    ),
    find=find,
)
