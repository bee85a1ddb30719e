"""The walk through the first chart: a person's answers, kept in a file to be resumed, and the combined result."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, get_args

from postproc.files.private import replace_file
from postproc.model.errors import SetupError
from postproc.model.findings import State
from postproc.model.text import Lang, Text, clean
from postproc.model.vocabulary import STATES
from postproc.model.wayin import (
    CONNECTION_TEST_NAMES,
    CONNECTION_TESTS,
    FIRST_CHART,
    ChartStep,
    ConnectionTest,
    StepId,
)
from postproc.show.checklist import KEYS, escaped
from postproc.wayin.evidence import Answer, Answers, read_json

FORMAT = 1
BY_PERSON: tuple[State, ...] = ("passed", "failed", "cannot_tell")
TITLE = Text("The way in: the first chart", "Der Weg hinein: das erste Ablaufdiagramm")
TESTS_FAIL = Text(
    "Of the app's connection test fails: {tests}", "Vom Verbindungstest der App scheitert: {tests}"
)
SAID_BY_PERSON = Text("answered by hand", "von Hand beantwortet")
IOS_ONLY = Text("devices on iOS, none on Android", "Geräte unter iOS, keine unter Android")
WORKS_INSIDE = Text(
    "works in the company's Wi-Fi, not from the internet: the firewall or the network between",
    "geht im WLAN der Firma, nicht aus dem Internet: die Firewall oder das Netz dazwischen",
)
FAILS_INSIDE = Text(
    "fails in the company's Wi-Fi, too: the server or its configuration",
    "scheitert auch im WLAN der Firma: der Server oder seine Konfiguration",
)
NOTES = {"ios_only": IOS_ONLY, "works_inside": WORKS_INSIDE, "fails_inside": FAILS_INSIDE}
# Where it helps to know whether it works inside (the guide, chapter 5).
INSIDE_ASKED: tuple[StepId, ...] = (
    "server_urls",
    "test_url",
    "test_health",
    "test_authentication",
    "test_hub",
)

# What the guide says to do where a step fails, chapters 2, 3.1 and 5.
ADVICE: Mapping[StepId, tuple[Text, ...]] = {
    "web_application": (
        Text(
            "Install the mobile web application in IIS and start its site and application pool.",
            "Die mobile Webanwendung im IIS installieren, Site und Anwendungspool starten.",
        ),
        Text(
            "With IIS in the DMZ: in web.config the WCF endpoint names the XPhone Server, and port 2230 to it is open.",
            "Mit IIS in der DMZ: In web.config nennt der WCF-Endpunkt den XPhone Server, und Port 2230 zu ihm ist offen.",
        ),
    ),
    "certificate": (
        Text(
            "With a reverse proxy the certificate belongs on the proxy, without one on the IIS.",
            "Mit Reverse Proxy gehört das Zertifikat auf den Proxy, ohne auf den IIS.",
        ),
        Text(
            "It has to name the host (* covers one label only) and be sent with its intermediates; `postproc probe https://...` says what is wrong.",
            "Es muss den Host nennen (* deckt nur eine Stufe ab) und mit seinen Zwischenzertifikaten gesendet werden; `postproc probe https://...` sagt, was falsch ist.",
        ),
    ),
    "server_urls": (
        Text(
            "Enter both URLs in the XPhone Server's settings: mobile web application and web API (/xphoneconnect/webclientapi).",
            "Beide URLs in den Einstellungen des XPhone Servers eintragen: mobile Webanwendung und Web-API (/xphoneconnect/webclientapi).",
        ),
        Text(
            "Lead TCP 443 from outside to the reverse proxy or IIS.",
            "TCP 443 von außen zum Reverse Proxy oder IIS führen.",
        ),
    ),
    "site": (
        Text(
            "Enable the site, and publish the guide's paths in the reverse proxy in each spelling.",
            "Den Standort freischalten und die Pfade der Anleitung im Reverse Proxy in jeder Schreibweise veröffentlichen.",
        ),
    ),
    "test_url": (
        Text(
            "Enter the web API's URL in the XPhone Server, sign out of the app and in again.",
            "Die URL der Web-API im XPhone Server eintragen, in der App ab- und wieder anmelden.",
        ),
    ),
    "test_health": (
        Text(
            "Open the web API's URL in a browser of the phone; look at certificate, chain and published paths.",
            "Die URL der Web-API im Browser des Smartphones öffnen; Zertifikat, Kette und veröffentlichte Pfade ansehen.",
        ),
    ),
    "test_authentication": (
        Text(
            "Check authentication of the site in IIS, and that port 2231 to the XPhone Server is open.",
            "Authentifizierung der Site im IIS prüfen, und ob Port 2231 zum XPhone Server offen ist.",
        ),
        Text(
            "With IIS in the DMZ: in appsettings.json XPhoneServerHost names the XPhone Server; restart the site.",
            "Mit IIS in der DMZ: In appsettings.json nennt XPhoneServerHost den XPhone Server; die Site neu starten.",
        ),
    ),
    "test_hub": (
        Text(
            "Let proxy and firewall pass WebSocket, or set SignalRLongPolling to true in appsettings.json (Netscaler does not know WebSocket).",
            "WebSocket durch Proxy und Firewall lassen oder SignalRLongPolling in appsettings.json auf true setzen (Netscaler kennt WebSocket nicht).",
        ),
    ),
    "test_reinitialise": (
        Text(
            "Sign out of the app and in again; check that the ports 2230 and 2231 are open.",
            "In der App ab- und wieder anmelden; prüfen, ob die Ports 2230 und 2231 offen sind.",
        ),
    ),
    "devices": (
        Text(
            "Missing on Android only: the vendor's article on that. Missing on both: check the basic configuration of user and devices.",
            "Fehlen sie nur unter Android: der Artikel des Herstellers dazu. Fehlen sie unter beiden: die Grundkonfiguration von Benutzer und Geräten prüfen.",
        ),
    ),
    "stun_server": (
        Text(
            "Enter a STUN server and tick it in the SIP gateway (which restarts it); `postproc probe stun:HOST` asks it.",
            "Einen STUN-Server eintragen und im SIP-Gateway anhaken (das startet dabei neu); `postproc probe stun:HOST` fragt ihn.",
        ),
    ),
    "firewall_ports": (
        Text(
            "Open UDP 30000-33000 both ways and lead it to the XCC; `postproc probe udp` tries the ports.",
            "UDP 30000-33000 in beiden Richtungen öffnen und zum XCC führen; `postproc probe udp` probiert die Ports.",
        ),
    ),
    "access_lists": (
        Text(
            "Put the XPhone Server into the whitelist, and no network of clients into the blacklist; `postproc acl check` tries addresses.",
            "Den XPhone Server in die Whitelist aufnehmen und kein Netz von Clients in die Blacklist; `postproc acl check` probiert Adressen.",
        ),
    ),
}


@dataclass
class Personal:
    """A person's answers: states of steps, with notes, and questions of the ticket."""

    steps: dict[StepId, State] = field(default_factory=dict)
    notes: dict[StepId, str] = field(default_factory=dict)
    ticket: dict[str, str] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        document = {"format": FORMAT, "steps": self.steps, "notes": self.notes, "ticket": self.ticket}
        content = json.dumps(document, indent=1, ensure_ascii=False).encode(errors="replace")
        replace_file(path, lambda making: making.write_bytes(content))


def read_personal(path: Path) -> Personal:
    """Read the file; empty if it does not exist, SetupError if it has other content."""
    if not path.exists():
        return Personal()
    document = read_json(path)
    wrong = SetupError(f"{path}: not a state of `postproc checklist`; name another with --state")
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise wrong
    parts = [document.get(name) for name in ("steps", "notes", "ticket")]
    ids = get_args(StepId)
    steps, notes, ticket = (part if isinstance(part, dict) else None for part in parts)
    if steps is None or notes is None or ticket is None:
        raise wrong
    if any(key not in ids or value not in BY_PERSON for key, value in steps.items()):
        raise wrong
    if any(key not in ids or value not in NOTES for key, value in notes.items()):
        raise wrong
    if any(key not in KEYS or not isinstance(value, str) for key, value in ticket.items()):
        raise wrong
    return Personal(steps, notes, ticket)


class Walked(NamedTuple):
    """A step and its answer, which has ``todo`` if the step fails."""

    step: ChartStep
    answer: Answer


def walked(evidence: Answers, personal: Personal, lang: Lang, until: StepId | None = None) -> list[Walked]:
    """Return every step in order, from evidence or else the person; open ones after ``until`` are not_reached."""
    steps, reached = [], True
    for step in FIRST_CHART:
        answer = answered(step.id, evidence, personal, lang)
        if not reached and answer.state == "cannot_tell":
            answer = Answer("not_reached", answer.said)
        steps.append(Walked(step, answer))
        reached = reached and step.id != until
    return steps


def answered(step: StepId, evidence: Answers, personal: Personal, lang: Lang) -> Answer:
    """Return a step's answer; evidence outweighs the person's answer."""
    answer = evidence.get(step, Answer("cannot_tell"))
    if answer.state == "cannot_tell" and step in personal.steps:
        note = personal.notes.get(step)
        texts = (*answer.said, NOTES[note].of(lang) if note else SAID_BY_PERSON.of(lang))
        answer = Answer(personal.steps[step], texts, answer.todo)
    if answer.state == "failed":
        return Answer("failed", answer.said, answer.todo or tuple(each.of(lang) for each in ADVICE[step]))
    return answer


def failing_tests(steps: Iterable[Walked]) -> tuple[ConnectionTest, ...]:
    """Return the parts of the app's connection test that failed steps make fail."""
    failed = {test for each in steps if each.answer.state == "failed" for test in each.step.tests}
    return tuple(test for test in CONNECTION_TESTS if test in failed)


def told_tests(steps: Iterable[Walked], lang: Lang) -> str:
    """Return a sentence on the failing connection tests; "" if none fails."""
    tests = [CONNECTION_TEST_NAMES[test].of(lang) for test in failing_tests(steps)]
    return TESTS_FAIL.of(lang, tests="; ".join(tests)) if tests else ""


def markdown(steps: Iterable[Walked], lang: Lang) -> str:
    """Return the walk as Markdown: a box for each step, and below it evidence and advice."""
    walk = list(steps)
    lines = [f"# {TITLE.of(lang)}", ""]
    for each in walk:
        box = "x" if each.answer.state == "passed" else " "
        state = STATES[each.answer.state].of(lang)
        lines.append(f"- [{box}] {each.step.question.of(lang)} **{state}**")
        lines += [f"    - {escaped(text)}" for text in (*each.answer.said, *each.answer.todo)]
    if tests := told_tests(walk, lang):
        lines += ["", clean(tests)]
    return "\n".join(lines) + "\n"
