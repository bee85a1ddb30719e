"""SIP messages of a capture as text, exactly as they were sent.

The message is searched in the packet's bytes from its start line on, whatever encapsulates it (VLAN, tunnel,
HEP). Of a message in several packets only the frame's part is returned; an encrypted one is not found.
"""

import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from postproc.files.commit import regular
from postproc.model.errors import CaptureError
from postproc.read.records import Record, pieces

LARGEST = 32 << 20  # bytes of a capture that is read again for this; larger ones would take too long
LONGEST = 8_000  # characters of a message; keeps the report small
START = re.compile(rb"(?:SIP/2\.0 \d{3} |[A-Z]{3,12} [^\s]{1,1000} SIP/2\.0\r?\n)")  # RFC 3261, section 7
BODY = re.compile(rb"\r?\n\r?\n")
LENGTH = re.compile(rb"^(?:Content-Length|l)\s*:\s*(\d{1,6})\s*$", re.IGNORECASE | re.MULTILINE)


def texts(capture: Path, wanted: Mapping[int, str]) -> dict[int, str]:
    """Return the texts of frames by number; ``wanted`` has their Call-IDs, which must occur in them.

    Empty if the capture is missing, too large or unreadable.
    """
    by_frame: dict[int, str] = {}
    try:
        if regular(capture).stat().st_size > LARGEST:
            return by_frame
        with pieces(capture) as parts:
            for piece in parts:
                if isinstance(piece, Record) and piece.frame in wanted:
                    text = _text(piece.data, wanted[piece.frame].encode())
                    if text:
                        by_frame[piece.frame] = text
    except (OSError, CaptureError):
        return {}
    return by_frame


def _text(data: bytes, call_id: bytes) -> str:
    """Return the message with this Call-ID in a packet; "" if there is none."""
    starts = [match.start() for match in START.finditer(data)]
    for start, end in pairwise([*starts, len(data)]):
        message = _whole(data[start:end])
        if call_id in message:
            return message.decode(errors="replace").replace("\r\n", "\n")[:LONGEST].rstrip("\n")
    return ""


def _whole(data: bytes) -> bytes:
    """Return the message without the bytes that follow it in the packet."""
    head = BODY.search(data)
    length = LENGTH.search(data, 0, head.end()) if head else None
    return data[: head.end() + int(length[1])] if head and length else data
