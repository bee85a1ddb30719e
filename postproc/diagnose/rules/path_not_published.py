"""Requests to a path of the application always get 404 or 403."""

from collections.abc import Iterator, Sequence

from postproc.diagnose.evidence.case import Case
from postproc.diagnose.evidence.web import APPLICATION, finding, grouped, hosts
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import HttpRow
from postproc.model.text import Text

TITLE = Text(
    "{server} does not publish {area}: {times:request|requests} answered with {status}.",
    "{server} veröffentlicht {area} nicht: {times:Anfrage|Anfragen} mit {status} beantwortet.",
)
BY = Text(
    "The answer is of {software}.",
    "Die Antwort stammt von {software}.",
)
SPELT = Text(
    "In another spelling it is answered ({other}): upper and lower case matter.",
    "In anderer Schreibweise wird geantwortet ({other}): Groß- und Kleinschreibung zählt.",
)
SETTLE = Text(
    "ask the web server behind the proxy for the same path: if it answers there, the proxy is the cause.",
    "den Webserver hinter dem Proxy nach demselben Pfad fragen: Antwortet er dort, liegt es am Proxy.",
)
NOT_FOUND, FORBIDDEN = 404, 403
# The paths to publish according to the guide; other paths are internal to the application.
AREAS = frozenset({"mobile", "webclientapi", "doc", "webmeeting"})


def area(path: str) -> str | None:
    """Return the published path that contains this one, in the spelling of the request; or None."""
    at = path.lower().find(APPLICATION)
    if at < 0:
        return None
    end = at + len(APPLICATION)
    name = path[end:].partition("/")[0]
    return path[:end] + name if name.lower() in AREAS else None


def find(case: Case) -> Iterator[Finding]:
    answered = [
        row for row in case.http if row.status is not None and area(row.url_path) and row.upgrade is None
    ]
    by_area = grouped(answered, lambda row: (hosts(row), row.host, area(row.url_path)))
    for (asked, host, spelt), rows in by_area.items():
        if all(row.status in (NOT_FOUND, FORBIDDEN) for row in rows):
            other = next(
                (
                    name
                    for (known, its_host, name), held in by_area.items()
                    if (known, its_host, name.lower()) == (asked, host, spelt.lower())
                    and any((row.status or 0) < 400 for row in held)
                ),
                None,
            )
            yield _finding(spelt, rows, other)


def _finding(spelt: str, rows: Sequence[HttpRow], other: str | None) -> Finding:
    row = rows[0]
    statuses = sorted({each.status for each in rows if each.status})
    api = spelt.lower().endswith("webclientapi")
    return finding(
        RULE.name,
        "fault",
        0.9,
        rows,
        TITLE,
        [*([BY] if row.software else []), *([SPELT] if other else [])],
        {
            "server": row.host or hosts(row).place,
            "area": spelt,
            "times": len(rows),
            "status": ", ".join(map(str, statuses)),
            "software": row.software or "",
            "other": other or "",
        },
        tests=("health", "authentication", "hub") if api else (),
        settle=SETTLE,
        tags=["forbidden" if FORBIDDEN in statuses else "missing"],
        more=[each.response_frame for each in rows],
    )


RULE = Rule(
    code="WEB008",
    name="path-not-published",
    stage="way_in",
    beside_calls=True,
    summary=Text("Path of the application not published", "Pfad der Anwendung nicht veröffentlicht"),
    claim=Text(
        "A path that the app needs is always answered 404 or 403.",
        "Ein Pfad, den die App braucht, wird immer mit 404 oder 403 beantwortet.",
    ),
    causes=(
        cause(
            "The reverse proxy does not pass the path on, or only in one spelling (upper and lower case matter).",
            "Der Reverse Proxy leitet den Pfad nicht weiter oder nur in einer Schreibweise (Groß- und Kleinschreibung zählt).",
        ),
        cause(
            "The application is not installed on the web server that answers.",
            "Die Anwendung ist auf dem antwortenden Webserver nicht installiert.",
            tag="missing",
        ),
        cause(
            "Access to the path is restricted in proxy or web server.",
            "Der Zugriff auf den Pfad ist im Proxy oder Webserver eingeschränkt.",
            tag="forbidden",
        ),
    ),
    remedies=(
        remedy(
            "Publish {area} in the reverse proxy, in both spellings, besides …/mobile, …/Mobile, …/webclientapi, …/doc; …/WebMeeting only for web meetings.",
            "{area} im Reverse Proxy veröffentlichen, in beiden Schreibweisen, neben …/mobile, …/Mobile, …/webclientapi, …/doc; …/WebMeeting nur für Web-Meetings.",
        ),
    ),
    references=("RFC 9110, section 15.5.5", "RFC 3986, section 6.2.2.1"),
    known_problems=Text(
        "What other files below a path answer does not count while one below it is found.",
        "Was andere Dateien unter einem Pfad antworten, zählt nicht, solange eine darunter gefunden wird.",
    ),
    find=find,
)
