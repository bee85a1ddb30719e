"""The guide's first flow chart: can the app reach its servers, and is everything configured for calls?

The steps are in order of dependency. A step fails if one of the findings it names is present; if nothing
answers it, the user is asked. The app's own connection test has five parts, each dependent on the one
before: a step names the parts that fail with it.
"""

from collections.abc import Iterable
from typing import Literal, NamedTuple, get_args

from postproc.model.text import Lang, Text

ConnectionTest = Literal["url", "health", "authentication", "hub", "reinitialise"]
CONNECTION_TESTS: tuple[ConnectionTest, ...] = get_args(ConnectionTest)  # in order
CONNECTION_TEST_NAMES: dict[ConnectionTest, Text] = {
    "url": Text("1, URL of the Web API", "1, URL der Web-API"),
    "health": Text("2, health of the Web API", "2, Zustand der Web-API"),
    "authentication": Text("3, authentication", "3, Authentifizierung"),
    "hub": Text("4, SignalR hub", "4, SignalR-Hub"),
    "reinitialise": Text("5, re-initialise softphone", "5, Softphone neu initialisieren"),
}


def tests(failing: Iterable[ConnectionTest], lang: Lang) -> str:
    """Return the names of failing parts of the connection test."""
    return "; ".join(CONNECTION_TEST_NAMES[each].of(lang) for each in failing)


StepId = Literal[
    "web_application",
    "certificate",
    "server_urls",
    "site",
    "test_url",
    "test_health",
    "test_authentication",
    "test_hub",
    "test_reinitialise",
    "devices",
    "stun_server",
    "firewall_ports",
    "access_lists",
]


class ChartStep(NamedTuple):
    """A step of the chart.

    ``findings``: the rules whose findings make it fail; ``tests``: the parts of the connection test that
    fail with it.
    """

    id: StepId
    question: Text
    findings: tuple[str, ...] = ()
    tests: tuple[ConnectionTest, ...] = ()


CERTIFICATE_RULES = (
    "certificate-expired",
    "certificate-name",
    "certificate-chain",
    "certificate-not-trusted",
)

FIRST_CHART: tuple[ChartStep, ...] = (
    ChartStep(
        "web_application",
        Text(
            "Is the mobile web application installed and does it answer?",
            "Ist die mobile Webanwendung installiert und antwortet sie?",
        ),
        ("backend-unavailable",),
        ("url", "health"),
    ),
    ChartStep(
        "certificate",
        Text(
            "Does the client accept the certificate: public authority, whole chain, right name, in date?",
            "Akzeptiert der Client das Zertifikat: öffentliche Zertifizierungsstelle, vollständige Kette, "
            "richtiger Name, gültiger Zeitraum?",
        ),
        ("tls-version", *CERTIFICATE_RULES),
        ("health",),
    ),
    ChartStep(
        "server_urls",
        Text(
            "Are the two URLs entered in the XPhone Server, and can they be reached from outside?",
            "Sind die beiden URLs im XPhone Server eingetragen und von außen erreichbar?",
        ),
        ("port-closed", "port-filtered"),
        ("url",),
    ),
    ChartStep(
        "site",
        Text(
            "Is the site enabled, and are all paths published in the reverse proxy (upper and lower case)?",
            "Ist der Standort freigeschaltet und sind alle Pfade im Reverse Proxy veröffentlicht "
            "(Groß- und Kleinschreibung)?",
        ),
        ("path-not-published",),
        ("url", "health"),
    ),
    ChartStep(
        "test_url",
        Text(
            "Connection test 1: does the app know the URL of the Web API?",
            "Verbindungstest 1: Kennt die App die URL der Web-API?",
        ),
        ("port-closed", "port-filtered", "path-not-published"),
        ("url",),
    ),
    ChartStep(
        "test_health",
        Text(
            "Connection test 2: does the Web API answer?",
            "Verbindungstest 2: Antwortet die Web-API?",
        ),
        ("tls-version", *CERTIFICATE_RULES, "path-not-published", "backend-unavailable"),
        ("health",),
    ),
    ChartStep(
        "test_authentication",
        Text(
            "Connection test 3: does the sign-in succeed?",
            "Verbindungstest 3: Gelingt die Anmeldung?",
        ),
        ("sign-in-refused", "backend-unavailable"),
        ("authentication",),
    ),
    ChartStep(
        "test_hub",
        Text(
            "Connection test 4: does the event channel (SignalR) stand?",
            "Verbindungstest 4: Steht der Ereigniskanal (SignalR)?",
        ),
        ("websocket-blocked", "event-channel-missing"),
        ("hub",),
    ),
    ChartStep(
        "test_reinitialise",
        Text(
            "Connection test 5: can the softphone be re-initialised?",
            "Verbindungstest 5: Lässt sich das Softphone neu initialisieren?",
        ),
        ("port-closed", "port-filtered"),
        ("reinitialise",),
    ),
    ChartStep(
        "devices",
        Text(
            "Does the app show the devices, on iOS and on Android?",
            "Zeigt die App die Geräte an, unter iOS und unter Android?",
        ),
    ),
    ChartStep(
        "stun_server",
        Text(
            "Is a STUN server configured and ticked in the SIP gateway, and does it answer?",
            "Ist ein STUN-Server eingetragen und im SIP-Gateway angehakt, und antwortet er?",
        ),
        ("stun-server-unreachable",),
    ),
    ChartStep(
        "firewall_ports",
        Text(
            "Do the media ports (UDP) pass the firewall both ways?",
            "Passieren die Medienports (UDP) die Firewall in beiden Richtungen?",
        ),
        ("no-binding-success", "bindings-one-way", "media-port-out-of-range"),
    ),
    ChartStep(
        "access_lists",
        Text(
            "Do the access lists admit signalling peers and candidates?",
            "Lassen die Zugriffslisten Signalisierungspartner und Kandidaten zu?",
        ),
        ("invite-rejected-by-acl", "candidates-rejected-by-acl"),
    ),
)
