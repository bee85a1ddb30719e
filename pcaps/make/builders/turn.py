"""TURN (RFC 8656): allocation with a challenge, permission, channel, and relayed media."""

from pcaps.make.builders import stun
from pcaps.make.builders.packets import Endpoint
from pcaps.make.builders.recording import Path
from pcaps.make.builders.seed import Seed
from postproc.wire.ip import UDP
from postproc.wire.stun import (
    CHANNEL_NUMBER,
    DATA,
    ERROR_CODE,
    LIFETIME,
    NONCE,
    REALM,
    REQUESTED_TRANSPORT,
    USERNAME,
    XOR_MAPPED_ADDRESS,
    XOR_PEER_ADDRESS,
    XOR_RELAYED_ADDRESS,
    ChannelData,
    Class,
    ErrorCode,
    Message,
    Method,
    long_term_key,
)


class TurnPath:
    """A path through a relay, seen between the TURN client and its server.

    ``ends`` are the remote peer and the client itself, so that a path over TURN can replace a plain one;
    ``below`` is the path that carries it.
    """

    def __init__(
        self,
        below: Path,
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
        self._key = long_term_key(user, realm, password)
        self.channel = 0

    def challenge(self, at: float) -> None:
        """Send an Allocate request without credentials, which is refused with 401."""
        allocate = self._message(Method.ALLOCATE, Class.REQUEST).add(REQUESTED_TRANSPORT, UDP)
        self.below.send(at, "client", bytes(allocate))
        challenge = Message(Method.ALLOCATE, Class.ERROR, allocate.transaction)
        challenge = challenge.add(ERROR_CODE, ErrorCode(401, "Unauthorized"))
        challenge = challenge.add(NONCE, self._nonce).add(REALM, self._realm)
        self.below.send(at + 0.02, "relay", bytes(challenge))

    def allocate(self, at: float, mapped: Endpoint) -> None:
        """Send an Allocate request, which is challenged first, then granted."""
        self.challenge(at)
        request = self._message(Method.ALLOCATE, Class.REQUEST).add(REQUESTED_TRANSPORT, UDP)
        granted = _success(request).add(XOR_RELAYED_ADDRESS, self.relayed).add(XOR_MAPPED_ADDRESS, mapped)
        self._exchange(at + 0.021, request, granted.add(LIFETIME, 600), answered=0.021)

    def permit(self, at: float) -> None:
        request = self._message(Method.CREATE_PERMISSION, Class.REQUEST).add(XOR_PEER_ADDRESS, self.peer)
        self._exchange(at, request, _success(request))

    def bind(self, at: float, channel: int = 0x4000) -> None:
        """Bind a channel; afterwards, everything is sent as ChannelData."""
        request = self._message(Method.CHANNEL_BIND, Class.REQUEST).add(CHANNEL_NUMBER, channel)
        request = request.add(XOR_PEER_ADDRESS, self.peer)
        self._exchange(at, request, _success(request))
        self.channel = channel

    def refuse(self, at: float, method: Method, error: tuple[int, str]) -> None:
        """Send a request for an allocation or a permission, which the relay refuses."""
        attribute = (REQUESTED_TRANSPORT, UDP) if method == Method.ALLOCATE else (XOR_PEER_ADDRESS, self.peer)
        request = self._message(method, Class.REQUEST).add(*attribute)
        self._exchange(
            at, request, Message(method, Class.ERROR, request.transaction).add(ERROR_CODE, ErrorCode(*error))
        )

    def release(self, at: float) -> None:
        request = self._message(Method.REFRESH, Class.REQUEST).add(LIFETIME, 0)
        self._exchange(at, request, _success(request).add(LIFETIME, 0))

    def send(self, at: float, sender: str, payload: bytes) -> None:
        self.below.send(at, "client" if sender == "client" else "relay", self._wrapped(sender, payload))

    def _wrapped(self, sender: str, payload: bytes) -> bytes:
        if self.channel:
            return bytes(ChannelData(self.channel, payload))
        method = Method.SEND if sender == "client" else Method.DATA
        return bytes(
            self._message(method, Class.INDICATION).add(XOR_PEER_ADDRESS, self.peer).add(DATA, payload)
        )

    def _message(self, method: Method, kind: Class) -> Message:
        return Message(method, kind, self.seed.data(12))

    def _exchange(self, at: float, request: Message, answer: Message, *, answered: float = 0.02) -> None:
        request = request.add(USERNAME, self._user).add(REALM, self._realm).add(NONCE, self._nonce)
        self.below.send(at, "client", stun.protected(request, self._key))
        self.below.send(at + answered, "relay", stun.protected(answer, self._key))


def _success(request: Message) -> Message:
    return Message(request.method, Class.SUCCESS, request.transaction)
