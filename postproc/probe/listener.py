"""``postproc probe udp --listen``: the other end of the port test. It answers those who know the token, and not often."""

import secrets
import selectors
import socket
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address

from postproc.model.errors import SetupError
from postproc.probe.udp import (
    ANSWER,
    ASK,
    LIST,
    LIST_BYTES,
    LISTED,
    PORTS_A_PART,
    SIZE,
    Datagram,
    packed,
    parsed,
)

ANSWERS_A_SECOND = 1000  # of 512 bytes: 4 Mbit/s at most, whoever asks; a test of 64 ports at once needs 450
MOST_SESSIONS = 64
LOOKED = 0.2  # seconds between looks whether it is still wanted
SPARE = 64  # file descriptors for all else


@dataclass
class Heard:
    """What the listener has had to do with: numbers to be shown when it ends."""

    asked: int = 0
    answered: int = 0
    strangers: int = 0  # datagrams without the token's code
    limited: int = 0  # not answered, as there were too many at once
    sessions: "OrderedDict[bytes, set[int]]" = field(default_factory=OrderedDict)

    def arrived(self, session: bytes, port: int) -> None:
        self.sessions.setdefault(session, set()).add(port)
        self.sessions.move_to_end(session)
        while len(self.sessions) > MOST_SESSIONS:
            self.sessions.popitem(last=False)


@dataclass
class Allowance:
    """A bucket of tokens: so many answers a second, however many ask."""

    rate: float = ANSWERS_A_SECOND
    held: float = ANSWERS_A_SECOND
    at: float = 0.0

    def take(self, now: float) -> bool:
        self.held = min(self.rate, self.held + (now - self.at) * self.rate) if self.at else self.rate
        self.at = now
        if self.held < 1:
            return False
        self.held -= 1
        return True


def new_token() -> str:
    return secrets.token_urlsafe(16)


def listen(  # noqa: PLR0917
    bind: str,
    ports: Sequence[int],
    token: str,
    seconds: float,
    ready: Callable[[Sequence[int]], object],
    wanted: Callable[[], bool] = lambda: True,
) -> Heard:
    """Answer at the ports for so many seconds, as long as it is ``wanted``; SetupError where none can be had.

    ``ready`` is told which are open.
    """
    heard, allowance = Heard(), Allowance()
    with ExitStack() as opened, selectors.DefaultSelector() as selector:
        bound = _bound(bind, ports, opened, selector)
        ready(bound)
        until = time.monotonic() + seconds
        try:
            while (left := until - time.monotonic()) > 0 and wanted():
                for key, _ in selector.select(min(left, LOOKED)):
                    _answer(key.fileobj, key.data, token, heard, allowance)  # type: ignore[arg-type]
        except KeyboardInterrupt:
            pass  # whoever ends it wants to know what came
    return heard


def _bound(bind: str, ports: Sequence[int], opened: ExitStack, selector: selectors.BaseSelector) -> list[int]:
    try:
        family = socket.AF_INET6 if ip_address(bind).version == 6 else socket.AF_INET
    except ValueError:
        raise SetupError(f"--bind: expected an address of this machine, not {bind!r}") from None
    _allow_files(len(ports) + SPARE)
    bound, reason = [], ""
    for port in ports:
        local = opened.enter_context(socket.socket(family, socket.SOCK_DGRAM))
        local.setblocking(False)
        try:
            local.bind((bind, port))
        except OSError as error:
            reason = error.strerror or str(error)
            continue
        selector.register(local, selectors.EVENT_READ, port)
        bound.append(port)
    if not bound:
        raise SetupError(f"none of the ports can be listened at: {reason}")
    return bound


def _allow_files(wanted: int) -> None:
    if sys.platform == "win32":  # has no such limit
        return
    import resource  # noqa: PLC0415

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        if hard != resource.RLIM_INFINITY and hard < wanted:
            raise SetupError(
                f"{wanted} files have to be open at once, and {hard} may be (ulimit -Hn): take fewer ports"
            )
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _answer(local: socket.socket, port: int, token: str, heard: Heard, allowance: Allowance) -> None:
    """One datagram: answered where it bears the token's code and the allowance lasts; else forgotten."""
    try:
        data, source = local.recvfrom(SIZE + 1)
    except OSError:  # an ICMP error for an earlier answer
        return
    asked = parsed(data, token)
    if asked is None or asked.kind not in (ASK, LIST):
        heard.strangers += 1
        return
    heard.asked += 1
    if asked.kind == ASK:
        if asked.port != port:
            return  # somewhere between, a port was made another: what was asked for did not arrive
        heard.arrived(asked.session, port)
        answer = Datagram(ANSWER, asked.session, port, asked.part, _packed(source[0]), source[1])
    else:
        first = asked.port + asked.part * PORTS_A_PART
        answer = Datagram(
            LISTED, asked.session, asked.port, asked.part, listed=_bits(heard, asked.session, first)
        )
    if not allowance.take(time.monotonic()):
        heard.limited += 1
        return
    heard.answered += 1
    with suppress(OSError):
        local.sendto(packed(answer, token), source)


def _packed(address: str) -> bytes:
    return ip_address(address.partition("%")[0]).packed.rjust(16, b"\0")


def _bits(heard: Heard, session: bytes, first: int) -> bytes:
    """The ports from ``first`` on at which something of the session arrived, a bit each."""
    bits = bytearray(LIST_BYTES)
    for port in heard.sessions.get(session, ()):
        if 0 <= port - first < PORTS_A_PART:
            bits[port - first >> 3] |= 1 << (port - first & 7)
    return bytes(bits)
