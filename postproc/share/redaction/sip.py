"""SIP messages (RFC 3261): start line, headers by what each is known to hold, body.

A header nobody knows is replaced word by word: an X- header may hold anything,
and what it has in common with a Call-ID it still has.
"""

import re
from collections.abc import Callable, Iterable

from postproc.share.redaction.sdp import Descriptions
from postproc.share.redaction.texts import Texts
from postproc.share.redaction.uris import Uris
from postproc.share.redaction.words import fitting

LONG_FORMS = {
    "a": "accept-contact", "b": "referred-by", "c": "content-type", "d": "request-disposition",
    "e": "content-encoding", "f": "from", "i": "call-id", "j": "reject-contact", "k": "supported",
    "l": "content-length", "m": "contact", "n": "identity-info", "o": "event", "r": "refer-to",
    "s": "subject", "t": "to", "u": "allow-events", "v": "via", "x": "session-expires", "y": "identity",
}  # fmt: skip
START = re.compile(rb"(?:[\w.!%*+`'~-]{1,40} [^\s\r\n]{1,4096} SIP/2\.0|SIP/2\.0 \d{3}(?: [^\r\n]*)?)\r?\n")
REQUEST = re.compile(r"([\w.!%*+`'~-]+) (\S+) (SIP/2\.0\s*)", re.ASCII)
STATUS = re.compile(r"(SIP/2\.0 \d{3} ?)(.*)")
NAME = re.compile(r"[\w.!%*+`'~-]+\s*", re.ASCII)
LENGTH = re.compile(r"(\s*)(\d{1,9})(?!\d)(.*)", re.DOTALL)
METHODS = frozenset({
    "ACK", "BYE", "CANCEL", "INFO", "INVITE", "MESSAGE", "NOTIFY", "OPTIONS", "PRACK", "PUBLISH", "REFER",
    "REGISTER", "SUBSCRIBE", "UPDATE",
})  # fmt: skip
# Lists of tokens, numbers and dates, and short texts: what in them is a word of the protocol stays.
SPOKEN = frozenset({
    "max-forwards", "allow", "supported", "require", "proxy-require", "unsupported",
    "accept", "accept-encoding", "accept-language", "accept-contact", "reject-contact",
    "request-disposition", "allow-events", "event", "expires", "min-expires", "session-expires",
    "min-se", "rseq", "subscription-state", "retry-after", "timestamp", "date",
    "mime-version", "content-disposition", "content-encoding", "content-language", "content-type",
    "privacy", "priority", "reason", "p-early-media", "recv-info", "info-package", "answer-mode",
    "allow-methods", "content-transfer-encoding",
})  # fmt: skip
AGENTS = frozenset({"user-agent", "server"})
COUNTED = frozenset({"cseq", "rack"})
PARTIES = frozenset({
    "from", "to", "contact", "route", "record-route", "p-asserted-identity", "p-preferred-identity",
    "remote-party-id", "diversion", "history-info", "referred-by", "refer-to", "reply-to",
    "p-called-party-id", "path", "service-route", "p-associated-uri", "via", "alert-info",
    "call-info", "error-info", "p-profile-key", "p-served-user",
})  # fmt: skip
DIGEST = frozenset({
    "authorization", "proxy-authorization", "www-authenticate", "proxy-authenticate",
    "authentication-info", "identity", "proxy-authentication-info",
})  # fmt: skip
CALLS = frozenset({"call-id", "in-reply-to", "replaces", "join", "target-dialog", "same-session"})
COUNTS = re.compile(r"(\s*\d{1,10}\s+(?:\d{1,10}\s+)?)([\w.!%*+`'~-]+)(\s*)")  # CSeq, RAck
LEADING = re.compile(r"\s*\d{1,10}(?:\.\d{1,6})?(?![\w.])")
WARNING = re.compile(r"(\s*\d{3} )(\S+)( )(.*)", re.DOTALL)
BOUNDARY = re.compile(r"(boundary\s*=\s*)(?:\"([^\"]+)\"|([^\";\s]+))", re.IGNORECASE)
LINE_END = re.compile(r"(\r?\n)(?![ \t])")  # what goes on in the next line is one (RFC 3261, 7.3.1)
X_PREFIX = re.compile(r"x-|p-", re.IGNORECASE)


class Messages:
    """Replaces in SIP messages."""

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
            **dict.fromkeys(CALLS, self._calls),
            "warning": self._warning,
        }

    def message(self, message: bytes) -> bytes:
        """A message, or as much of it as there is, as long as before."""
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
        """The value of a header, by its name."""
        long = LONG_FORMS.get(name.strip().lower(), name.strip().lower())
        return self._headers.get(long, self._texts.opaque)(value)

    def _count(self, value: str) -> str:
        """Numbers and a method: CSeq, RAck."""
        found = COUNTS.fullmatch(value)
        return found[1] + self._method(found[2]) + found[3] if found else self._texts.opaque(value)

    def _calls(self, value: str) -> str:
        ids, semicolon, parameters = value.partition(";")
        mapped = re.sub(r"[^\s,]+", lambda found: self._words.call_id(found[0]), ids)
        return mapped + semicolon + self._uris.parameters(parameters)

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
        found = LENGTH.fullmatch(value)
        if not found:
            return self._texts.opaque(value)
        return found[1] + found[2] + self._texts.opaque(found[3])

    def name(self, name: str) -> str:
        """The name of a header; of one that nobody knows only that it is a private one stays."""
        if name.lower() in self._texts.known:
            return name
        prefix = X_PREFIX.match(name)
        start = prefix.end() if prefix else 0
        return name[:start] + self._texts.other(name[start:])

    def _method(self, method: str) -> str:
        return method if method.upper() in METHODS else self._words.identifier(method)

    def _spoken(self, value: str) -> str:
        """A number first, and words; the boundary of a multipart body is somebody's choice."""
        leading = LEADING.match(value)
        start = leading.end() if leading else 0
        head, (boundary, at, end) = value[:start], _boundary(value)
        if not boundary:
            return head + self._texts.line(value[start:])
        before, behind = self._texts.line(value[start:at]), self._texts.line(value[end:])
        return head + before + self._words.identifier(boundary) + behind

    def _warning(self, value: str) -> str:
        """Code, agent and text (RFC 3261, section 20.43)."""
        found = WARNING.fullmatch(value)
        if not found:
            return self._texts.line(value)
        return found[1] + self._words.host(found[2]) + found[3] + self._texts.line(found[4])

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

    def _body(self, body: str, kind: str) -> str:
        media = kind.strip().lower()
        if not body.strip():
            return body
        if media.startswith("application/sdp") or (not media and body.startswith("v=0")):
            return self._sdp.body(body)
        if media.startswith("multipart/"):
            return self._parts(body, _boundary(kind)[0])
        return self._words.blank(body)

    def _parts(self, body: str, boundary: str) -> str:
        """The parts between the boundary's lines; what is before the first and behind the last is blanked."""
        if not boundary:
            return self._words.blank(body)
        pieces = re.split(rf"(?m)^--{re.escape(boundary)}(--)?", body)
        other, new, ended = self._words.identifier(boundary), self._words.blank(pieces[0]), False
        for end, part in zip(pieces[1::2], pieces[2::2], strict=True):
            ended = ended or bool(end)
            new += f"--{other}{end or ''}" + (self._words.blank(part) if ended else self._part(part))
        return new

    def _part(self, part: str) -> str:
        head, gap, body = _divided(part)
        if not gap:
            return self._words.blank(part)
        lines = LINE_END.split(head)
        kind = _content_type(lines[::2])
        lines[::2] = [self._line(line) if line.strip() else line for line in lines[::2]]
        return "".join(lines) + gap + self._body(body, kind)


def _boundary(value: str) -> tuple[str, int, int]:
    """The boundary that a Content-Type names, and where it stands (RFC 2046, section 5.1.1)."""
    found = BOUNDARY.search(value)
    if not found:
        return "", 0, 0
    group = 2 if found[2] else 3
    return found[group], found.start(group), found.end(group)


def _divided(part: str) -> tuple[str, str, str]:
    """Head, empty line and body of a part, whatever its lines end in."""
    found = re.search(r"\r?\n\r?\n", part)
    return (part[: found.start()], found[0], part[found.end() :]) if found else (part, "", "")


def _parted(message: bytes) -> tuple[bytes, bytes, bytes]:
    """Head, empty line and body, whatever the lines end in."""
    found = re.search(rb"\r?\n\r?\n", message)
    if not found:
        return message, b"", b""
    return message[: found.start()], found[0], message[found.end() :]


def _content_type(headers: Iterable[str]) -> str:
    """What the headers say that the body is; nothing if they do not."""
    for name, _, value in (line.partition(":") for line in headers):
        if name.strip().lower() in ("content-type", "c"):
            return value.strip()
    return ""
