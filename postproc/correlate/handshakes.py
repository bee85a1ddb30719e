"""DTLS messages of one pair of addresses cut into handshakes (RFC 6347, section 4.2; RFC 9147).

A ClientHello in the clear opens another handshake where the earlier one is over:
completed some time ago, closed, silent for longer than any retransmission, or
another call's. Everything else belongs to the handshake that is under way.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from postproc.correlate.endpoints import Address
from postproc.correlate.records import NS_PER_S

SILENCE = 90 * NS_PER_S  # the retransmission timer stops doubling at 60 s (RFC 6347, section 4.2.4.1)
LATE = 1 * NS_PER_S  # a ClientHello this soon after completion is an old one that took its time
FLIGHT = 20_000_000  # ns; the same message again within it is its next fragment, not a retransmission

FROM_CLIENT = {"client_hello", "client_key_exchange"}
FROM_SERVER = {"server_hello", "hello_verify_request", "server_key_exchange", "server_hello_done"}
CLOSING = {"close_notify", "encrypted"}
WARNINGS = {"close_notify", "user_canceled", "no_renegotiation"}


class Message(NamedTuple):
    """A row of dtls_messages; time in ns since 1970."""

    frame: int
    time: int
    src: Address
    dst: Address
    content: str | None
    type: str | None
    seq: int | None
    alert: str | None
    epoch: int | None
    certificate: str | None


@dataclass
class Handshake:
    """Messages of one handshake, in time order; by sender the first record under new keys."""

    messages: list[Message] = field(default_factory=list)
    protected: dict[Address, int] = field(default_factory=dict)
    closed: bool = False

    def add(self, message: Message) -> None:
        if is_protected(message):
            self.protected.setdefault(message.src, message.time)
        self.closed |= len(self.protected) > 1 and message.alert in CLOSING
        self.messages.append(message)


def is_hello(message: Message) -> bool:
    return message.type == "client_hello" and not message.epoch


def is_protected(message: Message) -> bool:
    """Tell whether its sender has the new keys: ChangeCipherSpec, or a record under them.

    DTLS 1.3 hides the type of such a record (RFC 9147, section 4): its Finished may
    pass for application data. An alert under the keys ends and proves nothing.
    """
    if message.content == "change_cipher_spec" or message.type == "encrypted":
        return True
    return message.content in ("handshake", "ack", "application_data") and bool(message.epoch)


def handshakes(messages: Iterable[Message], same_call: Callable[[Message, Message], bool]) -> list[Handshake]:
    """Cut the messages between two addresses, in time order, into handshakes."""
    found: list[Handshake] = []
    for message in messages:
        if not found or (is_hello(message) and _is_over(found[-1], message, same_call)):
            found.append(Handshake())
        found[-1].add(message)
    return found


def _is_over(handshake: Handshake, hello: Message, same_call: Callable[[Message, Message], bool]) -> bool:
    last = handshake.messages[-1]
    if handshake.closed or hello.time - last.time > SILENCE or not has_handshake(handshake):
        return True
    if len(handshake.protected) > 1:
        return hello.time - max(handshake.protected.values()) > LATE
    return not same_call(last, hello)


def has_handshake(handshake: Handshake) -> bool:
    return any(message.content == "handshake" for message in handshake.messages)


def client_of(handshake: Handshake) -> Address:
    """Return the DTLS client: who sent a client's message or got a server's, else the first sender."""
    for types, of_client in ((FROM_CLIENT, True), (FROM_SERVER, False)):
        for message in handshake.messages:
            if message.type in types:
                return message.src if of_client else message.dst
    return handshake.messages[0].src


def client_hellos(handshake: Handshake) -> int:
    """Count ClientHello messages; fragments of one in several frames are one."""
    last: dict[tuple[Address, int | None], int] = {}
    count = 0
    for message in filter(is_hello, handshake.messages):
        key = message.src, message.seq
        count += message.seq is None or message.time - last.get(key, -FLIGHT - 1) > FLIGHT
        last[key] = message.time
    return count


def certificates(handshake: Handshake) -> dict[Address, str]:
    """Return the first certificate each side sent, hex of its DER."""
    found: dict[Address, str] = {}
    for message in handshake.messages:
        if message.certificate:
            found.setdefault(message.src, message.certificate)
    return found


def completed(handshake: Handshake, srtp: Callable[[int], int | None]) -> int | None:
    """Return when the handshake was complete, None if it was not seen to be.

    That is when both sides have shown the new keys. Where the capture misses one
    side's, application data or SRTP after the other's is as good; ``srtp`` gives
    the first SRTP packet from a time on. Epoch 2 is DTLS 1.3: see ``is_protected``.
    """
    if not has_handshake(handshake):
        return None
    shown = handshake.protected.values()
    if len(shown) > 1:
        return max(shown)
    data = [m.time for m in handshake.messages if m.content == "application_data" and m.epoch == 1]
    media = srtp(min(shown)) if shown else None
    return min([*data[:1], *([] if media is None else [media])], default=None)


def fatal_alert(handshake: Handshake) -> str | None:
    """Return the alert that ended a handshake never completed.

    An unreadable one counts only if both sides took part: else it may be the
    close of an association of which the capture shows one direction.
    """
    senders = {message.src for message in handshake.messages if message.content == "handshake"}
    for message in handshake.messages:
        readable = message.alert not in WARNINGS and message.alert != "encrypted"
        if message.alert and (readable or (message.alert == "encrypted" and len(senders) > 1)):
            return message.alert
    return None


def state(handshake: Handshake, complete: int | None) -> str:
    """Return none, client_hello_only, incomplete, complete or alert."""
    if complete is not None:
        return "complete"
    if fatal_alert(handshake):
        return "alert"
    shown = [message for message in handshake.messages if message.content == "handshake"]
    if not shown:
        return "none"
    hello_only = all(map(is_hello, shown)) and len({message.src for message in shown}) == 1
    return "client_hello_only" if hello_only and not handshake.protected else "incomplete"
