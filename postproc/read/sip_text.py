"""SIP messages of a capture as the text they were sent as, for people to read.

The text is searched in the packet as it is, whatever it was wrapped in (VLAN, tunnel, HEP), from its start
line on; what came in several packets is given as far as the frame has it, what was encrypted not at all.
"""

import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from postproc.files.commit import regular
from postproc.model.errors import CaptureError
from postproc.read.records import Record, pieces

LARGEST = 32 << 20  # bytes of a capture that is read once more for it: a page is not worth a minute
LONGEST = 8_000  # characters of a message: a page can bear so many
START = re.compile(rb"(?:SIP/2\.0 \d{3} |[A-Z]{3,12} [^\s]{1,1000} SIP/2\.0\r?\n)")  # RFC 3261, section 7
BODY = re.compile(rb"\r?\n\r?\n")
LENGTH = re.compile(rb"^(?:Content-Length|l)\s*:\s*(\d{1,6})\s*$", re.IGNORECASE | re.MULTILINE)


def texts(capture: Path, wanted: Mapping[int, str]) -> dict[int, str]:
    """The texts of frames, by number; ``wanted`` are their Call-IDs, which have to be in them.

    None where the capture is gone, too large or cannot be read.
    """
    found: dict[int, str] = {}
    try:
        if regular(capture).stat().st_size > LARGEST:
            return found
        with pieces(capture) as held:
            for piece in held:
                if isinstance(piece, Record) and piece.frame in wanted:
                    text = _text(piece.data, wanted[piece.frame].encode())
                    if text:
                        found[piece.frame] = text
    except (OSError, CaptureError):
        return {}
    return found


def _text(data: bytes, call_id: bytes) -> str:
    """The message of a call in a packet; "" if there is none."""
    starts = [match.start() for match in START.finditer(data)]
    for start, end in pairwise([*starts, len(data)]):
        message = _whole(data[start:end])
        if call_id in message:
            return message.decode(errors="replace").replace("\r\n", "\n")[:LONGEST].rstrip("\n")
    return ""


def _whole(data: bytes) -> bytes:
    """The message without what follows it in the packet."""
    head = BODY.search(data)
    length = LENGTH.search(data, 0, head.end()) if head else None
    return data[: head.end() + int(length[1])] if head and length else data
