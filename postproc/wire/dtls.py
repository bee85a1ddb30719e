"""DTLS 1.2 (RFC 6347), the unencrypted parts: records, handshake messages, their fragments, hellos.

TLS 1.2 (RFC 5246) has the same messages in records with shorter headers.
"""

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from postproc.wire import MalformedError

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA = 20, 21, 22, 23
CONTENT_TYPES = range(20, 27)  # with ACK of DTLS 1.3
HELLO_REQUEST, CLIENT_HELLO, SERVER_HELLO, HELLO_VERIFY_REQUEST = range(4)
CERTIFICATE, SERVER_KEY_EXCHANGE, CERTIFICATE_REQUEST, SERVER_HELLO_DONE = range(11, 15)
CERTIFICATE_VERIFY, CLIENT_KEY_EXCHANGE, FINISHED = 15, 16, 20
DTLS_1_0, DTLS_1_2, TLS_1_2 = 0xFEFF, 0xFEFD, 0x0303
RECORD, MESSAGE = 13, 12  # bytes of the two headers
# Unified headers of DTLS 1.3 without a connection id, with a length and epoch 2 or 3 (RFC 9147, section 4)
UNIFIED, LONG_SEQUENCE = (0x26, 0x27, 0x2E, 0x2F), 0x08
TLS_RECORD, TLS_HANDSHAKE, TLS_CONTENT_TYPES = 5, 4, range(20, 24)
HELLO_TYPES = (bytes([CLIENT_HELLO]), bytes([SERVER_HELLO]))
SUPPORTED_GROUPS, SIGNATURE_ALGORITHMS, USE_SRTP, EXTENDED_MASTER_SECRET = 10, 13, 14, 23
P256, X25519, ECDSA_SHA256, NAMED_CURVE = 23, 29, 0x0403, 3
ECDHE_ECDSA_AES128_GCM, SRTP_AES128_CM_HMAC_SHA1_80 = 0xC02B, 0x0001
ECDSA_SIGN = 64  # a type of certificate


class Record(NamedTuple):
    """A record; ``body`` is plaintext in epoch 0 only. ``missing`` bytes of it were not captured."""

    kind: int
    version: int
    epoch: int
    sequence: int
    body: bytes
    missing: int = 0

    def __bytes__(self) -> bytes:
        head = struct.pack(">BHH", self.kind, self.version, self.epoch) + self.sequence.to_bytes(6)
        return head + counted(self.body, 2, self.missing)


def records(datagram: bytes) -> Iterator[Record]:
    """Yield the records of a datagram, the last as far as it was captured.

    Stops where a header is incomplete, and at the unified header of DTLS 1.3, which hides the rest.
    """
    at = 0
    while at + RECORD <= len(datagram) and not has_unified_header(datagram, at):
        kind, version, epoch = struct.unpack_from(">BHH", datagram, at)
        sequence, size = (int.from_bytes(datagram[at + n : at + m]) for n, m in ((5, 11), (11, 13)))
        at += RECORD
        body = datagram[at : at + size]
        yield Record(kind, version, epoch, sequence, body, size - len(body))
        at += size


def has_unified_header(datagram: bytes, at: int = 0) -> bool:
    """Return whether an encrypted DTLS 1.3 record starts here (RFC 9147, section 4)."""
    return at < len(datagram) and datagram[at] & 0xE0 == 0x20


def is_encrypted(datagram: bytes, at: int = 0) -> bool:
    """Return whether the rest consists of encrypted DTLS 1.3 records, by their lengths (RFC 9147, section
    4).

    Their first bytes alone are not distinctive. Only the epochs of a handshake and of the data after it
    are accepted, and no connection ids, which DTLS-SRTP does not use.
    """
    begin = at
    while at < len(datagram) and datagram[at] in UNIFIED:
        length = at + 1 + (2 if datagram[at] & LONG_SEQUENCE else 1)
        at = length + 2 + int.from_bytes(datagram[length : length + 2])
    return begin < at == len(datagram)


class Handshake(NamedTuple):
    """A handshake message or fragment: ``body`` is at ``offset`` in a message of ``length`` bytes.

    ``missing`` bytes of the body were not captured.
    """

    kind: int
    sequence: int
    body: bytes
    offset: int = 0
    length: int | None = None
    missing: int = 0

    @property
    def is_whole(self) -> bool:
        return self.total == len(self.body)

    @property
    def total(self) -> int:
        """Length of the complete message's body in bytes."""
        return len(self.body) + self.missing if self.length is None else self.length

    def __bytes__(self) -> bytes:
        head = bytes([self.kind]) + self.total.to_bytes(3) + self.sequence.to_bytes(2)
        return head + self.offset.to_bytes(3) + counted(self.body, 3, self.missing)


def handshakes(record: bytes, *, cut: bool = False) -> Iterator[Handshake]:
    """Yield the messages of a record of epoch 0; if the record is ``cut``, the last as far as captured.

    Raises MalformedError if a message contradicts itself, or exceeds a record that is not cut.
    """
    at = 0
    while at < len(record):
        kind, sequence = record[at], int.from_bytes(record[at + 4 : at + 6])
        length, offset, size = (int.from_bytes(record[at + n : at + n + 3]) for n in (1, 6, 9))
        body = record[at + MESSAGE : at + MESSAGE + size]
        missing = size - len(body)
        if at + MESSAGE > len(record) or (missing and not cut) or offset + size > length:
            raise MalformedError("a handshake message longer than its record")
        yield Handshake(kind, sequence, body, offset, None if length == size else length, missing)
        at += MESSAGE + size


def fragments(message: Handshake, size: int) -> Iterator[Handshake]:
    """Yield a message in fragments of ``size`` bytes (section 4.2.3)."""
    for at in range(0, max(len(message.body), 1), size):
        piece = message.body[at : at + size]
        length = None if len(piece) == len(message.body) else len(message.body)
        yield Handshake(message.kind, message.sequence, piece, at, length)


class TlsRecord(NamedTuple):
    """A TLS record: ``body`` as far as captured, ``size`` as given in the header."""

    kind: int
    version: int
    size: int
    body: bytes


def tls_records(stream: bytes) -> Iterator[TlsRecord]:
    """Yield the records at the start of a TLS stream (RFC 5246, section 6.2.1), the last as far as
    captured.
    """
    at = 0
    while (
        at + TLS_RECORD <= len(stream) and stream[at] in TLS_CONTENT_TYPES and stream[at + 1] == TLS_1_2 >> 8
    ):
        kind, version, size = struct.unpack_from(">BHH", stream, at)
        at += TLS_RECORD
        yield TlsRecord(kind, version, size, stream[at : at + size])
        at += size


def is_whole_hello(body: bytes, size: int) -> bool:
    """Return whether a TLS record of this size is a single hello, and not a Finished under the new keys.

    The length distinguishes them. After a HelloRetryRequest, a second ClientHello follows ChangeCipherSpec
    (RFC 8446, section 4.1.2).
    """
    return body[:1] in HELLO_TYPES and int.from_bytes(body[1:TLS_HANDSHAKE]) == size - TLS_HANDSHAKE


def tls_record(kind: int, body: bytes) -> bytes:
    return struct.pack(">BH", kind, TLS_1_2) + counted(body, 2)


def tls_handshake(kind: int, body: bytes) -> bytes:
    return tls_record(HANDSHAKE, bytes([kind]) + counted(body, 3))


def counted(data: bytes, size: int, missing: int = 0) -> bytes:
    """Return a vector preceded by its length in ``size`` bytes (RFC 5246, section 4.3)."""
    return (len(data) + missing).to_bytes(size) + data


def taken(data: bytes, size: int) -> tuple[bytes, bytes]:
    """Return the vector at the start, and the remaining bytes."""
    end = size + int.from_bytes(data[:size])
    if len(data) < max(end, size):
        raise MalformedError("a vector longer than its message")
    return data[size:end], data[end:]


def numbers(values: Iterable[int]) -> bytes:
    return b"".join(value.to_bytes(2) for value in values)


Extensions = tuple[tuple[int, bytes], ...] | None  # None: not even their length is sent


class ClientHello(NamedTuple):
    """RFC 6347, section 4.2.1; ``cookie`` is None in TLS."""

    version: int
    random: bytes
    suites: tuple[int, ...]
    extensions: Extensions
    session: bytes = b""
    cookie: bytes | None = b""
    compressions: bytes = b"\0"

    def __bytes__(self) -> bytes:
        cookie = b"" if self.cookie is None else counted(self.cookie, 1)
        head = self.version.to_bytes(2) + self.random + counted(self.session, 1) + cookie
        head += counted(numbers(self.suites), 2) + counted(self.compressions, 1)
        return head + pack_extensions(self.extensions)


class ServerHello(NamedTuple):
    version: int
    random: bytes
    suite: int
    extensions: Extensions
    session: bytes = b""
    compression: int = 0

    def __bytes__(self) -> bytes:
        head = self.version.to_bytes(2) + self.random + counted(self.session, 1)
        return head + self.suite.to_bytes(2) + bytes([self.compression]) + pack_extensions(self.extensions)


def parse_client_hello(body: bytes) -> ClientHello:
    """Parse the body of a complete DTLS message."""
    session, rest = taken(body[34:], 1)
    cookie, rest = taken(rest, 1)
    offered, rest = taken(rest, 2)
    compressions, rest = taken(rest, 1)
    suites = struct.unpack(f">{len(offered) // 2}H", offered[: len(offered) & ~1])
    version, extensions = int.from_bytes(body[:2]), parse_extensions(rest)
    return ClientHello(version, body[2:34], suites, extensions, session, cookie, compressions)


def parse_server_hello(body: bytes) -> ServerHello:
    session, rest = taken(body[34:], 1)
    if len(rest) < 3:
        raise MalformedError("a ServerHello cut short")
    version, suite = int.from_bytes(body[:2]), int.from_bytes(rest[:2])
    return ServerHello(version, body[2:34], suite, parse_extensions(rest[3:]), session, rest[2])


def pack_extensions(extensions: Extensions) -> bytes:
    """Pack extensions; None omits them, which differs from an empty list (RFC 5246, section 7.4.1.2)."""
    if extensions is None:
        return b""
    return counted(b"".join(kind.to_bytes(2) + counted(data, 2) for kind, data in extensions), 2)


def parse_extensions(data: bytes) -> Extensions:
    if not data:
        return None
    rest, found = taken(data, 2)[0], []
    while rest:
        kind = int.from_bytes(rest[:2])
        value, rest = taken(rest[2:], 2)
        found.append((kind, value))
    return tuple(found)


def use_srtp(*profiles: int) -> tuple[int, bytes]:
    """Return the use_srtp extension (RFC 5764, section 4.1.1) without a key identifier."""
    return USE_SRTP, counted(numbers(profiles), 2) + counted(b"", 1)


def pack_certificates(chain: Iterable[bytes]) -> bytes:
    """Return the body of a Certificate message (RFC 5246, section 7.4.2)."""
    return counted(b"".join(counted(certificate, 3) for certificate in chain), 3)


def parse_certificates(body: bytes) -> tuple[bytes, ...]:
    (rest, behind), found = taken(body, 3), []
    if behind:
        raise MalformedError("a certificate chain shorter than its message")
    while rest:
        certificate, rest = taken(rest, 3)
        found.append(certificate)
    return tuple(found)
