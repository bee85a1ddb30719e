"""The report's own words, in both languages."""

from collections.abc import Mapping

from postproc.model.text import Lang, Text
from postproc.model.vocabulary import (
    CALL,
    CANDIDATES,
    CAPTURE,
    CAUSES,
    CHECKS,
    CONFIDENCE,
    CONSEQUENCES,
    DTLS,
    DURATION,
    FINDINGS,
    FRAME,
    FRAMES,
    FROM,
    LEG,
    LEGS,
    NO,
    NOMINATED,
    NOT_READ,
    PACKETS,
    PARTIES,
    PICTURES,
    REMEDIES,
    RESULT,
    RINGING,
    SIP,
    SOURCES,
    START,
    TIME,
    TO,
    VERDICT,
    VERDICTS,
    YES,
    capital,
)
from postproc.show.terminal import clean

PAGE: Mapping[str, Text] = {
    "title": Text("Call report", "Anrufbericht"),
    "skip": Text("Skip to the calls", "Zu den Anrufen springen"),
    "calls": Text("Calls", "Anrufe"),
    "captures": Text("Captures", "Mitschnitte"),
    "captures_and_logs": Text("Captures and logs", "Mitschnitte und Logs"),
    "warnings": Text("Warnings", "Warnungen"),
    "unread": capital(NOT_READ),
    "search": Text("Search", "Suchen"),
    "search_hint": Text("number, address, Call-ID, finding …", "Rufnummer, Adresse, Call-ID, Befund …"),
    "verdict": capital(VERDICT),
    "none_left": Text("No call matches.", "Kein Anruf passt dazu."),
    "no_calls": Text("No calls in these captures.", "Keine Anrufe in diesen Mitschnitten."),
    "over_time": capital(PICTURES["overview"]),
    "result": capital(RESULT),
    "number": Text("No.", "Nr."),
    "time": Text("Time (UTC)", "Zeit (UTC)"),
    "parties": capital(PARTIES),
    "legs": capital(LEGS),
    "sip": SIP,
    "checks": Text("Checks s→c c→s", "Checks s→c c→s"),
    "dtls": DTLS,
    "media": Text("Media s→c c→s", "Medien s→c c→s"),
    "legend": Text(
        "s: server, c: client. Checks: answered/sent. Media: RTP packets. "
        "(n): of a call in which no side is known to be the client.",
        "s: Server, c: Client. Checks: beantwortet/gesendet. Medien: RTP-Pakete. "
        "(n): eines Anrufs, bei dem keine Seite als Client bekannt ist.",
    ),
    "call": capital(CALL),
    "start": capital(START),
    "duration": capital(DURATION),
    "joined": Text("Legs joined by", "Legs verbunden durch"),
    "capture": capital(CAPTURE),
    "ambiguous": Text(
        "Other legs would fit this call as well: see the table joins.",
        "Andere Legs passen ebenso zu diesem Anruf: siehe Tabelle joins.",
    ),
    "walk": Text("How far the call got", "Wie weit der Anruf kam"),
    "walk_hint": Text(
        "Choose a step to see what it rests on.", "Ein Schritt zeigt bei Auswahl, worauf er beruht."
    ),
    "findings": capital(FINDINGS),
    "no_findings": Text("Nothing to complain about.", "Nichts zu beanstanden."),
    "confidence": CONFIDENCE,
    "causes": capital(CAUSES),
    "remedies": capital(REMEDIES),
    "consequences": capital(CONSEQUENCES),
    "references": capital(SOURCES),
    "frames": capital(FRAMES),
    "filter": Text("Display filter", "Anzeigefilter"),
    "to_finding": Text("To the finding", "Zum Befund"),
    "pictures": Text("Pictures", "Bilder"),
    "ladder": capital(PICTURES["ladder"]),
    "call_timeline": capital(PICTURES["timeline"]),
    "bindings": Text("Binding timeline", "Bindings im Zeitverlauf"),
    "media_picture": capital(PICTURES["media"]),
    "no_pictures": Text(
        "No pictures here, as the report would become too large. They come with:",
        "Hier ohne Bilder, da der Bericht sonst zu groß würde. Es gibt sie mit:",
    ),
    "no_details": Text(
        "The calls without a link are left out here, as the report would become too large. Of one of them:",
        "Anrufe ohne Link sind hier ausgelassen, da der Bericht sonst zu groß würde. Zu einem davon:",
    ),
    "candidates": capital(CANDIDATES),
    "no_candidates": Text("None seen.", "Keine gesehen."),
    "earlier": Text(
        "Candidates before an ICE restart are in the table candidates.",
        "Kandidaten vor einem ICE-Neustart stehen in der Tabelle candidates.",
    ),
    "take_along": Text("To take along", "Zum Mitnehmen"),
    "handout": Text("Filters and firewall hand-out", "Filter und Firewall-Zettel"),
    "whole_call": Text("Whole call", "Ganzer Anruf"),
    "with_plugin": Text("With the plug-in", "Mit dem Plug-in"),
    "leg": capital(LEG),
    "copy": Text("Copy", "Kopieren"),
    "copied": Text("Copied", "Kopiert"),
    "press_copy": Text("Press Ctrl+C", "Strg+C drücken"),
    "shown": Text("{n} of {all} calls", "{n} von {all} Anrufen"),
    "top": Text("Back to the overview", "Zur Übersicht"),
    "made_by": Text("Made by legshark {version}", "Erstellt von legshark {version}"),
    "more": Text("{n} more", "{n} weitere"),
    "more_rows": Text("{n} more in the table {table}.", "{n} weitere in der Tabelle {table}."),
    "log_used": Text("{used} of {lines} lines used", "{used} von {lines} Zeilen verwendet"),
}
HEADINGS: Mapping[str, Text] = {
    "leg": capital(LEG),
    "time": capital(TIME),
    "direction": Text("Direction", "Richtung"),
    "from": capital(FROM),
    "to": capital(TO),
    "type": Text("Type", "Typ"),
    "address": Text("Address", "Adresse"),
    "class": Text("Class", "Klasse"),
    "base": Text("Base", "Basis"),
    "acl": Text("ACL", "ACL"),
    "checks": capital(CHECKS),
    "frame": capital(FRAME),
    "frames": capital(FRAMES),
    "local": Text("Server's end", "Ende des Servers"),
    "remote": Text("Far end", "Gegenseite"),
    "answered": Text("Answered/sent", "Beantw./gesendet"),
    "errors": Text("Errors", "Fehler"),
    "nominated": capital(NOMINATED),
    "media": Text("Media packets", "Medienpakete"),
    "state": Text("State", "Stand"),
    "purpose": Text("Purpose", "Zweck"),
    "requests": Text("Requests", "Requests"),
    "outcome": Text("Outcome", "Ausgang"),
    "rtt": Text("Round trip", "Laufzeit"),
    "seen_as": Text("Seen as", "Gesehen als"),
    "level": Text("Level", "Stufe"),
    "text": Text("Message", "Meldung"),
    "times": Text("Times", "Anzahl"),
    "line": Text("Line", "Zeile"),
    "dtls": DTLS,
    "dtls_client": Text("DTLS client", "DTLS-Client"),
    "dtls_server": Text("DTLS server", "DTLS-Server"),
    "duration": capital(DURATION),
    "fingerprint": Text("Fingerprint", "Fingerprint"),
    "codec": Text("Codec", "Codec"),
    "packets": capital(PACKETS),
    "lost": Text("Lost", "Verloren"),
    "jitter": Text("Jitter", "Jitter"),
    "gap": Text("Longest gap", "Längste Lücke"),
    "role": Text("Role", "Rolle"),
    "agents": Text("User agents", "User-Agents"),
    "ringing": capital(RINGING),
    "answer": Text("Answer", "Annahme"),
    "end": Text("End", "Ende"),
    "status": Text("Status", "Status"),
    "yes": YES,
    "no": NO,
    "matches": Text("matches", "passt"),
    "differs": Text("differs", "weicht ab"),
}
# Of the sheets, by the table they come from.
TITLES: Mapping[str, Text] = {
    "candidates": capital(CANDIDATES),
    "pairs": Text("Candidate pairs", "Kandidatenpaare"),
    "bindings": capital(PICTURES["bindings"]),
    "log_events": Text("Warnings and errors in the log", "Warnungen und Fehler im Log"),
    "dtls": Text("DTLS handshakes", "DTLS-Handshakes"),
    "rtp_streams": Text("RTP streams", "RTP-Ströme"),
    "legs": capital(LEGS),
}


def page(lang: Lang) -> dict[str, str]:
    """The page's words by name; some still have places to fill in."""
    return {name: text.of(lang) for name, text in PAGE.items()}


def verdict_word(verdict: str, lang: Lang) -> str:
    """A verdict as a badge shows it."""
    return capital(VERDICTS[verdict]).of(lang) if verdict in VERDICTS else clean(verdict)


def headings(names: str, lang: Lang) -> tuple[str, ...]:
    """The headings of a sheet by their names, space-joined."""
    return tuple(HEADINGS[name].of(lang) for name in names.split())
