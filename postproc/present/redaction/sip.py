"""SIP messages (RFC 3261): start line, headers by what each is known to hold, body, Content-Length.

A header nobody knows is replaced word by word: an X- header may hold anything,
and what it has in common with a Call-ID it still has.
"""

import re

from postproc.present.redaction.sdp import Descriptions
from postproc.present.redaction.texts import Texts
from postproc.present.redaction.uris import Uris

LONG_FORMS = {
    "a": "accept-contact", "b": "referred-by", "c": "content-type", "d": "request-disposition",
    "e": "content-encoding", "f": "from", "i": "call-id", "j": "reject-contact", "k": "supported",
    "l": "content-length", "m": "contact", "n": "identity-info", "o": "event", "r": "refer-to",
    "s": "subject", "t": "to", "u": "allow-events", "v": "via", "x": "session-expires", "y": "identity",
}  # fmt: skip
START = re.compile(rb"(?:[\w.!%*+`'~-]{1,40} [^\s\r\n]{1,4096} SIP/2\.0|SIP/2\.0 \d{3}(?: [^\r\n]*)?)\r?\n")
REQUEST = re.compile(r"([\w.!%*+`'~-]+) (\S+) (SIP/2\.0)", re.ASCII)
STATUS = re.compile(r"(SIP/2\.0 \d{3} ?)(.*)")
NAME = re.compile(r"[\w.!%*+`'~-]+\s*", re.ASCII)
LENGTH = re.compile(r"\d{1,9}")
HARMLESS = frozenset({
    "cseq", "max-forwards", "allow", "supported", "require", "proxy-require", "unsupported",
    "accept", "accept-encoding", "accept-language", "accept-contact", "reject-contact",
    "request-disposition", "allow-events", "event", "expires", "min-expires", "session-expires",
    "min-se", "rseq", "rack", "subscription-state", "retry-after", "timestamp", "date",
    "mime-version", "content-disposition", "content-encoding", "content-language", "content-type",
    "privacy", "priority", "reason", "p-early-media", "recv-info", "info-package", "answer-mode",
    "user-agent", "server", "allow-methods",
})  # fmt: skip
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
COUNTED = re.compile(r"\s*\d{1,10}(?:\s+\d{1,10})?(?:\s+[A-Za-z]{1,20})?\s*")  # CSeq, RAck, Expires ...
BOUNDARY = re.compile(r"boundary\s*=\s*\"?([^\";\s]+)", re.IGNORECASE)


class Messages:
    """Replaces in SIP messages."""

    def __init__(self, texts: Texts, descriptions: Descriptions) -> None:
        self._texts, self._words, self._sdp = texts, texts.words, descriptions
        self._uris = Uris(texts)

    def message(self, message: bytes) -> bytes:
        """A message, or as much of it as there is; Content-Length differs by as much as the body does."""
        head, gap, body = _parted(message)
        lines = _unfolded(head.decode(errors="surrogateescape"))
        kind = next((value for name, value in map(_header, lines[1:]) if name == "content-type"), "")
        new_body = self._body(body.decode(errors="surrogateescape"), kind).encode(errors="surrogateescape")
        change = len(new_body) - len(body)
        lines = [self._start(lines[0]), *(self._line(line, change) for line in lines[1:])]
        for line in lines:
            self._texts.keeps(line)
        return "\r\n".join(lines).encode(errors="surrogateescape") + gap + new_body

    def header(self, name: str, value: str) -> str:
        """The value of a header, by its name."""
        long = LONG_FORMS.get(name.strip().lower(), name.strip().lower())
        if long in HARMLESS:
            return value if COUNTED.fullmatch(value) else self._texts.line(value)
        if long in PARTIES:
            return self._uris.parties(value)
        if long in DIGEST:
            return self._uris.digest(value)
        if long in CALLS:
            ids, semicolon, parameters = value.partition(";")
            mapped = re.sub(r"[^\s,]+", lambda found: self._words.call_id(found[0]), ids)
            return mapped + semicolon + self._uris.parameters(parameters)
        return self._texts.opaque(value)

    def _line(self, line: str, change: int) -> str:
        name, colon, value = line.partition(":")
        long = LONG_FORMS.get(name.strip().lower(), name.strip().lower())
        if not colon or not NAME.fullmatch(name):
            return self._texts.opaque(line)
        if long == "content-length":
            return (
                name + colon + LENGTH.sub(lambda found: str(max(int(found[0]) + change, 0)), value, count=1)
            )
        return name + colon + self.header(name, value)

    def _start(self, line: str) -> str:
        if request := REQUEST.fullmatch(line.rstrip()):
            return f"{request[1]} {self._uris.uri(request[2])} {request[3]}"
        status = STATUS.fullmatch(line)
        return status[1] + self._texts.line(status[2]) if status else self._texts.opaque(line)

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
        return (
            "\r\n".join(self._line(line, 0) if ":" in line else line for line in lines)
            + gap
            + self._body(body, kind)
        )


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
