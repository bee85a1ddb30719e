"""Which frames are second captures of a packet (SPAN ports, ``any``, two interfaces).

A copy has the same bytes from the IP header on (TTL and checksum aside) within
5 ms: seen at another interface, or at the same one with the same TTL. A
sender that leaves the IP identification at 0 could repeat itself so fast that
only 0.5 ms counts then.
"""

from collections.abc import Iterable
from hashlib import blake2b
from typing import NamedTuple

from postproc.model import constants
from postproc.read.frame import Frame

WINDOW = constants.nanoseconds("copies.window_s")
WINDOW_WITHOUT_ID = constants.nanoseconds("copies.window_without_id_s")


class Sighting(NamedTuple):
    """One frame, as far as copies are recognised by it."""

    frame: int
    time: int
    interface: int
    ttl: int
    identified: bool
    digest: bytes


def sighting(frame: Frame) -> Sighting:
    start = max(frame.packet.find(frame.ip), 0) if frame.ip else 0
    packet = bytearray(frame.packet[start:])
    identified, ttl = False, 0
    if len(frame.ip) >= 20 and frame.ip[0] >> 4 == 4:
        identified, ttl = frame.ip[4:6] != b"\0\0", frame.ip[8]
        packet[8:9], packet[10:12] = b"\0", b"\0\0"
    elif len(frame.ip) >= 40:
        ttl, packet[7:8] = frame.ip[7], b"\0"
    digest = blake2b(packet, digest_size=16).digest()
    return Sighting(frame.number, frame.time, frame.interface, ttl, identified, digest)


def copies(sightings: Iterable[Sighting]) -> dict[int, int]:
    """Frame number of each copy -> frame number of the packet first seen."""
    first: dict[bytes, Sighting] = {}
    found: dict[int, int] = {}
    for seen in sorted(sightings, key=lambda s: (s.time, s.frame)):
        original = first.get(seen.digest)
        if original and _is_copy(seen, original):
            found[seen.frame] = original.frame
        else:
            first[seen.digest] = seen
    return found


def _is_copy(seen: Sighting, original: Sighting) -> bool:
    window = WINDOW if seen.identified else WINDOW_WITHOUT_ID
    elsewhere = seen.interface != original.interface
    return seen.time - original.time < window and (elsewhere or seen.ttl == original.ttl)
