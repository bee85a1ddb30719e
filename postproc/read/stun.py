"""STUN messages (RFC 8489; RFC 3489 without magic cookie) -> rows of stun_messages."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from postproc.read.frame import Frame
from postproc.wire import MalformedError, stun
from postproc.wire.ip import Endpoint
from postproc.wire.stun import Message

MAPPED = (stun.XOR_MAPPED_ADDRESS, stun.XOR_MAPPED_ADDRESS_OLD, stun.MAPPED_ADDRESS)  # the first there counts
METHODS = {int(method): method.name.lower() for method in stun.Method}


def rows(frame: Frame) -> Iterator[dict[str, Any]]:
    """Rows of stun_messages of one frame; a message inside TURN is marked relayed."""
    outer, in_channel = b"", False
    for message in frame.messages.get("stun", []) + frame.messages.get("classicstun", []):
        if len(message) < stun.HEADER:  # tshark calls the header of ChannelData a STUN message too
            in_channel = in_channel or len(message) == stun.CHANNEL_HEADER
            continue
        relayed = in_channel or (len(message) < len(outer) and message in outer)
        outer = outer if relayed else message
        try:
            yield _row(frame, stun.parse(message), relayed=relayed)
        except MalformedError:
            continue


def _row(frame: Frame, message: Message, *, relayed: bool) -> dict[str, Any]:
    mapped, error = mapped_address(message), message.get(stun.ERROR_CODE)
    method, kind = names(message.method, message.kind)
    controlled, controlling = message.has(stun.ICE_CONTROLLED), message.has(stun.ICE_CONTROLLING)
    return {
        "frame": frame.number,
        "time": frame.time,
        "src_addr": frame.src_addr,
        "src_port": frame.src_port,
        "dst_addr": frame.dst_addr,
        "dst_port": frame.dst_port,
        "method": method,
        "kind": kind,
        "transaction_id": message.transaction.hex(),
        "username": message.get(stun.USERNAME),
        "mapped_addr": mapped.addr if mapped else None,
        "mapped_port": mapped.port if mapped else None,
        "error_code": error.code if error else None,
        "role": "controlled" if controlled else "controlling" if controlling else None,
        "use_candidate": message.has(stun.USE_CANDIDATE),
        "priority": message.get(stun.PRIORITY),
        "software": message.get(stun.SOFTWARE),
        "relayed": relayed,
    }


@cache
def names(method: int, kind: stun.Class) -> tuple[str, str]:
    """Method, in hex if it has no name, and class, as the tables have them."""
    return METHODS.get(method, f"0x{method:03x}"), kind.name.lower()


def mapped_address(message: Message) -> Endpoint | None:
    """XOR-MAPPED-ADDRESS, else MAPPED-ADDRESS (RFC 8489, sections 14.1 and 14.2)."""
    attribute = next((each for each in MAPPED if message.has(each)), None)
    return message.get(attribute) if attribute else None
