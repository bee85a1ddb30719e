"""TLS and DTLS 1.2 handshakes with certificates on both sides (RFC 5246, RFC 6347, RFC 5764)."""

from collections.abc import Callable
from dataclasses import dataclass

from postproc.wire import dtls as wire
from postproc.wire.dtls import (
    CERTIFICATE_VERIFY,
    CHANGE_CIPHER_SPEC,
    CLIENT_HELLO,
    CLIENT_KEY_EXCHANGE,
    DTLS_1_2,
    ECDHE_ECDSA_AES128_GCM,
    ECDSA_SHA256,
    HANDSHAKE,
    P256,
    SERVER_HELLO,
    TLS_1_2,
    ClientHello,
    ServerHello,
    counted,
    numbers,
)

CIPHER_CHANGED = b"\1"
SRTP = wire.use_srtp(wire.SRTP_AES128_CM_HMAC_SHA1_80)
GROUPS = (wire.SUPPORTED_GROUPS, counted(numbers([P256]), 2))
EXTENDED_MASTER_SECRET = (wire.EXTENDED_MASTER_SECRET, b"")
SUITES = (ECDHE_ECDSA_AES128_GCM,)


@dataclass
class Sender:
    """One side's record and message sequence numbers."""

    records: int = 0
    messages: int = 0

    def record(self, content: int, body: bytes, epoch: int = 0) -> bytes:
        self.records += 1
        return bytes(wire.Record(content, DTLS_1_2, epoch, self.records - 1, body))

    def handshake(self, kind: int, body: bytes = b"") -> bytes:
        self.messages += 1
        return self.record(HANDSHAKE, bytes(wire.Handshake(kind, self.messages - 1, body)))

    def finished(self, noise: Callable[[int], bytes]) -> bytes:
        changed = self.record(CHANGE_CIPHER_SPEC, CIPHER_CHANGED)
        self.records = 0
        return changed + self.record(HANDSHAKE, noise(40), epoch=1)


def dtls(
    client_certificate: bytes, server_certificate: bytes, noise: Callable[[int], bytes]
) -> list[tuple[bool, bytes]]:
    """Return the handshake's datagrams in order, each with whether the DTLS client sends it."""
    client, server = Sender(), Sender()
    hello = client.handshake(
        CLIENT_HELLO,
        bytes(ClientHello(DTLS_1_2, noise(32), SUITES, (SRTP, GROUPS, EXTENDED_MASTER_SECRET))),
    )
    answer = server.handshake(SERVER_HELLO, _server_hello(DTLS_1_2, noise, SRTP))
    answer += server.handshake(wire.CERTIFICATE, wire.pack_certificates([server_certificate]))
    keys = server.handshake(wire.SERVER_KEY_EXCHANGE, _server_key(noise))
    request = counted(bytes([wire.ECDSA_SIGN]), 1) + counted(numbers([ECDSA_SHA256]), 2) + counted(b"", 2)
    keys += server.handshake(wire.CERTIFICATE_REQUEST, request)
    keys += server.handshake(wire.SERVER_HELLO_DONE)
    proof = client.handshake(wire.CERTIFICATE, wire.pack_certificates([client_certificate]))
    proof += client.handshake(CLIENT_KEY_EXCHANGE, b"\x41\4" + noise(64))
    proof += client.handshake(CERTIFICATE_VERIFY, _signature(noise)) + client.finished(noise)
    return [(True, hello), (False, answer), (False, keys), (True, proof), (False, server.finished(noise))]


def tls_hellos(noise: Callable[[int], bytes]) -> tuple[bytes, bytes]:
    """Return ClientHello and ServerHello as TLS records, with which an HTTPS connection begins."""
    hello = ClientHello(TLS_1_2, noise(32), SUITES, (GROUPS, EXTENDED_MASTER_SECRET), cookie=None)
    answer = _server_hello(TLS_1_2, noise)
    return wire.tls_handshake(CLIENT_HELLO, bytes(hello)), wire.tls_handshake(SERVER_HELLO, answer)


def _server_hello(version: int, noise: Callable[[int], bytes], *extensions: tuple[int, bytes]) -> bytes:
    hello = ServerHello(version, noise(32), ECDHE_ECDSA_AES128_GCM, (*extensions, EXTENDED_MASTER_SECRET))
    return bytes(hello)


def _server_key(noise: Callable[[int], bytes]) -> bytes:
    curve = bytes([wire.NAMED_CURVE]) + numbers([P256])
    return curve + counted(b"\4" + noise(64), 1) + _signature(noise)


def _signature(noise: Callable[[int], bytes]) -> bytes:
    der = b"\x30\x44\2\x20\1" + noise(31) + b"\2\x20\1" + noise(31)
    return numbers([ECDSA_SHA256]) + counted(der, 2)
