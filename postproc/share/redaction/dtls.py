"""Redact DTLS (RFC 6347): record and handshake headers and the options in hellos stay.

Certificates, names, identities and keys do not. A certificate is replaced with another of the same length,
and the fingerprint in the session description follows it, so that comparing them gives the same result.
Hellos (RFC 5246, section 7.4.1) keep versions, cipher suites, groups and all lengths; randoms, session ids,
cookies, tickets, names and keys become other bytes, equal where the originals are equal.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from postproc.share.account import Kind, Tally
from postproc.wire import MalformedError
from postproc.wire import dtls as wire
from postproc.wire.dtls import (
    ALERT,
    CERTIFICATE,
    CERTIFICATE_REQUEST,
    CERTIFICATE_VERIFY,
    CHANGE_CIPHER_SPEC,
    CLIENT_HELLO,
    CLIENT_KEY_EXCHANGE,
    CONTENT_TYPES,
    DTLS_1_0,
    DTLS_1_2,
    HANDSHAKE,
    HELLO_VERIFY_REQUEST,
    MESSAGE,
    NAMED_CURVE,
    RECORD,
    SERVER_HELLO,
    SERVER_KEY_EXCHANGE,
    Handshake,
    Record,
)

VERSION, RANDOM = 2, 32
SUITES = frozenset({0x00, 0x13, 0x56, 0xC0, 0xC1, 0xCC, 0xCF, 0xD0})  # first bytes in IANA's registry
SERVER_NAME, ALPN, TICKET, RENEGOTIATION = 0, 16, 35, 0xFF01
# Extensions that hold registered numbers, with the size of the length field before them, in bytes:
# max_fragment_length, supported_groups, ec_point_formats,
# signature_algorithms, use_srtp, heartbeat, encrypt_then_mac, extended_master_secret, record_size_limit,
# supported_versions, psk_key_exchange_modes, signature_algorithms_cert
NUMBERS = {1: 0, 10: 2, 11: 1, 13: 2, 14: 2, 15: 0, 22: 0, 23: 0, 28: 0, 43: 1, 45: 1, 50: 2}
LONGEST_NUMBERS = (
    96  # bytes, twice the longest usual list of algorithms or groups; a choice: longer are zeroed
)
LETTERS = range(0x20, 0x7F)  # printable ASCII: no byte of these registries' numbers lies in it
PROTOCOLS = frozenset(
    {
        b"webrtc",
        b"c-webrtc",
        b"h2",
        b"h3",
        b"http/1.1",
        b"http/1.0",
        b"sip/2",
        b"coap",
        b"stun.turn",
        b"stun.nat-discovery",
        b"dot",
        b"mqtt",
    }
)

Filled = Callable[[bytes], bytes]  # replaces bytes by as many others


class Reader:
    """Take bytes off the front; a truncated input yields shorter results, never an error."""

    def __init__(self, data: bytes) -> None:
        self.rest = data

    def take(self, size: int) -> bytes:
        """Return the next ``size`` bytes, or as many as are left."""
        data, self.rest = self.rest[:size], self.rest[size:]
        return data

    def counted(self, size: int) -> tuple[bytes, bytes]:
        """Return a length field of ``size`` bytes and the bytes it counts."""
        length = self.take(size)
        return length, self.take(int.from_bytes(length))


def client_hello(body: bytes, filled: Filled, *, cookie: bool = True) -> bytes:
    """Redact a ClientHello (TLS: without ``cookie``); parts that do not fit become zeros."""
    reader = Reader(body)
    new = reader.take(VERSION) + filled(reader.take(RANDOM))
    for _ in range(1 + cookie):  # session id first
        length, value = reader.counted(1)
        new += length + filled(value)
    length, suites = reader.counted(2)
    pairs = (suites[at : at + 2] for at in range(0, len(suites), 2))
    new += length + b"".join(pair if pair[0] in SUITES else bytes(len(pair)) for pair in pairs)
    length, methods = reader.counted(1)
    return new + length + bytes(len(methods)) + _extensions(reader, filled)


def server_hello(body: bytes, filled: Filled) -> bytes:
    """Redact a ServerHello."""
    reader = Reader(body)
    new = reader.take(VERSION) + filled(reader.take(RANDOM))
    length, session = reader.counted(1)
    new += length + filled(session)
    suite = reader.take(2)
    new += suite if suite[:1] and suite[0] in SUITES else bytes(len(suite))
    return new + bytes(len(reader.take(1))) + _extensions(reader, filled)


def hello_verify_request(body: bytes, filled: Filled) -> bytes:
    """Redact a HelloVerifyRequest; the next ClientHello repeats its cookie."""
    reader = Reader(body)
    version, (length, cookie) = reader.take(VERSION), reader.counted(1)
    return version + length + filled(cookie) + bytes(len(reader.rest))


def _extensions(reader: Reader, filled: Filled) -> bytes:
    length = reader.take(2)
    listed, new = Reader(reader.take(int.from_bytes(length))), length
    while listed.rest:
        kind, (size, value) = listed.take(2), listed.counted(2)
        new += kind + size + _extension(int.from_bytes(kind), value, filled)
    return new + bytes(len(reader.rest))


def _extension(kind: int, value: bytes, filled: Filled) -> bytes:
    if kind == SERVER_NAME:
        return value[:5] + b"x" * len(value[5:])
    if kind == ALPN:
        return _protocols(value)
    if kind in NUMBERS and len(value) <= LONGEST_NUMBERS:
        counted = NUMBERS[kind]
        return value[:counted] + bytes(byte * (byte not in LETTERS) for byte in value[counted:])
    if kind == RENEGOTIATION:
        return value[:1] + filled(value[1:])
    return filled(value) if kind == TICKET else bytes(len(value))


def _protocols(value: bytes) -> bytes:
    """Redact protocol names (RFC 7301); registered ones stay."""
    reader = Reader(value)
    new = reader.take(2)
    while reader.rest:
        length, name = reader.counted(1)
        new += length + (name if name in PROTOCOLS else b"x" * len(name))
    return new


VERSIONS = (DTLS_1_0, DTLS_1_2, 0x0100)  # the last: OpenSSL 0.9.8's DTLS
HELLOS = {
    CLIENT_HELLO: client_hello,
    SERVER_HELLO: server_hello,
    HELLO_VERIFY_REQUEST: hello_verify_request,
}
ALERT_SIZE = 2
# Bytes of a Certificate message, and an epoch: choices far above real ones, against hostile lengths.
LARGEST, LARGEST_EPOCH = 1 << 17, 255
INTEGER, BIT_STRING, OCTET_STRING = 0x02, 0x03, 0x04
USUAL = frozenset({0x01, INTEGER, BIT_STRING, OCTET_STRING, 0x05, 0x06, 0x30, 0x31})
CONSTRUCTED, OID, KEPT_DER = 0x20, 0x06, frozenset({0x01, 0x05})  # BOOLEAN, NULL
SMALL, SHORT = (INTEGER, 0x0A), 2  # INTEGER and ENUMERATED: versions, types
TIMES = {0x17: 13, 0x18: 15}  # UTCTime and GeneralizedTime, with their lengths
# OID arcs of algorithms, attributes and extensions: X.500, PKCS, PKIX, curves, hashes. Companies have others.
ARCS = tuple(
    bytes.fromhex(arc)
    for arc in (
        "55",
        "2a8648ce3d",
        "2a864886f70d",
        "2b0601050507",
        "2b8104",
        "2b65",
        "2b0e0302",
        "608648016503",
    )
)
HASHES = ("sha256", "sha1", "sha384", "sha512", "sha224", "md5")

Flow = tuple[bytes, int, bytes, int]


@dataclass
class Handshakes:
    """Certificate messages reassembled from fragments, by flow, message number and length."""

    key: bytes
    tally: Tally = field(default_factory=Tally)
    certificates: dict[tuple[Flow, int, int], bytearray] = field(default_factory=dict)
    missing: dict[tuple[Flow, int, int], set[int]] = field(default_factory=dict)
    replaced: dict[bytes, bytes] = field(default_factory=dict)  # whole messages

    def note(self, flow: Flow, payload: bytes) -> None:
        """Learn the fragments of Certificate messages in a datagram."""
        for record in records(payload):
            if record.kind != HANDSHAKE or record.epoch:
                continue
            for message in messages(record.body):
                if message.kind == CERTIFICATE and message.total <= LARGEST:
                    place = flow, message.sequence, message.total
                    content = self.certificates.setdefault(place, bytearray(message.total))
                    gaps = self.missing.setdefault(place, set(range(message.total)))
                    end = message.offset + len(message.body)
                    content[message.offset : end] = message.body
                    gaps.difference_update(range(message.offset, end))

    def fingerprints(self) -> Iterator[tuple[str, str]]:
        """Yield each fingerprint of a completely captured certificate with that of its replacement."""
        for place, message in self.certificates.items():
            if self.missing[place]:
                continue
            for old, new in zip(chain(bytes(message)), chain(self._other(bytes(message))), strict=True):
                for name in HASHES:
                    yield _shown(name, old), _shown(name, new)

    def payload(self, flow: Flow, payload: bytes) -> bytes:
        """Redact a datagram of DTLS records, whole or truncated; the length stays."""
        new = b""
        for record in records(payload):
            new += bytes(record)[:RECORD] + self._record(flow, record.body, record.epoch, record.kind)
        return new + bytes(len(payload) - len(new))

    def _record(self, flow: Flow, record: bytes, epoch: int, kind: int) -> bytes:
        if kind in (CHANGE_CIPHER_SPEC, ALERT) and not epoch:
            size = min(len(record), ALERT_SIZE if kind == ALERT else 1)
            return record[:size] + bytes(len(record) - size)
        if kind == HANDSHAKE and epoch:  # zeros would look like messages
            return b"\xff" * min(len(record), 1) + self.filled(record[1:])
        if kind != HANDSHAKE:
            return bytes(len(record))
        new = b""
        for message in messages(record):
            new += bytes(message)[:MESSAGE] + self._body(flow, message)
        return new + bytes(len(record) - len(new))

    def _body(self, flow: Flow, message: Handshake) -> bytes:
        body = message.body
        if message.kind == CERTIFICATE:
            self.tally.replaced[Kind.CERTIFICATE] += 1
            place = flow, message.sequence, message.total
            whole = self.certificates.get(place)
            if whole is None or self.missing[place]:
                return bytes(len(body))
            return self._other(bytes(whole))[message.offset : message.offset + len(body)]
        if not message.is_whole:
            return bytes(len(body))
        if message.kind in HELLOS:
            return HELLOS[message.kind](body, self.filled)
        if message.kind == CLIENT_KEY_EXCHANGE:
            return self._key_exchange(body)
        return self._signed(message.kind, body)

    def _key_exchange(self, body: bytes) -> bytes:
        """Redact a public key, secret or identity (RFC 5246, 7.4.7; RFC 4279); only its length stays."""
        counted = 1 if body[:1] and body[0] + 1 == len(body) else 2
        return body[:counted] + self.filled(body[counted:])

    def filled(self, data: bytes) -> bytes:
        """Return as many other bytes, equal for equal input."""
        return _filled(data, self.key)

    def certificate(self, message: bytes) -> bytes:
        """Return another Certificate message of the same length and structure."""
        self.tally.replaced[Kind.CERTIFICATE] += 1
        return self._other(message)

    def _signed(self, kind: int, body: bytes) -> bytes:
        """Replace the signature of a signed message (RFC 8422, 5.4; RFC 5246, 7.4.8); zero other messages."""
        if kind == CERTIFICATE_REQUEST and _names_nobody(body):
            return body
        at = 0 if kind == CERTIFICATE_VERIFY else None
        if kind == SERVER_KEY_EXCHANGE and len(body) > 4 and body[0] == NAMED_CURVE:
            at = 4 + body[3]
        if at is None or at + 4 + int.from_bytes(body[at + 2 : at + 4]) != len(body):
            return bytes(len(body))
        self.tally.replaced[Kind.CERTIFICATE] += 1
        head = body[:4] + self.filled(body[4:at]) if at else b""  # curve, and the public key on it
        return head + body[at : at + 4] + _der(body[at + 4 :], self.key)

    def _other(self, message: bytes) -> bytes:
        if message not in self.replaced:
            self.replaced[message] = _certificates(message, self.key)
        return self.replaced[message]


def records(payload: bytes) -> Iterator[Record]:
    """Yield the records of a datagram while they look like DTLS; the last may be truncated."""
    for record in wire.records(payload):
        is_dtls = record.kind in CONTENT_TYPES and record.version in VERSIONS
        if not is_dtls or record.epoch > LARGEST_EPOCH:
            return
        yield record


def looks_like_dtls(payload: bytes, *, cut: bool) -> bool:
    """Whether records fill the datagram (RFC 6347, section 4.1), a truncated one up to its end."""
    at = 0
    for record in wire.records(payload):
        is_dtls = record.kind in CONTENT_TYPES and record.version in VERSIONS
        if not is_dtls or record.epoch > LARGEST_EPOCH or record.sequence >> 32:  # both are small
            return False
        at += RECORD + len(record.body) + record.missing
    return at > 0 and not wire.has_unified_header(payload, at) if cut else at == len(payload)


def _names_nobody(body: bytes) -> bool:
    """Whether a CertificateRequest lists only types and algorithms, no authorities (RFC 5246, 7.4.4)."""
    reader = Reader(body)
    _, types = reader.counted(1)
    _, algorithms = reader.counted(2)
    listed = all(byte not in LETTERS for byte in algorithms) and all(byte <= 0x43 for byte in types)
    return listed and reader.rest == bytes(2)


def messages(record: bytes) -> Iterator[Handshake]:
    """Yield the handshake messages of a record up to a malformed one; the last may be truncated."""
    with suppress(MalformedError):
        yield from wire.handshakes(record, cut=True)


def chain(message: bytes) -> list[bytes]:
    """Return the certificates (DER) in a Certificate message (RFC 5246, section 7.4.2)."""
    certificates, at = [], 3
    while at + 3 <= len(message):
        size = int.from_bytes(message[at : at + 3])
        certificates.append(message[at + 3 : at + 3 + size])
        at += 3 + size
    return certificates


def _certificates(message: bytes, key: bytes) -> bytes:
    new, at = message[:3], 3
    for certificate in chain(message):
        new += message[at : at + 3] + _der(certificate, key)
        at += 3 + len(certificate)
    return new + bytes(len(message) - len(new))


def _der(data: bytes, key: bytes, depth: int = 0) -> bytes:
    """Return the same DER structure (X.690) with other contents; unstructured bytes are replaced whole."""
    new, at = b"", 0
    while at + 2 <= len(data):
        tag, size, start = data[at], data[at + 1], at + 2
        if size & 0x80:
            count = size & 0x7F
            start, size = start + count, int.from_bytes(data[start : start + count])
        if start + size > len(data) or depth > 16:
            break
        inner = data[start : start + size]
        new += data[at:start] + _content(tag, inner, key, depth)
        at = start + size
    return new + _filled(data[at:], key)


def _content(tag: int, inner: bytes, key: bytes, depth: int) -> bytes:
    if tag & CONSTRUCTED:
        return _der(inner, key, depth + 1)
    small = tag in SMALL and len(inner) <= SHORT
    time = tag in TIMES and len(inner) == TIMES[tag] and inner[:-1].isdigit()
    if tag in KEPT_DER or small or time or (tag == OID and inner.startswith(ARCS)):
        return inner
    if tag == BIT_STRING:  # the first byte counts unused bits
        return inner[:1] + _inside(inner[1:], key, depth)
    if tag == OCTET_STRING:
        return _inside(inner, key, depth)
    if tag in SMALL:
        return inner[:1] + _filled(inner[1:], key)
    return bytes(len(inner)) if tag == OID else bytes(97 + byte % 26 for byte in _filled(inner, key))


def _inside(data: bytes, key: bytes, depth: int) -> bytes:
    return _der(data, key, depth + 1) if _is_der(data) else _filled(data, key)


def _is_der(data: bytes) -> bool:
    """Whether the data is one whole DER value of a common type."""
    if len(data) < 2 or data[0] not in USUAL:
        return False
    count = data[1] & 0x7F if data[1] & 0x80 else 0
    size = int.from_bytes(data[2 : 2 + count]) if count else data[1]
    return 2 + count + size == len(data)


def _filled(data: bytes, key: bytes) -> bytes:
    """Return as many other bytes."""
    seed = hmac.digest(key, b"certificate" + data, "sha256")
    stream: bytes = hashlib.shake_256(seed).digest(len(data))
    return stream


def _shown(name: str, certificate: bytes) -> str:
    return hashlib.new(name, certificate, usedforsecurity=False).digest().hex(":").upper()
