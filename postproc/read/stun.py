"""STUN messages (RFC 8489; RFC 3489 without magic cookie) -> rows of stun_messages."""

from collections.abc import Iterator
from functools import cache
from ipaddress import IPv6Address
from socket import AF_INET, inet_ntop
from struct import Struct
from typing import Any, NamedTuple

from postproc.read.frame import Frame

COOKIE = bytes.fromhex("2112a442")
METHODS = {
    0x001: "binding", 0x002: "shared_secret", 0x003: "allocate", 0x004: "refresh", 0x006: "send",
    0x007: "data", 0x008: "create_permission", 0x009: "channel_bind", 0x00A: "connect",
    0x00B: "connection_bind", 0x00C: "connection_attempt",
}  # fmt: skip
CHANNEL_HEADER = 4  # tshark calls the header of ChannelData a STUN message too
CLASSES = ("request", "indication", "success", "error")
MAPPED, USERNAME, ERROR, XOR_MAPPED = 0x0001, 0x0006, 0x0009, 0x0020
CHANNEL_NUMBER, XOR_PEER, DATA, XOR_RELAYED = 0x000C, 0x0012, 0x0013, 0x0016  # RFC 8656, section 18
INDICATIONS = (b"\x00\x16", b"\x00\x17")  # Send and Data
PRIORITY, USE_CANDIDATE, XOR_MAPPED_OLD, SOFTWARE = 0x0024, 0x0025, 0x8020, 0x8022
CONTROLLED, CONTROLLING = 0x8029, 0x802A
ATTRIBUTE = Struct(">HH")

Attributes = dict[int, bytes]
Transport = tuple[str | None, int | None]


class Carried(NamedTuple):
    """What an indication carries, and from or for which peer (RFC 8656, section 11)."""

    payload: bytes
    peer: Transport


def rows(frame: Frame) -> Iterator[dict[str, Any]]:
    """Rows of stun_messages of one frame; a message inside TURN is marked relayed.

    tshark takes apart what ChannelData carries, but not always what an indication does.
    """
    outer, inside, channel = b"", Carried(b"", (None, None)), None
    messages = frame.messages.get("stun", []) + frame.messages.get("classicstun", [])
    for message in messages:
        if len(message) < 20:
            channel = int.from_bytes(message[:2]) if len(message) == CHANNEL_HEADER else channel
            continue
        relayed = channel is not None or (len(message) < len(outer) and message in outer)
        yield _row(frame, message, relayed=relayed, channel=channel, peer=inside.peer if relayed else None)
        if not relayed:
            outer, inside = message, carried(message) or Carried(b"", (None, None))
            if _is_message(inside.payload) and inside.payload not in messages:
                yield _row(frame, inside.payload, relayed=True, channel=None, peer=inside.peer)


def carried(message: bytes) -> Carried | None:
    """Return what a Send or Data indication carries; None if it is none."""
    if message[:2] not in INDICATIONS:
        return None
    found = attributes(message)
    return Carried(found.get(DATA, b""), _transport(found.get(XOR_PEER, b""), message[4:20]))


def _is_message(payload: bytes) -> bool:
    return len(payload) >= 20 and payload[4:8] == COOKIE and len(payload) == 20 + int.from_bytes(payload[2:4])


def _row(
    frame: Frame, message: bytes, *, relayed: bool, channel: int | None, peer: Transport | None
) -> dict[str, Any]:
    found = attributes(message)
    mapped = address(found, message[4:20])
    relay = _transport(found.get(XOR_RELAYED, b""), message[4:20])
    far = _transport(found.get(XOR_PEER, b""), message[4:20]) if peer is None else peer
    method, kind = type_of(int.from_bytes(message[:2]))
    number = found.get(CHANNEL_NUMBER, b"")
    return {
        "frame": frame.number,
        "time": frame.time,
        "src_addr": frame.src_addr,
        "src_port": frame.src_port,
        "dst_addr": frame.dst_addr,
        "dst_port": frame.dst_port,
        "method": method,
        "kind": kind,
        "transaction_id": transaction_id(message),
        "username": _text(found.get(USERNAME)),
        "mapped_addr": mapped[0],
        "mapped_port": mapped[1],
        "relay_addr": relay[0],
        "relay_port": relay[1],
        "peer_addr": far[0],
        "peer_port": far[1],
        "channel": channel if relayed else int.from_bytes(number[:2]) if len(number) == 4 else None,
        "error_code": error_code(found.get(ERROR, b"")),
        "role": "controlled" if CONTROLLED in found else "controlling" if CONTROLLING in found else None,
        "use_candidate": USE_CANDIDATE in found,
        "priority": _integer(found.get(PRIORITY)),
        "software": _text(found.get(SOFTWARE)),
        "relayed": relayed,
    }


@cache
def type_of(number: int) -> tuple[str, str]:
    """Method, in hex if it has no name, and class of a message type (RFC 8489, section 5; RFC 8656, 17)."""
    method = number & 0x000F | number >> 1 & 0x0070 | number >> 2 & 0x0F80
    return METHODS.get(method, f"0x{method:03x}"), CLASSES[number >> 7 & 2 | number >> 4 & 1]


def transaction_id(message: bytes) -> str:
    """96 bits after the magic cookie; all 128 where there is none (RFC 3489)."""
    return message[8:20].hex() if message[4:8] == COOKIE else message[4:20].hex()


def attributes(message: bytes) -> Attributes:
    """Values by type; the first of a type counts (RFC 8489, section 14). A cut one ends the list."""
    found: Attributes = {}
    end = min(len(message), 20 + int.from_bytes(message[2:4]))
    at = 20
    while at + 4 <= end:
        code, length = ATTRIBUTE.unpack_from(message, at)
        at += 4
        if at + length > end:
            break
        found.setdefault(code, message[at : at + length])
        at += length + 3 & ~3
    return found


def address(found: Attributes, cookie_and_id: bytes) -> Transport:
    """XOR-MAPPED-ADDRESS, else MAPPED-ADDRESS (RFC 8489, sections 14.1 and 14.2)."""
    for code in (XOR_MAPPED, XOR_MAPPED_OLD):
        if code in found:
            return _transport(found[code], cookie_and_id)
    return _transport(found.get(MAPPED, b""), bytes(16))


def _transport(value: bytes, mask: bytes) -> Transport:
    size = {1: 4, 2: 16}.get(value[1] if len(value) > 1 else 0)
    if size is None or len(value) != 4 + size:
        return None, None
    plain = (int.from_bytes(value[4:]) ^ int.from_bytes(mask[:size])).to_bytes(size)
    written = inet_ntop(AF_INET, plain) if size == 4 else str(IPv6Address(plain))
    return written, int.from_bytes(value[2:4]) ^ int.from_bytes(mask[:2])


def error_code(value: bytes) -> int | None:
    """Class, 3 to 6, times 100 plus number below 100 (RFC 8489, section 14.8)."""
    if len(value) < 4 or not 3 <= value[2] & 7 <= 6 or value[3] > 99:
        return None
    return (value[2] & 7) * 100 + value[3]


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode(errors="replace")


def _integer(value: bytes | None) -> int | None:
    return int.from_bytes(value) if value is not None and len(value) == 4 else None
