"""Make rows of stun_messages from STUN messages (RFC 8489; RFC 3489 without magic cookie)."""

from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import Any, NamedTuple, TypeVar

from postproc.read.frame import Frame
from postproc.wire import MalformedError, stun
from postproc.wire.ip import Endpoint
from postproc.wire.stun import Attribute, Message

T = TypeVar("T")

# By precedence (RFC 8489, sections 14.1 and 14.2)
MAPPED = (stun.XOR_MAPPED_ADDRESS, stun.XOR_MAPPED_ADDRESS_OLD, stun.MAPPED_ADDRESS)
INDICATIONS = frozenset(
    stun.message_type(method, stun.Class.INDICATION).to_bytes(2)
    for method in (stun.Method.SEND, stun.Method.DATA)
)
METHODS = {int(method): method.name.lower() for method in stun.Method}


class Carried(NamedTuple):
    """Payload of an indication, and the peer it is from or for (RFC 8656, section 11)."""

    payload: bytes
    peer: Endpoint | None


NOTHING = Carried(b"", None)


def rows(frame: Frame) -> Iterator[dict[str, Any]]:
    """Yield the rows of one frame; a message inside TURN is marked relayed.

    tshark dissects the payload of ChannelData, but not always that of an indication.
    """
    outer, inside, channel = b"", NOTHING, None
    messages = frame.messages.get("stun", []) + frame.messages.get("classicstun", [])
    for message in messages:
        if len(message) < stun.HEADER:  # tshark calls the header of ChannelData a STUN message too
            channel = int.from_bytes(message[:2]) if len(message) == stun.CHANNEL_HEADER else channel
            continue
        relayed = channel is not None or (len(message) < len(outer) and message in outer)
        yield from _rows(frame, message, Relaying(relayed, channel, inside.peer))
        if not relayed:
            outer, inside = message, carried(message)
            if _is_message(inside.payload) and inside.payload not in messages:
                yield from _rows(frame, inside.payload, Relaying(True, None, inside.peer))


def carried(message: bytes) -> Carried:
    """Return the payload and peer of a Send or Data indication, NOTHING for other messages."""
    if message[:2] not in INDICATIONS:
        return NOTHING
    try:
        parsed = stun.parse(message)
    except MalformedError:
        return NOTHING
    return Carried(parsed.get(stun.DATA) or b"", parsed.get(stun.XOR_PEER_ADDRESS))


def _is_message(payload: bytes) -> bool:
    whole = len(payload) == stun.HEADER + int.from_bytes(payload[2:4])
    return whole and payload[4:8] == stun.COOKIE


class Relaying(NamedTuple):
    """Whether a message is inside TURN, and the channel and peer of the message around it."""

    relayed: bool
    channel: int | None
    peer: Endpoint | None


def _rows(frame: Frame, message: bytes, around: Relaying) -> Iterator[dict[str, Any]]:
    with suppress(MalformedError):
        yield _row(frame, stun.parse(message), around)


def _row(frame: Frame, message: Message, around: Relaying) -> dict[str, Any]:
    present = {number for number, _ in message.attributes}

    def value(attribute: Attribute[T]) -> T | None:
        return message.get(attribute) if attribute.number in present else None

    mapped = next((value(each) for each in MAPPED if each.number in present), None)
    error = value(stun.ERROR_CODE)
    method, kind = names(message.method, message.kind)
    controlled, controlling = (each.number in present for each in (stun.ICE_CONTROLLED, stun.ICE_CONTROLLING))
    relay = value(stun.XOR_RELAYED_ADDRESS)
    peer = around.peer if around.relayed else value(stun.XOR_PEER_ADDRESS)
    return {
        "frame": frame.number,
        "time": frame.time,
        "src_addr": frame.src_addr,
        "src_port": frame.src_port,
        "dst_addr": frame.dst_addr,
        "dst_port": frame.dst_port,
        "transport": frame.transport,
        "method": method,
        "kind": kind,
        "transaction_id": message.transaction.hex(),
        "username": value(stun.USERNAME),
        "mapped_addr": mapped.addr if mapped else None,
        "mapped_port": mapped.port if mapped else None,
        "relay_addr": relay.addr if relay else None,
        "relay_port": relay.port if relay else None,
        "peer_addr": peer.addr if peer else None,
        "peer_port": peer.port if peer else None,
        "channel": around.channel if around.relayed else value(stun.CHANNEL_NUMBER),
        "error_code": error.code if error else None,
        "role": "controlled" if controlled else "controlling" if controlling else None,
        "use_candidate": stun.USE_CANDIDATE.number in present,
        "priority": value(stun.PRIORITY),
        "software": value(stun.SOFTWARE),
        "relayed": around.relayed,
    }


@cache
def names(method: int, kind: stun.Class) -> tuple[str, str]:
    """Return the table's words for method (hexadecimal if unnamed) and class."""
    return METHODS.get(method, f"0x{method:03x}"), kind.name.lower()
