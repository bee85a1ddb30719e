"""``postproc probe udp --listen``: the other end of the port test, which answers holders of the token, rate-limited."""

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

ANSWERS_A_SECOND = 1000  # of 512 bytes: at most 4 Mbit/s in total; a test of 64 ports at once needs 450
MOST_SESSIONS = 64  # remembered; bounds memory
LOOKED = 0.2  # s between checks of ``wanted``
SPARE = 64  # file descriptors for other purposes


@dataclass
class Heard:
    """Counters of the listener, shown when it ends."""

    asked: int = 0
    answered: int = 0
    strangers: int = 0  # datagrams without the token's code
    limited: int = 0  # not answered because of the rate limit
    sessions: "OrderedDict[bytes, set[int]]" = field(default_factory=OrderedDict)

    def arrived(self, session: bytes, port: int) -> None:
        self.sessions.setdefault(session, set()).add(port)
        self.sessions.move_to_end(session)
        while len(self.sessions) > MOST_SESSIONS:
            self.sessions.popitem(last=False)


@dataclass
class Allowance:
    """A token bucket: at most ``rate`` answers a second in total."""

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
    """Answer on the ports for so many seconds while ``wanted`` returns True; SetupError if none can be bound.

    ``ready`` is called with the bound ports.
    """
    counters, allowance = Heard(), Allowance()
    with ExitStack() as opened, selectors.DefaultSelector() as selector:
        bound = _bound(bind, ports, opened, selector)
        ready(bound)
        until = time.monotonic() + seconds
        try:
            while (remaining := until - time.monotonic()) > 0 and wanted():
                for key, _ in selector.select(min(remaining, LOOKED)):
                    _answer(key.fileobj, key.data, token, counters, allowance)  # type: ignore[arg-type]
        except KeyboardInterrupt:
            pass  # the counters are shown after Ctrl-C too
    return counters


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


def _answer(local: socket.socket, port: int, token: str, counters: Heard, allowance: Allowance) -> None:
    """Answer one datagram if its code proves the token and the rate limit allows it; else drop it."""
    try:
        data, source = local.recvfrom(SIZE + 1)
    except OSError:  # an ICMP error for an earlier answer
        return
    question = parsed(data, token)
    if question is None or question.kind not in (ASK, LIST):
        counters.strangers += 1
        return
    counters.asked += 1
    if question.kind == ASK:
        if question.port != port:
            return  # the port was translated on the way, so the port asked for was not reached
        counters.arrived(question.session, port)
        answer = Datagram(ANSWER, question.session, port, question.part, _packed(source[0]), source[1])
    else:
        first = question.port + question.part * PORTS_A_PART
        answer = Datagram(
            LISTED,
            question.session,
            question.port,
            question.part,
            listed=_bits(counters, question.session, first),
        )
    if not allowance.take(time.monotonic()):
        counters.limited += 1
        return
    counters.answered += 1
    with suppress(OSError):
        local.sendto(packed(answer, token), source)


def _packed(address: str) -> bytes:
    return ip_address(address.partition("%")[0]).packed.rjust(16, b"\0")


def _bits(counters: Heard, session: bytes, first: int) -> bytes:
    """Return a bit per port from ``first`` on: whether a datagram of the session arrived."""
    bits = bytearray(LIST_BYTES)
    for port in counters.sessions.get(session, ()):
        if 0 <= port - first < PORTS_A_PART:
            bits[port - first >> 3] |= 1 << (port - first & 7)
    return bytes(bits)
