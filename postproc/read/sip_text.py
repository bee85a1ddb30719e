"""SIP messages of a capture as text, exactly as they were sent.

A message is searched in the packet's bytes from its start line on, whatever encapsulates it (VLAN, tunnel,
HEP); one in several IP fragments or TCP segments in these together. An encrypted one is not found.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Set
from itertools import pairwise
from pathlib import Path

import numpy as np

from postproc.files.commit import regular
from postproc.model.errors import CaptureError
from postproc.read.packets import Packets, segments, unwrapped
from postproc.read.records import Record, pieces, walkable
from postproc.read.walk import open_container, windows

LARGEST = 32 << 20  # bytes of a capture that is read again for this; larger ones would take too long
LONGEST = 8_000  # characters of a message; keeps the report small
WRAP = 1 << 32  # of TCP's sequence numbers
LONGEST_SENT = 1 << 16  # bytes of a message in several packets; UDP has no more, and SIP over TCP seldom
# RFC 3261, section 7. The methods are IANA's: letters before one are UDP's length and checksum.
METHODS = rb"ACK|BYE|CANCEL|INFO|INVITE|MESSAGE|NOTIFY|OPTIONS|PRACK|PUBLISH|REFER|REGISTER|SUBSCRIBE|UPDATE"
REQUEST = rb"(?:(?:%b)|(?![A-Z]{0,4}(?:%b) )[A-Z]{3,12})" % (METHODS, METHODS)
START = re.compile(rb"(?:SIP/2\.0 \d{3} |%b [^\s]{1,1000} SIP/2\.0\r?\n)" % REQUEST)
BODY = re.compile(rb"\r?\n\r?\n")
LENGTH = re.compile(rb"^(?:Content-Length|l)\s*:\s*(\d{1,6})\s*$", re.IGNORECASE | re.MULTILINE)

Ways = dict[tuple[int, int], dict[int, bytes]]  # by ends: the last bytes, by the sequence number after them


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
        if left := wanted.keys() - by_frame.keys():
            for frame, data in _joined(capture, left):
                if text := _text(data, wanted[frame].encode()):
                    by_frame[frame] = text
    except (OSError, CaptureError):
        return {}
    return by_frame


def _joined(capture: Path, wanted: Set[int]) -> Iterator[tuple[int, bytes]]:
    """Yield of these frames what they end: an IP datagram of fragments, or segments in order."""
    fragments: dict[int, dict[int, bytes]] = defaultdict(dict)
    ways: Ways = defaultdict(dict)
    with walkable(capture) as source, source.open("rb", buffering=0) as file:
        container, first = open_container(file), 1
        for window in windows(file, container):
            packets, _ = unwrapped(window, container.interfaces)
            yield from _of_fragments(packets, first, wanted, fragments)
            yield from _of_segments(packets, first, wanted, ways)
            first += len(window.start)


def _of_fragments(
    packets: Packets, first: int, wanted: Set[int], held: dict[int, dict[int, bytes]]
) -> Iterator[tuple[int, bytes]]:
    for pieces_ in packets.fragments:
        for row, key, start, end in zip(
            *(pieces_[name].tolist() for name in ("row", "key", "start", "end")), strict=True
        ):
            at = int(packets.transport[row])
            held[key][start] = packets.data[at : at + end - start].tobytes()
            if first + row in wanted:
                yield first + row, b"".join(data for _, data in sorted(held.pop(key).items()))


def _of_segments(packets: Packets, first: int, wanted: Set[int], ways: Ways) -> Iterator[tuple[int, bytes]]:
    tcp = segments(packets)
    columns = tcp.rows, tcp.start, np.minimum(tcp.seen, tcp.size), tcp.sequence, tcp.source, tcp.destination
    for row, start, size, sequence, source, destination in zip(
        *(column.tolist() for column in columns), strict=True
    ):
        held, data = ways[source, destination], tcp.data[start : start + size].tobytes()
        before = b"" if START.match(data) else held.pop(sequence, b"")
        held[(sequence + size) % WRAP] = whole = (before + data)[-LONGEST_SENT:]
        if first + row in wanted:
            yield first + row, whole


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
