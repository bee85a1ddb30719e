"""Redact URIs, parties and parameters in SIP (RFC 3261, section 19.1; RFC 3966)."""

import re
from collections.abc import Callable

from postproc.share.redaction.texts import Texts

# Parameters whose values belong to the protocol, not to a person.
PLAIN_PARAMETERS = frozenset(
    {
        "transport",
        "lr",
        "party",
        "privacy",
        "screen",
        "reason",
        "q",
        "expires",
        "rport",
        "ob",
        "method",
        "user",
        "counter",
        "index",
        "ttl",
        "alias",
        "keep",
        "oc",
        "cause",
        "early-only",
        "purpose",
        "algorithm",
        "qop",
        "nc",
        "stale",
        "limit",
        "r2",
        "comp",
        "audio",
        "video",
        "isfocus",
        "reg-id",
    }
)
HOSTS = frozenset({"maddr", "received", "host"})
IDS = frozenset({"tag", "to-tag", "from-tag", "local-tag", "remote-tag", "branch"})
DIGEST_KEPT = frozenset({"algorithm", "qop", "nc", "stale", "userhash", "charset"})
DIGEST_SCHEME = re.compile(r"\s*(Digest|Basic|Bearer|NTLM|Negotiate)\s+", re.IGNORECASE)
SEPARATED = re.compile(r'([;,?&])|((?:"(?:[^"\\]|\\.)*"|[^;,?&"]|")+?)(?=[;,?&]|$)', re.DOTALL)
PARAMETER = re.compile(r'(\s*)([\w.+!%*`\'~-]+)(\s*=\s*)("(?:[^"\\]|\\.)*"|[^\s"<>=]+={0,2})(\s*)', re.DOTALL)
ANGLE = re.compile(r"<([^>]*)>")
SCHEME = re.compile(r"(\s*(sips?|tel|im|pres):)(.*?)(\s*)", re.IGNORECASE | re.DOTALL)
SENT_BY = re.compile(r"(\s*SIP\s*/\s*2\.0\s*/\s*[A-Za-z]{2,4}(?:-SCTP)?\s+)(\S+)(\s*)", re.IGNORECASE)
MAGIC_BRANCH = "z9hG4bK"
NUMBER = re.compile(r"\d{1,5}(?:\.\d{1,3}){0,2}")  # seconds, a port, a share, an index
ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}|.", re.DOTALL)
COUNT_OR_ALGORITHM = re.compile(
    r"[0-9a-f]{8}|(?:MD5|SHA-256|SHA-512-256)(?:-sess)?", re.IGNORECASE
)  # RFC 7616
CALLS = frozenset({"call-id", "in-reply-to", "replaces", "join", "target-dialog", "same-session"})


class Uris:
    """Redact URIs, parties and parameters."""

    def __init__(self, texts: Texts) -> None:
        self._texts, self._words = texts, texts.words

    def parties(self, value: str) -> str:
        """Redact names, URIs (bare or in angle brackets) and parameters; also Via."""
        parts = ANGLE.split(value)
        parts[1::2] = [f"<{self.uri(uri)}>" for uri in parts[1::2]]
        parts[::2] = [self._pieces(part, self._beside) for part in parts[::2]]
        return "".join(parts)

    def uri(self, uri: str) -> str:
        """Redact a URI with its parameters and headers."""
        match = SCHEME.fullmatch(uri)
        if not match:
            return uri if uri.strip() == "*" else self._texts.opaque(uri)
        address, question, headers = match[3].partition("?")
        user, at, rest = address.rpartition("@")
        host, semicolon, parameters = rest.partition(";")
        if match[2].lower() == "tel":
            mapped = self._words.user(host)
        else:
            mapped = self._user(user) + at + self._words.host(host)
        address = mapped + semicolon + self.parameters(parameters)
        return match[1] + address + question + self._headers(headers) + match[4]

    def calls(self, value: str) -> str:
        """Redact Call-IDs and their parameters: Call-ID, Replaces, Join."""
        ids, semicolon, parameters = value.partition(";")
        mapped = re.sub(r"[^\s,]+", lambda match: self._words.call_id(match[0]), ids)
        return mapped + semicolon + self.parameters(parameters)

    def _headers(self, headers: str) -> str:
        """Redact headers in a URI (RFC 3261, section 19.1.1); Call-IDs keep their pseudonym."""
        pieces = [header.partition("=") for header in headers.split("&")]
        return "&".join(
            name + equals + self._escaped(value)
            if name.lower() in CALLS
            else self._texts.opaque(name) + equals + self._texts.opaque(value)
            for name, equals, value in pieces
        )

    def _escaped(self, value: str) -> str:
        """Redact a percent-escaped Call-ID; characters stay escaped where they were."""
        written = ESCAPED.findall(value)
        plain = "".join(chr(int(each[1:], 16)) if len(each) == 3 else each for each in written)
        mapped = self.calls(plain)
        if len(mapped) != len(written) or not mapped.isascii():
            return self._texts.opaque(value)
        return "".join(
            old if char == new else f"%{ord(new):02X}" if len(old) == 3 else new
            for old, char, new in zip(written, plain, mapped, strict=True)
        )

    def parameters(self, text: str) -> str:
        """Redact ``name=value`` pairs and flags; the separators stay."""
        return self._pieces(text, self._flag)

    def digest(self, value: str) -> str:
        """Redact credentials and challenges (RFC 8760), including everything derived from a password."""
        scheme = DIGEST_SCHEME.match(value)
        rest = value[scheme.end() :] if scheme else value
        return (scheme[0] if scheme else "") + "".join(
            piece[1] or self._credential(piece[2]) for piece in SEPARATED.finditer(rest)
        )

    def _user(self, user: str) -> str:
        """Redact a user part: name or number, parameters, password."""
        name, semicolon, parameters = user.partition(";")
        bare, colon, password = name.partition(":")
        return (
            self._words.user(bare)
            + colon
            + self._words.blank(password)
            + semicolon
            + self.parameters(parameters)
        )

    def _pieces(self, text: str, otherwise: Callable[[str], str]) -> str:
        return "".join(piece[1] or self._parameter(piece[2], otherwise) for piece in SEPARATED.finditer(text))

    def _parameter(self, piece: str, otherwise: Callable[[str], str]) -> str:
        match = PARAMETER.fullmatch(piece)
        if not match:
            return otherwise(piece)
        name, quote = match[2].lower(), '"' * match[4].startswith('"')
        value = _unquoted(match[4])
        label = match[2] if name in IDS or match[2] in self._texts.known else self._texts.opaque(match[2])
        return match[1] + label + match[3] + quote + self._changed(name, value) + quote + match[5]

    def _changed(self, name: str, value: str) -> str:
        if name in PLAIN_PARAMETERS and (NUMBER.fullmatch(value) or value in self._texts.known):
            return value
        if name in HOSTS:
            return self._words.host(value)
        if name == "branch" and value.startswith(MAGIC_BRANCH):
            return MAGIC_BRANCH + self._words.identifier(value[len(MAGIC_BRANCH) :])
        return self._words.identifier(value) if name in IDS else self._texts.opaque(value)

    def _flag(self, piece: str) -> str:
        return piece if piece.strip().lower() in PLAIN_PARAMETERS else self._texts.opaque(piece)

    def _beside(self, piece: str) -> str:
        """Redact a piece outside angle brackets: a flag, Via's sent-by, a bare URI or a name."""
        if piece.strip().lower() in PLAIN_PARAMETERS or not piece.strip():
            return piece
        sent_by = SENT_BY.fullmatch(piece)
        if sent_by and sent_by[1] in self._texts.known:
            return sent_by[1] + self._words.host(sent_by[2]) + sent_by[3]
        if SCHEME.fullmatch(piece):
            return self.uri(piece)
        return self._texts.name(piece)

    def _credential(self, piece: str) -> str:
        match = PARAMETER.fullmatch(piece)
        if not match:
            return self._words.blank(piece)
        name, quote, value = match[2].lower(), '"' * match[4].startswith('"'), _unquoted(match[4])
        is_plain = name in ("nc", "algorithm") and COUNT_OR_ALGORITHM.fullmatch(value)
        if name in DIGEST_KEPT and (is_plain or value in self._texts.known):
            return piece
        label = match[2] if match[2] in self._texts.known else self._words.blank(match[2])
        change = {
            "username": self._words.user,
            "realm": self._words.host,
            "uri": self.uri,
            "domain": self.uri,
        }
        changed = change.get(name, self._words.blank)(value)
        return match[1] + label + match[3] + quote + changed + quote + match[5]


def _unquoted(value: str) -> str:
    """Strip the quotes around a value; escapes inside stay."""
    return value[1:-1] if value.startswith('"') else value
