"""The client rejects a certificate that it does not trust, or whose fault cannot be read."""

from collections.abc import Iterator, Sequence

from postproc.diagnose.evidence.case import Case
from postproc.diagnose.evidence.web import Refusal, blamed, certificate_finding, how, rightly_elsewhere
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.text import Text

TITLE = Text(
    "{client} does not trust the certificate of {server} for {name} ({times:handshake|handshakes}).",
    "{client} vertraut dem Zertifikat von {server} für {name} nicht ({times:Handshake|Handshakes}).",
)
DISPLEASED = Text(
    "{client} turns away after what {server} sent for {name}; whether the certificate is why cannot be read ({times:handshake|handshakes}).",
    "{client} wendet sich nach dem ab, was {server} für {name} sendete; ob das Zertifikat der Grund ist, ist nicht lesbar ({times:Handshake|Handshakes}).",
)
SELF_SIGNED = Text(
    "It is self-signed ({subject}).",
    "Es ist selbst ausgestellt ({subject}).",
)
NOT_YET = Text(
    "It is valid from {since} only, by the capture's clock after this handshake.",
    "Es gilt erst ab {since}, nach der Uhr des Mitschnitts nach diesem Handshake.",
)
ISSUED = Text(
    "{issuer} issued it.",
    "{issuer} hat es ausgestellt.",
)
OTHER_NAME = Text(
    "It is for {names:5}, too.",
    "Es gilt außerdem für {names:5}.",
)
ELSEWHERE = Text(
    "{other} shows a proper one for this name: it stands on the wrong machine.",
    "{other} zeigt ein richtiges für diesen Namen: Es liegt auf dem falschen System.",
)
HIDDEN = Text(
    "The certificate cannot be read here, as TLS 1.3 encrypts it or the capture cuts packets short: neither expiry nor name nor chain can be judged.",
    "Das Zertifikat ist hier nicht lesbar, weil TLS 1.3 es verschlüsselt oder der Mitschnitt Pakete kürzt: Ablauf, Name und Kette sind nicht zu beurteilen.",
)
SETTLE = Text(
    "ask the server itself: openssl s_client -connect {server} -servername {name} -showcerts",
    "den Server selbst fragen: openssl s_client -connect {server} -servername {name} -showcerts",
)


def find(case: Case) -> Iterator[Finding]:
    for refused in blamed(case, "self_signed", "not_yet", "unknown", "unreadable"):
        yield _finding(case, refused)


def _finding(case: Case, refused: Sequence[Refusal]) -> Finding:
    row, fault, has_alert = refused[0].row, refused[0].fault, any(each.said for each in refused)
    other = rightly_elsewhere(case, row) if row.subject else None
    details = {"self_signed": SELF_SIGNED, "not_yet": NOT_YET, "unknown": ISSUED, "unreadable": HIDDEN}[fault]
    wrong = row.fits_name is False
    guessed = fault == "unreadable" and not has_alert
    return certificate_finding(
        RULE.name,
        refused,
        DISPLEASED if guessed else TITLE,
        [details, *([OTHER_NAME] if wrong else []), *([ELSEWHERE] if other else []), how(refused)],
        SETTLE,
        facts={"other": other.server_addr if other else ""},
        tags=[fault, *(["elsewhere"] if other else [])],
    )


RULE = Rule(
    code="WEB007",
    name="certificate-not-trusted",
    stage="way_in",
    beside_calls=True,
    summary=Text("Certificate not trusted", "Zertifikat nicht vertraut"),
    claim=Text(
        "The client turns away from the web server's certificate: by an alert, or by going away after it.",
        "Der Client wendet sich vom Zertifikat des Webservers ab: mit einem Alert, oder indem er danach weggeht.",
    ),
    causes=(
        cause(
            "A self-issued certificate stands where clients arrive: enough between proxy and web server only.",
            "Ein selbst ausgestelltes Zertifikat liegt dort, wo Clients ankommen: Es genügt nur zwischen Proxy und Webserver.",
            tag="self_signed",
        ),
        cause(
            "The clock of client, server or authority was wrong, or the certificate was put in place too early.",
            "Die Uhr von Client, Server oder Zertifizierungsstelle ging falsch, oder das Zertifikat wurde zu früh eingesetzt.",
            tag="not_yet",
        ),
        cause(
            "It comes from the company's own authority, which the device does not know.",
            "Es stammt von einer firmeneigenen Zertifizierungsstelle, die das Gerät nicht kennt.",
            tag="unknown",
        ),
        cause(
            "Intermediate certificates are missing.",
            "Zwischenzertifikate fehlen.",
            tag="unknown",
        ),
        cause(
            "Expired, for another name, without its chain or of an unknown authority: one alert stands for all.",
            "Abgelaufen, für einen anderen Namen, ohne Kette oder von unbekannter Stelle: Ein Alert steht für alles.",
            tag="unreadable",
        ),
        cause(
            "The proper certificate is on another machine than the one where clients arrive.",
            "Das richtige Zertifikat liegt auf einem anderen System als dem, an dem Clients ankommen.",
            tag="elsewhere",
        ),
        cause(
            "A firewall or virus scanner opens TLS and shows a certificate of its own.",
            "Eine Firewall oder ein Virenscanner öffnet TLS und zeigt ein eigenes Zertifikat.",
        ),
    ),
    remedies=(
        remedy(
            "Bind a certificate of a public authority with its whole chain where clients arrive: on the reverse proxy, without one on the web server.",
            "Ein Zertifikat einer öffentlichen Zertifizierungsstelle mit vollständiger Kette dort binden, wo Clients ankommen: auf dem Reverse Proxy, ohne ihn auf dem Webserver.",
        ),
        remedy(
            "Move the certificate from {other} there.",
            "Das Zertifikat von {other} dorthin bringen.",
            tag="elsewhere",
        ),
        remedy(
            "Record the TLS keys (SSLKEYLOGFILE) and give them with --keylog, or ask the server with openssl.",
            "Die TLS-Schlüssel aufzeichnen (SSLKEYLOGFILE) und mit --keylog angeben, oder den Server mit openssl befragen.",
            tag="unreadable",
        ),
    ),
    references=("RFC 8446, section 6.2", "RFC 5280, section 6"),
    known_problems=Text(
        "Clients that test a server's certificate and go away look like ones that mind it.",
        "Clients, die nur das Zertifikat eines Servers prüfen und gehen, sehen aus wie solche, die sich daran stören.",
    ),
    find=find,
)
