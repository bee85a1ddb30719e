"""A DTLS 1.2 handshake with use_srtp (RFC 6347, 5764): certificates in clear, the keys mere random bytes."""

import struct
from dataclasses import dataclass

from pcaps.make.builders.recording import Path
from pcaps.make.builders.seed import Seed

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE = 20, 21, 22
CLIENT_HELLO, SERVER_HELLO, CERTIFICATE, SERVER_KEY_EXCHANGE = 1, 2, 11, 12
CERTIFICATE_REQUEST, SERVER_HELLO_DONE, CERTIFICATE_VERIFY, CLIENT_KEY_EXCHANGE = 13, 14, 15, 16
ECDHE_ECDSA_AES128_GCM = 0xC02B
VERSION = b"\xfe\xfd"
USE_SRTP_AES128_80 = struct.pack(">HHHHB", 14, 5, 2, 1, 0)
GROUP_X25519 = struct.pack(">HHHH", 10, 4, 2, 29)
SIGNATURES = struct.pack(">HHHH", 13, 4, 2, 0x0403)
EXTENDED_MASTER_SECRET = struct.pack(">HH", 23, 0)


@dataclass(frozen=True)
class Handshake:
    """``active`` is the end that sends the ClientHello (a=setup:active)."""

    path: Path
    seed: Seed
    active: str
    passive: str
    active_certificate: bytes
    passive_certificate: bytes

    def play(self, at: float, there: float = 0.024) -> None:
        """All four flights; ``there`` is the time the passive end's answer takes."""
        self.client_hello(at)
        self.path.send(at + there, self.passive, self._server_flight())
        self.path.send(at + there + 0.004, self.active, self._client_flight())
        self.path.send(at + 2 * there + 0.006, self.passive, self._finish(sequence=5))

    def client_hello(self, at: float, retransmission: int = 0) -> None:
        extensions = GROUP_X25519 + SIGNATURES + EXTENDED_MASTER_SECRET + USE_SRTP_AES128_80
        body = (
            VERSION + self._random("client") + b"\0\0" + struct.pack(">HHBB", 2, ECDHE_ECDSA_AES128_GCM, 1, 0)
        )
        body += struct.pack(">H", len(extensions)) + extensions
        self.path.send(at, self.active, _handshake(CLIENT_HELLO, 0, body, retransmission))

    def close(self, at: float, sender: str) -> None:
        """The encrypted close_notify."""
        self.path.send(at, sender, _record(ALERT, self._sealed("close", 2), 1, 1))

    def _random(self, name: str) -> bytes:
        return self.seed.child(f"random {name}").data(32)

    def _server_flight(self) -> bytes:
        extensions = EXTENDED_MASTER_SECRET + USE_SRTP_AES128_80
        hello = VERSION + self._random("server") + b"\0" + struct.pack(">HB", ECDHE_ECDSA_AES128_GCM, 0)
        hello += struct.pack(">H", len(extensions)) + extensions
        exchange = (
            struct.pack(">BHB", 3, 29, 32)
            + self._random("server key")
            + _signature(self.seed.child("exchange"))
        )
        request = b"\x01\x40" + struct.pack(">HHH", 2, 0x0403, 0)
        bodies = [
            (SERVER_HELLO, hello),
            (CERTIFICATE, _certificates(self.passive_certificate)),
            (SERVER_KEY_EXCHANGE, exchange),
            (CERTIFICATE_REQUEST, request),
            (SERVER_HELLO_DONE, b""),
        ]
        return b"".join(_handshake(kind, nth, body, nth) for nth, (kind, body) in enumerate(bodies))

    def _client_flight(self) -> bytes:
        bodies = [
            (CERTIFICATE, _certificates(self.active_certificate)),
            (CLIENT_KEY_EXCHANGE, b"\x20" + self._random("client key")),
            (CERTIFICATE_VERIFY, _signature(self.seed.child("verify"))),
        ]
        flight = b"".join(
            _handshake(kind, nth, body, nth) for nth, (kind, body) in enumerate(bodies, start=1)
        )
        return flight + self._finish(sequence=4)

    def _finish(self, sequence: int) -> bytes:
        finished = _record(HANDSHAKE, self._sealed(f"finished {sequence}", 24), 0, 1)
        return _record(CHANGE_CIPHER_SPEC, b"\x01", sequence) + finished

    def _sealed(self, name: str, length: int) -> bytes:
        """AES-GCM: eight bytes of nonce, the text, sixteen of tag."""
        return struct.pack(">Q", 1 << 48) + self.seed.child(name).data(length + 16)


def _record(kind: int, body: bytes, sequence: int, epoch: int = 0) -> bytes:
    return (
        struct.pack(">B2sH", kind, VERSION, epoch)
        + sequence.to_bytes(6, "big")
        + struct.pack(">H", len(body))
        + body
    )


def _handshake(kind: int, number: int, body: bytes, sequence: int) -> bytes:
    size = len(body).to_bytes(3, "big")
    head = bytes([kind]) + size + struct.pack(">H", number) + bytes(3) + size
    return _record(HANDSHAKE, head + body, sequence)


def _certificates(certificate: bytes) -> bytes:
    entry = len(certificate).to_bytes(3, "big") + certificate
    return len(entry).to_bytes(3, "big") + entry


def _signature(seed: Seed) -> bytes:
    """ecdsa_secp256r1_sha256 in DER: two integers below 2^255."""
    numbers = [bytes([0x40 | seed.data(1)[0] & 0x3F]) + seed.data(31) for _ in range(2)]
    der = b"".join(b"\x02\x20" + number for number in numbers)
    der = bytes([0x30, len(der)]) + der
    return struct.pack(">HH", 0x0403, len(der)) + der
