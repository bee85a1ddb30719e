"""What redaction replaced, by kind, and what it let stay: for whoever has to answer for it.

Only the pass that writes fills it: whoever writes begins with ``clear()``.
"""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from postproc.model.text import Text


class Kind(StrEnum):
    """Kinds of what is replaced, or stays."""

    USER = "users"
    HOST = "hosts"
    ADDRESS = "addresses"
    MAC = "macs"
    ID = "ids"
    WORD = "words"
    SECRET = "secrets"
    CERTIFICATE = "certificates"
    MEDIA = "media"
    PAYLOAD = "payloads"


LABELS = {
    Kind.USER: Text("users and numbers", "Benutzer und Nummern"),
    Kind.HOST: Text("host names", "Hostnamen"),
    Kind.ADDRESS: Text("IP addresses", "IP-Adressen"),
    Kind.MAC: Text("hardware addresses", "Hardware-Adressen"),
    Kind.ID: Text("ids of calls, dialogs and checks", "IDs von Anrufen, Dialogen und Checks"),
    Kind.WORD: Text("words of texts", "Wörter aus Texten"),
    Kind.SECRET: Text("passwords, keys and message bodies", "Passwörter, Schlüssel und Nachrichteninhalte"),
    Kind.CERTIFICATE: Text("certificates and keys of DTLS", "Zertifikate und Schlüssel von DTLS"),
    Kind.MEDIA: Text("contents of media packets", "Inhalte von Medienpaketen"),
    Kind.PAYLOAD: Text("packets of which the content is unknown", "Pakete mit unbekanntem Inhalt"),
}


@dataclass
class Tally:
    """How often something of a kind was replaced, and the words that stayed as a dictionary knows them.

    ``words`` counts each word of User-Agents, phrases, texts and log lines that stayed; ``stayed``
    counts ids and numbers of messages that text kept, by kind.
    """

    replaced: Counter[Kind] = field(default_factory=Counter)
    stayed: Counter[Kind] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)

    def clear(self) -> None:
        """Begin anew: what was counted while learning does not count."""
        self.replaced.clear()
        self.stayed.clear()
        self.words.clear()
