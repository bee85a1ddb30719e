"""DTLS (RFC 6347): records, handshake headers and what hellos choose from stay.

Certificates, names, identities and keys do not. A certificate gives way to another of the same length, and
the fingerprint in the session description follows it: who compares them comes to the same result. Of the
hellos (RFC 5246, section 7.4.1) versions, cipher suites, groups and the lengths of everything are the
protocol's; randoms, session ids, cookies, tickets, names and keys give way to other bytes, equal where the
originals are.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from postproc.share.account import Kind, Tally

VERSION, RANDOM = 2, 32
SUITES = frozenset({0x00, 0x13, 0x56, 0xC0, 0xC1, 0xCC, 0xCF, 0xD0})  # first bytes in IANA's registry
SERVER_NAME, ALPN, TICKET, RENEGOTIATION = 0, 16, 35, 0xFF01
# Extensions of numbers from a registry, and how many bytes of a length are before them:
# max_fragment_length, supported_groups, ec_point_formats,
# signature_algorithms, use_srtp, heartbeat, encrypt_then_mac, extended_master_secret, record_size_limit,
# supported_versions, psk_key_exchange_modes, signature_algorithms_cert
NUMBERS = {1: 0, 10: 2, 11: 1, 13: 2, 14: 2, 15: 0, 22: 0, 23: 0, 28: 0, 43: 1, 45: 1, 50: 2}
LONGEST_NUMBERS = 96  # bytes; the longest lists of signature algorithms and groups have half of it
LETTERS = range(0x20, 0x7F)  # no number of these registries is written with them
PROTOCOLS = frozenset({
    b"webrtc", b"c-webrtc", b"h2", b"h3", b"http/1.1", b"http/1.0", b"sip/2", b"coap", b"stun.turn",
    b"stun.nat-discovery", b"dot", b"mqtt",
})  # fmt: skip

Filled = Callable[[bytes], bytes]  # as many other bytes


class Reader:
    """Takes bytes off the front; what is not there is not there."""

    def __init__(self, data: bytes) -> None:
        self.rest = data

    def take(self, size: int) -> bytes:
        """So many bytes, or as many as there are."""
        taken, self.rest = self.rest[:size], self.rest[size:]
        return taken

    def counted(self, size: int) -> tuple[bytes, bytes]:
        """A length of ``size`` bytes, and what it counts."""
        length = self.take(size)
        return length, self.take(int.from_bytes(length))


def client_hello(body: bytes, filled: Filled) -> bytes:
    """A ClientHello; a part that does not fit is null."""
    held = Reader(body)
    new = held.take(VERSION) + filled(held.take(RANDOM))
    for _ in range(2):  # session id and cookie
        length, value = held.counted(1)
        new += length + filled(value)
    length, suites = held.counted(2)
    pairs = (suites[at : at + 2] for at in range(0, len(suites), 2))
    new += length + b"".join(pair if pair[0] in SUITES else bytes(len(pair)) for pair in pairs)
    length, methods = held.counted(1)
    return new + length + bytes(len(methods)) + _extensions(held, filled)


def server_hello(body: bytes, filled: Filled) -> bytes:
    """A ServerHello."""
    held = Reader(body)
    new = held.take(VERSION) + filled(held.take(RANDOM))
    length, session = held.counted(1)
    new += length + filled(session)
    suite = held.take(2)
    new += suite if suite[:1] and suite[0] in SUITES else bytes(len(suite))
    return new + bytes(len(held.take(1))) + _extensions(held, filled)


def hello_verify_request(body: bytes, filled: Filled) -> bytes:
    """A HelloVerifyRequest: its cookie comes back in the next ClientHello."""
    held = Reader(body)
    version, (length, cookie) = held.take(VERSION), held.counted(1)
    return version + length + filled(cookie) + bytes(len(held.rest))


def _extensions(held: Reader, filled: Filled) -> bytes:
    length = held.take(2)
    listed, new = Reader(held.take(int.from_bytes(length))), length
    while listed.rest:
        kind, (size, value) = listed.take(2), listed.counted(2)
        new += kind + size + _extension(int.from_bytes(kind), value, filled)
    return new + bytes(len(held.rest))


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
    """Names of protocols (RFC 7301): those in the registry."""
    held = Reader(value)
    new = held.take(2)
    while held.rest:
        length, name = held.counted(1)
        new += length + (name if name in PROTOCOLS else b"x" * len(name))
    return new


CONTENT_TYPES, VERSIONS = range(20, 27), (b"\xfe\xff", b"\xfe\xfd", b"\x01\0")
HANDSHAKE, CHANGE_CIPHER_SPEC, ALERT = 22, 20, 21
CLIENT_HELLO, SERVER_HELLO, CERTIFICATE, SERVER_KEY_EXCHANGE, CERTIFICATE_REQUEST = 1, 2, 11, 12, 13
HELLO_VERIFY_REQUEST, CLIENT_KEY_EXCHANGE = 3, 16
CERTIFICATE_VERIFY, NAMED_CURVE = 15, 3
HELLOS = {
    CLIENT_HELLO: client_hello, SERVER_HELLO: server_hello, HELLO_VERIFY_REQUEST: hello_verify_request,
}  # fmt: skip
RECORD, MESSAGE = 13, 12
ALERT_SIZE = 2
LARGEST, LARGEST_EPOCH = 1 << 17, 255
INTEGER, BIT_STRING, OCTET_STRING = 0x02, 0x03, 0x04
USUAL = frozenset({0x01, INTEGER, BIT_STRING, OCTET_STRING, 0x05, 0x06, 0x30, 0x31})
CONSTRUCTED, OID, KEPT_DER = 0x20, 0x06, frozenset({0x01, 0x05})  # BOOLEAN, NULL
SMALL, SHORT = (INTEGER, 0x0A), 2  # INTEGER and ENUMERATED: versions, types
TIMES = {0x17: 13, 0x18: 15}  # UTCTime and GeneralizedTime, with their lengths
# Arcs of algorithms, attributes and extensions: X.500, PKCS, PKIX, curves, hashes. Firms have others.
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
    """Certificate messages put together from their fragments, by flow and message number."""

    key: bytes
    tally: Tally = field(default_factory=Tally)
    certificates: dict[tuple[Flow, int, int], bytearray] = field(default_factory=dict)
    missing: dict[tuple[Flow, int, int], set[int]] = field(default_factory=dict)
    replaced: dict[bytes, bytes] = field(default_factory=dict)  # whole messages

    def note(self, flow: Flow, payload: bytes) -> None:
        """Learn what a datagram holds of Certificate messages."""
        for _, record, epoch, kind in records(payload):
            if kind != HANDSHAKE or epoch:
                continue
            for _, head, body in messages(record):
                if head.kind == CERTIFICATE and head.length <= LARGEST:
                    place = flow, head.sequence, head.length
                    held = self.certificates.setdefault(place, bytearray(head.length))
                    gaps = self.missing.setdefault(place, set(range(head.length)))
                    held[head.offset : head.offset + len(body)] = body
                    gaps.difference_update(range(head.offset, head.offset + len(body)))

    def fingerprints(self) -> Iterator[tuple[str, str]]:
        """Each fingerprint of a certificate seen whole, and of the one that takes its place."""
        for place, message in self.certificates.items():
            if self.missing[place]:
                continue
            for old, new in zip(chain(bytes(message)), chain(self._other(bytes(message))), strict=True):
                for name in HASHES:
                    yield _shown(name, old), _shown(name, new)

    def payload(self, flow: Flow, payload: bytes) -> bytes:
        """A datagram of DTLS records, whole or cut, as long as before."""
        new = b""
        for head, record, epoch, kind in records(payload):
            new += head + self._record(flow, record, epoch, kind)
        return new + bytes(len(payload) - len(new))

    def _record(self, flow: Flow, record: bytes, epoch: int, kind: int) -> bytes:
        if kind in (CHANGE_CIPHER_SPEC, ALERT) and not epoch:
            size = min(len(record), ALERT_SIZE if kind == ALERT else 1)
            return record[:size] + bytes(len(record) - size)
        if kind == HANDSHAKE and epoch:  # nulls would look like messages
            return b"\xff" * min(len(record), 1) + self._filled(record[1:])
        if kind != HANDSHAKE:
            return bytes(len(record))
        new = b""
        for raw, head, body in messages(record):
            new += raw + self._body(flow, head, body)
        return new + bytes(len(record) - len(new))

    def _body(self, flow: Flow, head: "Head", body: bytes) -> bytes:
        if head.kind == CERTIFICATE:
            self.tally.replaced[Kind.CERTIFICATE] += 1
            place = flow, head.sequence, head.length
            whole = self.certificates.get(place)
            if whole is None or self.missing[place]:
                return bytes(len(body))
            return self._other(bytes(whole))[head.offset : head.offset + len(body)]
        if head.offset or len(body) != head.length:
            return bytes(len(body))
        if head.kind in HELLOS:
            return HELLOS[head.kind](body, self._filled)
        if head.kind == CLIENT_KEY_EXCHANGE:
            return self._key_exchange(body)
        return self._signed(head.kind, body)

    def _key_exchange(self, body: bytes) -> bytes:
        """A public key, a secret, an identity (RFC 5246, 7.4.7; RFC 4279): only how long it is stays."""
        counted = 1 if body[:1] and body[0] + 1 == len(body) else 2
        return body[:counted] + self._filled(body[counted:])

    def _filled(self, data: bytes) -> bytes:
        return _filled(data, self.key)

    def _signed(self, kind: int, body: bytes) -> bytes:
        """What is signed with the certificate's key: another signature (RFC 8422, 5.4; RFC 5246, 7.4.8)."""
        if kind == CERTIFICATE_REQUEST and _names_nobody(body):
            return body
        at = 0 if kind == CERTIFICATE_VERIFY else None
        if kind == SERVER_KEY_EXCHANGE and len(body) > 4 and body[0] == NAMED_CURVE:
            at = 4 + body[3]
        if at is None or at + 4 + int.from_bytes(body[at + 2 : at + 4]) != len(body):
            return bytes(len(body))
        self.tally.replaced[Kind.CERTIFICATE] += 1
        head = body[:4] + self._filled(body[4:at]) if at else b""  # curve, and the public key on it
        return head + body[at : at + 4] + _der(body[at + 4 :], self.key)

    def _other(self, message: bytes) -> bytes:
        if message not in self.replaced:
            self.replaced[message] = _certificates(message, self.key)
        return self.replaced[message]


@dataclass(frozen=True)
class Head:
    """Header of a handshake message or of a fragment of one."""

    kind: int
    length: int
    sequence: int
    offset: int


def records(payload: bytes) -> Iterator[tuple[bytes, bytes, int, int]]:
    """Header, content, epoch and type of each record, the last as far as it goes."""
    at = 0
    while at + RECORD <= len(payload) and payload[at] in CONTENT_TYPES:
        size = int.from_bytes(payload[at + 11 : at + 13])
        end = min(at + RECORD + size, len(payload))
        epoch = int.from_bytes(payload[at + 3 : at + 5])
        if epoch > LARGEST_EPOCH or payload[at + 1 : at + 3] not in VERSIONS:
            return
        yield payload[at : at + RECORD], payload[at + RECORD : end], epoch, payload[at]
        at = end


def looks_like_dtls(payload: bytes, *, cut: bool) -> bool:
    """Whether records fill the datagram (RFC 6347, section 4.1); a cut one, as far as it goes."""
    at = 0
    while at + RECORD <= len(payload):
        known = payload[at] in CONTENT_TYPES and payload[at + 1 : at + 3] in VERSIONS
        if not known or payload[at + 3] or payload[at + 5] or payload[at + 6]:  # epochs and numbers are small
            return False
        at += RECORD + int.from_bytes(payload[at + 11 : at + 13])
    return at == len(payload) if not cut else at > 0


def _names_nobody(body: bytes) -> bool:
    """Whether a CertificateRequest lists types and algorithms only, no authorities (RFC 5246, 7.4.4)."""
    held = Reader(body)
    _, types = held.counted(1)
    _, algorithms = held.counted(2)
    listed = all(byte not in LETTERS for byte in algorithms) and all(byte <= 0x43 for byte in types)
    return listed and held.rest == bytes(2)


def messages(record: bytes) -> Iterator[tuple[bytes, Head, bytes]]:
    """Header, its meaning, and body of each handshake message in a record."""
    at = 0
    while at + MESSAGE <= len(record):
        kind, length, sequence = record[at], int.from_bytes(record[at + 1 : at + 4]), record[at + 4 : at + 6]
        offset, size = (int.from_bytes(record[at + 6 + 3 * n : at + 9 + 3 * n]) for n in (0, 1))
        body = record[at + MESSAGE : at + MESSAGE + size]
        if offset + len(body) > length:
            return
        yield record[at : at + MESSAGE], Head(kind, length, int.from_bytes(sequence), offset), body
        at += MESSAGE + size


def chain(message: bytes) -> list[bytes]:
    """The certificates (DER) in a Certificate message (RFC 5246, section 7.4.2)."""
    found, at = [], 3
    while at + 3 <= len(message):
        size = int.from_bytes(message[at : at + 3])
        found.append(message[at + 3 : at + 3 + size])
        at += 3 + size
    return found


def _certificates(message: bytes, key: bytes) -> bytes:
    new, at = message[:3], 3
    for certificate in chain(message):
        new += message[at : at + 3] + _der(certificate, key)
        at += 3 + len(certificate)
    return new + bytes(len(message) - len(new))


def _der(data: bytes, key: bytes, depth: int = 0) -> bytes:
    """The same structure (X.690) with other contents; what is no structure is filled."""
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
    """Whether this is one whole value of a usual type."""
    if len(data) < 2 or data[0] not in USUAL:
        return False
    count = data[1] & 0x7F if data[1] & 0x80 else 0
    size = int.from_bytes(data[2 : 2 + count]) if count else data[1]
    return 2 + count + size == len(data)


def _filled(data: bytes, key: bytes) -> bytes:
    """As many other bytes."""
    seed = hmac.digest(key, b"certificate" + data, "sha256")
    stream: bytes = hashlib.shake_256(seed).digest(len(data))
    return stream


def _shown(name: str, certificate: bytes) -> str:
    return hashlib.new(name, certificate, usedforsecurity=False).digest().hex(":").upper()
