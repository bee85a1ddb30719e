"""Text without a grammar: log lines, reasons, header values nobody knows.

``line`` keeps what it can: addresses, URIs, names in front of them, numbers,
ids, what follows a telling word, and every word learnt from messages are
replaced. ``opaque`` keeps nothing but the signs between the words.
"""

import re
from collections.abc import Callable, Iterable

from postproc.logtexts import TEXTS
from postproc.present.redaction.addresses import Addresses
from postproc.present.redaction.patterns import (
    AT,
    DIALPLAN,
    DISPLAY,
    FILES,
    HEX,
    HOST,
    ID,
    IPV4,
    IPV6,
    MAC,
    NAMED,
    NUMBER,
    PATH,
    SECRET,
    TELLING_TIME,
    URI,
    URL,
    UUID,
    WORD,
)  # fmt: skip
from postproc.present.redaction.words import WITHHELD, Words, is_address

# What messages and logs say in every call is no name, even if somebody is called that.
PROTOCOL = """
    ack bye cancel info invite message notify options prack publish refer register subscribe update sip sips
    tel udp tcp tls ws wss sctp audio video image text application rtp savp savpf avp avpf opus pcma pcmu g722
    g729 telephone event timer path replaces norefersub talk hold conference session progress ringing trying
    forbidden found acceptable here busy server client host srflx relay prflx typ raddr rport local remote
    active passive actpass sdp user agent call offer answer port proto candidate media state change channel
    standard none true false early outbound gruu pbx asterisk freeswitch kamailio opensips pjsip sipsorcery
    icelink xphone yealink snom grandstream polycom cisco linphone zoiper microsip jitsi audiocodes patton
"""
COMMON = frozenset(word.lower() for text in TEXTS for word in WORD.findall(text.words)) | WITHHELD
COMMON |= frozenset(PROTOCOL.split())
BETWEEN = re.compile(r"([\s;,=<>{}()\"'\[\]|/?&]+)")
SCHEME = re.compile(r"(sips?|tel|urn|im|pres|xmpp|mailto|h323):(.+)", re.IGNORECASE)
NUMBERED = re.compile(r"[+*#]*[0-9][0-9 ().\-/*#]*")
SHORTEST_LEARNT, LONGEST_NAME = 3, 128
OPEN, CLOSE, NULL = "\ue00a", "\ue00b", 0xE000  # mark what is replaced already
MARKED = re.compile(f"{OPEN}([\ue000-\ue009]+){CLOSE}")
MARKS = re.compile("[\ue000-\ue00b]")

Found = re.Match[str]
Hide = Callable[[str], str]  # puts a mark in the place of what is done
Step = Callable[[Found, Hide], str]


class Texts:
    """Replaces within text; it knows the words that ``words`` has seen so far.

    ``products`` are names of products (patterns): no word in them is taken for somebody's.
    """

    def __init__(self, words: Words, addresses: Addresses, products: Iterable[str] = ()) -> None:
        self.words, self.addresses = words, addresses
        self.common = COMMON | {word.lower() for name in products for word in WORD.findall(name)}
        self.kept: set[str] = set()  # ids that stay in messages, and so in the text about them
        self.plain: set[str] = set()  # words of text that stayed

    def name(self, display: str) -> str:
        """A display name, word by word."""
        bare = display.strip().strip('"')
        if len(bare) > LONGEST_NAME or any(sign in bare for sign in ":=\r\n"):
            return self.opaque(display)
        if NUMBERED.fullmatch(bare):
            return display.replace(bare, self.words.user(bare))
        return WORD.sub(lambda found: self.words.user(found[0]), display)

    def opaque(self, value: str) -> str:
        """A value of unknown meaning: every word of it is replaced."""
        parts = BETWEEN.split(value)
        parts[::2] = map(self._word, parts[::2])
        return "".join(parts)

    def keeps(self, text: str) -> None:
        """Note the words of a text that stays, for who looks for what is left."""
        self.plain.update(BETWEEN.split(text.lower())[::2])

    def uri(self, user: str, host: str) -> str:
        """``user@host`` of a URI, or the host alone."""
        mapped = self.words.host(host)
        if not user:
            return mapped
        name, colon, password = user.partition(":")
        return self.words.user(name) + colon + self.words.blank(password) + "@" + mapped

    def line(self, text: str) -> str:
        """A line of text in which what its form or a message tells of is replaced."""
        done: list[str] = []

        def hide(new: str) -> str:
            done.append(new)
            return OPEN + "".join(chr(NULL + int(digit)) for digit in str(len(done) - 1)) + CLOSE

        text = MARKS.sub("?", text)
        for pattern, change in self._steps():
            text = _changed(pattern, change, hide, text)
        text = WORD.sub(lambda found: self._learnt(found, hide), text)
        self.keeps(MARKED.sub(" ", text))
        return _shown(text, done)

    def _steps(self) -> tuple[tuple[re.Pattern[str], Step], ...]:
        words, addresses = self.words, self.addresses
        return (
            (TELLING_TIME, lambda f, hide: hide(f[0])),
            (SECRET, lambda f, hide: f[1] + f[2] + hide(words.blank(f[3]))),
            (DIALPLAN, lambda f, hide: f[1] + hide(self.name(f[2])) + f[3] + hide(words.user(f[4])) + f[5]
             + hide(words.user(f[6])) + f[7]),
            (URL, lambda f, hide: f"{f[1]}://{hide(words.host(f[2]))}{f[3] or ''}{hide(self.opaque(f[4]))}"),
            (URI, lambda f, hide: f"{f[1]}:" + hide(self._of_uri(f))),
            (AT, lambda f, hide: hide(self.uri(f[1], f[2]))),
            (DISPLAY, lambda f, hide: f[1] + hide(self.name(f[2])) + f[3]),
            (NAMED, lambda f, hide: f[1] + f[2] + (f[3] if MARKS.search(f[3]) else hide(self.opaque(f[3])))),
            (PATH, lambda f, hide: f[1] + hide(words.user(f[2]))),
            (UUID, lambda f, hide: hide(words.identifier(f[0]))),
            (MAC, lambda f, hide: hide(_mac(f, addresses))),
            (IPV6, lambda f, hide: hide(words.host(f[0])) if is_address(f[0]) else f[0]),
            (IPV4, lambda f, hide: hide(_network(f, addresses)) if is_address(f[1]) else f[0]),
            (HEX, lambda f, hide: hide(self._found(f[0]))),
            (ID, lambda f, hide: hide(self._found(f[0]))),
            (NUMBER, lambda f, hide: hide(self._found(f[0]))),
            (HOST, lambda f, hide: f[0] if FILES.search(f[0]) else hide(words.host(f[0]))),
        )  # fmt: skip

    def _found(self, word: str) -> str:
        """A number or an id found by its form."""
        return word if word in self.kept and word not in self.words.seen else self.words.user(word)

    def _of_uri(self, found: Found) -> str:
        if found[1].lower() == "tel":
            return self.words.user(found[3])
        return self.uri((found[2] or "").removesuffix("@"), found[3])

    def _learnt(self, found: Found, hide: Hide) -> str:
        word = found[0]
        new = self.words.seen.get(word) or self.words.seen.get(word.lower())
        known = word.lower() in self.words.sure and word.lower() not in self.common
        if not new or len(word) < SHORTEST_LEARNT or not known:
            return word
        return hide(new)

    def _word(self, word: str) -> str:
        if scheme := SCHEME.fullmatch(word):
            user, at, host = scheme[2].rpartition("@")
            return f"{scheme[1]}:" + (self.uri(user, host) if at else self._word(scheme[2]))
        if "@" in word:
            return self.words.call_id(word)
        host, colon, port = word.rpartition(":")
        if is_address(word) or (colon and port.isdecimal() and is_address(host)):
            return self.words.host(word)
        return self.words.user(word, sure=False)


def _changed(pattern: re.Pattern[str], change: Step, hide: Hide, text: str) -> str:
    return pattern.sub(lambda found: change(found, hide), text)


def _shown(text: str, done: list[str]) -> str:
    """The text with what was replaced; a replacement may hold another."""
    for _ in range(len(done) + 1):
        if not MARKED.search(text):
            break
        text = MARKED.sub(lambda found: done[int("".join(str(ord(char) - NULL) for char in found[1]))], text)
    return text


def _mac(found: Found, addresses: Addresses) -> str:
    between = found[1]
    new = addresses.mac(bytes.fromhex(found[0].replace(between, "")))
    text = between.join(f"{byte:02x}" for byte in new)
    return text.upper() if found[0].isupper() else text


def _network(found: Found, addresses: Addresses) -> str:
    """An address; in front of a prefix length only what the prefix covers."""
    if not found[2] or int(found[2][1:]) > 32:
        return addresses.text(found[1]) + (found[2] or "")
    return addresses.network(found[1], int(found[2][1:])) + found[2]
