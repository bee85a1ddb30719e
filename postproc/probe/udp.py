"""``postproc probe udp``: which UDP ports are open between two machines, per direction, and if NAT preserves them.

Both ends share a token. Each datagram has a code made with it (HMAC-SHA-256, RFC 2104), so the listener answers
no one else; answers are as long as questions, so the listener amplifies nothing.
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
from postproc.probe.result import Result, Tell, no_address

MAGIC = b"LSP1"
ASK, ANSWER, LIST, LISTED = range(4)
HEAD = struct.Struct(">4sB8sHH16sH")  # magic, kind, session, port asked, part, address seen, port seen
CODE = 16  # bytes of the HMAC
SIZE = 512  # bytes of every datagram, padded; holds a list of ports
LIST_BYTES = SIZE - HEAD.size - CODE
PORTS_A_PART = LIST_BYTES * 8
MOST_PORTS = 4096  # of a test; a choice: the XCC's range of 30000-33000 fits
SHORTEST_TOKEN = 12  # characters; a choice
# Ports at once; datagrams to each; s between them, and after the last. Choices: 3000 ports take less than a
# minute, and a port is missed only if three datagrams or their answers are lost.
BATCH, TRIES, GAP, WAIT = 64, 3, 0.15, 0.7

PLAN = Text(
    "will contact {what} (three small datagrams to each port)",
    "kontaktiert gleich {what} (drei kleine Datagramme an jeden Port)",
)
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
    """A datagram of the test; ``port`` is the listener's, ``seen_*`` the source as the listener sees it."""

    kind: int
    session: bytes
    port: int
    part: int = 0
    seen_addr: bytes = bytes(16)
    seen_port: int = 0
    listed: bytes = b""


def packed(datagram: Datagram, token: str) -> bytes:
    """Return the datagram as bytes, with its code."""
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
    """Parse a datagram; None if it is malformed or its code does not match the token."""
    if len(data) != SIZE or not data.startswith(MAGIC):
        return None
    body, code = data[:-CODE], data[-CODE:]
    if not hmac.compare_digest(code, _code(body, token)):
        return None
    _, kind, session, port, part, addr, source_port = HEAD.unpack_from(body)
    return Datagram(kind, session, port, part, addr, source_port, body[HEAD.size :])


def _code(body: bytes, token: str) -> bytes:
    return hmac.digest(token.encode(), body, sha256)[:CODE]


def ports(given: str) -> list[int]:
    """Parse ports like ``30000-30100,30200`` into sorted numbers; SetupError if malformed or too many."""
    numbers: set[int] = set()
    for part in given.split(","):
        match = re.fullmatch(r"\s*([0-9]{1,5})(?:-([0-9]{1,5}))?\s*", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 0 < first <= last < 1 << 16:
            raise SetupError(f"{given}: expected ports like 30000-33000 or 30000,30010")
        numbers |= set(range(first, last + 1))
    if len(numbers) > MOST_PORTS:
        raise SetupError(f"{given}: {len(numbers)} ports; at most {MOST_PORTS} at once")
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
class _Results:
    """Results so far, by port of the listener."""

    session: bytes = field(default_factory=lambda: secrets.token_bytes(8))
    answered: dict[int, tuple[int, int]] = field(default_factory=dict)  # port asked from, port seen
    arrived: set[int] | None = None
    elsewhere: int = 0  # ports in use on this machine


def check_token(token: str) -> str:
    if len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable():
        raise SetupError(
            f"--token: expected the one that the listener shows ({SHORTEST_TOKEN} signs or more)"
        )
    return token


def run(host: str, asked: Sequence[int], token: str, tell: Tell) -> Iterator[Result]:
    """Test the ports, each from the same local port if that is free, as the XCC sends."""
    tell(PLAN, f"{host}, UDP {written(asked)}")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, asked[0], type=socket.SOCK_DGRAM)[0]
    except (OSError, UnicodeError) as error:
        yield no_address(host, error)
        return
    results = _Results()
    for first in range(0, len(asked), BATCH):
        _batch(family, str(address[0]), asked[first : first + BATCH], token, results)
    if results.answered:
        results.arrived = _listed(family, str(address[0]), asked, token, results)
    yield from _conclusions(asked, results)


def _batch(family: int, address: str, batch: Sequence[int], token: str, results: _Results) -> None:
    with ExitStack() as opened, selectors.DefaultSelector() as selector:
        sockets = {}
        for port in batch:
            local = opened.enter_context(socket.socket(family, socket.SOCK_DGRAM))
            local.setblocking(False)
            try:
                local.bind(("", port))
            except OSError:
                results.elsewhere += 1
            sockets[port] = local
            selector.register(local, selectors.EVENT_READ, port)
        for attempt in range(TRIES):
            for port in (each for each in batch if each not in results.answered):
                _send(
                    sockets[port],
                    packed(Datagram(ASK, results.session, port, attempt), token),
                    (address, port),
                )
            _collect(selector, token, results, GAP if attempt < TRIES - 1 else WAIT, len(batch))


def _send(local: socket.socket, data: bytes, target: tuple[str, int]) -> None:
    """Send a datagram, again if an ICMP error for an earlier one is reported instead."""
    for _ in range(2):
        try:
            local.sendto(data, target)
        except OSError:
            continue
        return


def _collect(
    selector: selectors.BaseSelector, token: str, results: _Results, seconds: float, expected: int
) -> None:
    until, before = time.monotonic() + seconds, len(results.answered)
    while (remaining := until - time.monotonic()) > 0 and len(results.answered) - before < expected:
        for key, _ in selector.select(remaining):
            local: socket.socket = key.fileobj  # type: ignore[assignment]
            try:
                answer = parsed(local.recv(SIZE + 1), token)
            except OSError:
                continue
            if answer and (answer.kind, answer.session, answer.port) == (ANSWER, results.session, key.data):
                results.answered[key.data] = (local.getsockname()[1], answer.seen_port)


def _listed(
    family: int, address: str, asked: Sequence[int], token: str, results: _Results
) -> set[int] | None:
    """Return the ports on which the listener received datagrams of this session; None if it does not answer."""
    arrived: set[int] = set()
    through = next(iter(results.answered))
    with socket.socket(family, socket.SOCK_DGRAM) as local:
        for part in range(len(asked) // PORTS_A_PART + 1):
            bits = _part(
                local,
                packed(Datagram(LIST, results.session, asked[0], part), token),
                (address, through),
                token,
            )
            if bits is None:
                return None
            first = asked[0] + part * PORTS_A_PART
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


def _conclusions(asked: Sequence[int], results: _Results) -> Iterator[Result]:
    if results.elsewhere:
        yield Result("udp", "note", OWN_PORT, {"count": results.elsewhere})
    everything = {"ports": written(asked), "count": len(asked)}
    if not results.answered:
        yield Result("udp", "fault", NOTHING, everything, None, OPEN)
        return
    lost = set(asked) - set(results.answered)
    if lost:
        yield Result("udp", "ok", PASS, {"ports": written(results.answered)})
    else:
        yield Result("udp", "ok", ALL, everything)
    arrived = results.arrived
    groups = ((OUT_ONLY, lost & arrived), (BLOCKED, lost - arrived)) if arrived is not None else ()
    for text, group in groups or ((NOT_KNOWN, lost),):
        if group:
            yield Result("udp", "fault", text, {"ports": written(group)}, None, OPEN)
    changed = {mine: mapped for mine, mapped in results.answered.values() if mine != mapped}
    if changed:
        mine, mapped = next(iter(changed.items()))
        facts = {"count": len(changed), "all": len(results.answered), "example": f"{mine} > {mapped}"}
        yield Result("nat", "note", CHANGED, facts, "port-not-preserved", KEEP)
    else:
        yield Result("nat", "ok", KEPT)
