"""STUN messages (RFC 8489), classic STUN (RFC 3489) and ICE's attributes (RFC 8445, section 7.1)."""

import hashlib
import hmac
import ipaddress
import struct
import zlib

from pcaps.make.builders.packets import Endpoint

COOKIE = 0x2112A442
BINDING = 0x001
REQUEST, INDICATION, SUCCESS, ERROR = 0x000, 0x010, 0x100, 0x110
MAPPED_ADDRESS, USERNAME, MESSAGE_INTEGRITY, ERROR_CODE = 0x0001, 0x0006, 0x0008, 0x0009
XOR_MAPPED_ADDRESS, PRIORITY, USE_CANDIDATE = 0x0020, 0x0024, 0x0025
SOFTWARE, FINGERPRINT, ICE_CONTROLLED, ICE_CONTROLLING = 0x8022, 0x8028, 0x8029, 0x802A
SOURCE_ADDRESS, CHANGED_ADDRESS, RESPONSE_ORIGIN = 0x0004, 0x0005, 0x802B

Attribute = tuple[int, bytes]


def message(
    kind: int, transaction: bytes, attributes: list[Attribute], key: bytes = b"", *, method: int = BINDING
) -> bytes:
    """A message with MESSAGE-INTEGRITY where there is a key, and always a FINGERPRINT beside it."""
    body = b"".join(_attribute(code, value) for code, value in attributes)
    if key:
        digest = hmac.new(
            key, _header(kind | method, len(body) + 24, transaction) + body, hashlib.sha1
        ).digest()
        body += _attribute(MESSAGE_INTEGRITY, digest)
        crc = zlib.crc32(_header(kind | method, len(body) + 8, transaction) + body) ^ 0x5354554E
        body += _attribute(FINGERPRINT, struct.pack(">I", crc))
    return _header(kind | method, len(body), transaction) + body


def _header(kind: int, length: int, transaction: bytes) -> bytes:
    return struct.pack(">HHI", kind, length, COOKIE) + transaction


def _attribute(code: int, value: bytes) -> bytes:
    return struct.pack(">HH", code, len(value)) + value + bytes(-len(value) % 4)


def address(endpoint: Endpoint) -> bytes:
    packed = ipaddress.ip_address(endpoint[0]).packed
    return struct.pack(">xBH", 2 if len(packed) == 16 else 1, endpoint[1]) + packed


def xor_address(endpoint: Endpoint, transaction: bytes) -> bytes:
    plain = address(endpoint)
    mask = struct.pack(">HI", COOKIE >> 16, COOKIE) + transaction
    return plain[:2] + bytes(byte ^ mask[i] for i, byte in enumerate(plain[2:]))


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
    """A connectivity check."""
    attributes = [(USERNAME, username.encode()), (PRIORITY, struct.pack(">I", priority))]
    if software:
        attributes.append((SOFTWARE, software.encode()))
    if use_candidate:
        attributes.append((USE_CANDIDATE, b""))
    attributes.append((ICE_CONTROLLING if controlling else ICE_CONTROLLED, tie_breaker))
    return message(REQUEST, transaction, attributes, key.encode())


def success(transaction: bytes, mapped: Endpoint, key: str = "") -> bytes:
    return message(
        SUCCESS, transaction, [(XOR_MAPPED_ADDRESS, xor_address(mapped, transaction))], key.encode()
    )


def error_code(code: int, reason: str) -> Attribute:
    return ERROR_CODE, struct.pack(">xxBB", code // 100, code % 100) + reason.encode()


def error(transaction: bytes, code: int, reason: str, key: str = "") -> bytes:
    return message(ERROR, transaction, [error_code(code, reason)], key.encode())


def look_up(transaction: bytes, username: str = "") -> bytes:
    """A question for one's public address; FreeSWITCH adds a USERNAME without a colon."""
    return message(REQUEST, transaction, [(USERNAME, username.encode())] if username else [])


def look_up_answer(transaction: bytes, mapped: Endpoint, server: Endpoint) -> bytes:
    attributes = [
        (XOR_MAPPED_ADDRESS, xor_address(mapped, transaction)),
        (MAPPED_ADDRESS, address(mapped)),
        (RESPONSE_ORIGIN, address(server)),
    ]
    return message(SUCCESS, transaction, attributes)


def classic_request(transaction: bytes) -> bytes:
    """RFC 3489: a transaction id of 16 bytes where the magic cookie is today."""
    return struct.pack(">HH", BINDING | REQUEST, 0) + transaction


def classic_response(transaction: bytes, mapped: Endpoint, source: Endpoint, changed: Endpoint) -> bytes:
    pairs = [(MAPPED_ADDRESS, mapped), (SOURCE_ADDRESS, source), (CHANGED_ADDRESS, changed)]
    body = b"".join(_attribute(code, address(endpoint)) for code, endpoint in pairs)
    return struct.pack(">HH", BINDING | SUCCESS, len(body)) + transaction + body
