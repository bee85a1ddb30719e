"""Session descriptions (RFC 8866), line by line: what is known to be harmless stays, the rest is replaced."""

import hmac
import re
from collections.abc import Callable, Iterable

from postproc.present.redaction.texts import Texts

ADDRESS = re.compile(r"(IN\s+IP[46]\s+)([^\s/]+)")
MEDIA = re.compile(r"[\w-]+\s+\d+(?:/\d+)?\s+[\w/.-]+(?:\s+[\w.*-]+)*\s*", re.ASCII)
PLAIN = re.compile(r"[\w\s./:;,=*+()<>\[\]{}\"'~!?&%#|-]*", re.ASCII)
HARMLESS = frozenset({
    "rtpmap", "fmtp", "ptime", "maxptime", "sendrecv", "sendonly", "recvonly", "inactive",
    "rtcp-mux", "rtcp-mux-only", "rtcp-fb", "rtcp-rsize", "setup", "mid", "group", "extmap",
    "extmap-allow-mixed", "end-of-candidates", "ice-options", "ice-lite", "ice-pacing", "ice-ufrag",
    "connection", "bundle-only", "rid", "simulcast", "imageattr", "framerate", "quality", "lang",
    "range", "silencesupp", "curr", "des", "conf", "sqn", "cdsc", "cpar", "acap", "tcap", "pcfg",
    "acfg", "sctp-port", "max-message-size", "sctpmap", "nortpproxy", "t38faxversion",
    "t38maxbitrate", "t38faxratemanagement", "t38faxmaxbuffer", "t38faxmaxdatagram", "t38faxudpec",
    "maxprate", "label", "content", "ssrc-group", "fec", "rtcp-xr", "csup", "mptime",
})  # fmt: skip
KEPT_EXTENSIONS = frozenset({"generation", "network-id", "network-cost", "tcptype", "ufrag", "rport"})
OWNERS = re.compile(
    r"-|root|freeswitch|icelink-[\d.]+|asterisk|sip|mozilla[\w.-]*|sipsorcery[\w.-]*|cisco[\w-]*|pjsip[\w.-]*|"
    r"sbc|gateway|labpbx[\w.-]*|frozen mountain|session(?: description)?|call|voip|audio|talk|a conversation",
    re.IGNORECASE,
)


class Descriptions:
    """Replaces in descriptions; ``fingerprints`` has those of certificates that got others.

    ``products`` are patterns of names in o= and s= that say a product, no person.
    """

    def __init__(self, texts: Texts, key: bytes, products: Iterable[str] = ()) -> None:
        self._texts, self._words, self._key = texts, texts.words, key
        self._products = [re.compile(pattern) for pattern in products]
        self.passwords: dict[str, str] = {}  # by ufrag: what checks are signed with
        self.fingerprints: dict[str, str] = {}  # upper-case hex with colons

    def body(self, text: str) -> str:
        """A whole description; the line ends stay as they are."""
        ufrag, lines = [""], re.split(r"(\r\n|\n|\r)", text)
        lines[::2] = [self._noting(line, ufrag) for line in lines[::2]]
        return "".join(lines)

    def _noting(self, line: str, ufrag: list[str]) -> str:
        if line.startswith("a=ice-ufrag:"):
            ufrag[0] = line[12:].strip()
            self._texts.kept.add(ufrag[0])
        elif line.startswith("a=ice-pwd:") and ufrag[0]:
            self.passwords[ufrag[0]] = line[10:].strip()
        return self.line(line)

    def line(self, line: str) -> str:
        """One line, ``a=...`` and the like."""
        new = self._line(line)
        self._texts.keeps(new[2:])
        return new

    def _line(self, line: str) -> str:
        kind, value = line[:2], line[2:]
        if kind in ("v=", "t=", "b=", "r=", "z=") and PLAIN.fullmatch(value):
            return line
        if kind == "m=" and MEDIA.fullmatch(value):
            return line
        change = {"o=": self._origin, "c=": self._connection, "a=": self._attribute, "s=": self._product}.get(
            kind
        )
        return kind + (change(value) if change else self._texts.opaque(value))

    def _origin(self, value: str) -> str:
        fields = value.split(" ")
        if len(fields) < 6:
            return self._texts.opaque(value)
        owner, host = self._product(fields[0]), self._words.host(fields[5])
        numbers = [each if each.isdecimal() else self._texts.opaque(each) for each in fields[1:3]]
        self._texts.kept.update(each for each in fields[1:3] if each.isdecimal())
        net = [
            each if re.fullmatch(r"[A-Z0-9]{2,4}", each) else self._texts.opaque(each) for each in fields[3:5]
        ]
        return " ".join([owner, *numbers, *net, host, *map(self._texts.opaque, fields[6:])])

    def _product(self, value: str) -> str:
        known = OWNERS.fullmatch(value.strip()) or any(each.search(value) for each in self._products)
        return self._texts.line(value) if known else self._texts.opaque(value)

    def _connection(self, value: str) -> str:
        changed = ADDRESS.sub(lambda found: found[1] + self._words.host(found[2]), value)
        return changed if changed != value or ADDRESS.search(value) else self._texts.opaque(value)

    def _attribute(self, value: str) -> str:
        name, colon, content = value.partition(":")
        lower = name.strip().lower()
        if lower in HARMLESS:
            if not PLAIN.fullmatch(content):
                return name + colon + self._texts.line(content)
            return value
        change: Callable[[str], str] | None = {
            "candidate": self._candidate, "remote-candidates": self._remote, "ice-pwd": self._password,
            "rtcp": self._connection_of_rtcp, "fingerprint": self._fingerprint, "crypto": self._crypto,
            "key-mgmt": self._words.blank, "identity": self._words.blank, "ssrc": self._source,
        }.get(lower)  # fmt: skip
        if change:
            return name + colon + change(content)
        known = name if lower in NAMES else self._texts.opaque(name)
        return known + colon + self._texts.opaque(content)

    def _candidate(self, content: str) -> str:
        """Foundation and addresses (RFC 8839, section 5.1); a foundation may be an address in hex."""
        fields = content.split(" ")
        if len(fields) < 8:
            return self._texts.opaque(content)
        head = [self._words.identifier(fields[0]), *fields[1:4], self._words.host(fields[4]), *fields[5:8]]
        for name, value in zip(fields[8::2], fields[9::2], strict=False):
            if name == "raddr":
                head += [name, self._words.host(value)]
            elif name in KEPT_EXTENSIONS:
                head += [name, value]
            else:
                head += [
                    name if name.isalpha() and len(name) < 20 else self._texts.opaque(name),
                    self._texts.opaque(value),
                ]
        head += [self._texts.opaque(fields[-1])] if len(fields) % 2 else []
        kept = [*fields[1:4], *fields[5:8]]
        self._texts.kept.add(fields[3])
        return " ".join(head) if all(PLAIN.fullmatch(each) for each in kept) else self._texts.opaque(content)

    def _remote(self, content: str) -> str:
        """Component, address and port of each (RFC 8839, section 5.2)."""
        fields = content.split(" ")
        fields[1::3] = map(self._words.host, fields[1::3])
        return " ".join(
            f if at % 3 == 1 or f.isdecimal() else self._texts.opaque(f) for at, f in enumerate(fields)
        )

    def _connection_of_rtcp(self, content: str) -> str:
        return content if content.strip().isdecimal() else self._connection(content)

    def _password(self, content: str) -> str:
        password = content.strip()
        return content.replace(password, self._words.identifier(password)) if password else content

    def password(self, ufrag: str) -> tuple[bytes, bytes] | None:
        """The password that goes with a ufrag, and the one that stands in its place."""
        known = self.passwords.get(ufrag)
        if not known:
            return None
        new = self._words.identifier(known)
        return known.encode(errors="surrogateescape"), new.encode(errors="surrogateescape")

    def _fingerprint(self, content: str) -> str:
        kind, _, value = content.strip().partition(" ")
        upper = value.upper()
        if not re.fullmatch(r"[0-9A-F]{2}(?::[0-9A-F]{2})+", upper):
            return self._texts.opaque(content)
        if upper not in self.fingerprints:
            digest = hmac.digest(self._key, upper.encode(), "sha512")
            self.fingerprints[upper] = digest[: (len(upper) + 1) // 3].hex(":").upper()
        mapped = self.fingerprints[upper]
        self._words.seen.setdefault(value, mapped if value == upper else mapped.lower())
        return f"{kind} {self._words.seen[value]}"

    def _crypto(self, content: str) -> str:
        """SDES keys (RFC 4568): the suite stays, the key does not."""
        return re.sub(r"(inline:)([^|;\s]+)", lambda found: found[1] + self._words.blank(found[2]), content)

    def _source(self, content: str) -> str:
        number, blank, rest = content.partition(" ")
        if not number.isdecimal():
            return self._texts.opaque(content)
        self._texts.kept.add(number)
        name, colon, value = rest.partition(":")
        return number + blank + name + colon + self._texts.opaque(value)


NAMES = HARMLESS | {
    "msid", "msid-semantic", "mslabel", "zrtp-hash", "tls-id", "tool", "source-filter", "cname", "cat",
    "keywds", "type", "charset", "sdplang", "path", "accept-types", "ssrc",
}  # fmt: skip
