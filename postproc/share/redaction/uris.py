"""URIs, parties and parameters of SIP headers (RFC 3261, sections 19.1 and 20).

What does not look as it should is replaced word by word: nothing is kept
because it was not understood.
"""

import re
from collections.abc import Callable

from postproc.share.redaction.texts import Texts

# Parameters whose values are words of the protocol, not of somebody.
PLAIN_PARAMETERS = frozenset({
    "transport", "lr", "party", "privacy", "screen", "reason", "q", "expires", "rport", "ob", "method",
    "user", "counter", "index", "ttl", "alias", "keep", "oc", "cause", "early-only", "purpose", "algorithm",
    "qop", "nc", "stale", "limit", "r2", "comp", "audio", "video", "isfocus", "reg-id",
})  # fmt: skip
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
COUNT_OR_ALGORITHM = re.compile(
    r"[0-9a-f]{8}|(?:MD5|SHA-256|SHA-512-256)(?:-sess)?", re.IGNORECASE
)  # RFC 7616


class Uris:
    """Replaces in URIs, parties and parameters."""

    def __init__(self, texts: Texts) -> None:
        self._texts, self._words = texts, texts.words

    def parties(self, value: str) -> str:
        """Names, URIs in angle brackets or bare, and parameters; Via too."""
        parts = ANGLE.split(value)
        parts[1::2] = [f"<{self.uri(uri)}>" for uri in parts[1::2]]
        parts[::2] = [self._pieces(part, self._beside) for part in parts[::2]]
        return "".join(parts)

    def uri(self, uri: str) -> str:
        """A URI with its parameters and headers."""
        found = SCHEME.fullmatch(uri)
        if not found:
            return uri if uri.strip() == "*" else self._texts.opaque(uri)
        address, question, headers = found[3].partition("?")
        user, at, rest = address.rpartition("@")
        host, semicolon, parameters = rest.partition(";")
        if found[2].lower() == "tel":
            mapped = self._words.user(host)
        else:
            mapped = self._user(user) + at + self._words.host(host)
        address = mapped + semicolon + self.parameters(parameters)
        return found[1] + address + question + self._texts.opaque(headers) + found[4]

    def parameters(self, text: str) -> str:
        """``name=value`` and flags, with what separates them."""
        return self._pieces(text, self._flag)

    def digest(self, value: str) -> str:
        """Credentials and challenges (RFC 8760): nothing that proves or asks for a password stays."""
        scheme = DIGEST_SCHEME.match(value)
        rest = value[scheme.end() :] if scheme else value
        return (scheme[0] if scheme else "") + "".join(
            piece[1] or self._credential(piece[2]) for piece in SEPARATED.finditer(rest)
        )

    def _user(self, user: str) -> str:
        """User part: a name or number with parameters, and a password."""
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
        found = PARAMETER.fullmatch(piece)
        if not found:
            return otherwise(piece)
        name, quote = found[2].lower(), '"' * found[4].startswith('"')
        value = _unquoted(found[4])
        told = found[2] if name in IDS or found[2] in self._texts.known else self._texts.opaque(found[2])
        return found[1] + told + found[3] + quote + self._changed(name, value) + quote + found[5]

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
        """A piece outside the angle brackets: a flag, Via's sent-by, a bare URI, or a name."""
        if piece.strip().lower() in PLAIN_PARAMETERS or not piece.strip():
            return piece
        sent_by = SENT_BY.fullmatch(piece)
        if sent_by and sent_by[1] in self._texts.known:
            return sent_by[1] + self._words.host(sent_by[2]) + sent_by[3]
        if SCHEME.fullmatch(piece):
            return self.uri(piece)
        return self._texts.name(piece)

    def _credential(self, piece: str) -> str:
        found = PARAMETER.fullmatch(piece)
        if not found:
            return self._words.blank(piece)
        name, quote, value = found[2].lower(), '"' * found[4].startswith('"'), _unquoted(found[4])
        told = name in ("nc", "algorithm") and COUNT_OR_ALGORITHM.fullmatch(value)
        if name in DIGEST_KEPT and (told or value in self._texts.known):
            return piece
        label = found[2] if found[2] in self._texts.known else self._words.blank(found[2])
        change = {
            "username": self._words.user,
            "realm": self._words.host,
            "uri": self.uri,
            "domain": self.uri,
        }
        changed = change.get(name, self._words.blank)(value)
        return found[1] + label + found[3] + quote + changed + quote + found[5]


def _unquoted(value: str) -> str:
    """A value without the quotes around it; what is quoted in it stays as it is written."""
    return value[1:-1] if value.startswith('"') else value
