"""The last look at what leaves: is an original left in a file?"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from postproc.model.errors import SetupError
from postproc.read.records import Described, Record, pieces
from postproc.share.redaction import ip, leaks, media
from postproc.share.redaction.addresses import Addresses
from postproc.share.redaction.leaks import Originals
from postproc.share.redaction.link import IP_TYPES, link
from postproc.share.searched import contents
from postproc.show.report.page import NAME

PCAPNG = bytes.fromhex("0a0d0d0a")
BATCH = 16 << 20  # bytes of packets searched in one go
APART = b"\xff" * 4
# In quotes a number of three digits is taken for somebody's. Texts of strangers are no such attributes.
PLACES = re.compile(rb' (?:x|y|font-size|data-call|data-value|colspan)="[\d.]+"')


def check(written: Iterable[Path], originals: Originals) -> None:
    """Raise SetupError when a file holds an original, in whatever encoding, packed or not."""
    for path in written:
        if found := [*_in_file(path, originals), *_in_payloads(path, originals)]:
            count = f"{len(found)} original values are" if len(found) > 1 else "an original value is"
            raise SetupError(f"{path.name}: {count} left after redaction; nothing was written")


def batches(payloads: Iterable[bytes]) -> Iterator[bytes]:
    """Payloads put together, with what is in none of them in between."""
    held: list[bytes] = []
    size = 0
    for payload in payloads:
        held.append(payload)
        size += len(payload)
        if size > BATCH:
            yield APART.join(held)
            held, size = [], 0
    yield APART.join(held)


def _in_file(path: Path, originals: Originals) -> list[str]:
    """What is found as text."""
    return next(filter(None, (leaks.in_text(data, originals) for data in _texts(path))), [])


def _texts(path: Path) -> Iterator[bytes]:
    """What is in a file; of a report without the numbers that are places in its pictures, and the like."""
    for data in contents(path):
        yield PLACES.sub(b"", data) if path.name == NAME else data


def _in_payloads(path: Path, originals: Originals) -> list[str]:
    """Addresses found as bytes in a capture, where chance puts no number: no header's."""
    with path.open("rb") as file:
        if file.read(4) != PCAPNG:
            return []
    found = (leaks.in_packets(data, originals) for data in batches(_telling_parts(path)))
    return next(filter(None, found), [])


def _telling_parts(capture: Path) -> Iterator[bytes]:
    types = []
    with pieces(capture) as found:
        for piece in found:
            if isinstance(piece, Described):
                types.append(piece.link_type)
            elif isinstance(piece, Record):
                yield _telling(types[piece.interface], piece.data)


def _telling(link_type: int, data: bytes) -> bytes:
    """The packet without what is random in headers: ids, checksums, numbers of TCP and RTP."""
    kind, at, _ = link(link_type, data, Addresses(b""))
    packet = ip.parse(data[at:]) if kind in IP_TYPES else None
    if packet is None:
        return data
    head = data[:at] + packet.source + packet.destination
    if packet.protocol == ip.TCP:
        return head + packet.payload[(packet.payload[12] >> 4) * 4 if len(packet.payload) > 12 else 0 :]
    body = packet.payload[8:]
    return head + (body[12:] if media.looks_like_rtp(body) else body)
