"""STUN messages of ICE connectivity checks (RFC 8489, RFC 8445)."""

import hashlib
import hmac
import struct
import zlib

from bench.wire import Endpoint, packed_address

MAGIC_COOKIE = 0x2112A442
REQUEST, SUCCESS, ERROR = 0x0001, 0x0101, 0x0111
USERNAME, MESSAGE_INTEGRITY, ERROR_CODE, XOR_MAPPED_ADDRESS = 0x0006, 0x0008, 0x0009, 0x0020
PRIORITY, USE_CANDIDATE, FINGERPRINT = 0x0024, 0x0025, 0x8028
ICE_CONTROLLED, ICE_CONTROLLING = 0x8029, 0x802A
PEER_REFLEXIVE_PRIORITY = 1853824767
ROLE_CONFLICT = b"\0\0\x04\x57Role Conflict"


def check(transaction: bytes, username: str, password: str, controlling: bool, nominate: bool) -> bytes:
    """A Binding request as a connectivity check; its tie-breaker is the transaction's start."""
    role = ICE_CONTROLLING if controlling else ICE_CONTROLLED
    priority = struct.pack(">I", PEER_REFLEXIVE_PRIORITY)
    body = _attribute(USERNAME, username.encode()) + _attribute(PRIORITY, priority)
    body += _attribute(role, transaction[:8]) + (_attribute(USE_CANDIDATE, b"") if nominate else b"")
    return _protected(REQUEST, transaction, body, password)


def success(transaction: bytes, requester: Endpoint, password: str) -> bytes:
    return _protected(SUCCESS, transaction, _attribute(XOR_MAPPED_ADDRESS, _xor(requester)), password)


def role_conflict(transaction: bytes, password: str) -> bytes:
    return _protected(ERROR, transaction, _attribute(ERROR_CODE, ROLE_CONFLICT), password)


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack(">HH", kind, len(value)) + value + b"\0" * (-len(value) % 4)


def _xor(endpoint: Endpoint) -> bytes:
    addr = int.from_bytes(packed_address(endpoint.addr)) ^ MAGIC_COOKIE
    return struct.pack(">BBHI", 0, 1, endpoint.port ^ MAGIC_COOKIE >> 16, addr)


def _header(kind: int, transaction: bytes, length: int) -> bytes:
    return struct.pack(">HHI", kind, length, MAGIC_COOKIE) + transaction


def _protected(kind: int, transaction: bytes, body: bytes, password: str) -> bytes:
    """With MESSAGE-INTEGRITY and FINGERPRINT, each over a header that counts it (sections 14.5, 14.7)."""
    covered = _header(kind, transaction, len(body) + 24) + body
    body += _attribute(MESSAGE_INTEGRITY, hmac.digest(password.encode(), covered, hashlib.sha1))
    covered = _header(kind, transaction, len(body) + 8) + body
    return covered + _attribute(FINGERPRINT, struct.pack(">I", zlib.crc32(covered) ^ 0x5354554E))
