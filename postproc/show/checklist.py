"""Checklist for the vendor's support: questions, answered from the run and by the user.

The questions are those of the guide's chapter "Ticketerstellung". Open questions are marked, so that they are
noticed before the ticket is sent.
"""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, NamedTuple

import pandas as pd

from postproc.model.tables import Tables
from postproc.model.text import Lang, Text
from postproc.show.terminal import clean

OPEN = Text("TO BE FILLED IN", "BITTE AUSFÜLLEN")
TITLE = Text("Support ticket: checklist", "Support-Ticket: Checkliste")
# Characters that CommonMark, GitHub's autolinks and MathJax treat as markup.
MARKUP = re.compile(r"([\\`*_\[\]<>|#!&~$@]|:(?=//)|(?<=www)\.)", re.IGNORECASE)
SHOWN = 20  # calls, versions and numbers listed; a choice: about one page, the ticket's tables have all


class Question(NamedTuple):
    """One question, under the heading of its group."""

    key: str
    group: Text
    text: Text


FAULT = Text("The fault", "Der Fehler")
SYSTEM = Text("The system", "Das System")
SCENARIO = Text("The test call", "Der Testanruf")
FILES = Text("Files", "Dateien")
QUESTIONS = (
    Question("customer_id", FAULT, Text("Customer id (XID)", "Kundennummer (XID)")),
    Question("symptom", FAULT, Text("How does the fault show?", "Wie zeigt sich der Fehler?")),
    Question(
        "since",
        FAULT,
        Text("Since when? What was changed then?", "Seit wann? Was wurde zu dieser Zeit geändert?"),
    ),
    Question("affected", FAULT, Text("All users, or which?", "Sind alle Benutzer betroffen, oder welche?")),
    Question(
        "direction",
        FAULT,
        Text("External calls, internal ones, or both?", "Externe Anrufe, interne oder beide?"),
    ),
    Question("desktop", FAULT, Text("Does Softphone Desktop work?", "Funktioniert Softphone Desktop?")),
    Question("versions", SYSTEM, Text("Versions seen in the trace", "Versionen laut Mitschnitt")),
    Question(
        "satellite",
        SYSTEM,
        Text(
            "Is XCC a satellite (on another machine than XPhone Server)?",
            "Ist der XCC ein Satellit (auf einem anderen Rechner als der XPhone Server)?",
        ),
    ),
    Question("sketch", SYSTEM, Text("Sketch of the network", "Skizze des Netzwerks")),
    Question("steps", SCENARIO, Text("Description, step by step", "Beschreibung, Schritt für Schritt")),
    Question("devices", SCENARIO, Text("Devices and apps", "Geräte und Apps")),
    Question("numbers", SCENARIO, Text("Numbers that took part", "Beteiligte Rufnummern")),
    Question("time", SCENARIO, Text("Time of the test", "Zeitpunkt des Tests")),
    Question("calls", SCENARIO, Text("Calls in the trace", "Anrufe im Mitschnitt")),
    Question(
        "trace",
        FILES,
        Text(
            "Unfiltered trace of loopback and Ethernet", "Ungefilterter Mitschnitt von Loopback und Ethernet"
        ),
    ),
    Question("xcc_logs", FILES, Text("XCC logs (XCC_FS_*.log)", "XCC-Logs (XCC_FS_*.log)")),
    Question("trunk_logs", FILES, Text("SIP trunk logs", "SIP-Trunk-Logs")),
    Question(
        "gateway_logs",
        FILES,
        Text(
            "PSTN gateway logs, if an office device takes part",
            "Logs des PSTN-Gateways, falls ein Bürogerät beteiligt ist",
        ),
    ),
    Question("app_logs", FILES, Text("Logs of the mobile app", "Logs der mobilen App")),
)
KEYS = tuple(question.key for question in QUESTIONS)
ASKED = (
    *KEYS[: KEYS.index("desktop") + 1],
    "satellite",
    "sketch",
    "steps",
    "devices",
)  # no capture answers these
NO = Text(
    "no: signalling stays on one machine ({where})",
    "nein: Die Signalisierung bleibt auf einem Rechner ({where})",
)
YES = Text("probably: signalled from {a} to {b}", "vermutlich ja: signalisiert von {a} nach {b}")
LOOPBACK = Text("with loopback", "mit Loopback")
NO_LOOPBACK = Text("LOOPBACK IS MISSING", "LOOPBACK FEHLT")
ONLY_CALLS = Text("holds nothing but calls: was it filtered?", "enthält nur Anrufe: Wurde er gefiltert?")
PACKETS = Text("{name}: {packets} packets", "{name}: {packets} Pakete")
MORE = Text("... and {count} more", "... und {count} weitere")
NAMED_LOGS = {
    "trunk_logs": re.compile("trunk", re.IGNORECASE),
    "gateway_logs": re.compile("gateway|gw|pstn|isdn", re.IGNORECASE),
    "app_logs": re.compile("app|mobile|android|ios|iphone", re.IGNORECASE),
    "sketch": re.compile("sketch|skizze|plan|diagram|topolog", re.IGNORECASE),
}
LOOPBACK_NAME = re.compile(r"(?:^|,)(?:lo0?|.*loopback.*)(?:,|$)", re.IGNORECASE)


def answers(
    tables: Tables, files: Mapping[str, str], given: Mapping[str, str], lang: Lang
) -> dict[str, str | None]:
    """Return every question's answer: the user's (``given``), else the run's; None where there is neither.

    ``files`` maps the ticket's members to their original names, which show what kind of log each is.
    """
    derived = {
        "versions": "; ".join(_versions(tables)),
        "satellite": _satellite(tables, lang),
        "numbers": ", ".join(_numbers(tables.calls)),
        "time": _time(tables.calls),
        "calls": _calls(tables.calls, lang),
        "trace": "; ".join(_traces(tables.captures, lang)),
        **_logs(files),
    }
    return {key: given.get(key) or derived.get(key) or None for key in KEYS}


def markdown(answered: Mapping[str, str | None], lang: Lang) -> str:
    """Return the checklist as Markdown; an open question is an unticked box."""
    lines, group = [f"# {TITLE.of(lang)}", ""], None
    for question in QUESTIONS:
        if question.group != group:
            group = question.group
            lines += ["", f"## {group.of(lang)}", ""]
        answer = answered.get(question.key)
        answer_text = escaped(answer) if answer else f"**{OPEN.of(lang)}**"
        text = question.text.of(lang)
        lines.append(f"- [{'x' if answer else ' '}] {text}{'' if text.endswith('?') else ':'} {answer_text}")
    return "\n".join(lines) + "\n"


def document(answered: Mapping[str, str | None], lang: Lang) -> list[dict[str, Any]]:
    """Return the checklist as JSON-compatible objects with key, question, answer and open."""
    return [
        {
            "key": question.key,
            "question": question.text.of(lang),
            "answer": answered.get(question.key),
            "open": not answered.get(question.key),
        }
        for question in QUESTIONS
    ]


def _logs(files: Mapping[str, str]) -> dict[str, str]:
    """Return the log files by question: XCC's by their folder, the others by their original names."""
    names = {"xcc_logs": ", ".join(name for name in files if name.startswith("logs/"))}
    attached = {name: original for name, original in files.items() if name.startswith("attachments/")}
    for key, pattern in NAMED_LOGS.items():
        names[key] = ", ".join(name for name, original in attached.items() if pattern.search(original))
    return names


def escaped(text: str) -> str:
    """Escape the text for Markdown and indent its continuation lines."""
    return "\n  ".join(MARKUP.sub(r"\\\1", clean(line)) for line in text.splitlines())


def _versions(tables: Tables) -> list[str]:
    agents = pd.concat(
        [tables.sip_messages["user_agent"], tables.sdp_media["sdp_owner"], tables.stun_messages["software"]]
    )
    distinct = agents.dropna().drop_duplicates()
    return [
        name for name in distinct if any(char.isdigit() for char in name) or " " in name or name.isalpha()
    ][:SHOWN]


def _satellite(tables: Tables, lang: Lang) -> str | None:
    """Tell from the client's legs whether their caller (XPhone Server) and XCC run on different machines."""
    offered = tables.candidates[(tables.candidates["side"] == "client").fillna(value=False)]
    legs = tables.legs[tables.legs["call_id"].isin(offered["call_id"].dropna())].dropna(
        subset=["uac_addr", "uas_addr"]
    )
    pairs = list(dict.fromkeys(zip(legs["uac_addr"], legs["uas_addr"], strict=True)))
    away = [(a, b) for a, b in pairs if a != b and not (_loopback(a) and _loopback(b))]
    if away:
        return YES.of(lang, a=away[0][0], b=away[0][1])
    return NO.of(lang, where=pairs[0][0]) if pairs else None


def _loopback(addr: str) -> bool:
    try:
        return ip_address(addr).is_loopback
    except ValueError:
        return False


def _numbers(calls: pd.DataFrame) -> list[str]:
    both = [user for row in zip(calls["from_user"], calls["to_user"], strict=True) for user in row]
    return list(dict.fromkeys(clean(user) for user in both if not pd.isna(user)))[:SHOWN]


def _time(calls: pd.DataFrame) -> str:
    start, end = calls["start"].min(), calls["end"].max()
    if pd.isna(start):
        return ""
    return f"{start:%Y-%m-%d %H:%M:%S}" + ("" if pd.isna(end) else f" - {end:%H:%M:%S}") + " UTC"


def _calls(calls: pd.DataFrame, lang: Lang) -> str:
    columns = ["call", "from_user", "to_user", "start", "verdict", "cause", "headline"]
    lines = []
    for row in zip(*(calls[column] for column in columns), strict=True):
        call, source, target, start, *judgement = (None if pd.isna(value) else value for value in row)
        result = " - ".join(str(value) for value in judgement if value is not None)
        when = f" {start:%H:%M:%S}" if start is not None else ""
        lines.append(f"{call}:{when} {source or '?'} > {target or '?'}" + (f" - {result}" if result else ""))
    more = [MORE.of(lang, count=len(lines) - SHOWN)] if len(lines) > SHOWN else []
    return "\n".join([*lines[:SHOWN], *more])


def _traces(captures: pd.DataFrame, lang: Lang) -> list[str]:
    lines = []
    columns = ["capture", "packets", "interfaces", "link_types", "foreign_packets"]
    for name, packets, interfaces, links, foreign in zip(
        *(captures[column] for column in columns), strict=True
    ):
        if pd.isna(packets):
            continue
        looped = LOOPBACK_NAME.search(str(interfaces)) or "LOOP" in str(links) or "NULL" in str(links)
        remarks = [(LOOPBACK if looped else NO_LOOPBACK).of(lang)]
        remarks += [ONLY_CALLS.of(lang)] if not pd.isna(foreign) and not foreign else []
        lines.append(f"{PACKETS.of(lang, name=clean(name), packets=packets)}, {', '.join(remarks)}")
    return lines
