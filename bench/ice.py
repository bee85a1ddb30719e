"""ICE connectivity checks and their answers (RFC 8445)."""

from postproc.wire.ip import Endpoint
from postproc.wire.stun import (
    ERROR_CODE,
    ICE_CONTROLLED,
    ICE_CONTROLLING,
    PRIORITY,
    USE_CANDIDATE,
    USERNAME,
    XOR_MAPPED_ADDRESS,
    Class,
    ErrorCode,
    Message,
    Method,
)

PEER_REFLEXIVE_PRIORITY = 1853824767
ROLE_CONFLICT = ErrorCode(487, "Role Conflict")


def check(transaction: bytes, username: str, password: str, controlling: bool, nominate: bool) -> bytes:
    """Return a connectivity check; its tie-breaker is the first 8 bytes of the transaction ID."""
    role = ICE_CONTROLLING if controlling else ICE_CONTROLLED
    message = Message(Method.BINDING, Class.REQUEST, transaction).add(USERNAME, username)
    message = message.add(PRIORITY, PEER_REFLEXIVE_PRIORITY).add(role, int.from_bytes(transaction[:8]))
    return _protected(message.add(USE_CANDIDATE, True) if nominate else message, password)


def success(transaction: bytes, requester: Endpoint, password: str) -> bytes:
    message = Message(Method.BINDING, Class.SUCCESS, transaction)
    return _protected(message.add(XOR_MAPPED_ADDRESS, requester), password)


def role_conflict(transaction: bytes, password: str) -> bytes:
    message = Message(Method.BINDING, Class.ERROR, transaction)
    return _protected(message.add(ERROR_CODE, ROLE_CONFLICT), password)


def _protected(message: Message, password: str) -> bytes:
    return bytes(message.signed(password.encode()).fingerprinted())
