"""Redact SIP messages (RFC 3261): start line, headers by their grammar, URIs in them, body.

Malformed values and unknown headers are replaced word by word: an X- header may hold anything, and what
it shares with a Call-ID it still shares.
"""

import re
from collections.abc import Callable, Iterable

from postproc.share.redaction.sdp import Descriptions
from postproc.share.redaction.texts import Texts
from postproc.share.redaction.uris import CALLS, Uris
from postproc.share.redaction.words import fitting

LONG_FORMS = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "n": "identity-info",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
    "y": "identity",
}
START = re.compile(rb"(?:[\w.!%*+`'~-]{1,40} [^\s\r\n]{1,4096} SIP/2\.0|SIP/2\.0 \d{3}(?: [^\r\n]*)?)\r?\n")
REQUEST = re.compile(r"([\w.!%*+`'~-]+) (\S+) (SIP/2\.0\s*)", re.ASCII)
STATUS = re.compile(r"(SIP/2\.0 \d{3} ?)(.*)")
NAME = re.compile(r"[\w.!%*+`'~-]+\s*", re.ASCII)
LENGTH = re.compile(r"(\s*)(\d{1,9})(?!\d)(.*)", re.DOTALL)
METHODS = frozenset(
    {
        "ACK",
        "BYE",
        "CANCEL",
        "INFO",
        "INVITE",
        "MESSAGE",
        "NOTIFY",
        "OPTIONS",
        "PRACK",
        "PUBLISH",
        "REFER",
        "REGISTER",
        "SUBSCRIBE",
        "UPDATE",
    }
)
# Lists of tokens, numbers, dates and short texts; their protocol words stay.
SPOKEN = frozenset(
    {
        "max-forwards",
        "allow",
        "supported",
        "require",
        "proxy-require",
        "unsupported",
        "accept",
        "accept-encoding",
        "accept-language",
        "accept-contact",
        "reject-contact",
        "request-disposition",
        "allow-events",
        "event",
        "expires",
        "min-expires",
        "session-expires",
        "min-se",
        "rseq",
        "subscription-state",
        "retry-after",
        "timestamp",
        "date",
        "mime-version",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-type",
        "privacy",
        "priority",
        "reason",
        "p-early-media",
        "recv-info",
        "info-package",
        "answer-mode",
        "allow-methods",
        "content-transfer-encoding",
    }
)
AGENTS = frozenset({"user-agent", "server"})
COUNTED = frozenset({"cseq", "rack"})
PARTIES = frozenset(
    {
        "from",
        "to",
        "contact",
        "route",
        "record-route",
        "p-asserted-identity",
        "p-preferred-identity",
        "remote-party-id",
        "diversion",
        "history-info",
        "referred-by",
        "refer-to",
        "reply-to",
        "p-called-party-id",
        "path",
        "service-route",
        "p-associated-uri",
        "via",
        "alert-info",
        "call-info",
        "error-info",
        "p-profile-key",
        "p-served-user",
    }
)
DIGEST = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "www-authenticate",
        "proxy-authenticate",
        "authentication-info",
        "identity",
        "proxy-authentication-info",
    }
)
COUNTS = re.compile(r"(\s*\d{1,10}\s+(?:\d{1,10}\s+)?)([\w.!%*+`'~-]+)(\s*)")  # CSeq, RAck
LEADING = re.compile(r"\s*\d{1,10}(?:\.\d{1,6})?(?![\w.])")
WARNING = re.compile(r"(\s*\d{3} )(\S+)( )(.*)", re.DOTALL)
BOUNDARY = re.compile(r"(boundary\s*=\s*)(?:\"([^\"]+)\"|([^\";\s]+))", re.IGNORECASE)
LINE_END = re.compile(r"(\r?\n)(?![ \t])")  # not before a folded line (RFC 3261, 7.3.1)
DEEPEST = 4  # nested multipart bodies; a choice against hostile input, deeper ones are blanked
X_PREFIX = re.compile(r"x-|p-", re.IGNORECASE)


class Messages:
    """Redact SIP messages."""

    def __init__(self, texts: Texts, descriptions: Descriptions) -> None:
        self._texts, self._words, self._sdp = texts, texts.words, descriptions
        self._uris = Uris(texts)
        self.sessions = descriptions.sessions
        self._headers: dict[str, Callable[[str], str]] = {
            **dict.fromkeys(COUNTED, self._count),
            **dict.fromkeys(SPOKEN, self._spoken),
            **dict.fromkeys(AGENTS, texts.agent),
            **dict.fromkeys(PARTIES, self._uris.parties),
            **dict.fromkeys(DIGEST, self._uris.digest),
            **dict.fromkeys(CALLS, self._uris.calls),
            "warning": self._warning,
        }

    def message(self, message: bytes) -> bytes:
        """Redact a message, whole or truncated; the length stays."""
        head, gap, body = _parted(message)
        lines = LINE_END.split(head.decode(errors="surrogateescape"))
        new = [self._start(lines[0]), *lines[1:]]
        new[2::2] = map(self._line, lines[2::2])
        for line in new[::2]:
            self._texts.keeps(line)
        text = (
            "".join(new)
            + gap.decode()
            + self._body(body.decode(errors="surrogateescape"), _content_type(lines[2::2]))
        )
        return text.encode(errors="surrogateescape")

    def header(self, name: str, value: str) -> str:
        """Redact the value of the header ``name``."""
        long = LONG_FORMS.get(name.strip().lower(), name.strip().lower())
        return self._headers.get(long, self._texts.opaque)(value)

    def _count(self, value: str) -> str:
        """Redact CSeq or RAck: the numbers stay, an unknown method does not."""
        match = COUNTS.fullmatch(value)
        return match[1] + self._method(match[2]) + match[3] if match else self._texts.opaque(value)

    def _line(self, line: str) -> str:
        name, colon, value = line.partition(":")
        return fitting(line, self._changed(line), lambda: self.name(name) + colon + self._words.blank(value))

    def _changed(self, line: str) -> str:
        name, colon, value = line.partition(":")
        long = LONG_FORMS.get(name.strip().lower(), name.strip().lower())
        if not colon or not NAME.fullmatch(name):
            return self._texts.line(line)
        if long == "content-length":
            return name + colon + self._length(value)
        return self.name(name) + colon + self.header(name, value)

    def _length(self, value: str) -> str:
        match = LENGTH.fullmatch(value)
        if not match:
            return self._texts.opaque(value)
        return match[1] + match[2] + self._texts.opaque(match[3])

    def name(self, name: str) -> str:
        """Redact a header name; of an unknown one only the X- or P- prefix stays."""
        if name.lower() in self._texts.known:
            return name
        prefix = X_PREFIX.match(name)
        start = prefix.end() if prefix else 0
        return name[:start] + self._texts.other(name[start:])

    def _method(self, method: str) -> str:
        return method if method.upper() in METHODS else self._words.identifier(method)

    def _spoken(self, value: str) -> str:
        """Redact words after an optional number; a multipart boundary is an identifier."""
        leading = LEADING.match(value)
        start = leading.end() if leading else 0
        head, (boundary, at, end) = value[:start], _boundary(value)
        if not boundary:
            return head + self._texts.line(value[start:])
        before, behind = self._texts.line(value[start:at]), self._texts.line(value[end:])
        return head + before + self._words.identifier(boundary) + behind

    def _warning(self, value: str) -> str:
        """Redact the agent and text of a Warning (RFC 3261, section 20.43)."""
        match = WARNING.fullmatch(value)
        if not match:
            return self._texts.line(value)
        return match[1] + self._words.host(match[2]) + match[3] + self._texts.line(match[4])

    def _start(self, line: str) -> str:
        if request := REQUEST.fullmatch(line):
            uri = fitting(request[2], self._uris.uri(request[2]), lambda: self._words.blank(request[2]))
            return f"{self._method(request[1])} {uri} {request[3]}"
        status = STATUS.fullmatch(line)
        if not status:
            return self._texts.opaque(line)
        return status[1] + fitting(
            status[2], self._texts.line(status[2]), lambda: self._words.blank(status[2])
        )

    def _body(self, body: str, kind: str, depth: int = 0) -> str:
        media = kind.strip().lower()
        if not body.strip():
            return body
        if media.startswith(DESCRIPTIONS) or (not media and body.startswith("v=0")):
            return self._sdp.body(body)
        if media.startswith("message/sipfrag"):
            return self._fragment(body)
        if media.startswith("multipart/"):
            return self._parts(body, _boundary(kind)[0], depth)
        return self._words.blank(body)

    def _fragment(self, body: str) -> str:
        """Redact a sipfrag (RFC 3420): a start line, headers or both, as in a NOTIFY about a REFER."""
        head, gap, rest = _divided(body)
        lines = LINE_END.split(head)
        starts = STATUS.fullmatch(lines[0]) or REQUEST.fullmatch(lines[0])
        lines[2::2] = map(self._line, lines[2::2])
        lines[0] = self._start(lines[0]) if starts else self._line(lines[0])
        return "".join(lines) + gap + self._words.blank(rest)

    def _parts(self, body: str, boundary: str, depth: int) -> str:
        """Redact the parts of a multipart body; preamble and epilogue are blanked."""
        if not boundary or depth == DEEPEST:
            return self._words.blank(body)
        pieces = re.split(rf"(?m)^--{re.escape(boundary)}(--)?", body)
        other, new, ended = self._words.identifier(boundary), self._words.blank(pieces[0]), False
        for end, part in zip(pieces[1::2], pieces[2::2], strict=True):
            ended = ended or bool(end)
            new += f"--{other}{end or ''}" + (
                self._words.blank(part) if ended else self._part(part, depth + 1)
            )
        return new

    def _part(self, part: str, depth: int) -> str:
        head, gap, body = _divided(part)
        if not gap:
            return self._words.blank(part)
        lines = LINE_END.split(head)
        kind = _content_type(lines[::2])
        lines[::2] = [self._line(line) if line.strip() else line for line in lines[::2]]
        return "".join(lines) + gap + self._body(body, kind, depth)


DESCRIPTIONS = ("application/sdp", "application/trickle-ice-sdpfrag")


def _boundary(value: str) -> tuple[str, int, int]:
    """Return a Content-Type's boundary, its start and end (RFC 2046, section 5.1.1); or ("", 0, 0)."""
    match = BOUNDARY.search(value)
    if not match:
        return "", 0, 0
    group = 2 if match[2] else 3
    return match[group], match.start(group), match.end(group)


def _divided(part: str) -> tuple[str, str, str]:
    """Split a part into head, empty line and body; accepts CRLF and LF."""
    match = re.search(r"\r?\n\r?\n", part)
    return (part[: match.start()], match[0], part[match.end() :]) if match else (part, "", "")


def _parted(message: bytes) -> tuple[bytes, bytes, bytes]:
    """Split a message into head, empty line and body; accepts CRLF and LF."""
    match = re.search(rb"\r?\n\r?\n", message)
    if not match:
        return message, b"", b""
    return message[: match.start()], match[0], message[match.end() :]


def _content_type(headers: Iterable[str]) -> str:
    """Return the Content-Type in header lines; "" if there is none."""
    for name, _, value in (line.partition(":") for line in headers):
        if name.strip().lower() in ("content-type", "c"):
            return value.strip()
    return ""
