"""Which words are positively harmless: of protocols, codecs, products, log texts. All others are somebody's.

What redaction keeps in text, and what the last search may find in it, is asked here and nowhere else.
"""

import re
from collections.abc import Iterable

from postproc.model.logtexts import TEXTS
from postproc.share.redaction import vocabulary

PIECE = re.compile(r"[a-z0-9]+")
WORD = re.compile(r"(?:[^\W_]|[\udc80-\udcff])+")  # undecodable bytes are letters, too
LETTERS = re.compile(r"[A-Za-z]{3,}")
COUNTED = re.compile(r"(?:x|v)?\d{1,3}(?:ms|s|bit|k|kbps|hz|khz)?|cs\d?", re.IGNORECASE)
SHORT_NUMBER = 2  # digits: what is longer may be an extension
LONGEST_VERSION = 9  # digits: what has more may be a telephone number with points in it
VERSION = re.compile(r"[vV]?\d{1,3}(?:\.\d{1,6}){1,3}")
# A number in groups, an address, a version; no status line.
GROUPED = re.compile(r"(?<!SIP/)(?<![\w.+])\+?\d{1,5}(?:[ ./~-]\d{1,5}){2,9}(?!\w)")
ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
DICTIONARY = frozenset(
    word
    for text in (
        vocabulary.SIP,
        vocabulary.CODECS,
        vocabulary.SDP,
        vocabulary.PHRASES,
        vocabulary.PRODUCTS,
        vocabulary.LOG,
        *(text.words for text in TEXTS),
    )
    for word in PIECE.findall(text.lower())
)
CODECS = frozenset(vocabulary.CODECS.split())
NAMES = frozenset(vocabulary.NAMES.split())
DOMAINS = frozenset(vocabulary.DOMAINS.split())


class Known:
    """The words that stay; ``products`` are patterns of names that say a deployment's products.

    ``"text" in known`` says whether every word of a text stays.
    """

    def __init__(self, products: Iterable[str] = ()) -> None:
        self._products = [re.compile(pattern) for pattern in products]
        named = (found for each in self._products for found in LETTERS.findall(each.pattern))
        self._words = DICTIONARY | {word.lower() for word in named}
        self._answers: dict[str, bool] = {}

    def word(self, word: str) -> bool:
        """Whether a word without blanks and signs in it is nobody's."""
        if word not in self._answers:
            self._answers[word] = self._is_word(word)
        return self._answers[word]

    def __contains__(self, text: object) -> bool:
        return isinstance(text, str) and all(map(self.word, WORD.findall(text))) and not GROUPED.search(text)

    def spans(self, name: str) -> list[tuple[int, int]]:
        """Where the name of a program says one of the products."""
        found = (match.span() for pattern in self._products for match in pattern.finditer(name))
        return sorted((start, end) for start, end in found if start < end)

    def _is_word(self, word: str) -> bool:
        lower = word.lower()
        if not word.isascii():
            return False
        if word.isdecimal():
            return len(word) <= SHORT_NUMBER
        if lower in NAMES:
            return word in (lower, word.upper())
        if lower in self._words or len(word) == 1:
            return True
        return bool(COUNTED.fullmatch(word)) and sum(map(str.isdigit, word)) <= SHORT_NUMBER


def is_version(text: str) -> bool:
    """Whether this is shaped like the version of a program, not like an address or a number with points."""
    if not VERSION.fullmatch(text) or ADDRESS.fullmatch(text):
        return False
    bare = text.lstrip("vV")
    return sum(map(str.isdigit, bare)) <= LONGEST_VERSION and not re.match(r"0\d", bare)


def is_codec(name: str) -> bool:
    """Whether this names a codec or a format of media, as rtpmap does."""
    pieces = PIECE.findall(name.lower())
    return name.isascii() and all(piece in CODECS or _is_short_number(piece) for piece in pieces)


def _is_short_number(piece: str) -> bool:
    return piece.isdecimal() and len(piece) <= SHORT_NUMBER
