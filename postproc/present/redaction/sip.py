"""SIP messages (RFC 3261): start line, each header by what it is known to hold, body; Content-Length is set right.

A header nobody knows is replaced word by word: an X- header may hold anything,
and what it has in common with a Call-ID it still has.
"""

import re

from postproc.present.redaction.sdp import PLAIN, Descriptions
from postproc.present.redaction.texts import Texts

LONG_FORMS = {
    "a": "accept-contact", "b": "referred-by", "c": "content-type", "d": "request-disposition",
    "e": "content-encoding", "f": "from", "i": "call-id", "j": "reject-contact", "k": "supported",
    "l": "content-length", "m": "contact", "n": "identity-info", "o": "event", "r": "refer-to",
    "s": "subject", "t": "to", "u": "allow-events", "v": "via", "x": "session-expires", "y": "identity",
}  # fmt: skip
START = re.compile(rb"(?:[\w.!%*+`'~-]{1,40} [^\s\r\n]{1,4096} SIP/2\.0|SIP/2\.0 \d{3}(?: [^\r\n]*)?)\r?\n")
REQUEST = re.compile(r"([\w.!%*+`'~-]+) (\S+) (SIP/2\.0)", re.ASCII)
STATUS = re.compile(r"(SIP/2\.0 \d{3} ?)(.*)")
LENGTH = re.compile(r"\d{1,9}")
HARMLESS = frozenset({
    "cseq", "max-forwards", "allow", "supported", "require", "proxy-require", "unsupported", "accept", "accept-encoding",
    "accept-language", "accept-contact", "reject-contact", "request-disposition", "allow-events", "event", "expires",
    "min-expires", "session-expires", "min-se", "rseq", "rack", "subscription-state", "retry-after", "timestamp", "date",
    "mime-version", "content-disposition", "content-encoding", "content-language", "content-type", "privacy", "priority",
    "reason", "p-early-media", "recv-info", "info-package", "answer-mode", "user-agent", "server", "allow-methods",
})  # fmt: skip
PARTIES = frozenset({
    "from", "to", "contact", "route", "record-route", "p-asserted-identity", "p-preferred-identity", "remote-party-id",
    "diversion", "history-info", "referred-by", "refer-to", "reply-to", "p-called-party-id", "path", "service-route",
    "p-associated-uri", "via", "alert-info", "call-info", "error-info", "p-profile-key", "p-served-user",
})  # fmt: skip
DIGEST = frozenset({
    "authorization", "proxy-authorization", "www-authenticate", "proxy-authenticate", "authentication-info", "identity",
    "proxy-authentication-info",
})  # fmt: skip
CALLS = frozenset({"call-id", "in-reply-to", "replaces", "join", "target-dialog", "same-session"})
# Parameters whose values are words of the protocol, not of somebody.
PLAIN_PARAMETERS = frozenset({
    "transport", "lr", "party", "privacy", "screen", "reason", "q", "expires", "rport", "ob", "method", "user", "counter",
    "index", "ttl", "alias", "keep", "oc", "cause", "early-only", "purpose", "algorithm", "qop", "nc", "stale", "limit",
    "r2", "ftag-present", "comp", "sigcomp-id", "audio", "video", "isfocus", "reg-id",
})  # fmt: skip
QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
PARAMETER = re.compile(r"([;?&,]\s*)([\w.+!%*`'~-]+)(\s*=\s*)(\"(?:[^\"\\]|\\.)*\"|[^;,?&>\s\"]+)")
ANGLE = re.compile(r"<([^>]*)>")
COUNTED = re.compile(r"\s*\d{1,10}(?:\s+\d{1,10})?(?:\s+[A-Za-z]{1,20})?\s*")  # CSeq, RAck, Expires ...
SCHEME = re.compile(r"(sips?|tel|urn|https?|mailto|im|pres|cid|data)(:)(.*)", re.IGNORECASE | re.DOTALL)
SENT_BY = re.compile(r"(SIP\s*/\s*2\.0\s*/\s*[\w-]+\s+)([^\s;,]+)", re.IGNORECASE)
TELLING_DIGEST = re.compile(r"([\w-]+)(\s*=\s*)(\"(?:[^\"\\]|\\.)*\"|[^,\s]+)")
MAGIC_BRANCH = "z9hG4bK"
BOUNDARY = re.compile(r"boundary\s*=\s*\"?([^\";\s]+)", re.IGNORECASE)


class Messages:
    """Replaces in SIP messages."""

    def __init__(self, texts: Texts, descriptions: Descriptions) -> None:
        self._texts, self._words, self._sdp = texts, texts.words, descriptions

    def message(self, message: bytes) -> bytes:
        """A message, or as much of it as there is; Content-Length differs by as much as the body does."""
        head, gap, body = _parted(message)
        lines = _unfolded(head.decode(errors="surrogateescape"))
        kind = next((value for name, value in map(_header, lines[1:]) if name == "content-type"), "")
        new_body = self._body(body.decode(errors="surrogateescape"), kind).encode(errors="surrogateescape")
        change = len(new_body) - len(body)
        lines = [self._start(lines[0]), *(self._line(line, change) for line in lines[1:])]
        return "\r\n".join(lines).encode(errors="surrogateescape") + gap + new_body

    def header(self, name: str, value: str) -> str:
        """The value of a header, by its name."""
        long = LONG_FORMS.get(name.strip().lower(), name.strip().lower())
        if long in HARMLESS:
            if COUNTED.fullmatch(value):
                return value
            return self._texts.line(value)
        if long in PARTIES:
            return self._parties(value)
        if long in DIGEST:
            return TELLING_DIGEST.sub(self._digest, value) if "=" in value else self._words.blank(value)
        if long in CALLS:
            ids, semicolon, parameters = value.partition(";")
            mapped = re.sub(r"[^\s,]+", lambda found: self._words.call_id(found[0]), ids)
            return mapped + PARAMETER.sub(self._parameter, semicolon + parameters)
        return self._texts.opaque(value)

    def _line(self, line: str, change: int) -> str:
        name, colon, value = line.partition(":")
        long = LONG_FORMS.get(name.strip().lower(), name.strip().lower())
        if not colon:
            return self._texts.opaque(line)
        if long == "content-length":
            return name + colon + LENGTH.sub(lambda found: str(max(int(found[0]) + change, 0)), value, count=1)
        return name + colon + self.header(name, value)

    def _start(self, line: str) -> str:
        if request := REQUEST.fullmatch(line.rstrip()):
            return f"{request[1]} {self._uri(request[2])} {request[3]}"
        status = STATUS.fullmatch(line)
        return status[1] + self._texts.line(status[2]) if status else self._texts.opaque(line)

    def _parties(self, value: str) -> str:
        """Names, URIs and parameters; what is quoted is a name, or a parameter's value."""
        parts = ANGLE.split(value)
        parts[1::2] = [f"<{self._uri(uri)}>" for uri in parts[1::2]]
        parts[::2] = [self._beside(part, first=at == 0) for at, part in enumerate(parts[::2])]
        return "".join(parts)

    def _beside(self, text: str, *, first: bool) -> str:
        """What stands outside the angle brackets: names, a bare URI, parameters."""
        if SENT_BY.match(text.strip()):
            text = SENT_BY.sub(lambda found: found[1] + self._words.host(found[2]), text)
            return PARAMETER.sub(self._parameter, text)
        bare = SCHEME.match(text.strip()) if first else None
        if bare:
            uri, semicolon, parameters = text.strip().partition(";")
            return self._uri(uri) + PARAMETER.sub(self._parameter, semicolon + parameters)
        pieces = re.split(r"((?:;\s*[\w.+!%*`'~-]+(?:\s*=\s*(?:\"(?:[^\"\\]|\\.)*\"|[^;,\s\"]+))?)+)", text)
        return "".join(
            PARAMETER.sub(self._parameter, piece) if piece.startswith(";") else self._texts.name(piece) for piece in pieces
        )

    def _uri(self, uri: str) -> str:
        found = SCHEME.fullmatch(uri.strip())
        if not found or found[1].lower() not in ("sip", "sips", "tel", "im", "pres"):
            return uri if uri.strip() == "*" else self._texts.opaque(uri)
        address, headers = (found[3].partition("?")[0], found[3].partition("?")[2])
        user, at, rest = address.rpartition("@")
        host, semicolon, parameters = rest.partition(";")
        if found[1].lower() == "tel":
            mapped = self._words.user(host)
        else:
            name, mark, inner = user.partition(";")
            mapped = self._texts.uri(name, host) if not mark else self._texts.uri(name, host).replace(
                "@", PARAMETER.sub(self._parameter, mark + inner) + "@", 1)
        told = mapped + PARAMETER.sub(self._parameter, semicolon + parameters)
        return found[1] + found[2] + told + (f"?{self._texts.opaque(headers)}" if headers else "")

    def _parameter(self, found: re.Match[str]) -> str:
        name, value = found[2].lower(), found[4]
        quote = '"' if value.startswith('"') else ""
        inner = value.strip('"')
        if name in PLAIN_PARAMETERS and PLAIN.fullmatch(inner) and len(inner) < 32:
            return found[0]
        if name in ("maddr", "received", "host"):
            changed = self._words.host(inner)
        elif name == "branch" and inner.startswith(MAGIC_BRANCH):
            changed = MAGIC_BRANCH + self._words.identifier(inner[len(MAGIC_BRANCH) :])
        elif name in ("tag", "to-tag", "from-tag", "local-tag", "remote-tag", "branch"):
            changed = self._words.identifier(inner)
        else:
            changed = self._texts.opaque(inner)
        return found[1] + found[2] + found[3] + quote + changed + quote

    def _digest(self, found: re.Match[str]) -> str:
        name, value = found[1].lower(), found[3].strip('"')
        quote = '"' if found[3].startswith('"') else ""
        if name in ("algorithm", "qop", "nc", "stale", "userhash", "charset"):
            return found[0]
        changed = {"username": self._words.user, "realm": self._words.host, "uri": self._uri, "domain": self._uri}.get(
            name, self._words.blank
        )(value)
        return found[1] + found[2] + quote + changed + quote

    def _body(self, body: str, kind: str) -> str:
        media = kind.strip().lower()
        if not body.strip():
            return body
        if media.startswith("application/sdp") or (not media and body.startswith("v=0")):
            return self._sdp.body(body)
        boundary = BOUNDARY.search(kind) if media.startswith("multipart/") else None
        if boundary:
            parts = body.split("--" + boundary[1])
            return ("--" + boundary[1]).join([parts[0], *map(self._part, parts[1:])])
        return re.sub(r"[^\W_]|[\udc80-\udcff]", "0", body)

    def _part(self, part: str) -> str:
        head, gap, body = part.partition("\r\n\r\n")
        if not gap:
            return part if not part.strip("-\r\n ") else self._texts.opaque(part)
        lines = head.split("\r\n")
        kind = next((value for name, value in map(_header, lines) if name == "content-type"), "")
        return "\r\n".join(self._line(line, 0) if ":" in line else line for line in lines) + gap + self._body(body, kind)


def _parted(message: bytes) -> tuple[bytes, bytes, bytes]:
    """Head, empty line and body, whatever the lines end in."""
    found = re.search(rb"\r?\n\r?\n", message)
    if not found:
        return message, b"", b""
    return message[: found.start()], found[0], message[found.end() :]


def _unfolded(head: str) -> list[str]:
    """The lines of the head; what goes on in the next line (RFC 3261, section 7.3.1) is one."""
    return re.split(r"\r?\n(?![ \t])", head)


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    short = name.strip().lower()
    return LONG_FORMS.get(short, short), value.strip()
