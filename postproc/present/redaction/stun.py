"""STUN and TURN messages (RFC 8489, RFC 8656), as long as before.

Addresses are replaced within their XOR, USERNAME stays where it is a pair of
ufrags. MESSAGE-INTEGRITY that was right is made right with the password that
stands in the SDP now, FINGERPRINT likewise; what cannot be recomputed is null.
"""

import re
import struct
from collections.abc import Callable

from aioice.stun import message_fingerprint, message_integrity

from postproc.present.redaction.sdp import Descriptions
from postproc.present.redaction.texts import Texts

COOKIE = bytes.fromhex("2112a442")
HEADER = 20
PLAIN_ADDRESSES = frozenset({0x0001, 0x0002, 0x0004, 0x0005, 0x000B, 0x8023, 0x802B, 0x802C})
XOR_ADDRESSES = frozenset({0x0012, 0x0016, 0x0020, 0x8020})
USERNAME, INTEGRITY, ERROR, REALM, DATA, FINGERPRINT = 0x0006, 0x0008, 0x0009, 0x0014, 0x0013, 0x8028
SOFTWARE, PRIORITY, ROLES = 0x8022, 0x0024, (0x8029, 0x802A)
# CHANGE-REQUEST, CHANNEL-NUMBER, LIFETIME, EVEN-PORT, REQUESTED-*, DONT-FRAGMENT, PRIORITY, USE-CANDIDATE, RESPONSE-PORT,
# roles, NETWORK-COST, UNKNOWN-ATTRIBUTES: numbers and flags
HARMLESS = frozenset({0x0003, 0x000A, 0x000C, 0x000D, 0x0017, 0x0018, 0x0019, 0x001A, PRIORITY, 0x0025, 0x0027, *ROLES, 0xC057})
UFRAGS = re.compile(r"[A-Za-z0-9+/]{4,256}:[A-Za-z0-9+/]{4,256}")

Nested = Callable[[bytes], bytes]


class StunMessages:
    """Replaces in STUN messages; a response is signed like its request."""

    def __init__(self, texts: Texts, descriptions: Descriptions) -> None:
        self._texts, self._sdp = texts, descriptions
        self._signed_by: dict[bytes, str] = {}  # transaction: ufrag

    def message(self, message: bytes, nested: Nested) -> bytes:
        """A message, whole or cut; ``nested`` replaces in what a TURN indication carries."""
        new = bytearray(message[:HEADER])
        at, end = HEADER, min(len(message), HEADER + int.from_bytes(message[2:4]))
        is_check = _has(message, end, {PRIORITY, *ROLES})
        while at + 4 <= end:
            kind, length = struct.unpack_from(">HH", message, at)
            value = message[at + 4 : min(at + 4 + length, end)]
            padding = message[at + 4 + length : min(at + 4 + (length + 3) // 4 * 4, end)]
            new += message[at : at + 4] + self._value(kind, value, length, message, at, new, is_check, nested)
            new += bytes(len(padding))
            at += 4 + (length + 3) // 4 * 4
        return bytes(new[: len(message)]) + bytes(len(message) - len(new))

    def _value(
        self, kind: int, value: bytes, length: int, message: bytes, at: int, new: bytearray, is_check: bool, nested: Nested
    ) -> bytes:  # fmt: skip
        if len(value) < length:  # cut
            return bytes(len(value))
        if kind in PLAIN_ADDRESSES:
            return self._address(value, bytes(16))
        if kind in XOR_ADDRESSES:
            return self._address(value, message[4:20])
        if kind == USERNAME:
            return self._username(value, message[4:20], is_check=is_check)
        if kind == INTEGRITY:
            return self._integrity(value, message, at, bytes(new))
        if kind == FINGERPRINT:
            return _fingerprint(value, message, at, bytes(new))
        if kind == DATA:
            return nested(value)
        if kind == ERROR:
            return value[:4] + _as_long(self._texts.line(_text(value[4:])), len(value) - 4)
        if kind == SOFTWARE:
            return _as_long(self._texts.line(_text(value)), len(value))
        if kind == REALM:
            return _as_long(self._texts.words.host(_text(value)), len(value))
        return value if kind in HARMLESS and len(value) <= 8 else bytes(len(value))

    def _address(self, value: bytes, mask: bytes) -> bytes:
        size = {1: 4, 2: 16}.get(value[1] if len(value) > 1 else 0)
        if size is None or len(value) != 4 + size:
            return bytes(len(value))
        plain = bytes(a ^ b for a, b in zip(value[4:], mask, strict=False))
        mapped = self._texts.addresses.packed(plain)
        return value[:4] + bytes(a ^ b for a, b in zip(mapped, mask, strict=False))

    def _username(self, value: bytes, transaction: bytes, *, is_check: bool) -> bytes:
        text = _text(value)
        self._signed_by[transaction] = text.partition(":")[0]
        if UFRAGS.fullmatch(text) and (is_check or text.partition(":")[0] in self._sdp.passwords):
            return value
        return _as_long(self._texts.words.call_id(text), len(value))

    def _integrity(self, value: bytes, message: bytes, at: int, new: bytes) -> bytes:
        known = self._sdp.password(self._signed_by.get(message[4:20], ""))
        if not known or len(value) != 20:
            return bytes(len(value))
        old_password, new_password = known
        if message_integrity(message[:at], old_password) != value:
            return bytes(len(value))
        signed: bytes = message_integrity(new[:at], new_password)
        return signed


def _fingerprint(value: bytes, message: bytes, at: int, new: bytes) -> bytes:
    if len(value) != 4:
        return bytes(len(value))
    right = message_fingerprint(message[:at]) == int.from_bytes(value)
    fresh: int = message_fingerprint(new[:at])
    return struct.pack(">I", fresh if right else fresh ^ 1)


def _has(message: bytes, end: int, kinds: set[int]) -> bool:
    at = HEADER
    while at + 4 <= end:
        kind, length = struct.unpack_from(">HH", message, at)
        if kind in kinds:
            return True
        at += 4 + (length + 3) // 4 * 4
    return False


def _text(value: bytes) -> str:
    return value.decode(errors="surrogateescape")


def _as_long(text: str, length: int) -> bytes:
    """The text as bytes, cut or filled up to a length."""
    return text.encode(errors="replace")[:length].ljust(length)


def looks_like_stun(payload: bytes) -> bool:
    """With magic cookie; or, without (RFC 3489), a length that fits and a type that is known there."""
    if len(payload) < HEADER or payload[0] & 0xC0:
        return False
    if payload[4:8] == COOKIE:
        return True
    kind, length = struct.unpack_from(">HH", payload)
    return kind in (0x0001, 0x0101, 0x0111) and length + HEADER == len(payload)
