"""STUN and TURN messages (RFC 8489, RFC 8656), as long as before.

Addresses are replaced within their XOR, USERNAME stays where it is a pair of
ufrags. MESSAGE-INTEGRITY that was right is made right with the password that
stands in the SDP now, FINGERPRINT likewise; what cannot be recomputed is null.
"""

import hmac
import re
import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple
from zlib import crc32

from postproc.present.redaction.sdp import Descriptions
from postproc.present.redaction.texts import Texts

COOKIE = bytes.fromhex("2112a442")
HEADER = 20
PLAIN_ADDRESSES = frozenset({0x0001, 0x0002, 0x0004, 0x0005, 0x000B, 0x8023, 0x802B, 0x802C})
XOR_ADDRESSES = frozenset({0x0012, 0x0016, 0x0020, 0x8020})
USERNAME, INTEGRITY, ERROR, DATA, REALM = 0x0006, 0x0008, 0x0009, 0x0013, 0x0014
SOFTWARE, FINGERPRINT, PRIORITY, ROLES = 0x8022, 0x8028, 0x0024, (0x8029, 0x802A)
# Numbers and flags: CHANGE-REQUEST, UNKNOWN-ATTRIBUTES, CHANNEL-NUMBER, LIFETIME, REQUESTED-ADDRESS-FAMILY,
# EVEN-PORT, REQUESTED-TRANSPORT, DONT-FRAGMENT, PRIORITY, USE-CANDIDATE, RESPONSE-PORT, roles, NETWORK-COST
HARMLESS = frozenset({
    0x0003, 0x000A, 0x000C, 0x000D, 0x0017, 0x0018, 0x0019, 0x001A, PRIORITY, 0x0025, 0x0027, *ROLES, 0xC057,
})  # fmt: skip
LARGEST_NUMBER = 8
SIGNATURE, CHECK = 20, 4  # bytes of the two values
MASK = 0x5354554E  # RFC 8489, section 14.7
UFRAGS = re.compile(r"[A-Za-z0-9+/]{4,256}:[A-Za-z0-9+/]{4,256}")

Nested = Callable[[bytes], bytes]


class Attribute(NamedTuple):
    """An attribute, and the message up to it, before and after."""

    kind: int
    value: bytes
    before: bytes
    after: bytes
    transaction: bytes  # with the cookie: what addresses are masked with


class StunMessages:
    """Replaces in STUN messages; a response is signed like its request."""

    def __init__(self, texts: Texts, descriptions: Descriptions) -> None:
        self._texts, self._sdp = texts, descriptions
        self._signed_by: dict[bytes, str] = {}  # transaction: ufrag
        self._changes: dict[int, Callable[[Attribute], bytes]] = {
            **dict.fromkeys(PLAIN_ADDRESSES, lambda found: self._address(found.value, bytes(16))),
            **dict.fromkeys(XOR_ADDRESSES, lambda found: self._address(found.value, found.transaction)),
            INTEGRITY: self._integrity,
            FINGERPRINT: _fingerprint,
            ERROR: lambda found: found.value[:4] + self._text(found.value[4:]),
            SOFTWARE: lambda found: self._text(found.value),
            REALM: lambda found: _as_long(self._texts.words.host(_read(found.value)), len(found.value)),
        }

    def message(self, message: bytes, nested: Nested) -> bytes:
        """A message, whole or cut; ``nested`` replaces in what a TURN indication carries."""
        new = bytearray(message[:HEADER])
        is_check = any(kind in (PRIORITY, *ROLES) for _, kind, _, _ in _attributes(message))
        for at, kind, value, whole in _attributes(message):
            new += message[len(new) : at + 4]
            found = Attribute(kind, value, message[:at], bytes(new[:at]), message[4:HEADER])
            new += self._value(found, nested, is_check=is_check) if whole else bytes(len(value))
        return bytes(new) + bytes(len(message) - len(new))

    def _value(self, found: Attribute, nested: Nested, *, is_check: bool) -> bytes:
        if found.kind == USERNAME:
            return self._username(found, is_check=is_check)
        if found.kind == DATA:
            return nested(found.value)
        if found.kind in self._changes:
            return self._changes[found.kind](found)
        harmless = found.kind in HARMLESS and len(found.value) <= LARGEST_NUMBER
        return found.value if harmless else bytes(len(found.value))

    def _address(self, value: bytes, mask: bytes) -> bytes:
        size = {1: 4, 2: 16}.get(value[1] if len(value) > 1 else 0)
        if size is None or len(value) != 4 + size:
            return bytes(len(value))
        plain = bytes(a ^ b for a, b in zip(value[4:], mask, strict=False))
        mapped = self._texts.addresses.packed(plain)
        return value[:4] + bytes(a ^ b for a, b in zip(mapped, mask, strict=False))

    def _username(self, found: Attribute, *, is_check: bool) -> bytes:
        text = _read(found.value)
        receiver = text.partition(":")[0]
        self._signed_by[found.transaction] = receiver
        if UFRAGS.fullmatch(text) and (is_check or receiver in self._sdp.passwords):
            return found.value
        return _as_long(self._texts.words.call_id(text), len(found.value))

    def _integrity(self, found: Attribute) -> bytes:
        passwords = self._sdp.password(self._signed_by.get(found.transaction, ""))
        if passwords and len(found.value) == SIGNATURE:
            old, new = passwords
            if _signature(found.before, old) == found.value:
                return _signature(found.after, new)
        return bytes(len(found.value))

    def _text(self, value: bytes) -> bytes:
        return _as_long(self._texts.line(_read(value)), len(value))


def looks_like_stun(payload: bytes) -> bool:
    """With magic cookie; or, without (RFC 3489), a length that fits and a type that is known there."""
    if len(payload) < HEADER or payload[0] & 0xC0:
        return False
    if payload[4:8] == COOKIE:
        return True
    kind, length = struct.unpack_from(">HH", payload)
    return kind in (0x0001, 0x0101, 0x0111) and length + HEADER == len(payload)


def _attributes(message: bytes) -> Iterator[tuple[int, int, bytes, bool]]:
    """Position, type and value of each attribute, and whether it is whole."""
    at, end = HEADER, min(len(message), HEADER + int.from_bytes(message[2:4]))
    while at + 4 <= end:
        kind, length = struct.unpack_from(">HH", message, at)
        value = message[at + 4 : min(at + 4 + length, end)]
        yield at, kind, value, len(value) == length
        at += 4 + (length + 3) // 4 * 4


def _signature(before: bytes, password: bytes) -> bytes:
    """MESSAGE-INTEGRITY of a message up to it (RFC 8489, section 14.5)."""
    return hmac.digest(password, _ending_in(before, SIGNATURE), "sha1")


def _fingerprint(found: Attribute) -> bytes:
    if len(found.value) != CHECK:
        return bytes(len(found.value))
    right = crc32(_ending_in(found.before, CHECK)) ^ MASK == int.from_bytes(found.value)
    fresh = crc32(_ending_in(found.after, CHECK)) ^ MASK
    return struct.pack(">I", fresh if right else fresh ^ 1)


def _ending_in(before: bytes, size: int) -> bytes:
    """What a check value covers: the message up to it, its length as if it ended with it."""
    return before[:2] + struct.pack(">H", (len(before) + 4 + size - HEADER) & 0xFFFF) + before[4:]


def _read(value: bytes) -> str:
    return value.decode(errors="surrogateescape")


def _as_long(text: str, length: int) -> bytes:
    """The text as bytes, cut or filled up to a length."""
    return text.encode(errors="replace")[:length].ljust(length)
