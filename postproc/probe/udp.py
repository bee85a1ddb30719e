"""``postproc probe udp``: which UDP ports pass between two machines, each way, and whether NAT keeps them.

Both ends know a token. A datagram bears a code made with it (HMAC-SHA-256, RFC 2104), so that the listener answers nobody
else; answers are no longer than questions, so that nothing is amplified.
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
CODE = 16  # bytes of the HMAC
SIZE = 512  # bytes of every datagram, padded: a list of ports goes into it
LIST_BYTES = SIZE - HEAD.size - CODE
PORTS_A_PART = LIST_BYTES * 8
MOST_PORTS = 4096
SHORTEST_TOKEN = 12  # signs
BATCH, TRIES, GAP, WAIT = (
    64,
    3,
    0.15,
    0.7,
)  # ports at once; datagrams to each; seconds between, and after the last

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
    """``port``: that of the listener; ``seen_*``: where it came from, as the listener sees it."""

    kind: int
    session: bytes
    port: int
    part: int = 0
    seen_addr: bytes = bytes(16)
    seen_port: int = 0
    listed: bytes = b""


def packed(datagram: Datagram, token: str) -> bytes:
    """The datagram with its code."""
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
    """The datagram; None for whatever is none, or was made without the token."""
    if len(data) != SIZE or not data.startswith(MAGIC):
        return None
    body, code = data[:-CODE], data[-CODE:]
    if not hmac.compare_digest(code, _code(body, token)):
        return None
    _, kind, session, port, part, addr, seen = HEAD.unpack_from(body)
    return Datagram(kind, session, port, part, addr, seen, body[HEAD.size :])


def _code(body: bytes, token: str) -> bytes:
    return hmac.digest(token.encode(), body, sha256)[:CODE]


def ports(given: str) -> list[int]:
    """``30000-30100,30200`` as numbers, in order; SetupError where it is none, or too many."""
    found: set[int] = set()
    for part in given.split(","):
        held = re.fullmatch(r"\s*([0-9]{1,5})(?:-([0-9]{1,5}))?\s*", part)
        first, last = (int(held[1]), int(held[2] or held[1])) if held else (0, 0)
        if not 0 < first <= last < 1 << 16:
            raise SetupError(f"{given}: expected ports like 30000-33000 or 30000,30010")
        found |= set(range(first, last + 1))
    if len(found) > MOST_PORTS:
        raise SetupError(f"{given}: {len(found)} ports; at most {MOST_PORTS} at once")
    return sorted(found)


def written(numbers: Iterable[int]) -> str:
    """The numbers as ranges: ``30000-30005,30007``."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


@dataclass
class _Found:
    """What a run of questions has found so far; by port of the listener."""

    session: bytes = field(default_factory=lambda: secrets.token_bytes(8))
    answered: dict[int, tuple[int, int]] = field(default_factory=dict)  # port asked from, port seen
    arrived: set[int] | None = None
    elsewhere: int = 0  # ports that were in use here


def check_token(token: str) -> str:
    if len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable():
        raise SetupError(
            f"--token: expected the one that the listener shows ({SHORTEST_TOKEN} signs or more)"
        )
    return token


def run(host: str, asked: Sequence[int], token: str, tell: Tell) -> Iterator[Result]:
    """Try the ports, each from the port of the same number here where it is free, as the XCC's are."""
    tell(PLAN, f"{host}, UDP {written(asked)}")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, asked[0], type=socket.SOCK_DGRAM)[0]
    except (OSError, UnicodeError) as error:
        yield Result(
            "dns", "fault", NO_NAME, {"host": host, "reason": getattr(error, "strerror", "") or str(error)}
        )
        return
    found = _Found()
    for first in range(0, len(asked), BATCH):
        _batch(family, str(address[0]), asked[first : first + BATCH], token, found)
    if found.answered:
        found.arrived = _listed(family, str(address[0]), asked, token, found)
    yield from _told(asked, found)


def _batch(family: int, address: str, asked: Sequence[int], token: str, found: _Found) -> None:
    with ExitStack() as opened, selectors.DefaultSelector() as selector:
        held = {}
        for port in asked:
            local = opened.enter_context(socket.socket(family, socket.SOCK_DGRAM))
            local.setblocking(False)
            try:
                local.bind(("", port))
            except OSError:
                found.elsewhere += 1
            held[port] = local
            selector.register(local, selectors.EVENT_READ, port)
        for attempt in range(TRIES):
            for port in (each for each in asked if each not in found.answered):
                _send(held[port], packed(Datagram(ASK, found.session, port, attempt), token), (address, port))
            _collect(selector, token, found, GAP if attempt < TRIES - 1 else WAIT, len(asked))


def _send(local: socket.socket, data: bytes, target: tuple[str, int]) -> None:
    """Send; what comes back of ICMP for an earlier datagram says of this one nothing."""
    for _ in range(2):
        try:
            local.sendto(data, target)
        except OSError:
            continue
        return


def _collect(
    selector: selectors.BaseSelector, token: str, found: _Found, seconds: float, expected: int
) -> None:
    until, before = time.monotonic() + seconds, len(found.answered)
    while (left := until - time.monotonic()) > 0 and len(found.answered) - before < expected:
        for key, _ in selector.select(left):
            local: socket.socket = key.fileobj  # type: ignore[assignment]
            try:
                answer = parsed(local.recv(SIZE + 1), token)
            except OSError:
                continue
            if answer and (answer.kind, answer.session, answer.port) == (ANSWER, found.session, key.data):
                found.answered[key.data] = (local.getsockname()[1], answer.seen_port)


def _listed(family: int, address: str, asked: Sequence[int], token: str, found: _Found) -> set[int] | None:
    """The ports at which the listener got something of this session; None where it does not say."""
    arrived: set[int] = set()
    through = next(iter(found.answered))
    with socket.socket(family, socket.SOCK_DGRAM) as local:
        for part in range(len(asked) // PORTS_A_PART + 1):
            bits = _part(
                local, packed(Datagram(LIST, found.session, asked[0], part), token), (address, through), token
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


def _told(asked: Sequence[int], found: _Found) -> Iterator[Result]:
    if found.elsewhere:
        yield Result("udp", "note", OWN_PORT, {"count": found.elsewhere})
    everything = {"ports": written(asked), "count": len(asked)}
    if not found.answered:
        yield Result("udp", "fault", NOTHING, everything, None, OPEN)
        return
    lost = set(asked) - set(found.answered)
    if lost:
        yield Result("udp", "ok", PASS, {"ports": written(found.answered)})
    else:
        yield Result("udp", "ok", ALL, everything)
    arrived = found.arrived
    known = ((OUT_ONLY, lost & arrived), (BLOCKED, lost - arrived)) if arrived is not None else ()
    for said, held in known or ((NOT_KNOWN, lost),):
        if held:
            yield Result("udp", "fault", said, {"ports": written(held)}, None, OPEN)
    changed = {mine: seen for mine, seen in found.answered.values() if mine != seen}
    if changed:
        mine, seen = next(iter(changed.items()))
        facts = {"count": len(changed), "all": len(found.answered), "example": f"{mine} > {seen}"}
        yield Result("nat", "note", CHANGED, facts, "port-not-preserved", KEEP)
    else:
        yield Result("nat", "ok", KEPT)
