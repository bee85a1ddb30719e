"""All that replaces, put together around one key: what is equal before is equal after, in every file.

Lines of logs: SIP headers and session descriptions in them by their grammar, the rest as text. Texts
that people wrote, attachments and answers, have to stay readable: what has a form (numbers, addresses,
ids) and what captures, logs and the texts themselves tell of is replaced as in a log. Other words stay:
they are listed, for a person to look at before anything leaves.
"""

import hmac
import re
from collections.abc import Collection, Iterable

from postproc.share.account import Tally
from postproc.share.redaction import leaks
from postproc.share.redaction.addresses import Addresses
from postproc.share.redaction.dtls import Handshakes
from postproc.share.redaction.leaks import Originals
from postproc.share.redaction.packets import Packets
from postproc.share.redaction.sdp import Descriptions
from postproc.share.redaction.sip import (
    AGENTS,
    CALLS,
    COUNTED,
    DIGEST,
    LONG_FORMS,
    PARTIES,
    SPOKEN,
    Messages,
)
from postproc.share.redaction.stun import StunMessages
from postproc.share.redaction.texts import Texts
from postproc.share.redaction.vocabulary import WORD, Known
from postproc.share.redaction.words import Words

PREFIX = r"^((?:[\w.-]+ +\| )?(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12} )?[ \t]*)"
DESCRIPTION = re.compile(PREFIX + r"([voscbtmakiuep]=\S.*)$", re.IGNORECASE | re.DOTALL)
HEADER = re.compile(PREFIX + r"([A-Za-z][A-Za-z0-9-]{0,40})(:[ \t]*)(\S.*)$", re.IGNORECASE | re.DOTALL)
KNOWN = (PARTIES | DIGEST | CALLS | SPOKEN | COUNTED | AGENTS) - {
    "to",
    "from",
    "date",
    "event",
    "server",
    "reason",
}
LONGEST = 20_000  # characters of a line looked at; what follows is blanked


class Logs:
    """Replaces in lines of logs."""

    def __init__(self, texts: Texts, descriptions: Descriptions, messages: Messages) -> None:
        self._texts, self._sdp, self._messages = texts, descriptions, messages

    def line(self, line: str) -> str:
        """A line without its end."""
        line, rest = line[:LONGEST], line[LONGEST:]
        return self._line(line) + self._texts.words.blank(rest)

    def _line(self, line: str) -> str:
        if found := DESCRIPTION.match(line):
            return self._texts.line(found[1]) + self._sdp.line(found[2])
        if found := HEADER.match(line):
            name = LONG_FORMS.get(found[2].lower(), found[2].lower()) if len(found[2]) > 1 else ""
            if name in KNOWN or name.startswith("x-") or (name in ("to", "from") and "<" in found[4]):
                value = self._messages.header(found[2], found[4])
                return self._texts.line(found[1]) + self._messages.name(found[2]) + found[3] + value
        return self._texts.line(line)


class Pseudonyms:
    """The pseudonyms of one key; ``products`` are patterns of names that say a product.

    ``tally`` says what was replaced, ``known`` which words may stay.
    """

    def __init__(self, key: bytes, products: Iterable[str] = ()) -> None:
        self.known, self.tally = Known(products), Tally()
        self.addresses = Addresses(_derived(key, b"addresses"), self.tally)
        self.words = Words(_derived(key, b"words"), self.addresses, self.tally)
        self.texts = Texts(self.words, self.addresses, self.known, self.tally)
        self.descriptions = Descriptions(self.texts, _derived(key, b"fingerprints"))
        self.messages = Messages(self.texts, self.descriptions)
        self.handshakes = Handshakes(_derived(key, b"certificates"), self.tally)
        self.logs = Logs(self.texts, self.descriptions, self.messages)
        self._stun = StunMessages(self.texts, self.descriptions, _derived(key, b"transactions"))

    def packets(self) -> Packets:
        """What replaces in the packets of one capture."""
        return Packets(self.addresses, self.messages, self._stun, self.handshakes, self.tally)

    def learn_fingerprints(self) -> None:
        """All certificates are noted: the session descriptions name those that take their place."""
        self.descriptions.fingerprints |= dict(self.handshakes.fingerprints())

    def originals(self) -> Originals:
        """All that was replaced so far."""
        return leaks.originals(self.addresses, self.words, self.known, self.texts.plain)


def _derived(key: bytes, use: bytes) -> bytes:
    return hmac.digest(key, use, "sha256")


class Spoken(Known):
    """Knows, besides what ``known`` does, every word of letters but those ``learnt``, in lower case."""

    def __init__(self, known: Known, learnt: Collection[str]) -> None:
        super().__init__()
        self._known, self._learnt = known, learnt

    def word(self, word: str) -> bool:
        return self._known.word(word) or (word.isalpha() and word.lower() not in self._learnt)

    def __contains__(self, text: object) -> bool:  # names with points: a host is never prose
        return text in self._known

    def spans(self, name: str) -> list[tuple[int, int]]:
        return self._known.spans(name)


class Lenient:
    """Replaces in lines of such texts; ``finish`` when all has been learnt."""

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self._pseudonyms = pseudonyms
        self._logs = self._made(frozenset(), Tally())

    def finish(self) -> None:
        """What was learnt until now is replaced from now on, each word of it wherever it stands."""
        learnt = {word.lower() for text in self._pseudonyms.words.seen for word in WORD.findall(text)}
        self._logs = self._made(learnt, self._pseudonyms.tally)

    def line(self, line: str) -> str:
        """A line without its end."""
        return self._logs.line(line)

    def _made(self, learnt: Collection[str], tally: Tally) -> Logs:
        held = self._pseudonyms
        texts = Texts(held.words, held.addresses, Spoken(held.known, learnt), tally)
        texts.kept = held.texts.kept
        return Logs(texts, held.descriptions, held.messages)
