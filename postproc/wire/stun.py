"""STUN (RFC 8489; RFC 3489 without magic cookie), TURN (RFC 8656), and the attributes of ICE (RFC 8445).

A message holds its attributes as numbers and bytes, in order. ATTRIBUTES defines how the value of each is
read and written: ``message.get(USERNAME)`` and ``message.add(USERNAME, "a:b")``.
"""

import hashlib
import hmac
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import Any, Generic, NamedTuple, TypeVar
from zlib import crc32

from postproc.wire import MalformedError
from postproc.wire.ip import Endpoint, packed, written

COOKIE = bytes.fromhex("2112a442")
HEADER, CHANNEL_HEADER = 20, 4
CHANNELS = range(0x4000, 0x5000)  # RFC 8656, section 12
SIGNATURE, CHECK = 20, 4  # bytes of MESSAGE-INTEGRITY and FINGERPRINT
FINGERPRINT_MASK = 0x5354554E  # RFC 8489, section 14.7
HEAD = struct.Struct(">HH")

T = TypeVar("T")


class Class(IntEnum):
    """RFC 8489, section 5."""

    REQUEST, INDICATION, SUCCESS, ERROR = range(4)


class Method(IntEnum):
    """IANA registry: RFC 8489, 3489, 8656 and 6062."""

    BINDING = 0x001
    SHARED_SECRET = 0x002
    ALLOCATE = 0x003
    REFRESH = 0x004
    SEND = 0x006
    DATA = 0x007
    CREATE_PERMISSION = 0x008
    CHANNEL_BIND = 0x009
    CONNECT = 0x00A
    CONNECTION_BIND = 0x00B
    CONNECTION_ATTEMPT = 0x00C


class ErrorCode(NamedTuple):
    code: int
    reason: str


class Format(NamedTuple, Generic[T]):
    """How a value is written and read; both receive the mask of XOR addresses."""

    pack: Callable[[T, bytes], bytes]
    unpack: Callable[[bytes, bytes], T]


@dataclass(frozen=True, slots=True)
class Attribute(Generic[T]):
    """An attribute of the IANA registry. Receivers may ignore unknown ones from 0x8000 on."""

    number: int
    name: str
    format: Format[T]


class Message(NamedTuple):
    """``transaction`` has 12 bytes after the magic cookie, or 16 in RFC 3489, which has no cookie."""

    method: int
    kind: Class
    transaction: bytes
    attributes: tuple[tuple[int, bytes], ...] = ()

    @property
    def mask(self) -> bytes:
        return COOKIE + self.transaction if len(self.transaction) == HEADER - 8 else self.transaction

    def get(self, attribute: Attribute[T]) -> T | None:
        """Return the first attribute of a type (RFC 8489, section 14); None if absent or malformed."""
        for number, value in self.attributes:
            if number == attribute.number:
                try:
                    return attribute.format.unpack(value, self.mask)
                except MalformedError:
                    return None
        return None

    def has(self, attribute: Attribute[Any]) -> bool:
        return any(number == attribute.number for number, _ in self.attributes)

    def add(self, attribute: Attribute[T], value: T) -> "Message":
        return self._with(attribute, attribute.format.pack(value, self.mask))

    def signed(self, key: bytes) -> "Message":
        """Return the message with MESSAGE-INTEGRITY: SHA-1, over a header that counts it (section 14.5)."""
        return self._with(MESSAGE_INTEGRITY, integrity(bytes(self), key))

    def fingerprinted(self) -> "Message":
        return self._with(FINGERPRINT, fingerprint(bytes(self)))

    def _with(self, attribute: Attribute[Any], value: bytes) -> "Message":
        return self._replace(attributes=(*self.attributes, (attribute.number, value)))

    def __bytes__(self) -> bytes:
        body = b"".join(
            HEAD.pack(number, len(value)) + value + bytes(-len(value) % 4)
            for number, value in self.attributes
        )
        return HEAD.pack(message_type(self.method, self.kind), len(body)) + self.mask + body


class ChannelData(NamedTuple):
    """RFC 8656, section 12.4. Over TCP it is padded to four bytes, over UDP padding is optional."""

    channel: int
    data: bytes

    def __bytes__(self) -> bytes:
        return HEAD.pack(self.channel, len(self.data)) + self.data


class Place(NamedTuple):
    """An attribute in the bytes of a message; ``whole`` unless the message ends within it."""

    start: int
    number: int
    value: bytes
    whole: bool


def parse(data: bytes) -> Message:
    """Parse a message, complete or cut; complete attributes are read."""
    if len(data) < HEADER or data[0] & 0xC0:
        raise MalformedError("no STUN header")
    method, kind = method_and_class(int.from_bytes(data[:2]))
    held, at, end = [], HEADER, min(len(data), HEADER + int.from_bytes(data[2:4]))
    while at + 4 <= end:  # as in places(), which is slower
        number, length = HEAD.unpack_from(data, at)
        after = at + 4 + length
        if after <= end:
            held.append((number, data[at + 4 : after]))
        at = after + (-length & 3)
    return Message(method, kind, data[8:HEADER] if data[4:8] == COOKIE else data[4:HEADER], tuple(held))


def parse_channel_data(data: bytes) -> ChannelData:
    if len(data) < CHANNEL_HEADER:
        raise MalformedError("no ChannelData header")
    channel, length = HEAD.unpack_from(data)
    if channel not in CHANNELS or length > len(data) - CHANNEL_HEADER:
        raise MalformedError("no ChannelData")
    return ChannelData(channel, data[CHANNEL_HEADER : CHANNEL_HEADER + length])


def places(data: bytes) -> Iterator[Place]:
    """Yield the positions of the attributes."""
    at, end = HEADER, min(len(data), HEADER + int.from_bytes(data[2:4]))
    while at + 4 <= end:
        number, length = HEAD.unpack_from(data, at)
        value = data[at + 4 : min(at + 4 + length, end)]
        yield Place(at, number, value, len(value) == length)
        at += 4 + (length + 3 & ~3)


def message_type(method: int, kind: Class) -> int:
    """Return the message type; the two class bits are between those of the method (RFC 8489, section 5)."""
    bits = method & 0xF | (method & 0x70) << 1 | (method & 0xF80) << 2
    return bits | (kind & 1) << 4 | (kind & 2) << 7


@cache
def method_and_class(number: int) -> tuple[int, Class]:
    method = number & 0xF | number >> 1 & 0x70 | number >> 2 & 0xF80
    return method, Class(number >> 7 & 2 | number >> 4 & 1)


def integrity(before: bytes, key: bytes) -> bytes:
    """Return MESSAGE-INTEGRITY for a message that ends before it (RFC 8489, section 14.5)."""
    return hmac.digest(key, _ending_with(before, SIGNATURE), hashlib.sha1)


def fingerprint(before: bytes) -> bytes:
    """Return FINGERPRINT for a message that ends before it (RFC 8489, section 14.7)."""
    return (crc32(_ending_with(before, CHECK)) ^ FINGERPRINT_MASK).to_bytes(4)


def long_term_key(user: str, realm: str, password: str) -> bytes:
    """Return the long-term key (RFC 8489, section 9.2.2)."""
    return hashlib.md5(f"{user}:{realm}:{password}".encode(), usedforsecurity=False).digest()


def _ending_with(before: bytes, size: int) -> bytes:
    """Return what a check value covers: the preceding message with the length it has including the value."""
    return before[:2] + ((len(before) + 4 + size - HEADER) & 0xFFFF).to_bytes(2) + before[4:]


def pack_address(endpoint: Endpoint, mask: bytes = bytes(16)) -> bytes:
    """Pack (XOR-)MAPPED-ADDRESS and similar (RFC 8489, sections 14.1 and 14.2): family, port, address."""
    addr = packed(endpoint[0])
    masked = bytes(a ^ b for a, b in zip(addr, mask, strict=False))
    return (
        bytes((0, 2 if len(addr) == 16 else 1))
        + (endpoint[1] ^ int.from_bytes(mask[:2])).to_bytes(2)
        + masked
    )


def unpack_address(value: bytes, mask: bytes = bytes(16)) -> Endpoint:
    size = {1: 4, 2: 16}.get(value[1] if len(value) > 1 else 0)
    if size is None or len(value) != 4 + size:
        raise MalformedError("an address of another family or length")
    plain = (int.from_bytes(value[4:]) ^ int.from_bytes(mask[:size])).to_bytes(size)
    return Endpoint(written(plain), int.from_bytes(value[2:4]) ^ int.from_bytes(mask[:2]))


def _pack_error(error: ErrorCode, _: bytes) -> bytes:
    return struct.pack(">xxBB", *divmod(error.code, 100)) + error.reason.encode()


def _unpack_error(value: bytes, _: bytes) -> ErrorCode:
    """Read the error code: class, 3 to 6, times 100 plus a number below 100 (RFC 8489, section 14.8)."""
    if len(value) < 4 or not 3 <= value[2] & 7 <= 6 or value[3] > 99:
        raise MalformedError("no error code")
    return ErrorCode((value[2] & 7) * 100 + value[3], value[4:].decode(errors="replace"))


def _number(size: int, padding: int = 0) -> Format[int]:
    def unpack(value: bytes, _: bytes) -> int:
        if len(value) != size + padding:
            raise MalformedError(f"{len(value)} bytes for a number of {size}")
        return int.from_bytes(value[:size])

    return Format(lambda value, _: value.to_bytes(size) + bytes(padding), unpack)


ADDRESS: Format[Endpoint] = Format(
    lambda value, _: pack_address(value), lambda value, _: unpack_address(value)
)
XOR_ADDRESS: Format[Endpoint] = Format(pack_address, unpack_address)
TEXT: Format[str] = Format(lambda value, _: value.encode(), lambda value, _: value.decode(errors="replace"))
OPAQUE: Format[bytes] = Format(lambda value, _: value, lambda value, _: value)
FLAG: Format[bool] = Format(lambda _, __: b"", lambda _, __: True)
ERROR: Format[ErrorCode] = Format(_pack_error, _unpack_error)
U8, U16, U32, U64 = _number(1), _number(2), _number(4), _number(8)
U8_RESERVED, U16_RESERVED = _number(1, 3), _number(2, 2)  # RFFU: reserved for future use, sent as null

MAPPED_ADDRESS = Attribute(0x0001, "MAPPED-ADDRESS", ADDRESS)
RESPONSE_ADDRESS = Attribute(0x0002, "RESPONSE-ADDRESS", ADDRESS)
CHANGE_REQUEST = Attribute(0x0003, "CHANGE-REQUEST", U32)
SOURCE_ADDRESS = Attribute(0x0004, "SOURCE-ADDRESS", ADDRESS)
CHANGED_ADDRESS = Attribute(0x0005, "CHANGED-ADDRESS", ADDRESS)
USERNAME = Attribute(0x0006, "USERNAME", TEXT)
PASSWORD = Attribute(0x0007, "PASSWORD", TEXT)
MESSAGE_INTEGRITY = Attribute(0x0008, "MESSAGE-INTEGRITY", OPAQUE)
ERROR_CODE = Attribute(0x0009, "ERROR-CODE", ERROR)
UNKNOWN_ATTRIBUTES = Attribute(0x000A, "UNKNOWN-ATTRIBUTES", OPAQUE)
REFLECTED_FROM = Attribute(0x000B, "REFLECTED-FROM", ADDRESS)
CHANNEL_NUMBER = Attribute(0x000C, "CHANNEL-NUMBER", U16_RESERVED)
LIFETIME = Attribute(0x000D, "LIFETIME", U32)
XOR_PEER_ADDRESS = Attribute(0x0012, "XOR-PEER-ADDRESS", XOR_ADDRESS)
DATA = Attribute(0x0013, "DATA", OPAQUE)
REALM = Attribute(0x0014, "REALM", TEXT)
NONCE = Attribute(0x0015, "NONCE", TEXT)
XOR_RELAYED_ADDRESS = Attribute(0x0016, "XOR-RELAYED-ADDRESS", XOR_ADDRESS)
REQUESTED_ADDRESS_FAMILY = Attribute(0x0017, "REQUESTED-ADDRESS-FAMILY", U8_RESERVED)
EVEN_PORT = Attribute(0x0018, "EVEN-PORT", U8)
REQUESTED_TRANSPORT = Attribute(0x0019, "REQUESTED-TRANSPORT", U8_RESERVED)
DONT_FRAGMENT = Attribute(0x001A, "DONT-FRAGMENT", FLAG)
MESSAGE_INTEGRITY_SHA256 = Attribute(0x001C, "MESSAGE-INTEGRITY-SHA256", OPAQUE)
PASSWORD_ALGORITHM = Attribute(0x001D, "PASSWORD-ALGORITHM", OPAQUE)
USERHASH = Attribute(0x001E, "USERHASH", OPAQUE)
XOR_MAPPED_ADDRESS = Attribute(0x0020, "XOR-MAPPED-ADDRESS", XOR_ADDRESS)
RESERVATION_TOKEN = Attribute(0x0022, "RESERVATION-TOKEN", U64)
PRIORITY = Attribute(0x0024, "PRIORITY", U32)
USE_CANDIDATE = Attribute(0x0025, "USE-CANDIDATE", FLAG)
PADDING = Attribute(0x0026, "PADDING", OPAQUE)
RESPONSE_PORT = Attribute(0x0027, "RESPONSE-PORT", U16_RESERVED)
PASSWORD_ALGORITHMS = Attribute(0x8002, "PASSWORD-ALGORITHMS", OPAQUE)
ALTERNATE_DOMAIN = Attribute(0x8003, "ALTERNATE-DOMAIN", TEXT)
XOR_MAPPED_ADDRESS_OLD = Attribute(
    0x8020, "XOR-MAPPED-ADDRESS (draft)", XOR_ADDRESS
)  # draft-ietf-behave-rfc3489bis
SOFTWARE = Attribute(0x8022, "SOFTWARE", TEXT)
ALTERNATE_SERVER = Attribute(0x8023, "ALTERNATE-SERVER", ADDRESS)
FINGERPRINT = Attribute(0x8028, "FINGERPRINT", OPAQUE)
ICE_CONTROLLED = Attribute(0x8029, "ICE-CONTROLLED", U64)
ICE_CONTROLLING = Attribute(0x802A, "ICE-CONTROLLING", U64)
RESPONSE_ORIGIN = Attribute(0x802B, "RESPONSE-ORIGIN", ADDRESS)
OTHER_ADDRESS = Attribute(0x802C, "OTHER-ADDRESS", ADDRESS)
NETWORK_COST = Attribute(0xC057, "GOOG-NETWORK-INFO", U32)

ATTRIBUTES: dict[int, Attribute[Any]] = {
    each.number: each for each in tuple(globals().values()) if isinstance(each, Attribute)
}
