"""Redact text without a grammar: log lines, reasons, program names, unknown header values.

``line`` keeps dictionary words, and numbers whose context says what they count; ``agent`` keeps product
names and versions. All else is replaced: recognizable forms (addresses, URIs, ids) as such, the rest word
by word. ``opaque`` keeps nothing but the separators.
"""

import re
from collections.abc import Callable

from postproc.share.account import Kind, Tally
from postproc.share.redaction.addresses import Addresses
from postproc.share.redaction.vocabulary import GROUPED, WORD, Known, is_codec, is_version
from postproc.share.redaction.words import Words, is_address, octets

TELLING_TIME = re.compile(
    r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?Z?|(?<![\w:])\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?![\w:])"
)
SECRET = re.compile(
    r"\b(\w{0,24}(?:password|passwd|secret|token|cookie|ice-pwd|inline|nonce|opaque|response|rspauth|api_?key)"
    r"|authorization|credentials)(\s{0,3}[:=]\s{0,3}(?:(?:digest|basic|bearer)\s+)?[\"'\[]?)([^\s\"',;\]]+)",
    re.IGNORECASE,
)
NAMED = re.compile(
    r"\b(\w{0,24}(?:caller|callee|sip_from|sip_to|sip_req|sip_contact|sip_auth|effective|origination|destination|"
    r"presence|domain|realm|hostname|user_?name|display|full_?name|first_?name|last_?name|mail|account|customer|"
    r"principal|login)[\w-]{0,24})(\]?\s{0,3}[:=]+\s{0,3})"
    r"(\[[^\]\n]{0,256}\]|\"[^\"\n]{0,256}\"|'[^'\n]{0,256}'|[^\s,;\])}]{1,256})",
    re.IGNORECASE,
)
DISPLAY = re.compile(r'(")([^"\n]{1,128})("\s{0,3}<)', re.IGNORECASE)
URI = re.compile(
    r"\b(sips?|tel|xmpp|mailto|h323|im|pres):([^\s@<>\"';,?]{0,256}@)?([^\s<>\"';,?\])/\ue00a]{1,256})",
    re.IGNORECASE,
)
AT = re.compile(
    r"(?<![\w.+~%*#-])([\w.+~%*#-]{1,128})@(?=[^\s@]{0,253}[A-Za-z.])(\[[0-9A-Fa-f:.]{2,45}\](?::\d{1,5})?|[\w.-]{1,253}(?::\d{1,5})?)"
)
MAC = re.compile(r"(?<![\w:-])[0-9A-Fa-f]{2}([:-])[0-9A-Fa-f]{2}(?:\1[0-9A-Fa-f]{2}){4}(?![\w:-])")
IPV4 = re.compile(r"(?<![\w.])(\d{1,3}(?:\.\d{1,3}){3})(/\d{1,2}\b)?(?!\w|\.\d)")
IPV6 = re.compile(
    r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4})(?![\w:])"
)
# FreeSWITCH writes IPv6 address and port without brackets: after these words the last group is a port.
ENDPOINT = re.compile(
    r"(\b(?:invite from|ip/port|addr:|index \d{1,3},?|port from|ICE: [^\s:]{1,256}:\S{1,256}) |(?<=\d to ))"
    r"((?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}):(\d{1,5})(?![\w:]|\.\d)"
)
UUID = re.compile(r"(?<!\w)[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?!\w)")
ID = re.compile(r"(?<![\w+/])(?=[A-Za-z]{0,64}\d)(?=\d{0,64}[A-Za-z])[0-9A-Za-z]{16,512}(?!\w)")
HEX = re.compile(r"(?<!\w)(?=[a-f]{0,64}\d)(?=\d{0,64}[a-f])[0-9a-f]{10,512}(?!\w)", re.IGNORECASE)
NUMBER = re.compile(r"(?<![\w.:])(?:\+\d{3,15}|00\d{6,15}|0\d{6,15}|\d{7,15})(?!\w)")
HOST = re.compile(r"(?<![\w@./-])(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,18}(?![\w(-]|\.\w)")
URL = re.compile(
    r"\b((?:https?|wss?|ftp|ldaps?)://)([^\s/@\"']{0,128}@)?([^\s/:\"'<>\]]{1,253})(:\d{1,5})?([^\s\"'<>\]]{0,2048})",
    re.I,
)
DIALPLAN = re.compile(r"(Processing )(.{1,128}?)( <)([^>]{0,64})(>->)(\S{1,128})( in context )")
DATE = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?\d{1,2} "
    r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4}\b"
)
# Name, clock rate, channels or payload type of a codec, as in rtpmap and in logs.
CODEC = re.compile(r"\b([A-Za-z][\w-]{1,20})(?:/\d{4,6}(?:/\d)?\b|(?::\d{1,6}){2,6}\b)")
# Recommendations of the ITU-T that SIP and its texts cite: causes, numbers, codecs, fax, certificates.
RECOMMENDATION = re.compile(
    r"(?<![\w.])(?:Q\.(?:850|931)|E\.164|G\.(?:711|722|723|726|729)|H\.(?:26[345]|323|248)|T\.(?:30|38|140)|X\.509)"
    r"(?!\w|\.\d)",
    re.IGNORECASE,
)
RATE = re.compile(
    r"(?<![\w.@])\d{1,3}@(?:8|16|24|32|44|48)(?:000|100)(?!\w|\.\d)"
)  # payload type at a clock rate


BETWEEN = re.compile(r"([\s;,=<>{}()\"'\[\]|/?&]+)")
SCHEME = re.compile(r"(sips?|tel|urn|im|pres|xmpp|mailto|h323):(.+)", re.IGNORECASE)
NUMBERED = re.compile(r"[+*#]*[0-9][0-9 ().\-/*#]*")
LONGEST_NAME = 128  # characters of a display name; a choice, longer values are treated as opaque
SHORTEST_NUMBER = 3  # digits: shorter ones count things
OPEN, CLOSE, NULL = "\ue00a", "\ue00b", 0xE000  # private-use characters that mark replaced text
MARKED = re.compile(f"{OPEN}([\ue000-\ue009]+){CLOSE}")
MARKS = re.compile("[\ue000-\ue00b]")

# Context that makes a number a quantity rather than a telephone number: words before it, a unit after it.
COUNTING = re.compile(
    r"(?:\b(?:ports?|payload|expires|cause|codec|ms|index|idx|cid|status|code|sip/2\.0|size|rate|interval|"
    r"timeout|ptime|seq|bytes|samples|rport|delay|duration)(?: is| to)?\W{1,3}|with: "
    r"|\.(?:c|cc|cpp|h|cs|lua|js|py):|\ue00b:|\ue00b\]:\[)$",
    re.IGNORECASE,
)
UNIT = re.compile(
    r"(?:\.\d{1,3})? ?(?:%|(?:ms|msec|us|bytes?|samples?|bits?|kbps|k?hz|channels?|"
    r"seconds?|packets?|frames?)\b)",
    re.IGNORECASE,
)
STATE = "]["  # FreeSWITCH: [received][100]
STATUS = 3  # digits
LONGEST_COUNT = 6  # digits: 99,999 milliseconds, 48,000 Hz, 65,535 ports
AGENT = re.compile(
    rf"{TELLING_TIME.pattern}|{GROUPED.pattern}|(?<![\w.])[vV]?\d{{1,3}}(?:\.\d+)+(?![\w.]*@)|{WORD.pattern}"
)
LOOKED_BACK = 24  # characters before a number that are searched; longer than any alternative of COUNTING

Found = re.Match[str]
Hide = Callable[[str], str]  # stores a replacement, returns a mark for it
Step = Callable[[Found, Hide], str]


class Texts:
    """Redact text; words that ``words`` has seen keep their pseudonym."""

    def __init__(self, words: Words, addresses: Addresses, known: Known, tally: Tally | None = None) -> None:
        self.words, self.addresses, self.known = words, addresses, known
        self._tally = tally or Tally()
        self.kept: set[str] = set()  # ids that stay in messages, and so in the text about them
        self.plain: set[str] = set()  # words of text that stayed
        self._steps = self._in_order()

    def name(self, display: str) -> str:
        """Redact a display name word by word."""
        bare = display.strip().strip('"')
        if len(bare) > LONGEST_NAME or any(sign in bare for sign in ":=\r\n"):
            return self.opaque(display)
        if NUMBERED.fullmatch(bare):
            return display.replace(bare, self.words.user(bare))
        return WORD.sub(lambda match: self.words.user(match[0]), display)

    def opaque(self, value: str) -> str:
        """Redact a value of unknown meaning: replace every word."""
        parts = BETWEEN.split(value)
        parts[::2] = map(self._word, parts[::2])
        return "".join(parts)

    def keeps(self, text: str) -> None:
        """Note the words of a text that stays; the search for leaks does not report them."""
        self.plain.update(BETWEEN.split(text.lower())[::2])

    def uri(self, user: str | None, host: str) -> str:
        """Redact ``user@host`` of a URI, or the host alone."""
        mapped = self.words.host(host)
        if user is None:
            return mapped
        name, colon, password = user.partition(":")
        return self.words.user(name) + colon + self.words.blank(password) + "@" + mapped

    def line(self, text: str) -> str:
        """Redact a line of text: recognizable forms, words learned from messages, words in no dictionary."""
        replacements: list[str] = []

        def hide(new: str) -> str:
            replacements.append(new)
            return OPEN + "".join(chr(NULL + int(digit)) for digit in str(len(replacements) - 1)) + CLOSE

        text = MARKS.sub("?" * octets(OPEN), text)
        for pattern, change in self._steps:
            text = _changed(pattern, change, hide, text)
        text = WORD.sub(lambda match: self._judged(match, hide), text)
        self.keeps(MARKED.sub(" ", text))
        return _shown(text, replacements)

    def agent(self, name: str) -> str:
        """Redact a program's name for itself: products and versions stay, customers' names do not."""
        new, at = "", 0
        for start, end in [*self.known.spans(name), (len(name), len(name))]:
            new += AGENT.sub(self._of_agent, name[at:start]) + name[max(start, at) : end]
            at = max(at, end)
        self.keeps(new)
        return new

    def other(self, text: str) -> str:
        """Redact a text word by word; dictionary words stay."""
        if GROUPED.search(text):
            return self.opaque(text)
        return WORD.sub(lambda match: self._word_or_another(match[0]), text)

    def _of_agent(self, match: Found) -> str:
        word = match[0]
        if is_version(word) or TELLING_TIME.fullmatch(word):
            return word
        if is_address(word):
            return self.words.host(word)
        if GROUPED.fullmatch(word):
            return self.words.word(word)
        return self.other(word)

    def _word_or_another(self, word: str) -> str:
        if not self.known.word(word):
            return self.words.word(word)
        self._tally.words[word] += 1
        return word

    def _in_order(self) -> tuple[tuple[re.Pattern[str], Step], ...]:
        words, addresses = self.words, self.addresses
        return (
            (TELLING_TIME, lambda f, hide: hide(f[0])),
            (DATE, lambda f, hide: hide(f[0])),
            (SECRET, lambda f, hide: f[1] + f[2] + hide(words.blank(f[3]))),
            (
                DIALPLAN,
                lambda f, hide: (
                    f[1]
                    + hide(self.name(f[2]))
                    + f[3]
                    + hide(words.user(f[4]))
                    + f[5]
                    + hide(words.user(f[6]))
                    + f[7]
                ),
            ),
            (
                URL,
                lambda f, hide: (
                    f[1]
                    + hide(words.blank(f[2] or ""))
                    + hide(words.host(f[3]))
                    + (f[4] or "")
                    + hide(self.opaque(f[5]))
                ),
            ),
            (URI, lambda f, hide: f"{f[1]}:" + hide(self._of_uri(f))),
            (AT, lambda f, hide: hide(self.uri(f[1], f[2]))),
            (DISPLAY, lambda f, hide: f[1] + hide(self.name(f[2])) + f[3]),
            (NAMED, lambda f, hide: f[1] + f[2] + (f[3] if MARKS.search(f[3]) else hide(self.opaque(f[3])))),
            (ENDPOINT, lambda f, hide: f[1] + hide(self._endpoint(f[2], f[3]))),
            (UUID, lambda f, hide: hide(words.identifier(f[0]))),
            (MAC, lambda f, hide: hide(_mac(f, addresses))),
            (IPV6, lambda f, hide: hide(words.host(f[0])) if is_address(f[0]) else f[0]),
            (IPV4, lambda f, hide: hide(_network(f, addresses)) if is_address(f[1]) else f[0]),
            (CODEC, lambda f, hide: hide(f[0]) if is_codec(f[1]) else f[0]),
            (RATE, lambda f, hide: hide(f[0])),
            (RECOMMENDATION, lambda f, hide: hide(f[0])),
            (GROUPED, lambda f, hide: f[0] if is_version(f[0]) else hide(words.word(f[0]))),
            (HEX, lambda f, hide: hide(self._by_form(f[0]))),
            (ID, lambda f, hide: hide(self._by_form(f[0]))),
            (NUMBER, lambda f, hide: hide(self._by_form(f[0]))),
            (HOST, lambda f, hide: hide(words.host(f[0])) if self._is_host(f[0]) else f[0]),
        )

    def _endpoint(self, addr: str, port: str) -> str:
        whole = f"{addr}:{port}"
        if is_address(addr):
            return f"{self.words.host(addr)}:{port}"
        return self.words.host(whole) if is_address(whole) else self.opaque(whole)

    def _is_host(self, name: str) -> bool:
        """Whether a dotted name is a host: a message named it, or not all its words are in the dictionary."""
        return name.lower() in self.words.sure or name not in self.known

    def _judged(self, match: Found, hide: Hide) -> str:
        """Redact a word of a line, by the dictionary; a number by its context."""
        word = match[0]
        counts = word.isdecimal() and SHORTEST_NUMBER <= len(word) <= LONGEST_COUNT and _counts(match)
        if counts or self.known.word(word):
            self._tally.words[word] += not counts
            return word
        pseudonym = self.words.seen.get(word) or (word.isascii() and self.words.seen.get(word.lower()))
        return hide(pseudonym or self.words.word(word))

    def _by_form(self, word: str) -> str:
        """Redact a number or an id recognized by its form; ids that stay in messages stay."""
        if word in self.kept and word not in self.words.seen:
            self._tally.stayed[Kind.ID] += 1
            return word
        return self.words.user(word)

    def _of_uri(self, match: Found) -> str:
        if match[1].lower() == "tel":
            return self.words.user(match[3])
        return self.uri(match[2].removesuffix("@") if match[2] else None, match[3])

    def _word(self, word: str) -> str:
        if scheme := SCHEME.fullmatch(word):
            user, at, host = scheme[2].rpartition("@")
            return f"{scheme[1]}:" + (self.uri(user, host) if at else self._word(scheme[2]))
        if "@" in word:
            return self.words.call_id(word)
        host, colon, port = word.rpartition(":")
        if is_address(word) or (colon and port.isdecimal() and is_address(host)):
            return self.words.host(word)
        return self.words.word(word)


def _counts(match: Found) -> bool:
    """Whether the context of a number says what it is: a port, a status, an amount."""
    text, start = match.string, match.start()
    before = text[max(start - LOOKED_BACK, 0) : start]
    if before.endswith(STATE):
        return len(match[0]) == STATUS
    return bool(COUNTING.search(before) or UNIT.match(text, match.end()))


def _changed(pattern: re.Pattern[str], change: Step, hide: Hide, text: str) -> str:
    return pattern.sub(lambda match: change(match, hide), text)


def _shown(text: str, replacements: list[str]) -> str:
    """Put the replacements in place of their marks; a replacement may contain marks."""
    for _ in range(len(replacements) + 1):
        if not MARKED.search(text):
            break
        text = MARKED.sub(
            lambda match: replacements[int("".join(str(ord(char) - NULL) for char in match[1]))], text
        )
    return text


def _mac(match: Found, addresses: Addresses) -> str:
    between = match[1]
    new = addresses.mac(bytes.fromhex(match[0].replace(between, "")))
    text = between.join(f"{byte:02x}" for byte in new)
    return text.upper() if match[0].isupper() else text


def _network(match: Found, addresses: Addresses) -> str:
    """Redact an address; before a prefix length only the octets that the prefix covers."""
    if not match[2] or int(match[2][1:]) > 32:
        return addresses.text(match[1]) + (match[2] or "")
    return addresses.network(match[1], int(match[2][1:])) + match[2]
