"""``postproc probe udp``: which UDP ports pass between two machines, each way, and whether NAT keeps them.

Both ends know a token. Each datagram has a code made with it (HMAC-SHA-256, RFC 2104), so that the listener
answers nobody else; answers are no longer than questions, so nothing is amplified.
"""

import hmac
import re
import secrets
import selectors
import socket
import struct
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

from postproc.model.errors import SetupError
from postproc.model.text import Text
from postproc.probe.result import Result, Tell

MAGIC = b"LSP1"
ASK, ANSWER, LIST, LISTED = range(4)
HEAD = struct.Struct(">4sB8sHH16sH")  # magic, kind, session, port asked, part, address seen, port seen
CODE = 16  # bytes of the truncated HMAC (RFC 2104, section 5: at least half of the hash)
SIZE = 512  # bytes of every datagram, padded; below any MTU, and a list of ports fits
LIST_BYTES = SIZE - HEAD.size - CODE
PORTS_A_PART = LIST_BYTES * 8
MOST_PORTS = 4096  # of a test; a choice: the XCC's range of 30000-33000 fits
SHORTEST_TOKEN = 12  # characters; a choice
# Ports at once; datagrams to each; s between them, and s after the last. Choices: 3000 ports take less than a
# minute, and a port is missed only if three datagrams or their answers are lost.
BATCH, TRIES, GAP, WAIT = 64, 3, 0.15, 0.7

PLAN = Text(
    "will contact {what} (three small datagrams to each port)",
    "kontaktiert gleich {what} (drei kleine Datagramme an jeden Port)",
)
NO_NAME = Text("{host} has no address here: {reason}", "{host} hat hier keine Adresse: {reason}")
NOTHING = Text(
    "no port of {ports} answers: is the other end listening (probe udp --listen), with the same token?",
    "kein Port von {ports} antwortet: Lauscht die andere Seite (probe udp --listen), mit demselben Token?",
)
ALL = Text(
    "all {count} ports of {ports} pass both ways",
    "alle {count} Ports von {ports} sind in beiden Richtungen offen",
)
PASS = Text("both ways: {ports}", "in beiden Richtungen offen: {ports}")
OUT_ONLY = Text(
    "arrive there, and the answers do not come back: {ports}",
    "kommen dort an, die Antworten kommen nicht zurück: {ports}",
)
BLOCKED = Text("do not arrive there: {ports}", "kommen dort nicht an: {ports}")
NOT_KNOWN = Text(
    "no answer, and the other end cannot be asked what arrived: {ports}",
    "keine Antwort, und die andere Seite lässt sich nicht fragen, was ankam: {ports}",
)
OPEN = Text(
    "Open UDP {ports} in the firewall, both ways, and lead it to the XCC (destination NAT).",
    "UDP {ports} in der Firewall in beiden Richtungen öffnen und zum XCC führen (Destination-NAT).",
)
KEPT = Text("the NAT keeps the source port", "das NAT behält den Quellport")
CHANGED = Text(
    "the NAT changes the source port: {count} of {all}, {example}",
    "das NAT ändert den Quellport: {count} von {all}, {example}",
)
KEEP = Text(
    "Have the NAT keep the ports of the RTP range (static NAT).",
    "Das NAT die Ports des RTP-Bereichs behalten lassen (statisches NAT).",
)
OWN_PORT = Text(
    "ports that are in use here were tried from others: {count}",
    "Ports, die hier belegt sind, wurden von anderen aus versucht: {count}",
)


class Datagram(NamedTuple):
    """A datagram; ``port`` is the listener's, ``seen_*`` the sender's address as the listener sees it."""

    kind: int
    session: bytes
    port: int
    part: int = 0
    seen_addr: bytes = bytes(16)
    seen_port: int = 0
    listed: bytes = b""


def packed(datagram: Datagram, token: str) -> bytes:
    """Return the datagram's bytes with its code."""
    head = HEAD.pack(
        MAGIC,
        datagram.kind,
        datagram.session,
        datagram.port,
        datagram.part,
        datagram.seen_addr,
        datagram.seen_port,
    )
    body = head + datagram.listed.ljust(LIST_BYTES, b"\0")
    return body + _code(body, token)


def parsed(data: bytes, token: str) -> Datagram | None:
    """Return the datagram; None for anything else, or if it was made without the token."""
    if len(data) != SIZE or not data.startswith(MAGIC):
        return None
    body, code = data[:-CODE], data[-CODE:]
    if not hmac.compare_digest(code, _code(body, token)):
        return None
    _, kind, session, port, part, addr, seen = HEAD.unpack_from(body)
    return Datagram(kind, session, port, part, addr, seen, body[HEAD.size :])


def _code(body: bytes, token: str) -> bytes:
    return hmac.digest(token.encode(), body, sha256)[:CODE]


def ports(text: str) -> list[int]:
    """Return ``30000-30100,30200`` as sorted numbers; raises SetupError where it is invalid, or too many."""
    numbers: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"\s*([0-9]{1,5})(?:-([0-9]{1,5}))?\s*", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 0 < first <= last < 1 << 16:
            raise SetupError(f"{text}: expected ports like 30000-33000 or 30000,30010")
        numbers |= set(range(first, last + 1))
    if len(numbers) > MOST_PORTS:
        raise SetupError(f"{text}: {len(numbers)} ports; at most {MOST_PORTS} at once")
    return sorted(numbers)


def written(numbers: Iterable[int]) -> str:
    """Format the numbers as ranges: ``30000-30005,30007``."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


@dataclass
class _Progress:
    """What a test has found so far, by port of the listener."""

    session: bytes = field(default_factory=lambda: secrets.token_bytes(8))
    answered: dict[int, tuple[int, int]] = field(default_factory=dict)  # own source port, port seen
    arrived: set[int] | None = None
    elsewhere: int = 0  # ports that were in use here


def check_token(token: str) -> str:
    if len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable():
        raise SetupError(
            f"--token: expected the one that the listener shows ({SHORTEST_TOKEN} signs or more)"
        )
    return token


def run(host: str, port_numbers: Sequence[int], token: str, tell: Tell) -> Iterator[Result]:
    """Test the ports, each from the same port number here where that is free, like the XCC's."""
    tell(PLAN, f"{host}, UDP {written(port_numbers)}")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port_numbers[0], type=socket.SOCK_DGRAM)[0]
    except (OSError, UnicodeError) as error:
        yield Result(
            "dns", "fault", NO_NAME, {"host": host, "reason": getattr(error, "strerror", "") or str(error)}
        )
        return
    progress = _Progress()
    for first in range(0, len(port_numbers), BATCH):
        _batch(family, str(address[0]), port_numbers[first : first + BATCH], token, progress)
    if progress.answered:
        progress.arrived = _arrivals(family, str(address[0]), port_numbers, token, progress)
    yield from _results(port_numbers, progress)


def _batch(family: int, address: str, port_numbers: Sequence[int], token: str, progress: _Progress) -> None:
    with ExitStack() as opened, selectors.DefaultSelector() as selector:
        by_port = {}
        for port in port_numbers:
            local = opened.enter_context(socket.socket(family, socket.SOCK_DGRAM))
            local.setblocking(False)
            try:
                local.bind(("", port))
            except OSError:
                progress.elsewhere += 1
            by_port[port] = local
            selector.register(local, selectors.EVENT_READ, port)
        for attempt in range(TRIES):
            for port in (number for number in port_numbers if number not in progress.answered):
                _send(
                    by_port[port],
                    packed(Datagram(ASK, progress.session, port, attempt), token),
                    (address, port),
                )
            _collect(selector, token, progress, GAP if attempt < TRIES - 1 else WAIT, len(port_numbers))


def _send(local: socket.socket, data: bytes, target: tuple[str, int]) -> None:
    """Send; retried once, since an ICMP error for an earlier datagram says nothing about this one."""
    for _ in range(2):
        try:
            local.sendto(data, target)
        except OSError:
            continue
        return


def _collect(
    selector: selectors.BaseSelector, token: str, progress: _Progress, seconds: float, expected: int
) -> None:
    until, before = time.monotonic() + seconds, len(progress.answered)
    while (remaining := until - time.monotonic()) > 0 and len(progress.answered) - before < expected:
        for key, _ in selector.select(remaining):
            local: socket.socket = key.fileobj  # type: ignore[assignment]
            try:
                answer = parsed(local.recv(SIZE + 1), token)
            except OSError:
                continue
            if answer and (answer.kind, answer.session, answer.port) == (ANSWER, progress.session, key.data):
                progress.answered[key.data] = (local.getsockname()[1], answer.seen_port)


def _arrivals(
    family: int, address: str, port_numbers: Sequence[int], token: str, progress: _Progress
) -> set[int] | None:
    """Return the ports at which the listener got a datagram of this session; None if it does not answer."""
    arrived: set[int] = set()
    through = next(iter(progress.answered))
    with socket.socket(family, socket.SOCK_DGRAM) as local:
        for part in range(len(port_numbers) // PORTS_A_PART + 1):
            bits = _part(
                local,
                packed(Datagram(LIST, progress.session, port_numbers[0], part), token),
                (address, through),
                token,
            )
            if bits is None:
                return None
            first = port_numbers[0] + part * PORTS_A_PART
            arrived |= {first + place for place in range(PORTS_A_PART) if bits[place >> 3] >> (place & 7) & 1}
    return arrived


def _part(local: socket.socket, question: bytes, target: tuple[str, int], token: str) -> bytes | None:
    for _ in range(TRIES):
        _send(local, question, target)
        local.settimeout(WAIT)
        try:
            answer = parsed(local.recv(SIZE + 1), token)
        except OSError:
            continue
        if answer and answer.kind == LISTED:
            return answer.listed
    return None


def _results(port_numbers: Sequence[int], progress: _Progress) -> Iterator[Result]:
    if progress.elsewhere:
        yield Result("udp", "note", OWN_PORT, {"count": progress.elsewhere})
    everything = {"ports": written(port_numbers), "count": len(port_numbers)}
    if not progress.answered:
        yield Result("udp", "fault", NOTHING, everything, None, OPEN)
        return
    lost = set(port_numbers) - set(progress.answered)
    if lost:
        yield Result("udp", "ok", PASS, {"ports": written(progress.answered)})
    else:
        yield Result("udp", "ok", ALL, everything)
    arrived = progress.arrived
    missing = ((OUT_ONLY, lost & arrived), (BLOCKED, lost - arrived)) if arrived is not None else ()
    for text, numbers in missing or ((NOT_KNOWN, lost),):
        if numbers:
            yield Result("udp", "fault", text, {"ports": written(numbers)}, None, OPEN)
    changed = {
        own_port: mapped_port
        for own_port, mapped_port in progress.answered.values()
        if own_port != mapped_port
    }
    if changed:
        own_port, mapped_port = next(iter(changed.items()))
        facts = {
            "count": len(changed),
            "all": len(progress.answered),
            "example": f"{own_port} > {mapped_port}",
        }
        yield Result("nat", "note", CHANGED, facts, "port-not-preserved", KEEP)
    else:
        yield Result("nat", "ok", KEPT)
