"""Text without a grammar: log lines, reasons, names of programs, header values nobody knows.

``line`` keeps words that a dictionary knows, and numbers where what stands beside them says what they
count; ``agent`` keeps names of products and their versions. All else is replaced: what has a form, as
that (addresses, URIs, ids), the rest word by word. ``opaque`` keeps nothing but the signs between.
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
# FreeSWITCH writes an address of IPv6 and its port without brackets: behind these words the last is a port.
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
LONGEST_NAME = 128
SHORTEST_NUMBER = 3  # digits: shorter ones count things
OPEN, CLOSE, NULL = "\ue00a", "\ue00b", 0xE000  # mark what is replaced already
MARKED = re.compile(f"{OPEN}([\ue000-\ue009]+){CLOSE}")
MARKS = re.compile("[\ue000-\ue00b]")

# What a number is, where it is no telephone number: the words before it, the unit behind it.
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
LOOKED_BACK = 24

Found = re.Match[str]
Hide = Callable[[str], str]  # puts a mark in the place of what is done
Step = Callable[[Found, Hide], str]


class Texts:
    """Replaces within text; it knows the words that ``words`` has seen so far."""

    def __init__(self, words: Words, addresses: Addresses, known: Known, tally: Tally | None = None) -> None:
        self.words, self.addresses, self.known = words, addresses, known
        self._tally = tally or Tally()
        self.kept: set[str] = set()  # ids that stay in messages, and so in the text about them
        self.plain: set[str] = set()  # words of text that stayed
        self._steps = self._in_order()

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

    def uri(self, user: str | None, host: str) -> str:
        """``user@host`` of a URI, or the host alone."""
        mapped = self.words.host(host)
        if user is None:
            return mapped
        name, colon, password = user.partition(":")
        return self.words.user(name) + colon + self.words.blank(password) + "@" + mapped

    def line(self, text: str) -> str:
        """A line of text in which what its form, a message, or no dictionary tells of is replaced."""
        done: list[str] = []

        def hide(new: str) -> str:
            done.append(new)
            return OPEN + "".join(chr(NULL + int(digit)) for digit in str(len(done) - 1)) + CLOSE

        text = MARKS.sub("?" * octets(OPEN), text)
        for pattern, change in self._steps:
            text = _changed(pattern, change, hide, text)
        text = WORD.sub(lambda found: self._judged(found, hide), text)
        self.keeps(MARKED.sub(" ", text))
        return _shown(text, done)

    def agent(self, name: str) -> str:
        """How a program names itself: products and versions stay, whoever it was made for does not."""
        new, at = "", 0
        for start, end in [*self.known.spans(name), (len(name), len(name))]:
            new += AGENT.sub(self._of_agent, name[at:start]) + name[max(start, at) : end]
            at = max(at, end)
        self.keeps(new)
        return new

    def other(self, text: str) -> str:
        """A text word by word: another for each that no dictionary knows."""
        if GROUPED.search(text):
            return self.opaque(text)
        return WORD.sub(lambda found: self._word_or_another(found[0]), text)

    def _of_agent(self, found: Found) -> str:
        word = found[0]
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
            (HEX, lambda f, hide: hide(self._found(f[0]))),
            (ID, lambda f, hide: hide(self._found(f[0]))),
            (NUMBER, lambda f, hide: hide(self._found(f[0]))),
            (HOST, lambda f, hide: hide(words.host(f[0])) if self._is_host(f[0]) else f[0]),
        )

    def _endpoint(self, addr: str, port: str) -> str:
        whole = f"{addr}:{port}"
        if is_address(addr):
            return f"{self.words.host(addr)}:{port}"
        return self.words.host(whole) if is_address(whole) else self.opaque(whole)

    def _is_host(self, name: str) -> bool:
        """Whether a name with points is one: a message named it, or no dictionary knows a word of it."""
        return name.lower() in self.words.sure or name not in self.known

    def _judged(self, found: Found, hide: Hide) -> str:
        """A word of a line: by the dictionary, a number by what is beside it."""
        word = found[0]
        counts = word.isdecimal() and SHORTEST_NUMBER <= len(word) <= LONGEST_COUNT and _counts(found)
        if counts or self.known.word(word):
            self._tally.words[word] += not counts
            return word
        seen = self.words.seen.get(word) or (word.isascii() and self.words.seen.get(word.lower()))
        return hide(seen or self.words.word(word))

    def _found(self, word: str) -> str:
        """A number or an id found by its form."""
        if word in self.kept and word not in self.words.seen:
            self._tally.stayed[Kind.ID] += 1
            return word
        return self.words.user(word)

    def _of_uri(self, found: Found) -> str:
        if found[1].lower() == "tel":
            return self.words.user(found[3])
        return self.uri(found[2].removesuffix("@") if found[2] else None, found[3])

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


def _counts(found: Found) -> bool:
    """Whether what stands beside a number says what it is: a port, a status, an amount."""
    text, start = found.string, found.start()
    before = text[max(start - LOOKED_BACK, 0) : start]
    if before.endswith(STATE):
        return len(found[0]) == STATUS
    return bool(COUNTING.search(before) or UNIT.match(text, found.end()))


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
