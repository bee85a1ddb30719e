"""A DTLS 1.2 handshake with use_srtp (RFC 6347, 5764): certificates in clear, random bytes for keys."""

from collections.abc import Collection
from dataclasses import dataclass

from pcaps.make.builders.recording import Path
from pcaps.make.builders.seed import Seed
from postproc.wire import dtls
from postproc.wire.dtls import DTLS_1_2, ClientHello, Record, ServerHello, counted, numbers

EXTENDED_MASTER_SECRET = (dtls.EXTENDED_MASTER_SECRET, b"")
SRTP = dtls.use_srtp(dtls.SRTP_AES128_CM_HMAC_SHA1_80)
OFFERED = (
    (dtls.SUPPORTED_GROUPS, counted(numbers([dtls.X25519]), 2)),
    (dtls.SIGNATURE_ALGORITHMS, counted(numbers([dtls.ECDSA_SHA256]), 2)),
)
CERTIFICATE_TYPES = counted(bytes([dtls.ECDSA_SIGN]), 1)


@dataclass(frozen=True)
class Handshake:
    """A handshake; ``active`` is the end that sends the ClientHello (a=setup:active)."""

    path: Path
    seed: Seed
    active: str
    passive: str
    active_certificate: bytes
    passive_certificate: bytes

    def play(self, at: float, round_trip: float = 0.024) -> None:
        """Send all four flights; ``round_trip`` is the time in s until an answer of the passive end."""
        self.client_hello(at)
        self.path.send(at + round_trip, self.passive, self._server_flight())
        self.path.send(at + round_trip + 0.004, self.active, self._client_flight())
        self.path.send(at + 2 * round_trip + 0.006, self.passive, self._finish(sequence=5))

    def client_hello(self, at: float, retransmission: int = 0) -> None:
        extensions = (*OFFERED, EXTENDED_MASTER_SECRET, SRTP)
        hello = ClientHello(DTLS_1_2, self._random("client"), (dtls.ECDHE_ECDSA_AES128_GCM,), extensions)
        self.path.send(at, self.active, _handshake(dtls.CLIENT_HELLO, 0, bytes(hello), retransmission))

    def server_flight(self, at: float, lost: Collection[int] = ()) -> None:
        """Send the passive end's flight without the messages whose numbers are ``lost``."""
        self.path.send(at, self.passive, self._server_flight(lost))

    def close(self, at: float, sender: str) -> None:
        """Send the encrypted close_notify."""
        self.path.send(at, sender, _record(dtls.ALERT, self._sealed("close", 2), 1, 1))

    def _random(self, name: str) -> bytes:
        return self.seed.child(f"random {name}").data(32)

    def _server_flight(self, lost: Collection[int] = ()) -> bytes:
        extensions = (EXTENDED_MASTER_SECRET, SRTP)
        hello = ServerHello(DTLS_1_2, self._random("server"), dtls.ECDHE_ECDSA_AES128_GCM, extensions)
        exchange = bytes([dtls.NAMED_CURVE]) + numbers([dtls.X25519]) + counted(self._random("server key"), 1)
        exchange += _signature(self.seed.child("exchange"))
        request = CERTIFICATE_TYPES + counted(numbers([dtls.ECDSA_SHA256]), 2) + counted(b"", 2)
        bodies = [
            (dtls.SERVER_HELLO, bytes(hello)),
            (dtls.CERTIFICATE, dtls.pack_certificates([self.passive_certificate])),
            (dtls.SERVER_KEY_EXCHANGE, exchange),
            (dtls.CERTIFICATE_REQUEST, request),
            (dtls.SERVER_HELLO_DONE, b""),
        ]
        return b"".join(
            _handshake(kind, nth, body, nth) for nth, (kind, body) in enumerate(bodies) if nth not in lost
        )

    def _client_flight(self) -> bytes:
        bodies = [
            (dtls.CERTIFICATE, dtls.pack_certificates([self.active_certificate])),
            (dtls.CLIENT_KEY_EXCHANGE, counted(self._random("client key"), 1)),
            (dtls.CERTIFICATE_VERIFY, _signature(self.seed.child("verify"))),
        ]
        flight = b"".join(
            _handshake(kind, nth, body, nth) for nth, (kind, body) in enumerate(bodies, start=1)
        )
        return flight + self._finish(sequence=4)

    def _finish(self, sequence: int) -> bytes:
        finished = _record(dtls.HANDSHAKE, self._sealed(f"finished {sequence}", 24), 0, 1)
        return _record(dtls.CHANGE_CIPHER_SPEC, b"\x01", sequence) + finished

    def _sealed(self, name: str, length: int) -> bytes:
        """Return a record as of AES-GCM (RFC 5288): 8 bytes of nonce, ``length`` of ciphertext, 16 of tag."""
        return (1 << 48).to_bytes(8) + self.seed.child(name).data(length + 16)


def _record(kind: int, body: bytes, sequence: int, epoch: int = 0) -> bytes:
    return bytes(Record(kind, DTLS_1_2, epoch, sequence, body))


def _handshake(kind: int, number: int, body: bytes, sequence: int) -> bytes:
    return _record(dtls.HANDSHAKE, bytes(dtls.Handshake(kind, number, body)), sequence)


def _signature(seed: Seed) -> bytes:
    """Return ecdsa_secp256r1_sha256 in DER: two integers below 2^255."""
    integers = [bytes([0x40 | seed.data(1)[0] & 0x3F]) + seed.data(31) for _ in range(2)]
    der = b"".join(b"\x02\x20" + number for number in integers)
    return numbers([dtls.ECDSA_SHA256]) + counted(b"\x30" + counted(der, 1), 2)
