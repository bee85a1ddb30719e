"""A self-signed X.509 certificate in DER (RFC 5280): well formed, but with a random key and signature."""

import hashlib
from collections.abc import Callable

COMMON_NAME = bytes.fromhex("0603550403")
ECDSA_WITH_SHA256 = bytes.fromhex("06082a8648ce3d040302")
EC_PUBLIC_KEY_P256 = bytes.fromhex("06072a8648ce3d020106082a8648ce3d030107")
INTEGER, BIT_STRING, UTF8, UTC_TIME, SEQUENCE, SET, VERSION = 0x02, 0x03, 0x0C, 0x17, 0x30, 0x31, 0xA0


def certificate(name: str, noise: Callable[[int], bytes]) -> bytes:
    """Return a certificate; ``noise(n)`` returns n bytes for serial number, key and signature."""
    algorithm = _tlv(SEQUENCE, ECDSA_WITH_SHA256)
    version = _tlv(VERSION, _tlv(INTEGER, b"\2"))
    key = _tlv(SEQUENCE, _tlv(SEQUENCE, EC_PUBLIC_KEY_P256) + _bits(b"\4" + noise(64)))
    validity = _tlv(SEQUENCE, _tlv(UTC_TIME, b"250101000000Z") + _tlv(UTC_TIME, b"350101000000Z"))
    serial = _tlv(INTEGER, b"\1" + noise(8))
    signed = version + serial + algorithm + _name(name) + validity + _name(name) + key
    points = _tlv(INTEGER, b"\1" + noise(31)) + _tlv(INTEGER, b"\1" + noise(31))
    return _tlv(SEQUENCE, _tlv(SEQUENCE, signed) + algorithm + _bits(_tlv(SEQUENCE, points)))


def fingerprint(der: bytes) -> str:
    """Return the value of a=fingerprint:sha-256 (RFC 8122)."""
    return hashlib.sha256(der).digest().hex(":").upper()


def _name(name: str) -> bytes:
    return _tlv(SEQUENCE, _tlv(SET, _tlv(SEQUENCE, COMMON_NAME + _tlv(UTF8, name.encode()))))


def _bits(value: bytes) -> bytes:
    return _tlv(BIT_STRING, b"\0" + value)


def _tlv(tag: int, value: bytes) -> bytes:
    """Return an ASN.1 element in DER; the value is shorter than 65,536 bytes."""
    length = len(value)
    if length < 0x80:
        return bytes([tag, length]) + value
    size = 1 if length < 0x100 else 2
    return bytes([tag, 0x80 | size]) + length.to_bytes(size) + value
