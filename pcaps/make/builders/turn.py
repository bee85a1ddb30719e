"""TURN (RFC 8656): allocation with a challenge, permission, channel, and media wrapped for the relay."""

import hashlib
import struct

from pcaps.make.builders import stun
from pcaps.make.builders.packets import Endpoint
from pcaps.make.builders.recording import UdpPath
from pcaps.make.builders.seed import Seed

ALLOCATE, REFRESH, SEND, DATA, CREATE_PERMISSION, CHANNEL_BIND = 0x003, 0x004, 0x006, 0x007, 0x008, 0x009
CHANNEL_NUMBER, LIFETIME, XOR_PEER_ADDRESS, DATA_VALUE = 0x000C, 0x000D, 0x0012, 0x0013
REALM, NONCE, XOR_RELAYED_ADDRESS, REQUESTED_TRANSPORT = 0x0014, 0x0015, 0x0016, 0x0019
UDP = b"\x11\0\0\0"


class TurnPath:
    """A path through a relay, seen between the TURN client and its server.

    ``ends`` are the far peer and the client itself, so that a path over TURN can
    stand where a plain one does; the wire below is ``below``.
    """

    def __init__(
        self,
        below: UdpPath,
        seed: Seed,
        *,
        user: str,
        password: str,
        realm: str,
        relayed: Endpoint,
        peer: Endpoint,
    ) -> None:
        self.below, self.seed, self.relayed, self.peer = below, seed, relayed, peer
        self._realm, self._user, self._nonce = realm, user, seed.hex(32)
        self._key = hashlib.md5(f"{user}:{realm}:{password}".encode(), usedforsecurity=False).digest()
        self.channel = 0

    def allocate(self, at: float, mapped: Endpoint) -> None:
        """Allocate, refused with 401 for want of credentials, then granted."""
        transaction = self.seed.data(12)
        wish = (REQUESTED_TRANSPORT, UDP)
        self.below.send(at, "client", stun.message(stun.REQUEST, transaction, [wish], method=ALLOCATE))
        challenge = [
            stun.error_code(401, "Unauthorized"),
            (NONCE, self._nonce.encode()),
            (REALM, self._realm.encode()),
        ]
        self.below.send(at + 0.02, "relay", stun.message(stun.ERROR, transaction, challenge, method=ALLOCATE))
        transaction = self.seed.data(12)
        self._request(at + 0.021, ALLOCATE, transaction, [wish])
        granted = [
            (XOR_RELAYED_ADDRESS, stun.xor_address(self.relayed, transaction)),
            (stun.XOR_MAPPED_ADDRESS, stun.xor_address(mapped, transaction)),
            (LIFETIME, struct.pack(">I", 600)),
        ]
        self._answer(at + 0.042, ALLOCATE, transaction, granted)

    def permit(self, at: float) -> None:
        transaction = self.seed.data(12)
        self._request(
            at, CREATE_PERMISSION, transaction, [(XOR_PEER_ADDRESS, stun.xor_address(self.peer, transaction))]
        )
        self._answer(at + 0.02, CREATE_PERMISSION, transaction, [])

    def bind(self, at: float, channel: int = 0x4000) -> None:
        """From the answer on, everything goes as ChannelData."""
        transaction = self.seed.data(12)
        number = (CHANNEL_NUMBER, struct.pack(">Hxx", channel))
        peer = (XOR_PEER_ADDRESS, stun.xor_address(self.peer, transaction))
        self._request(at, CHANNEL_BIND, transaction, [number, peer])
        self._answer(at + 0.02, CHANNEL_BIND, transaction, [])
        self.channel = channel

    def release(self, at: float) -> None:
        transaction = self.seed.data(12)
        lifetime = [(LIFETIME, struct.pack(">I", 0))]
        self._request(at, REFRESH, transaction, lifetime)
        self._answer(at + 0.02, REFRESH, transaction, lifetime)

    def send(self, at: float, sender: str, payload: bytes) -> None:
        self.below.send(at, "client" if sender == "client" else "relay", self._wrapped(sender, payload))

    def _wrapped(self, sender: str, payload: bytes) -> bytes:
        if self.channel:
            return struct.pack(">HH", self.channel, len(payload)) + payload
        transaction = self.seed.data(12)
        attributes = [(XOR_PEER_ADDRESS, stun.xor_address(self.peer, transaction)), (DATA_VALUE, payload)]
        return stun.message(
            stun.INDICATION, transaction, attributes, method=SEND if sender == "client" else DATA
        )

    def _request(self, at: float, method: int, transaction: bytes, attributes: list[stun.Attribute]) -> None:
        who = [
            (stun.USERNAME, self._user.encode()),
            (REALM, self._realm.encode()),
            (NONCE, self._nonce.encode()),
        ]
        self.below.send(
            at, "client", stun.message(stun.REQUEST, transaction, attributes + who, self._key, method=method)
        )

    def _answer(self, at: float, method: int, transaction: bytes, attributes: list[stun.Attribute]) -> None:
        self.below.send(
            at, "relay", stun.message(stun.SUCCESS, transaction, attributes, self._key, method=method)
        )
