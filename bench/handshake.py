"""TLS and DTLS 1.2 handshakes with certificates on both sides (RFC 5246, RFC 6347, RFC 5764)."""

import struct
from collections.abc import Callable
from dataclasses import dataclass

CHANGE_CIPHER_SPEC, HANDSHAKE, APPLICATION_DATA = 20, 22, 23
CLIENT_HELLO, SERVER_HELLO, CERTIFICATE, SERVER_KEY_EXCHANGE = 1, 2, 11, 12
CERTIFICATE_REQUEST, SERVER_HELLO_DONE, CERTIFICATE_VERIFY, CLIENT_KEY_EXCHANGE = 13, 14, 15, 16
ECDHE_ECDSA_AES128_GCM = 0xC02B
ECDSA_SHA256, P256 = 0x0403, 23
DTLS_1_2, TLS_1_2 = 0xFEFD, 0x0303
CIPHER_CHANGED = b"\1"
USE_SRTP = struct.pack(">HHHHB", 14, 5, 2, 1, 0)  # SRTP_AES128_CM_HMAC_SHA1_80
GROUPS = struct.pack(">HHHH", 10, 4, 2, P256)
EXTENDED_MASTER_SECRET = struct.pack(">HH", 23, 0)


@dataclass
class Sender:
    """One side's record and handshake counters."""

    records: int = 0
    messages: int = 0

    def record(self, content: int, body: bytes, epoch: int = 0) -> bytes:
        number = self.records.to_bytes(6)
        self.records += 1
        return struct.pack(">BHH", content, DTLS_1_2, epoch) + number + struct.pack(">H", len(body)) + body

    def handshake(self, kind: int, body: bytes = b"") -> bytes:
        length = len(body).to_bytes(3)
        head = bytes([kind]) + length + struct.pack(">H", self.messages) + bytes(3) + length
        self.messages += 1
        return self.record(HANDSHAKE, head + body)

    def finished(self, noise: Callable[[int], bytes]) -> bytes:
        changed = self.record(CHANGE_CIPHER_SPEC, CIPHER_CHANGED)
        self.records = 0
        return changed + self.record(HANDSHAKE, noise(40), epoch=1)


def dtls(
    client_certificate: bytes, server_certificate: bytes, noise: Callable[[int], bytes]
) -> list[tuple[bool, bytes]]:
    """The handshake's datagrams in order, each with whether the DTLS client sends it."""
    client, server = Sender(), Sender()
    hello = client.handshake(CLIENT_HELLO, client_hello(DTLS_1_2, noise(32), b"\0", USE_SRTP))
    answer = server.handshake(SERVER_HELLO, server_hello(DTLS_1_2, noise(32), USE_SRTP))
    answer += server.handshake(CERTIFICATE, _certificates(server_certificate))
    keys = server.handshake(SERVER_KEY_EXCHANGE, _server_key(noise))
    keys += server.handshake(CERTIFICATE_REQUEST, b"\1\x40" + struct.pack(">HHH", 2, ECDSA_SHA256, 0))
    keys += server.handshake(SERVER_HELLO_DONE)
    proof = client.handshake(CERTIFICATE, _certificates(client_certificate))
    proof += client.handshake(CLIENT_KEY_EXCHANGE, b"\x41\4" + noise(64))
    proof += client.handshake(CERTIFICATE_VERIFY, _signature(noise)) + client.finished(noise)
    return [(True, hello), (False, answer), (False, keys), (True, proof), (False, server.finished(noise))]


def tls_hellos(noise: Callable[[int], bytes]) -> tuple[bytes, bytes]:
    """ClientHello and ServerHello as TLS records, the beginning of any HTTPS connection."""
    hello = client_hello(TLS_1_2, noise(32), b"", b"")
    answer = server_hello(TLS_1_2, noise(32), b"")
    return _tls_handshake(CLIENT_HELLO, hello), _tls_handshake(SERVER_HELLO, answer)


def tls_record(content: int, body: bytes) -> bytes:
    return struct.pack(">BHH", content, TLS_1_2, len(body)) + body


def client_hello(version: int, random: bytes, cookie: bytes, extensions: bytes) -> bytes:
    """``cookie`` with its length byte in DTLS, nothing in TLS."""
    suites = struct.pack(">HH", 2, ECDHE_ECDSA_AES128_GCM)
    extensions += GROUPS + EXTENDED_MASTER_SECRET
    start = struct.pack(">H", version) + random + b"\0" + cookie
    return start + suites + b"\1\0" + struct.pack(">H", len(extensions)) + extensions


def server_hello(version: int, random: bytes, extensions: bytes) -> bytes:
    extensions += EXTENDED_MASTER_SECRET
    start = struct.pack(">H", version) + random + b"\0" + struct.pack(">HB", ECDHE_ECDSA_AES128_GCM, 0)
    return start + struct.pack(">H", len(extensions)) + extensions


def _tls_handshake(kind: int, body: bytes) -> bytes:
    return tls_record(HANDSHAKE, bytes([kind]) + len(body).to_bytes(3) + body)


def _certificates(der: bytes) -> bytes:
    entry = len(der).to_bytes(3) + der
    return len(entry).to_bytes(3) + entry


def _server_key(noise: Callable[[int], bytes]) -> bytes:
    return struct.pack(">BHB", 3, P256, 65) + b"\4" + noise(64) + _signature(noise)


def _signature(noise: Callable[[int], bytes]) -> bytes:
    return struct.pack(">HH", ECDSA_SHA256, 70) + b"\x30\x44\2\x20\1" + noise(31) + b"\2\x20\1" + noise(31)
