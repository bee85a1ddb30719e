"""Hellos of DTLS (RFC 6347, section 4.2.1; RFC 5246, section 7.4.1): what is chosen from stays.

Versions, cipher suites, groups and the lengths of everything are the protocol's. Randoms, session ids,
cookies, tickets, names and keys give way to other bytes, equal where the originals are.
"""

from collections.abc import Callable

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


def client(body: bytes, filled: Filled) -> bytes:
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


def server(body: bytes, filled: Filled) -> bytes:
    """A ServerHello."""
    held = Reader(body)
    new = held.take(VERSION) + filled(held.take(RANDOM))
    length, session = held.counted(1)
    new += length + filled(session)
    suite = held.take(2)
    new += suite if suite[:1] and suite[0] in SUITES else bytes(len(suite))
    return new + bytes(len(held.take(1))) + _extensions(held, filled)


def verify_request(body: bytes, filled: Filled) -> bytes:
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
