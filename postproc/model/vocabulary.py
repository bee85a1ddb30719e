"""The display words for table values in both languages, each defined only here.

A mapping is named after its keys: the verdicts of findings, the states of a pair,
the outcomes of a binding. Protocol words (Binding Request, ClientHello, 180 Ringing) are
never translated. tests/test_texts.py checks every other text of the package against these.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from postproc.model.statuses import is_redirection
from postproc.model.text import Lang, Text

YES, NO, NONE = Text("yes", "ja"), Text("no", "nein"), Text("none", "keine")
NOBODY, BOTH = Text("nobody", "niemand"), Text("both", "beide")
FAR_END = Text("far end", "Gegenseite")  # of a leg: the client, or a gateway; the other is the server
UNCLEAR = Text("unclear", "unklar")
ERROR = Text("error", "Fehler")
FAILED = Text("failed", "gescheitert")
UNANSWERED = Text("unanswered", "unbeantwortet")

# Of a finding or a call; the keys are findings.Verdict.
VERDICTS: Mapping[str, Text] = {
    "fault": Text("fault", "Fehler"),
    "suspect": Text("suspect", "Verdacht"),
    "cannot_tell": UNCLEAR,
    "note": Text("note", "Hinweis"),
    "ok": Text("ok", "ok"),
}
UNDIAGNOSED = Text("not diagnosed", "nicht beurteilt")
# The answer to a question of the walk.
STATES: Mapping[str, Text] = {
    "passed": YES,
    "failed": NO,
    "cannot_tell": UNCLEAR,
    "not_reached": Text("not reached", "nicht erreicht"),
    "not_needed": Text("not needed", "nicht nötig"),
}
SIDES: Mapping[str, Text] = {
    "client": Text("client", "Client"),
    "server": Text("server", "Server"),
    "other": Text("other side", "Gegenstelle"),
}
# Where a capture was taken.
PLACES: Mapping[str, Text] = {"server": SIDES["server"], "wan": Text("WAN", "WAN"), "client": SIDES["client"]}
# Packets between two places: the kinds of table ``passages``, and Binding Requests alone.
PASSING: Mapping[str, Text] = {
    "sip": Text("SIP messages", "SIP-Nachrichten"),
    "stun": Text("STUN packets", "STUN-Pakete"),
    "binding_requests": Text("Binding Requests", "Binding Requests"),
    "dtls": Text("DTLS packets", "DTLS-Pakete"),
    "rtp": Text("RTP packets", "RTP-Pakete"),
    "rtcp": Text("RTCP packets", "RTCP-Pakete"),
}
BETWEEN = Text("Between places", "Zwischen den Mitschnittpunkten")
ARRIVED = Text("{arrived} of {sent}", "{arrived} von {sent}")
# Who ends a call, capitalized for the start of a sentence.
ENDERS: Mapping[str, Text] = {
    "caller": Text("The caller", "Der Anrufer"),
    "called": Text("The called side", "Die angerufene Seite"),
    "b2bua": Text("The server", "Der Server"),
}
DIRECTIONS: Mapping[str, Text] = {
    "server_to_client": Text("to client", "zum Client"),
    "client_to_server": Text("to server", "zum Server"),
}
# A leg's role in the B2BUA, and its state.
ROLES: Mapping[str, Text] = {
    "inbound": Text("to B2BUA", "zum B2BUA"),
    "outbound": Text("from B2BUA", "vom B2BUA"),
    "single": Text("single", "einzeln"),
}
LEG_STATES: Mapping[str, Text] = {
    "trying": Text("trying", "im Aufbau"),
    "ringing": Text("still ringing", "klingelt noch"),
    "answered": Text("connected", "verbunden"),
    "completed": Text("completed", "beendet"),
    "cancelled": Text("cancelled", "abgebrochen"),
    "failed": FAILED,
    "starts_mid_call": Text("starts mid-call", "beginnt mitten im Anruf"),
}
# The final responses of everyday calls (RFC 3261, sections 21.4 and 21.6): caused by people, not by a
# fault. A call that ends so is ok, and its status is never shown as an error.
EVERYDAY_ENDS: Mapping[int, Text] = {
    480: Text("The called party was not available (480).", "Der Angerufene war nicht erreichbar (480)."),
    486: Text("The called party was busy (486).", "Der Angerufene war besetzt (486)."),
    487: Text(
        "The caller hung up before an answer (487).", "Der Anrufer hat vor dem Abheben aufgelegt (487)."
    ),
    600: Text("The called party was busy everywhere (600).", "Der Angerufene war überall besetzt (600)."),
    603: Text("The called party declined the call (603).", "Der Angerufene hat den Anruf abgelehnt (603)."),
}
# Of a phase of a leg's media.
TALK = Text("talk", "Gespräch")
PHASE_KINDS: Mapping[str, Text] = {
    "early": Text("early media", "Early Media"),
    "answered": TALK,
    "hold": Text("hold", "gehalten"),
    "resumed": Text("resumed", "fortgesetzt"),
    "restart": Text("ICE restart", "ICE-Neustart"),
}
PURPOSES: Mapping[str, Text] = {
    "check": Text("check", "Check"),
    "discovery": Text("look-up", "Abfrage"),
    "keepalive": Text("keep-alive", "Keep-Alive"),
}
# Of a binding.
OUTCOMES: Mapping[str, Text] = {
    "success": Text("answered", "beantwortet"),
    "error": ERROR,
    "unanswered": UNANSWERED,
    "pending": Text("open at the end", "am Ende offen"),
    "response_only": Text("response only", "nur Antwort"),
}
PAIR_STATES: Mapping[str, Text] = {
    "succeeded": Text("succeeded", "gelungen"),
    "half": Text("one way", "einseitig"),
    "failed": FAILED,
    "never_checked": Text("never checked", "nie geprüft"),
}
NOMINATED = Text("nominated", "nominiert")
DTLS_STATES: Mapping[str, Text] = {
    "complete": Text("complete", "vollständig"),
    "incomplete": Text("incomplete", "unvollständig"),
    "client_hello_only": Text("ClientHello only", "nur ClientHello"),
    "alert": Text("alert", "Alert"),
    "none": NONE,
}
# How far a handshake got, farthest first: whoever sends an alert has read the other side's messages.
DTLS_PROGRESS = ("complete", "alert", "incomplete", "client_hello_only", "none")
# The same for a column five cells wide.
DTLS_SHORT: Mapping[str, Text] = {
    "complete": VERDICTS["ok"],
    "incomplete": Text("begun", "offen"),
    "client_hello_only": Text("hello", "Hello"),
    "alert": DTLS_STATES["alert"],
    "none": NONE,
}
# Of an address and access lists.
ACL_VERDICTS: Mapping[str, Text] = {
    "allowed": Text("allowed", "erlaubt"),
    "denied": Text("denied", "verboten"),
    "unknown": UNCLEAR,
}
PUBLIC = Text("public", "öffentlich")
ADDRESS_CLASSES: Mapping[str, Text] = {
    "private": Text("private", "privat"),
    "public": PUBLIC,
    "documentation": PUBLIC,  # RFC 5737; in synthetic and redacted captures it stands for a public one
    "cgnat": Text("carrier NAT", "Provider-NAT"),
    "link_local": Text("link-local", "verbindungslokal"),
    "loopback": Text("loopback", "Loopback"),
    "mdns": Text("mDNS name", "mDNS-Name"),
    "ula": Text("unique local", "eindeutig lokal"),
    "multicast": Text("multicast", "Multicast"),
    "unspecified": Text("unspecified", "unbestimmt"),
    "invalid": Text("invalid", "ungültig"),
}

# The evidence that joins the legs of a call (column joined_by).
JOINED: Mapping[str, Text] = {
    "log": Text("the server's log", "das Log des Servers"),
    "header": Text("identifiers in SIP headers", "Kennungen in SIP-Headern"),
    "ice": Text("ICE and media addresses", "ICE und Medienadressen"),
    "causality": Text("the order of ringing, answer and end", "die Folge von Klingeln, Annahme und Ende"),
    "number+time": Text("number and time", "Rufnummer und Zeit"),
    "host": Text("the same server", "denselben Server"),
}
PICTURES: Mapping[str, Text] = {
    "ladder": Text("ladder", "Ablaufdiagramm"),
    "timeline": Text("timeline", "Zeitverlauf"),
    "bindings": Text("bindings", "Bindings"),
    "media": Text("media", "Medien"),
    "places": Text("places", "Mitschnittpunkte"),
    "route": Text("from place to place", "von Punkt zu Punkt"),
    "overview": Text("calls over time", "Anrufe im Zeitverlauf"),
}

CALL, LEG = Text("call", "Anruf"), Text("leg", "Leg")
CALL_NUMBER, LEG_NUMBER = Text("call {call}", "Anruf {call}"), Text("leg {leg}", "Leg {leg}")
LEGS, SIP, DTLS, RTP = Text("legs", "Legs"), Text("SIP", "SIP"), Text("DTLS", "DTLS"), Text("RTP", "RTP")
FROM, TO = Text("from", "von"), Text("to", "an")
PARTIES = Text("from → to", "von → an")
TIME, START = Text("time", "Zeit"), Text("start (UTC)", "Beginn (UTC)")
DURATION = Text("duration", "Dauer")
CAPTURE, FRAME, FRAMES = Text("capture", "Mitschnitt"), Text("frame", "Frame"), Text("frames", "Frames")
CANDIDATES, CHECKS, PACKETS = (
    Text("candidates", "Kandidaten"),
    Text("checks", "Checks"),
    Text("packets", "Pakete"),
)
PHASES = Text("media phases", "Medienphasen")
RINGING = Text("ringing", "Klingeln")
NOT_READ = Text("not read", "nicht gelesen")

# Of a finding and its sections.
VERDICT, RESULT = Text("verdict", "Urteil"), Text("result", "Ergebnis")
STREAMS_OF_NO_CALL = Text("RTP streams of no call", "RTP-Ströme ohne Anruf")
FINDINGS = Text("findings", "Befunde")
CONFIDENCE = Text("confidence", "Sicherheit")
CAUSES = Text("possible causes", "mögliche Ursachen")
REMEDIES = Text("what to do", "Abhilfe")
SOURCES = Text("sources", "Quellen")
CONSEQUENCES = Text("what follows from it", "was daraus folgt")

# Singular and plural, and the German dative after "in", "von", "mit".
CALLS = (Text("{n} call", "{n} Anruf"), Text("{n} calls", "{n} Anrufe"))
CAPTURES = (Text("{n} capture", "{n} Mitschnitt"), Text("{n} captures", "{n} Mitschnitte"))
PACKETS_COUNTED = (Text("{n} packet", "{n} Paket"), Text("{n} packets", "{n} Pakete"))
STREAMS_COUNTED = (Text("{n} RTP stream", "{n} RTP-Strom"), Text("{n} RTP streams", "{n} RTP-Ströme"))
CALLS_IN_CAPTURES = (
    Text("{calls} in {n} capture", "{calls} in {n} Mitschnitt"),
    Text("{calls} in {n} captures", "{calls} in {n} Mitschnitten"),
)


def ends_every_day(status: int | None) -> bool:
    """Whether a final response is an everyday end; so is a redirection (RFC 3261, section 21.3)."""
    return status in EVERYDAY_ENDS or is_redirection(status)


def word(words: Mapping[str, Text], value: str | None, lang: Lang) -> str | None:
    """Return a table's value in a language; a value without translation is returned unchanged."""
    return words[value].of(lang) if value is not None and value in words else value


def joined(by: str | None, lang: Lang) -> str:
    """Return in words what joins the legs of a call, from the comma-separated names in joined_by."""
    return ", ".join(str(word(JOINED, each, lang)) for each in (by or "").split(",") if each)


def capital(text: Text) -> Text:
    """Capitalize the text for a heading or the start of a sentence; ``ok`` becomes OK."""
    if text is VERDICTS["ok"]:
        return Text(text.en.upper(), text.de.upper())
    return Text(text.en[:1].upper() + text.en[1:], text.de[:1].upper() + text.de[1:])


def counted(texts: tuple[Text, Text], number: int, lang: Lang, **values: object) -> str:
    """Return ``1 call``, ``2 calls``; ``values`` fill the other placeholders."""
    return texts[number != 1].of(lang, n=count(number, lang), **values)


def count(number: int, lang: Lang) -> str:
    """Format with digit groups: 1234567 -> 1,234,567 or 1.234.567."""
    return f"{number:,}".replace(",", "." if lang == "de" else ",")


def decimal(text: str, lang: Lang) -> str:
    """Replace the decimal point in a formatted number with the language's: a comma in German."""
    return text.replace(".", ",") if lang == "de" else text


def side(name: str | None, lang: Lang) -> str:
    """Return the word for a side; any but client and server is the other side."""
    return SIDES.get(name or "other", SIDES["other"]).of(lang)


def way(stretches: Iterable[Sequence[Any]], lang: Lang) -> str:
    """Return ``server → WAN 17 of 17 · WAN → client 0 of 17`` from (origin, target, arrived, sent) tuples."""
    return " · ".join(
        f"{word(PLACES, origin, lang)} → {word(PLACES, target, lang)}"
        f" {ARRIVED.of(lang, arrived=count(arrived, lang), sent=count(sent, lang))}"
        for origin, target, arrived, sent in stretches
    )


def direction(name: str | None, lang: Lang) -> str:
    """Return ``server → client`` for ``server_to_client``; "" if the direction is unknown."""
    src, to, dst = (name or "").partition("_to_")
    return f"{side(src, lang)} → {side(dst, lang)}" if to else ""
