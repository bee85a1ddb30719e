"""Redact STUN and TURN messages (RFC 8489, RFC 8656); the length stays.

Addresses are replaced under their XOR, the two ufrags of USERNAME as in the SDP, the transaction id
by another. A correct MESSAGE-INTEGRITY is recomputed with the password in the redacted SDP, a correct
FINGERPRINT likewise; what cannot be recomputed is zeroed.
"""

import hmac
import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from postproc.share.redaction.sdp import Descriptions
from postproc.share.redaction.texts import Texts
from postproc.wire.stun import (
    CHECK,
    COOKIE,
    HEADER,
    SIGNATURE,
    fingerprint,
    integrity,
    method_and_class,
    places,
)

PLAIN_ADDRESSES = frozenset({0x0001, 0x0002, 0x0004, 0x0005, 0x000B, 0x8023, 0x802B, 0x802C})
XOR_ADDRESSES = frozenset({0x0012, 0x0016, 0x0020, 0x8020})
USERNAME, INTEGRITY, ERROR, DATA, REALM = 0x0006, 0x0008, 0x0009, 0x0013, 0x0014
SOFTWARE, FINGERPRINT = 0x8022, 0x8028
# Numbers and flags: CHANGE-REQUEST, UNKNOWN-ATTRIBUTES, CHANNEL-NUMBER, LIFETIME, REQUESTED-ADDRESS-FAMILY,
# EVEN-PORT, REQUESTED-TRANSPORT, DONT-FRAGMENT, PRIORITY, USE-CANDIDATE, RESPONSE-PORT, roles, NETWORK-COST
HARMLESS = frozenset(
    {
        0x0003,
        0x000A,
        0x000C,
        0x000D,
        0x0017,
        0x0018,
        0x0019,
        0x001A,
        0x0024,
        0x0025,
        0x0027,
        0x8029,
        0x802A,
        0xC057,
    }
)
LARGEST_NUMBER = 8  # bytes: the ICE tie-breaker (RFC 8445, section 16.1); longer values are zeroed
CLASSIC = (0x0001, 0x0101, 0x0111)  # Binding messages, the only ones accepted without cookie (RFC 3489)
METHODS = frozenset({0x001, 0x002, 0x003, 0x004, 0x006, 0x007, 0x008, 0x009, 0x00A, 0x00B, 0x00C, 0x080})
CHANNEL_BIND, CHANNEL_NUMBER = 0x0009, 0x000C

Nested = Callable[[bytes], bytes]


class Attribute(NamedTuple):
    """An attribute, and the message up to it, original (``before``) and redacted (``after``)."""

    kind: int
    value: bytes
    before: bytes
    after: bytes
    transaction: bytes  # including the cookie: the XOR mask of addresses
    other: bytes  # its replacement


class StunMessages:
    """Redact STUN messages; a response is signed like its request."""

    def __init__(self, texts: Texts, descriptions: Descriptions, key: bytes) -> None:
        self._texts, self._sdp, self._key = texts, descriptions, key
        self._signed_by: dict[bytes, str] = {}  # transaction: ufrag
        self._changes: dict[int, Callable[[Attribute], bytes]] = {
            **dict.fromkeys(
                PLAIN_ADDRESSES, lambda attribute: self._address(attribute.value, bytes(16), bytes(16))
            ),
            **dict.fromkeys(
                XOR_ADDRESSES,
                lambda attribute: self._address(attribute.value, attribute.transaction, attribute.other),
            ),
            USERNAME: self._username,
            INTEGRITY: self._integrity,
            FINGERPRINT: _fingerprint,
            ERROR: self._error,
            SOFTWARE: lambda attribute: _as_long(
                self._texts.agent(_read(attribute.value)), len(attribute.value)
            ),
            REALM: lambda attribute: _as_long(
                self._texts.words.host(_read(attribute.value)), len(attribute.value)
            ),
        }

    def message(self, message: bytes, nested: Nested) -> bytes:
        """Redact a message, whole or truncated; ``nested`` redacts the data of a TURN indication."""
        other = self._transaction(message[4:HEADER])
        new = bytearray(message[:4] + other)
        for at, kind, value, whole in places(message):
            new += bytes(at - len(new)) + message[at : at + 4]  # padding is zeroed
            attribute = Attribute(kind, value, message[:at], bytes(new[:at]), message[4:HEADER], other)
            changed = self._value(attribute, nested) if whole else b""
            new += changed if len(changed) == len(value) else bytes(len(value))  # of a length it cannot have
        return bytes(new) + bytes(len(message) - len(new))

    def _transaction(self, transaction: bytes) -> bytes:
        """Replace a transaction id, which may hold anything; the cookie stays."""
        size = len(COOKIE) if transaction.startswith(COOKIE) else 0
        digest = hmac.digest(self._key, transaction, "sha256")
        return transaction[:size] + digest[: len(transaction) - size]

    def _value(self, attribute: Attribute, nested: Nested) -> bytes:
        if attribute.kind == DATA:
            return nested(attribute.value)
        if attribute.kind in self._changes:
            return self._changes[attribute.kind](attribute)
        harmless = attribute.kind in HARMLESS and len(attribute.value) <= LARGEST_NUMBER
        return attribute.value if harmless else bytes(len(attribute.value))

    def _address(self, value: bytes, mask: bytes, other: bytes) -> bytes:
        size = {1: 4, 2: 16}.get(value[1] if len(value) > 1 else 0)
        if size is None or len(value) != 4 + size:
            return bytes(len(value))
        plain = bytes(a ^ b for a, b in zip(value[4:], mask, strict=False))
        port = bytes(a ^ b ^ c for a, b, c in zip(value[2:4], mask, other, strict=False))
        mapped = self._texts.addresses.packed(plain)
        return b"\0" + value[1:2] + port + bytes(a ^ b for a, b in zip(mapped, other, strict=False))

    def _username(self, attribute: Attribute) -> bytes:
        """Redact the ufrags of receiver and sender (RFC 8445, section 7.2.2), or a TURN user name."""
        receiver, colon, sender = _read(attribute.value).partition(":")
        self._signed_by[attribute.transaction] = receiver
        words = self._texts.words
        new = (
            words.identifier(receiver) + colon + words.identifier(sender)
            if colon
            else words.call_id(receiver)
        )
        return _as_long(new, len(attribute.value))

    def _error(self, attribute: Attribute) -> bytes:
        return bytes(2) + attribute.value[2:4] + self._text(attribute.value[4:])

    def _integrity(self, attribute: Attribute) -> bytes:
        passwords = self._sdp.password(self._signed_by.get(attribute.transaction, ""))
        if passwords and len(attribute.value) == SIGNATURE:
            old, new = passwords
            if integrity(attribute.before, old) == attribute.value:
                return integrity(attribute.after, new)
        return bytes(len(attribute.value))

    def _text(self, value: bytes) -> bytes:
        return _as_long(self._texts.line(_read(value)), len(value))


def looks_like_stun(payload: bytes, *, cut: bool = False) -> bool:
    """Whether there is a magic cookie and a known method, or a Binding message without cookie (RFC 3489).

    Without cookie, the length must be that of the datagram, or larger if the capture truncated it.
    """
    if len(payload) < HEADER or payload[0] & 0xC0:
        return False
    kind, length = struct.unpack_from(">HH", payload)
    if payload[4:8] != COOKIE:
        return kind in CLASSIC and (
            length + HEADER == len(payload) or (cut and length + HEADER > len(payload))
        )
    return method_and_class(kind)[0] in METHODS


def bound_channel(message: bytes) -> bytes | None:
    """Return the channel number in a ChannelBind (RFC 8656, section 11.2); None for any other message."""
    if method_and_class(int.from_bytes(message[:2]))[0] != CHANNEL_BIND:
        return None
    channels = (value[:2] for _, kind, value, whole in places(message) if kind == CHANNEL_NUMBER and whole)
    return next(channels, None)


def carried(message: bytes) -> Iterator[bytes]:
    """Yield the data of TURN indications (RFC 8656, section 11.4)."""
    return (value for _, kind, value, _ in places(message) if kind == DATA and value)


def _fingerprint(attribute: Attribute) -> bytes:
    if len(attribute.value) != CHECK:
        return bytes(len(attribute.value))
    fresh = fingerprint(attribute.after)
    right = fingerprint(attribute.before) == attribute.value
    return fresh if right else fresh[:-1] + bytes([fresh[-1] ^ 1])


def _read(value: bytes) -> str:
    return value.decode(errors="surrogateescape")


def _as_long(text: str, length: int) -> bytes:
    """Encode the text, cut or padded with spaces to a length."""
    return text.encode(errors="replace")[:length].ljust(length)
