"""Self-delimiting messages in a TCP stream: STUN, ChannelData, RFC 4571 frames and HEP.

Over TCP, STUN messages follow each other directly (RFC 8489, section 6.2.2), as do ChannelData messages,
padded to four bytes (RFC 8656, section 12.5). ICE over TCP puts a two-byte length before each packet,
whether STUN, DTLS or media (RFC 4571; RFC 6544, section 10). HEP version 3 has its length in the header.
"""

from enum import Enum
from typing import NamedTuple

from postproc.wire import MalformedError, stun

PREFIX = 2  # bytes of length before a packet (RFC 4571, section 2)
HEP, HEP_HEADER = b"HEP3", 6
# First bytes of what shares a transport with ICE (RFC 7983): STUN, DTLS, RTP and RTCP
MULTIPLEXED = frozenset({*range(4), *range(20, 64), *range(128, 192)})


class Framing(Enum):
    TURN, RFC4571, HEP = "TURN over TCP", "ICE over TCP", "HEP"


class Place(NamedTuple):
    """A message in a stream: where its packet starts, the packet's size, and where the next message
    starts.
    """

    start: int
    size: int
    end: int
    framing: Framing


def framing_of(data: bytes, *, turn: bool) -> Framing | None:
    """Return the framing of the message that starts here; None if no message does.

    Only two bytes identify ChannelData: it is accepted only if ``turn`` says that it is expected and its
    length fits the segment.
    """
    if data.startswith(HEP):
        return Framing.HEP
    if data[4:8] == stun.COOKIE and data[0] < 4:
        return Framing.TURN
    if data[6:10] == stun.COOKIE and data[2] < 4 and int.from_bytes(data[:2]) >= stun.HEADER:
        return Framing.RFC4571
    return Framing.TURN if turn and _is_channel_data(data) else None


def _is_channel_data(data: bytes) -> bool:
    """Return whether consecutive ChannelData messages end exactly at the end of the segment."""
    at = 0
    while at + stun.CHANNEL_HEADER <= len(data) and int.from_bytes(data[at : at + 2]) in stun.CHANNELS:
        at += stun.CHANNEL_HEADER + (int.from_bytes(data[at + 2 : at + 4]) + 3 & ~3)
        if at == len(data):
            return True
    return False


def message(data: bytes, at: int, framing: Framing) -> Place | None:
    """Return the message at this place; None if it is incomplete. Raises MalformedError if none starts
    here.
    """
    left = len(data) - at
    if framing is Framing.RFC4571:
        size = int.from_bytes(data[at : at + PREFIX]) if left >= PREFIX else -1
        if size > 0 and left > PREFIX and data[at + PREFIX] not in MULTIPLEXED:
            raise MalformedError("neither STUN nor DTLS nor media")
        place = Place(at + PREFIX, size, at + PREFIX + size, framing)
    elif framing is Framing.HEP:
        if not HEP.startswith(data[at : at + len(HEP)]):
            raise MalformedError("no HEP")
        size = int.from_bytes(data[at + len(HEP) : at + HEP_HEADER]) if left >= HEP_HEADER else -1
        if 0 <= size < HEP_HEADER:
            raise MalformedError("HEP shorter than its header")
        place = Place(at, size, at + size, framing)
    else:
        place = _of_turn(data, at, left)
    return place if place.size >= 0 and place.end <= len(data) else None


def _of_turn(data: bytes, at: int, left: int) -> Place:
    if left and data[at] >> 6 > 1:
        raise MalformedError("neither STUN nor ChannelData")
    if left < stun.CHANNEL_HEADER:
        return Place(at, -1, at, Framing.TURN)
    length = int.from_bytes(data[at + 2 : at + 4])
    if data[at] >> 6:
        size = stun.CHANNEL_HEADER + length
        return Place(at, size, at + stun.CHANNEL_HEADER + (length + 3 & ~3), Framing.TURN)
    if length & 3 or not stun.COOKIE.startswith(data[at + 4 : at + 8]):
        raise MalformedError("no STUN")
    return Place(at, stun.HEADER + length, at + stun.HEADER + length, Framing.TURN)


def packed(packet: bytes, framing: Framing) -> bytes:
    """Return a packet as sent over TCP."""
    if framing is Framing.RFC4571:
        return len(packet).to_bytes(PREFIX) + packet
    return packet + bytes(-len(packet) % 4) if framing is Framing.TURN else packet
