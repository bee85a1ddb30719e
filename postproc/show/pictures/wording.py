"""Texts of pictures in both languages, and the timeline's own labels in German.

Protocol terms (Binding Request, ClientHello, 180 Ringing) are never translated.
"""

import re
from collections.abc import Callable

from postproc.model.text import Lang, Text
from postproc.model.vocabulary import (
    ARRIVED,
    CALL_NUMBER,
    CANDIDATES,
    CHECKS,
    DTLS,
    FINDINGS,
    LEG_NUMBER,
    NOMINATED,
    OUTCOMES,
    PAIR_STATES,
    PHASES,
    PICTURES,
    RINGING,
    TALK,
    UNDIAGNOSED,
    VERDICTS,
    capital,
    decimal,
)

WORDS = {
    **OUTCOMES,
    **VERDICTS,
    "call": capital(CALL_NUMBER),
    "leg": LEG_NUMBER,
    "gap": Text("{duration} without events", "{duration} ohne Ereignisse"),
    "left_out": Text("{count} events not drawn", "{count} Ereignisse nicht gezeichnet"),
    "every": Text("every {duration}", "alle {duration}"),
    "media": Text("{what}: {packets} packets, {lost} lost", "{what}: {packets} Pakete, {lost} verloren"),
    "jitter": Text("jitter {jitter}", "Jitter {jitter}"),
    "nothing": Text("nothing of this call was captured", "von diesem Anruf ist nichts mitgeschnitten"),
    "ladder": capital(PICTURES["ladder"]),
    "timeline": capital(PICTURES["timeline"]),
    "bindings": capital(PICTURES["bindings"]),
    "media_title": capital(PICTURES["media"]),
    "overview": capital(PICTURES["overview"]),
    "places": capital(PICTURES["places"]),
    "route": capital(PICTURES["route"]),
    "none_places": Text("seen from one place only", "nur von einem Punkt aus gesehen"),
    "of": ARRIVED,
    "clock": Text("clock {offset}", "Uhr {offset}"),
    "reference_clock": Text("reference clock", "Bezugsuhr"),
    "unknown_clock": Text("clock unknown", "Uhr unbekannt"),
    "translation": Text(
        "NAT between {origin} and {target}: {inside} becomes {outside}",
        "NAT zwischen {origin} und {target}: aus {inside} wird {outside}",
    ),
    "none_bindings": Text("no connectivity checks", "keine Connectivity Checks"),
    "none_media": Text("no RTP", "kein RTP"),
    "far_away": Text("{n} long before or after", "{n} lange davor oder danach"),
    "steps": Text("Where calls stop, the worst first", "Wie weit Anrufe kommen, die schlimmsten zuerst"),
    "none_calls": Text("no calls", "keine Anrufe"),
    "undrawn": Text(
        "This picture cannot be drawn, please report it: {error}",
        "Dieses Bild lässt sich nicht zeichnen, bitte melden: {error}",
    ),
    "findings": capital(FINDINGS),
    "more_findings": Text("and {count} more", "und {count} weitere"),
    "trying": Text("set-up", "Aufbau"),
    "ringing": RINGING,
    "talk": TALK,
    "candidates": CANDIDATES,
    "checks": CHECKS,
    "discovery": Text("STUN look-ups", "STUN-Abfragen"),
    "keepalive": Text("keep-alives", "Keep-Alives"),
    "more_rows": Text("{count} more not drawn", "{count} weitere nicht gezeichnet"),
    "of_answered": Text("{good} of {all} answered", "{good} von {all} beantwortet"),
    "never_checked": PAIR_STATES["never_checked"],
    "dtls": DTLS,
    "rtp": PICTURES["media"],
    "log": Text("log", "Log"),
    "phases": PHASES,
    "silent_client": Text(
        "nothing from the far end for {duration}", "{duration} lang nichts von der Gegenseite"
    ),
    "silent_server": Text("nothing from the server for {duration}", "{duration} lang nichts vom Server"),
    "silence": Text("{duration} silence", "{duration} Stille"),
    "answered": OUTCOMES["success"],
    "nominated": NOMINATED,
    "packets_axis": Text("packets/s", "Pakete/s"),
    "lost_axis": Text("lost/s", "verloren/s"),
    "jitter_axis": Text("jitter ms", "Jitter ms"),
    "undiagnosed": UNDIAGNOSED,
}

# Lanes whose labels are the program's own words; those of SIP, but for AGAIN, and of logs are quoted.
OURS = {"sdp", "stun", "dtls", "media", "icmp"}


def _resumed(match: re.Match[str]) -> str:
    whole, rest = match.groups()
    return f" wieder nach {whole + ',' if whole else ''}{rest}"


AGAIN, GERMAN_AGAIN = re.compile(r"\(again\)$"), "(erneut)"
GERMAN: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"^offer (?=\S)"), "Angebot: "),
    (re.compile(r"^answer (?=\S)"), "Antwort: "),
    (re.compile(r"^alert encrypted$"), "Alert, verschlüsselt"),
    (re.compile(r"\bno candidates$"), "keine Kandidaten"),
    (re.compile(r"\b1 candidate$"), "1 Kandidat"),
    (re.compile(r"\b(\d+) candidates$"), r"\1 Kandidaten"),
    (re.compile(r", sent (\d+) times"), r", \1 Mal gesendet"),
    (re.compile(r", unanswered$"), ", unbeantwortet"),
    (AGAIN, GERMAN_AGAIN),
    (re.compile(r"\((refused)\)"), "(abgelehnt)"),
    (re.compile(r", certificate does not match SDP$"), ", Zertifikat passt nicht zum SDP"),
    (re.compile(r"^STUN look-up"), "STUN-Abfrage"),
    (re.compile(r"^mapped "), "abgebildet auf "),
    (re.compile(r"^keep-alive"), "Keep-Alive"),
    (re.compile(r"^DTLS complete"), "DTLS fertig"),
    (re.compile(r" resumes after (?:(\d+)\.)?(\d+ m?s)$"), _resumed),
)


def say(word: str, lang: Lang, **facts: object) -> str:
    return WORDS[word].of(lang, **facts)


def event(lane: str, label: str, lang: Lang) -> str:
    """Return a label of the timeline in the language."""
    if lang != "de":
        return label
    if lane == "sip":
        return AGAIN.sub(GERMAN_AGAIN, label)
    if lane not in OURS:
        return label
    for pattern, german in GERMAN:
        label = pattern.sub(german, label)
    return label


def duration(seconds: float, lang: Lang) -> str:
    """Return ``12 ms``, ``1.2 s``, ``14 s``, ``2:05 min`` or ``1:02:03 h``."""
    if seconds < 0.9995:
        text = f"{seconds * 1000:.0f} ms" if seconds >= 0.00995 else f"{seconds * 1000:.1f} ms"
    elif seconds < 9.95:
        text = f"{seconds:.1f} s"
    elif seconds < 119.5:
        text = f"{seconds:.0f} s"
    else:
        whole = round(seconds)
        minutes, rest = divmod(whole, 60)
        hours, minutes = divmod(minutes, 60)
        text = f"{hours}:{minutes:02d}:{rest:02d} h" if hours else f"{minutes}:{rest:02d} min"
    return decimal(text, lang)
