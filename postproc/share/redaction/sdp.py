"""Redact session descriptions (RFC 8866) line by line: known harmless values stay, the rest is replaced.

The media addresses they name (including RFC 8839 candidates) are noted: they prove that a flow carries RTP.
"""

import hmac
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import shake_256
from ipaddress import ip_address

from postproc.share.redaction.texts import Texts
from postproc.share.redaction.vocabulary import is_codec
from postproc.share.redaction.words import fitting
from postproc.wire import MalformedError, number, sdp
from postproc.wire.sdp import LARGEST_PORT, Media, Section

UDPTL = "udptl"  # the transport of fax (ITU-T T.38, annex D)
CARRIES_RTP = "RTP"
LARGEST_TYPE = 127

End = tuple[bytes, int]


class Sessions:
    """The endpoints that descriptions name for RTP, with the payload types allowed there, and for fax."""

    def __init__(self) -> None:
        self._ends: dict[End, set[int]] = {}
        self._fax: set[End] = set()
        self.payload_types: set[int] = set()

    def note(self, description: str) -> None:
        """Learn the endpoints of a description."""
        session, media = sdp.parse(description)
        for section in media:
            with suppress(MalformedError):
                self._note(section, sdp.parse_media(section.value("m") or ""), session.value("c") or "")

    def _note(self, section: Section, media: Media, connection: str) -> None:
        if media.port is None:
            return
        addr = _addr(section.value("c") or connection)
        if media.proto.lower() == UDPTL and (fax := _end(addr, media.port)):
            self._fax.add(fax)
        if CARRIES_RTP not in media.proto:
            return
        numbers = (number(each, LARGEST_TYPE) for each in media.formats)
        types = {each for each in numbers if each is not None}
        self.payload_types |= types
        for host, port in ((addr, media.port), *_candidates(section), *_rtcp(section, addr)):
            if end := _end(host, port):
                self._ends.setdefault(end, set()).update(types)

    def payload_types_at(self, end: End) -> set[int]:
        """Return the payload types named for this endpoint; empty if no description names it."""
        return self._ends.get(end, set())

    def is_fax(self, end: End) -> bool:
        """Whether a description names this endpoint for fax (T.38)."""
        return end in self._fax


def _candidates(section: Section) -> Iterator[tuple[str, int]]:
    for value in section.all("candidate"):
        with suppress(MalformedError):
            candidate = sdp.parse_candidate(value)
            yield candidate.addr, candidate.port


def _rtcp(section: Section, addr: str) -> Iterator[tuple[str, int]]:
    """Yield address and port of ``a=rtcp``; the address defaults to that of the media (RFC 3605)."""
    for value in section.all("rtcp"):
        port, _, connection = value.partition(" ")
        yield _addr(connection) or addr, number(port, LARGEST_PORT) or 0


def _addr(connection: str) -> str:
    """Return the address of a connection line, "" if it has none."""
    try:
        return sdp.parse_connection(connection)
    except MalformedError:
        return ""


def _end(host: str, port: int) -> End | None:
    try:
        return ip_address(host).packed, port
    except ValueError:
        return None


ADDRESS = re.compile(r"(IN\s+IP[46]\s+)([^\s/]+)((?:/\d{1,3}){0,2}\s*)")
RTCP = re.compile(r"(\s*\d{1,5})(\s+IN\s+IP[46]\s+)?(\S*)(\s*)")
MEDIA = re.compile(r"([\w-]+)(\s+\d{1,5}(?:/\d{1,3})?\s+)([\w/.-]+)((?:\s+[\w.*-]+)*\s*)", re.ASCII)
FORMAT = re.compile(r"\d{1,3}|\*")
PLAIN = {
    "v=": re.compile(r"\d{1,2}"),
    "t=": re.compile(r"\d{1,12} \d{1,12}"),
    "b=": re.compile(r"(?:AS|TIAS|CT|RS|RR):\d{1,9}"),
    "r=": re.compile(r"(?:\d{1,12}[dhms]?\s*)+"),
    "z=": re.compile(r"(?:-?\d{1,12}[dhms]?\s*)+"),
}
LINES = re.compile(r"[a-z]=")
NUMBERS = frozenset(
    {
        "ptime",
        "maxptime",
        "minptime",
        "framerate",
        "quality",
        "sctp-port",
        "max-message-size",
        "maxprate",
        "mptime",
        "t38faxversion",
        "t38maxbitrate",
        "t38faxmaxbuffer",
        "t38faxmaxdatagram",
        "ice-pacing",
    }
)
NUMBER = re.compile(r"\s*\d{1,9}(?:[.:]\d{1,3})?\s*")
RTPMAP = re.compile(r"(\d{1,3}\s+)([\w.-]+)((?:/\d{1,6}(?:/\d{1,2})?)?\s*)", re.ASCII)
SETTING = re.compile(
    r"(?<=[A-Za-z0-9]=)\d{1,7}(?=[;,\s]|$)|^\d{1,3}(?= )|(?<![\w.+-])\d{1,3}(?:-\d{1,3})?(?=,|$)"
)
FINGERPRINT = re.compile(r"(\s*\S+ )([0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2})+)(\s*)")
HASH = re.compile(r"(?:sha-(?:1|224|256|384|512)|md[25])", re.IGNORECASE)
LANGUAGE = re.compile(r"\s*[a-z]{2}(?:-[A-Z]{2})?\s*")
SUITES = re.compile(r"(?:AEAD_)?(?:AES|SEED|F8)(?:_(?:CM|CTR|GCM|CCM|F8|HMAC|SHA1|AES|\d{1,3}))+")
SUITE = re.compile(r"(\d{1,9}\s+)([A-Z0-9_]+)(\s+)(.*)")
CANDIDATE_TYPES = frozenset({"host", "srflx", "prflx", "relay"})
TRANSPORTS = frozenset({"udp", "tcp"})
TCP_TYPES = frozenset({"active", "passive", "so"})
DECIMAL = re.compile(r"\d{1,10}", re.ASCII)
OWNERS = frozenset({"-", "root", "sip", "sbc", "gateway"})
# Choices: the distance up to which a version counts from the session id (else it gets its own pseudonym),
# and the digits up to which it is a plain counter that stays.
CLOSE_VERSIONS, SHORT_VERSION = 1000, 3


class Descriptions:
    """Redact descriptions; ``fingerprints`` maps those of replaced certificates to the new ones.

    ``sessions`` learns the media endpoints they name.
    """

    def __init__(self, texts: Texts, key: bytes) -> None:
        self._texts, self._words, self._key = texts, texts.words, key
        self.sessions = Sessions()
        self.passwords: dict[str, str] = {}  # by ufrag: what checks are signed with
        self.fingerprints: dict[str, str] = {}  # upper-case hex with colons
        self._kinds: dict[str, Callable[[str], str]] = {
            "o=": self._origin,
            "c=": self._connection,
            "a=": self._attribute,
            "s=": texts.agent,
            "m=": self._media,
        }
        self._attributes: dict[str, Callable[[str], str]] = {
            "candidate": self._candidate,
            "remote-candidates": self._remote,
            "ice-pwd": self._id,
            "ice-ufrag": self._id,
            "rtcp": self._rtcp,
            "fingerprint": self._fingerprint,
            "crypto": self._crypto,
            "key-mgmt": texts.words.blank,
            "identity": texts.words.blank,
            "ssrc": self._source,
            "ssrc-group": self._sources,
            "rtpmap": self._rtpmap,
            "tool": texts.agent,
            "lang": self._language,
            "sdplang": self._language,
            "mid": texts.other,
            "group": texts.other,
            "extmap": texts.other,
            "msid-semantic": texts.other,
        }

    def body(self, text: str) -> str:
        """Redact a whole description; line ends stay."""
        self.sessions.note(text)
        ufrag = [""]
        return "".join(self._noting(line.text, ufrag) + line.end for line in sdp.lines(text))

    def _noting(self, line: str, ufrag: list[str]) -> str:
        if line.startswith("a=ice-ufrag:"):
            ufrag[0] = line[12:].strip()
        elif line.startswith("a=ice-pwd:") and ufrag[0]:
            self.passwords[ufrag[0]] = line[10:].strip()
        return self.line(line)

    def line(self, line: str) -> str:
        """Redact one line, such as ``a=...``; the length stays."""
        new = fitting(line, self._line(line), lambda: line[:2] + self._words.blank(line[2:]))
        self._texts.keeps(new[2:])
        return new

    def _line(self, line: str) -> str:
        kind, value = line[:2], line[2:]
        if not LINES.match(kind):
            return self._texts.opaque(line)
        if kind in PLAIN and PLAIN[kind].fullmatch(value):
            return line
        return kind + self._kinds.get(kind, self._texts.opaque)(value)

    def _media(self, value: str) -> str:
        """Redact media type, port, transport and formats (RFC 8866, section 5.14)."""
        match = MEDIA.fullmatch(value)
        if not match:
            return self._texts.opaque(value)
        formats = re.split(r"(\s+)", match[4])
        formats[::2] = [each if FORMAT.fullmatch(each) else self._texts.other(each) for each in formats[::2]]
        return self._texts.other(match[1]) + match[2] + self._texts.other(match[3]) + "".join(formats)

    def _origin(self, value: str) -> str:
        fields = value.split(" ")
        if len(fields) < 6:
            return self._texts.opaque(value)
        session = (
            self._words.identifier(fields[1]) if fields[1].isdecimal() else self._texts.opaque(fields[1])
        )
        net = [each if each in ("IN", "IP4", "IP6") else self._texts.opaque(each) for each in fields[3:5]]
        version = self._version(fields[1], session, fields[2])
        rest = map(self._texts.opaque, fields[6:])
        return " ".join([self._owner(fields[0]), session, version, *net, self._words.host(fields[5]), *rest])

    def _owner(self, owner: str) -> str:
        """Redact the user name of ``o=``: program names as in headers, a person's as a whole."""
        if owner in OWNERS:
            return owner
        new = self._texts.agent(owner)
        is_program = self._texts.known.spans(owner) or (new == owner and not owner.isdecimal())
        return new if is_program else self._words.user(owner)

    def _version(self, session: str, new: str, version: str) -> str:
        """Keep the distance between a description's version and its session id."""
        if not (session.isdecimal() and version.isdecimal()):
            return self._texts.opaque(version)
        if abs(int(version) - int(session)) < CLOSE_VERSIONS:
            return _in_digits(int(new) + int(version) - int(session), len(version))
        return version if len(version) <= SHORT_VERSION else self._words.identifier(version)

    def _connection(self, value: str) -> str:
        match = ADDRESS.fullmatch(value)
        return match[1] + self._words.host(match[2]) + match[3] if match else self._texts.opaque(value)

    def _attribute(self, value: str) -> str:
        name, colon, content = value.partition(":")
        lower = name.strip().lower()
        label = name if name in self._texts.known else self._texts.opaque(name)
        if lower in NUMBERS and NUMBER.fullmatch(content):
            return value
        return label + colon + self._attributes.get(lower, self._settings)(content)

    def _settings(self, content: str) -> str:
        """Redact attribute values; protocol words and the numbers set for them stay."""
        new, at = "", 0
        for setting in SETTING.finditer(content):
            new += self._texts.line(content[at : setting.start()]) + setting[0]
            at = setting.end()
        return new + self._texts.line(content[at:])

    def _language(self, content: str) -> str:
        return content if LANGUAGE.fullmatch(content) else self._texts.opaque(content)

    def _rtpmap(self, content: str) -> str:
        match = RTPMAP.fullmatch(content)
        if not match:
            return self._texts.opaque(content)
        return match[1] + (match[2] if is_codec(match[2]) else self._texts.opaque(match[2])) + match[3]

    def _candidate(self, content: str) -> str:
        """Redact foundation and addresses (RFC 8839, section 5.1); a foundation may be an address in hex."""
        fields = content.split(" ")
        if len(fields) < 8:
            return self._texts.opaque(content)
        sound = (
            DECIMAL.fullmatch(fields[1]) and fields[2].lower() in TRANSPORTS and DECIMAL.fullmatch(fields[3])
        )
        if not (
            sound and DECIMAL.fullmatch(fields[5]) and fields[6] == "typ" and fields[7] in CANDIDATE_TYPES
        ):
            return self._texts.opaque(content)
        self._texts.kept.add(fields[3])
        head = [self._words.identifier(fields[0]), *fields[1:4], self._words.host(fields[4]), *fields[5:8]]
        for name, value in zip(fields[8::2], fields[9::2], strict=False):
            head += [self._texts.other(name), self._extension(name, value)]
        return " ".join([*head, *map(self._texts.opaque, fields[8:][-1:] if len(fields) % 2 else ())])

    def _extension(self, name: str, value: str) -> str:
        """Redact an extension value after the candidate type (RFC 8839, section 5.1)."""
        if name == "raddr":
            return self._words.host(value)
        if name == "ufrag":
            return self._words.identifier(value)
        if name == "tcptype" and value in TCP_TYPES:
            return value
        numbers = ("rport", "generation", "network-id", "network-cost")
        return value if name in numbers and DECIMAL.fullmatch(value) else self._texts.opaque(value)

    def _remote(self, content: str) -> str:
        """Redact the addresses of component, address and port triples (RFC 8839, section 5.2)."""
        fields = content.split(" ")
        fields[1::3] = map(self._words.host, fields[1::3])
        return " ".join(
            f if at % 3 == 1 or DECIMAL.fullmatch(f) else self._texts.opaque(f) for at, f in enumerate(fields)
        )

    def _rtcp(self, content: str) -> str:
        match = RTCP.fullmatch(content)
        if not match or (match[3] and not match[2]):
            return self._texts.opaque(content)
        return match[1] + (match[2] or "") + self._words.host(match[3]) + match[4]

    def _id(self, content: str) -> str:
        word = content.strip()
        return content.replace(word, self._words.identifier(word)) if word else content

    def password(self, ufrag: str) -> tuple[bytes, bytes] | None:
        """Return the password of a ufrag and its replacement; None for an unknown ufrag."""
        old = self.passwords.get(ufrag)
        if not old:
            return None
        new = self._words.identifier(old)
        return old.encode(errors="surrogateescape"), new.encode(errors="surrogateescape")

    def _fingerprint(self, content: str) -> str:
        match = FINGERPRINT.fullmatch(content)
        if not match:
            return self._texts.opaque(content)
        hash_function = match[1] if HASH.fullmatch(match[1].strip()) else self._texts.opaque(match[1])
        value, upper = match[2], match[2].upper()
        if upper not in self.fingerprints:
            seed = hmac.digest(self._key, upper.encode(), "sha512")
            self.fingerprints[upper] = shake_256(seed).digest((len(upper) + 1) // 3).hex(":").upper()
        mapped = self.fingerprints[upper]
        self._words.seen.setdefault(value, mapped if value == upper else mapped.lower())
        return hash_function + self._words.seen[value] + match[3]

    def _crypto(self, content: str) -> str:
        """Redact SDES (RFC 4568): a known suite stays, the key does not."""
        match = SUITE.fullmatch(content)
        if not match:
            return self._words.blank(content)
        suite = match[2] if SUITES.fullmatch(match[2]) else self._texts.opaque(match[2])
        keys, blank, rest = match[4].partition(" ")
        method, colon, key = keys.partition(":")
        label = method if method == "inline" else self._words.blank(method)
        return (
            match[1]
            + suite
            + match[3]
            + label
            + colon
            + self._words.blank(key)
            + blank
            + self._settings(rest)
        )

    def _source(self, content: str) -> str:
        number, blank, rest = content.partition(" ")
        if not DECIMAL.fullmatch(number):
            return self._texts.opaque(content)
        self._texts.kept.add(number)
        name, colon, value = rest.partition(":")
        return number + blank + self._texts.other(name) + colon + self._texts.opaque(value)

    def _sources(self, content: str) -> str:
        """Redact an SSRC group (RFC 5576, section 4.2); semantics and SSRCs stay."""
        fields = content.split(" ")
        self._texts.kept.update(each for each in fields if DECIMAL.fullmatch(each))
        return " ".join(each if DECIMAL.fullmatch(each) else self._texts.other(each) for each in fields)


def _in_digits(number: int, count: int) -> str:
    """Write a number with ``count`` digits, modulo 10**count; negative becomes zero."""
    return f"{max(number, 0) % 10**count:0{count}}"
