"""RTP in which nobody can be heard: headers without a payload (RFC 6263), or keys alone (RFC 4733); for ``one-way-media``."""

from collections.abc import Iterable

from postproc.model.findings import cause, remedy
from postproc.model.rows import RtpStreamRow
from postproc.model.text import Text

TAG = "wordless"
HEADER, LONGEST_TAG = 12, 10  # bytes: RFC 3550, section 5.1; the tag of SRTP (RFC 3711, section 4.2)
EVENTS = "TELEPHONE-EVENT"
EMPTY = Text(
    "{mute} packets come from {target}, headers without any payload: they keep the path open (RFC 6263), and nobody is heard in them.",
    "Von {target} kommen {mute} Pakete, Header ohne jeden Inhalt: Sie halten den Pfad offen (RFC 6263), und niemand ist darin zu hören.",
)
KEYS = Text(
    "{mute} packets come from {target}, pressed keys alone (telephone-event), and no speech.",
    "Von {target} kommen {mute} Pakete, nur gedrückte Tasten (telephone-event) und keine Sprache.",
)
CAUSE = cause(
    "{target} has nothing to send: its microphone, sound device or media source did not open (permission, exclusive use by another"
    " program), or the leg behind it has no audio.",
    "{target} hat nichts zu senden: Mikrofon, Audiogerät oder Medienquelle ging nicht auf (Berechtigung, von einem anderen Programm"
    " belegt), oder das Leg dahinter hat kein Audio.",
    tag=TAG,
)
REMEDY = remedy(
    "At {target}, look for the microphone: permission of the app or browser, the device chosen, the level it shows; at a server, for"
    " the leg behind.",
    "Bei {target} das Mikrofon prüfen: Berechtigung von App oder Browser, gewähltes Gerät, angezeigter Pegel; bei einem Server das Leg"
    " dahinter.",
    tag=TAG,
)


def is_wordless(row: RtpStreamRow) -> bool:
    return is_empty(row) or is_of_keys(row)


def is_empty(row: RtpStreamRow) -> bool:
    """Whether all packets are bare headers, and the tag of SRTP."""
    packets, size = row.packets or 0, row.bytes
    return size is not None and 0 < size <= packets * (HEADER + (LONGEST_TAG if row.secured else 0))


def is_of_keys(row: RtpStreamRow) -> bool:
    return row.other_payload_types is None and (row.codec or "").upper().startswith(EVENTS)


def said(rows: Iterable[RtpStreamRow]) -> tuple[Text, int] | None:
    """Return a sentence on wordless streams and the number of their packets; None without any."""
    mute = [row for row in rows if is_wordless(row)]
    if not mute:
        return None
    return (EMPTY if any(map(is_empty, mute)) else KEYS), sum(row.packets or 0 for row in mute)
