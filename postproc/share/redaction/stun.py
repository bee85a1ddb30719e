"""STUN and TURN messages (RFC 8489, RFC 8656), as long as before.

Addresses are replaced within their XOR, the two ufrags of USERNAME as in the SDP, the id of
the transaction by another. MESSAGE-INTEGRITY that was right is made right with the password that
stands in the SDP now, FINGERPRINT likewise; what cannot be recomputed is null.
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
LARGEST_NUMBER = 8
CLASSIC = (0x0001, 0x0101, 0x0111)  # Binding messages, the only ones known without cookie (RFC 3489)
METHODS = frozenset({0x001, 0x002, 0x003, 0x004, 0x006, 0x007, 0x008, 0x009, 0x00A, 0x00B, 0x00C, 0x080})
CHANNEL_BIND, CHANNEL_NUMBER = 0x0009, 0x000C

Nested = Callable[[bytes], bytes]


class Attribute(NamedTuple):
    """An attribute, and the message up to it, before and after."""

    kind: int
    value: bytes
    before: bytes
    after: bytes
    transaction: bytes  # with the cookie: what addresses are masked with
    other: bytes  # the one in its place


class StunMessages:
    """Replaces in STUN messages; a response is signed like its request."""

    def __init__(self, texts: Texts, descriptions: Descriptions, key: bytes) -> None:
        self._texts, self._sdp, self._key = texts, descriptions, key
        self._signed_by: dict[bytes, str] = {}  # transaction: ufrag
        self._changes: dict[int, Callable[[Attribute], bytes]] = {
            **dict.fromkeys(PLAIN_ADDRESSES, lambda found: self._address(found.value, bytes(16), bytes(16))),
            **dict.fromkeys(
                XOR_ADDRESSES, lambda found: self._address(found.value, found.transaction, found.other)
            ),
            USERNAME: self._username,
            INTEGRITY: self._integrity,
            FINGERPRINT: _fingerprint,
            ERROR: self._error,
            SOFTWARE: lambda found: _as_long(self._texts.agent(_read(found.value)), len(found.value)),
            REALM: lambda found: _as_long(self._texts.words.host(_read(found.value)), len(found.value)),
        }

    def message(self, message: bytes, nested: Nested) -> bytes:
        """A message, whole or cut; ``nested`` replaces in what a TURN indication carries."""
        other = self._transaction(message[4:HEADER])
        new = bytearray(message[:4] + other)
        for at, kind, value, whole in places(message):
            new += bytes(at - len(new)) + message[at : at + 4]  # padding is null
            found = Attribute(kind, value, message[:at], bytes(new[:at]), message[4:HEADER], other)
            changed = self._value(found, nested) if whole else b""
            new += changed if len(changed) == len(value) else bytes(len(value))  # of a length it cannot have
        return bytes(new) + bytes(len(message) - len(new))

    def _transaction(self, transaction: bytes) -> bytes:
        """Another id for a transaction: any program may write there what it likes."""
        kept = len(COOKIE) if transaction.startswith(COOKIE) else 0
        digest = hmac.digest(self._key, transaction, "sha256")
        return transaction[:kept] + digest[: len(transaction) - kept]

    def _value(self, found: Attribute, nested: Nested) -> bytes:
        if found.kind == DATA:
            return nested(found.value)
        if found.kind in self._changes:
            return self._changes[found.kind](found)
        harmless = found.kind in HARMLESS and len(found.value) <= LARGEST_NUMBER
        return found.value if harmless else bytes(len(found.value))

    def _address(self, value: bytes, mask: bytes, other: bytes) -> bytes:
        size = {1: 4, 2: 16}.get(value[1] if len(value) > 1 else 0)
        if size is None or len(value) != 4 + size:
            return bytes(len(value))
        plain = bytes(a ^ b for a, b in zip(value[4:], mask, strict=False))
        port = bytes(a ^ b ^ c for a, b, c in zip(value[2:4], mask, other, strict=False))
        mapped = self._texts.addresses.packed(plain)
        return b"\0" + value[1:2] + port + bytes(a ^ b for a, b in zip(mapped, other, strict=False))

    def _username(self, found: Attribute) -> bytes:
        """Ufrags of receiver and sender (RFC 8445, section 7.2.2), or the user of a TURN server."""
        receiver, colon, sender = _read(found.value).partition(":")
        self._signed_by[found.transaction] = receiver
        words = self._texts.words
        new = (
            words.identifier(receiver) + colon + words.identifier(sender)
            if colon
            else words.call_id(receiver)
        )
        return _as_long(new, len(found.value))

    def _error(self, found: Attribute) -> bytes:
        return bytes(2) + found.value[2:4] + self._text(found.value[4:])

    def _integrity(self, found: Attribute) -> bytes:
        passwords = self._sdp.password(self._signed_by.get(found.transaction, ""))
        if passwords and len(found.value) == SIGNATURE:
            old, new = passwords
            if integrity(found.before, old) == found.value:
                return integrity(found.after, new)
        return bytes(len(found.value))

    def _text(self, value: bytes) -> bytes:
        return _as_long(self._texts.line(_read(value)), len(value))


def looks_like_stun(payload: bytes, *, cut: bool = False) -> bool:
    """With magic cookie and a method that is known; or a Binding message without (RFC 3489).

    Without it the length must be that of the datagram; more, where the capture cut it.
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
    """The channel that a ChannelBind asks for (RFC 8656, section 11.2)."""
    if method_and_class(int.from_bytes(message[:2]))[0] != CHANNEL_BIND:
        return None
    found = (value[:2] for _, kind, value, whole in places(message) if kind == CHANNEL_NUMBER and whole)
    return next(found, None)


def carried(message: bytes) -> Iterator[bytes]:
    """What indications of TURN carry (RFC 8656, section 11.4)."""
    return (value for _, kind, value, _ in places(message) if kind == DATA and value)


def _fingerprint(found: Attribute) -> bytes:
    if len(found.value) != CHECK:
        return bytes(len(found.value))
    fresh = fingerprint(found.after)
    right = fingerprint(found.before) == found.value
    return fresh if right else fresh[:-1] + bytes([fresh[-1] ^ 1])


def _read(value: bytes) -> str:
    return value.decode(errors="surrogateescape")


def _as_long(text: str, length: int) -> bytes:
    """The text as bytes, cut or filled up to a length."""
    return text.encode(errors="replace")[:length].ljust(length)
