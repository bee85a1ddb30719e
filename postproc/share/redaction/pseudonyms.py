"""All redactors built on one key: equal originals get equal pseudonyms, in every file.

In log lines, SIP headers and SDP are replaced by their grammar, the rest as text. Texts that people wrote
(attachments, answers) have to stay readable: words with a recognizable form (numbers, addresses, ids) and
words known from captures, logs or the texts themselves are replaced as in a log. Other words stay and are
listed for a person to check before anything is shared.
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
    COUNTED,
    DIGEST,
    LONG_FORMS,
    PARTIES,
    SPOKEN,
    Messages,
)
from postproc.share.redaction.stun import StunMessages
from postproc.share.redaction.texts import Texts
from postproc.share.redaction.uris import CALLS
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
LONGEST = 20_000  # characters of a line that are parsed; the rest is blanked. A choice that bounds the time


class Logs:
    """Redact log lines."""

    def __init__(self, texts: Texts, descriptions: Descriptions, messages: Messages) -> None:
        self._texts, self._sdp, self._messages = texts, descriptions, messages

    def line(self, line: str) -> str:
        """Redact a line given without its line end."""
        line, rest = line[:LONGEST], line[LONGEST:]
        return self._line(line) + self._texts.words.blank(rest)

    def _line(self, line: str) -> str:
        if match := DESCRIPTION.match(line):
            return self._texts.line(match[1]) + self._sdp.line(match[2])
        if match := HEADER.match(line):
            name = LONG_FORMS.get(match[2].lower(), match[2].lower()) if len(match[2]) > 1 else ""
            if name in KNOWN or name.startswith("x-") or (name in ("to", "from") and "<" in match[4]):
                value = self._messages.header(match[2], match[4])
                return self._texts.line(match[1]) + self._messages.name(match[2]) + match[3] + value
        return self._texts.line(line)


class Pseudonyms:
    """The redactors of one key; ``products`` are patterns of product names that stay.

    ``tally`` counts what was replaced, ``known`` holds the words that stay.
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
        """Return a redactor for the packets of one capture."""
        return Packets(self.addresses, self.messages, self._stun, self.handshakes, self.tally)

    def learn_fingerprints(self) -> None:
        """Let session descriptions carry the fingerprints of the replaced certificates; all must be noted."""
        self.descriptions.fingerprints |= dict(self.handshakes.fingerprints())

    def originals(self) -> Originals:
        """Return everything replaced so far."""
        return leaks.originals(self.addresses, self.words, self.known, self.texts.plain)


def _derived(key: bytes, use: bytes) -> bytes:
    return hmac.digest(key, use, "sha256")


class Spoken(Known):
    """``known``, and every word of letters except those ``learnt`` (lower case)."""

    def __init__(self, known: Known, learnt: Collection[str]) -> None:
        super().__init__()
        self._known, self._learnt = known, learnt

    def word(self, word: str) -> bool:
        return self._known.word(word) or (word.isalpha() and word.lower() not in self._learnt)

    def __contains__(self, text: object) -> bool:  # names with dots: a host is never prose
        return text in self._known

    def spans(self, name: str) -> list[tuple[int, int]]:
        return self._known.spans(name)


class Lenient:
    """Redact lines of texts that people wrote; call ``finish`` once everything is learned."""

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self._pseudonyms = pseudonyms
        self._logs = self._made(frozenset(), Tally())

    def finish(self) -> None:
        """From now on, replace every word learned so far wherever it occurs."""
        learnt = {word.lower() for text in self._pseudonyms.words.seen for word in WORD.findall(text)}
        self._logs = self._made(learnt, self._pseudonyms.tally)

    def line(self, line: str) -> str:
        """Redact a line given without its line end."""
        return self._logs.line(line)

    def _made(self, learnt: Collection[str], tally: Tally) -> Logs:
        shared = self._pseudonyms
        texts = Texts(shared.words, shared.addresses, Spoken(shared.known, learnt), tally)
        texts.kept = shared.texts.kept
        return Logs(texts, shared.descriptions, shared.messages)
