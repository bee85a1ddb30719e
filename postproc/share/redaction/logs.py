"""Lines of logs: SIP headers and session descriptions in them by their grammar, the rest as text."""

import re

from postproc.share.redaction.sdp import Descriptions
from postproc.share.redaction.sip import (
    AGENTS,
    CALLS,
    COUNTED,
    DIGEST,
    LONG_FORMS,
    PARTIES,
    SPOKEN,
    Messages,
)
from postproc.share.redaction.texts import Texts

PREFIX = r"^((?:[\w.-]+ +\| )?(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12} )?[ \t]*)"
DESCRIPTION = re.compile(PREFIX + r"([voscbtmakiuep]=\S.*)$", re.IGNORECASE | re.DOTALL)
HEADER = re.compile(PREFIX + r"([A-Za-z][A-Za-z0-9-]{0,40})(:[ \t]*)(\S.*)$", re.IGNORECASE | re.DOTALL)
KNOWN = (PARTIES | DIGEST | CALLS | SPOKEN | COUNTED | AGENTS) - {
    "to",
    "from",
    "date",
    "event",
    "server",
    "reason",
}
LONGEST = 20_000  # characters of a line looked at; what follows is blanked


class Logs:
    """Replaces in lines of logs."""

    def __init__(self, texts: Texts, descriptions: Descriptions, messages: Messages) -> None:
        self._texts, self._sdp, self._messages = texts, descriptions, messages

    def line(self, line: str) -> str:
        """A line without its end."""
        line, rest = line[:LONGEST], line[LONGEST:]
        return self._line(line) + self._texts.words.blank(rest)

    def _line(self, line: str) -> str:
        if found := DESCRIPTION.match(line):
            return self._texts.line(found[1]) + self._sdp.line(found[2])
        if found := HEADER.match(line):
            name = LONG_FORMS.get(found[2].lower(), found[2].lower()) if len(found[2]) > 1 else ""
            if name in KNOWN or name.startswith("x-") or (name in ("to", "from") and "<" in found[4]):
                value = self._messages.header(found[2], found[4])
                return self._texts.line(found[1]) + self._messages.name(found[2]) + found[3] + value
        return self._texts.line(line)
