"""The sign-in is refused: repeated 401 without a later success."""

from collections.abc import Iterator, Sequence

from postproc.diagnose.evidence.case import Case
from postproc.diagnose.evidence.web import finding, grouped, hosts, of_application
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import HttpRow
from postproc.model.text import Text

TITLE = Text(
    "{server} refuses the sign-in of {client}: {path} answered with 401 {times:time|times}.",
    "{server} verweigert {client} die Anmeldung: {path} {times}-mal mit 401 beantwortet.",
)
SCHEME = Text(
    "Credentials were sent ({scheme}).",
    "Zugangsdaten wurden gesendet ({scheme}).",
)
TOKEN = Text(
    "Signing in itself succeeded ({signed_in}): what is refused is the token that it gave.",
    "Die Anmeldung selbst gelang ({signed_in}): Verweigert wird das Token, das sie lieferte.",
)
SETTLE = Text(
    "the application's log at level Debug says why it refuses.",
    "Das Log der Anwendung auf Stufe Debug sagt, warum sie verweigert.",
)
UNAUTHORIZED = 401
# An expired token, or a password mistyped twice, gives two 401s and then success.
FEWEST = 3
# Schemes in which 401 to a request without credentials is the start, not a refusal (RFC 7235, RFC 4559).
ASKED_FOR = frozenset({"ntlm", "negotiate", "basic", "digest"})


def find(case: Case) -> Iterator[Finding]:
    answered = [row for row in case.http if row.status is not None and of_application(row)]
    for (asked_hosts, _, _), rows in grouped(
        answered, lambda row: (hosts(row), row.host, row.url_path)
    ).items():
        last = max((row.time for row in rows if row.status is not None and row.status < 400), default=None)
        refused = [row for row in rows if _refuses(row) and (last is None or row.time > last)]
        if len(refused) >= FEWEST:
            signed_in = [
                row
                for row in answered
                if hosts(row) == asked_hosts
                and row.method == "POST"
                and row.status == 200
                and "auth" in row.url_path.lower()
            ]
            yield _finding(refused, signed_in)


def _refuses(row: HttpRow) -> bool:
    """Whether a 401 is not a step of a handshake."""
    if row.status != UNAUTHORIZED or row.challenge_goes_on:
        return False
    offered = set((row.challenge or "").lower().split(","))
    return row.authorization is not None or not offered & ASKED_FOR


def _finding(refused: Sequence[HttpRow], signed_in: Sequence[HttpRow]) -> Finding:
    row = refused[0]
    scheme = next((each.authorization for each in refused if each.authorization), None)
    token = bool(signed_in) and scheme is not None
    return finding(
        RULE.name,
        "fault",
        0.9,
        refused,
        TITLE,
        [*([SCHEME] if scheme else []), *([TOKEN] if token else [])],
        {
            "client": row.client_addr,
            "server": row.host or hosts(row).place,
            "path": row.url_path,
            "times": len(refused),
            "scheme": scheme or "",
            "signed_in": signed_in[0].url_path if signed_in else "",
        },
        tests=("hub",) if row.signalr else ("authentication",),
        settle=SETTLE,
        tags=["token" if token else "password"],
        more=[each.response_frame for each in refused],
    )


RULE = Rule(
    code="WEB010",
    name="sign-in-refused",
    stage="way_in",
    beside_calls=True,
    summary=Text("Sign-in refused", "Anmeldung verweigert"),
    claim=Text(
        "A path of the application answers 401 at least three times to requests that should be accepted, and does not accept one afterwards.",
        "Ein Pfad der Anwendung antwortet mindestens dreimal mit 401 auf Anfragen, die angenommen werden sollten, und nimmt danach keine an.",
    ),
    causes=(
        cause(
            "User name or password is wrong, or the account is locked or not enabled for the app.",
            "Benutzername oder Kennwort ist falsch, oder das Konto ist gesperrt oder nicht für die App freigeschaltet.",
            tag="password",
        ),
        cause(
            "The authentication set in the web server does not fit the application (Windows and anonymous authentication).",
            "Die im Webserver eingestellte Authentifizierung passt nicht zur Anwendung (Windows- und anonyme Authentifizierung).",
            tag="password",
        ),
        cause(
            "Secret differs between two installations of the Web API, or a clock is wrong, so that tokens count as invalid.",
            "Secret ist in zwei Installationen der Web-API verschieden, oder eine Uhr geht falsch, sodass Token als ungültig gelten.",
            tag="token",
        ),
        cause(
            "The proxy does not pass the header Authorization on.",
            "Der Proxy reicht den Header Authorization nicht weiter.",
            tag="token",
        ),
    ),
    remedies=(
        remedy(
            "Sign in with the same account in a browser; check its rights, and the authentication methods of the site.",
            "Mit demselben Konto im Browser anmelden; Rechte des Kontos und Authentifizierungsmethoden der Website prüfen.",
            tag="password",
        ),
        remedy(
            "Compare Secret and the token lifetimes in appsettings.json of all installations (JwtTokenLifetimeInMinutes at least 6), and the clocks.",
            "Secret und Token-Laufzeiten in appsettings.json aller Installationen vergleichen (JwtTokenLifetimeInMinutes mindestens 6), dazu die Uhren.",
            tag="token",
        ),
    ),
    references=("RFC 9110, section 15.5.2", "RFC 6750, section 3", "RFC 4559, section 4"),
    known_problems=Text(
        "Which password was sent is not read.",
        "Welches Kennwort gesendet wurde, wird nicht gelesen.",
    ),
    find=find,
)
