"""Media to port 9 (discard), which stands in a description until ICE has found an address; for ``one-way-media``."""

from postproc.diagnose.evidence.case import Case
from postproc.diagnose.evidence.negotiation import exchanges
from postproc.model.findings import cause, remedy
from postproc.model.rows import RtpStreamRow
from postproc.model.text import Text

TAG = "placeholder"
DISCARD = 9  # RFC 8840, section 4.1.1
NAMED = Text(
    "The packets go to port 9 (discard), as the description of {target} says: with ICE that is a placeholder, and without it nobody"
    " listens there.",
    "Die Pakete gehen an Port 9 (discard), wie es in der Beschreibung von {target} steht: Mit ICE ist das ein Platzhalter, und ohne ICE"
    " hört dort niemand.",
)
CAUSE = cause(
    "A gateway or proxy passes the description of a browser or app on to a side without ICE, takes ICE out and leaves the placeholder in.",
    "Ein Gateway oder Proxy reicht die Beschreibung eines Browsers oder einer App an eine Seite ohne ICE weiter, nimmt ICE heraus und lässt"
    " den Platzhalter stehen.",
    tag=TAG,
)
REMEDY = remedy(
    "Have a media relay put its own address and port into the description (rtpengine: offer and answer of this leg with ICE=remove).",
    "Ein Medienrelay seine eigene Adresse und seinen Port eintragen lassen (rtpengine: Angebot und Antwort dieses Legs mit ICE=remove).",
    tag=TAG,
)


def goes_nowhere(case: Case, leg: int | None, stream: RtpStreamRow) -> bool:
    """Whether a stream goes to the placeholder of the last description of its receiver, without ICE."""
    last = next((each for each in reversed(exchanges(case, leg)) if each.accepted), None)
    if stream.dst_port != DISCARD or last is None or last.ice:
        return False
    return any(each.audio.port == DISCARD for each in last)
