"""STUN messages of ICE agents and STUN servers (RFC 8489, RFC 8445), and classic ones (RFC 3489)."""

from pcaps.make.builders.packets import Endpoint
from postproc.wire.stun import (
    CHANGED_ADDRESS,
    ERROR_CODE,
    ICE_CONTROLLED,
    ICE_CONTROLLING,
    MAPPED_ADDRESS,
    PRIORITY,
    RESPONSE_ORIGIN,
    SOFTWARE,
    SOURCE_ADDRESS,
    USE_CANDIDATE,
    USERNAME,
    XOR_MAPPED_ADDRESS,
    Class,
    ErrorCode,
    Message,
    Method,
)


def protected(message: Message, key: str | bytes) -> bytes:
    """Return the message with MESSAGE-INTEGRITY and FINGERPRINT if there is a key."""
    key = key.encode() if isinstance(key, str) else key
    return bytes(message.signed(key).fingerprinted() if key else message)


def check(
    transaction: bytes,
    username: str,
    key: str,
    *,
    priority: int,
    controlling: bool,
    tie_breaker: bytes,
    use_candidate: bool = False,
    software: str = "",
) -> bytes:
    """Return a connectivity check."""
    message = Message(Method.BINDING, Class.REQUEST, transaction)
    message = message.add(USERNAME, username).add(PRIORITY, priority)
    if software:
        message = message.add(SOFTWARE, software)
    if use_candidate:
        message = message.add(USE_CANDIDATE, True)
    role = ICE_CONTROLLING if controlling else ICE_CONTROLLED
    return protected(message.add(role, int.from_bytes(tie_breaker)), key)


def success(transaction: bytes, mapped: Endpoint, key: str = "") -> bytes:
    message = Message(Method.BINDING, Class.SUCCESS, transaction)
    return protected(message.add(XOR_MAPPED_ADDRESS, mapped), key)


def error(transaction: bytes, code: int, reason: str, key: str = "") -> bytes:
    message = Message(Method.BINDING, Class.ERROR, transaction)
    return protected(message.add(ERROR_CODE, ErrorCode(code, reason)), key)


def look_up(transaction: bytes, username: str = "") -> bytes:
    """Return a Binding request to a STUN server; FreeSWITCH adds a USERNAME without a colon."""
    message = Message(Method.BINDING, Class.REQUEST, transaction)
    return bytes(message.add(USERNAME, username) if username else message)


def look_up_answer(transaction: bytes, mapped: Endpoint, server: Endpoint) -> bytes:
    message = Message(Method.BINDING, Class.SUCCESS, transaction)
    message = message.add(XOR_MAPPED_ADDRESS, mapped).add(MAPPED_ADDRESS, mapped)
    return bytes(message.add(RESPONSE_ORIGIN, server))


def classic_request(transaction: bytes) -> bytes:
    """Return an RFC 3489 request, whose 16-byte transaction ID begins where the magic cookie is today."""
    return bytes(Message(Method.BINDING, Class.REQUEST, transaction))


def classic_response(transaction: bytes, mapped: Endpoint, source: Endpoint, changed: Endpoint) -> bytes:
    message = Message(Method.BINDING, Class.SUCCESS, transaction).add(MAPPED_ADDRESS, mapped)
    return bytes(message.add(SOURCE_ADDRESS, source).add(CHANGED_ADDRESS, changed))
