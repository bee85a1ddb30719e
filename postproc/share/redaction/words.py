"""Pseudonyms of words and numbers: as many bytes as before, a digit for a digit, a letter for a letter.

Each character is rotated by an amount that depends on all characters after it: words with a common
ending keep one (extension and full number, written with +49 or 0), and no two words become one.
The last character always changes. The digit 0 stays, so that the prefixes 0 and 00 keep their meaning.
"""

import hmac
import re
import string
from collections.abc import Callable
from ipaddress import ip_address

import phonenumbers

from postproc.share.account import Kind, Tally
from postproc.share.redaction.addresses import Addresses
from postproc.share.redaction.vocabulary import DICTIONARY, DOMAINS

LONGEST = 512  # characters of a word; a longer one is blanked. A choice that bounds the work (quadratic)
WITHHELD = frozenset(
    {
        "anonymous",
        "unavailable",
        "restricted",
        "unknown",
        "private",
        "withheld",
        "invalid",
        "localhost",
        "conference",
        "voicemail",
    }
)
SEPARATOR = re.compile(r"((?:[^\w\udc80-\udcff]|_)+)")  # undecodable bytes count as letters
# Suffixes that B2BUAs append to the Call-ID of the other leg.
SUFFIX = re.compile(r"[_-](?:b2b|b2bua|pbx|leg|out|in|[ab])[_-]?\d{0,4}$", re.IGNORECASE)
NUMBER = re.compile(r"[+*#]*[0-9][0-9 ().\-/*#]*")
HEX = frozenset("abcdef")
COUNTRY_CODE, SHORTEST_INTERNATIONAL = 3, 9
COUNTRY = re.compile(r"[a-z]{2}", re.IGNORECASE)  # a top-level domain of two letters (ISO 3166)
HOST = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?")
BLANKED = re.compile(r"[^\W_]|[^\x00-\x7f]")
PORT = re.compile(r":\d{1,5}$")


class Words:
    """Map words to pseudonyms; ``seen`` has every original with its pseudonym."""

    def __init__(self, key: bytes, addresses: Addresses, tally: Tally | None = None) -> None:
        self._key, self._tally = key, tally or Tally()
        self._addresses = addresses
        self.seen: dict[str, str] = {}
        self.sure: set[str] = set()  # lower case; words certain to be a user, an id or a host

    def user(self, name: str) -> str:
        """Redact a user part, extension or telephone number; "anonymous" and the like stay."""
        if name.lower() in WITHHELD or not name:
            return name
        self._tally.replaced[Kind.USER] += 1
        self.sure.add(name.lower())
        return self._kept(name, self._number) if NUMBER.fullmatch(name) else self._identified(name)

    def word(self, word: str) -> str:
        """Redact a word that is in no dictionary, whether or not it names somebody."""
        self._tally.replaced[Kind.WORD] += 1
        if word in self.seen:
            return self.seen[word]
        return self._kept(word, self._number if NUMBER.fullmatch(word) else self._parts)

    def identifier(self, word: str) -> str:
        """Redact an id part by part: an id that begins or ends with another still does."""
        self._tally.replaced[Kind.ID] += bool(word)
        self.sure.add(word.lower())
        return self._identified(word)

    def _identified(self, word: str) -> str:
        if word in self.seen or not word:
            return self.seen.get(word, word)
        if is_address(word):
            return self._addresses.text(word)
        return self._kept(word, self._parts)

    def call_id(self, value: str) -> str:
        """Redact a Call-ID: ``local@host``, or the local part alone."""
        local, at, host = value.partition("@")
        return self.identifier(local) + at + self.host(host)

    def host(self, name: str) -> str:
        """Redact an address, with or without brackets, or a host name; a port after it stays."""
        port = PORT.search(name) if name.count(":") == 1 or name.startswith("[") else None
        bare = name[: port.start()] if port else name
        return self._host(bare) + (port[0] if port else "")

    def _host(self, name: str) -> str:
        inner = name.removeprefix("[").removesuffix("]")
        if is_address(inner):
            mapped = self._addresses.text(inner)
            return f"[{mapped}]" if inner != name else mapped
        if name.lower() in WITHHELD or not name:
            return name
        self._tally.replaced[Kind.HOST] += 1
        self.sure.add(name.lower())
        if not HOST.fullmatch(name):
            return self._identified(name)
        if self._is_somebodys(name.rpartition(".")[2]):  # which may be learned after the host's name
            self.seen.pop(name, None)
        return self._kept(name, self._labels)

    def blank(self, value: str) -> str:
        """Overwrite a secret: characters become 0, separators stay."""
        self._tally.replaced[Kind.SECRET] += bool(value.strip())
        return BLANKED.sub(lambda match: "0" * octets(match[0]), value)

    def _kept(self, word: str, change: Callable[[str], str]) -> str:
        if word not in self.seen:
            self.seen[word] = change(word) if len(word) <= LONGEST else self.blank(word)
        return self.seen[word]

    def _number(self, number: str) -> str:
        prefix = _country_code(number)
        return number[:prefix] + self._turned(number[prefix:])

    def _labels(self, name: str) -> str:
        labels = name.split(".")
        last = labels[-1]
        says_no_more = COUNTRY.fullmatch(last) or (last.lower() in DOMAINS and not self._is_somebodys(last))
        keeps_last = len(labels) > 1 and says_no_more
        mapped = [self._parts(label) for label in (labels[:-1] if keeps_last else labels)]
        return ".".join([*mapped, last] if keeps_last else mapped)

    def _is_somebodys(self, label: str) -> bool:
        """Whether a top-level domain that would stay is also somebody's name: then neither may stay."""
        lower = label.lower()
        return lower in self.sure and lower in DOMAINS and lower not in DICTIONARY

    def _parts(self, word: str) -> str:
        added = SUFFIX.search(word)
        end = added.start() if added and added.start() else len(word)
        parts = SEPARATOR.split(word[:end])
        parts[::2] = map(self._turned, parts[::2])
        return "".join(parts) + word[end:]

    def _turned(self, part: str) -> str:
        """Rotate each character within its alphabet, by an amount derived from what follows it."""
        letters = {char for char in part.lower() if char in string.ascii_lowercase}
        alphabet = "abcdef" if letters <= HEX else string.ascii_lowercase
        digits = "123456789"
        signs = list(part)
        behind = ""
        for place in range(len(part) - 1, -1, -1):
            char = part[place].lower()
            if char in digits:
                signs[place] = self._turn(char, digits, behind)
            elif char in alphabet:
                turned = self._turn(char, alphabet, behind)
                signs[place] = turned.upper() if part[place].isupper() else turned
            elif not char.isascii():  # one character may become two in lower case
                signs[place] = "x" * octets(part[place])  # a letter of another alphabet
            behind = char + behind
        return "".join(signs)

    def _turn(self, char: str, alphabet: str, behind: str) -> str:
        digest = hmac.digest(
            self._key, f"{len(alphabet)}:{behind}".encode(errors="surrogateescape"), "sha256"
        )
        amount = 1 + int.from_bytes(digest[:4]) % (len(alphabet) - 1)
        return alphabet[(alphabet.index(char) + amount) % len(alphabet)]


def octets(text: str) -> int:
    """Return the length of a text in a packet, in bytes."""
    return len(text.encode(errors="surrogateescape"))


def fitting(old: str, new: str, otherwise: Callable[[], str]) -> str:
    """Return ``new`` if it is as long as ``old`` in bytes, else ``otherwise()``."""
    return new if octets(new) == octets(old) else otherwise()


def is_address(word: str) -> bool:
    """Whether this is an IP address as text, with or without a zone."""
    try:
        ip_address(word.partition("%")[0])
    except ValueError:
        return False
    return True


def _country_code(number: str) -> int:
    """Return how many characters of an international number form the country code (ITU-T E.164)."""
    for prefix in ("+", "00"):
        if number.startswith(prefix) and len(number) >= SHORTEST_INTERNATIONAL:
            for length in range(COUNTRY_CODE, 0, -1):
                code = number[len(prefix) : len(prefix) + length]
                if code.isdecimal() and int(code) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
                    return len(prefix) + length
            return len(prefix)
    return 0
