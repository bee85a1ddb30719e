"""``postproc probe stun:HOST``: the mapped address, and the local NAT's mapping behaviour (RFC 8489, RFC 5780)."""

import secrets
import socket
import time
from collections.abc import Iterator
from ipaddress import ip_address
from typing import NamedTuple

from postproc.model.addresses import addr_class, transport_address
from postproc.model.errors import SetupError
from postproc.model.text import Text
from postproc.probe.result import Result, Tell, no_address
from postproc.wire import MalformedError, stun
from postproc.wire.ip import Endpoint

PORT = 3478  # RFC 8489, section 8
# RFC 8489, section 6.2.1: RTO 500 ms, doubled. All seven requests would take 39.5 s, too long for a user.
# Four are a choice: the user waits 5.5 s, and a server is missed only if all four are lost.
WAITS = (0.5, 1.0, 2.0, 2.0)  # seconds
LARGEST = 2048  # bytes of an answer that are read; a choice above the MTUs of the internet
MOST_ADDRESSES = 4  # of a name; a choice

PLAN = Text(
    "will contact {what} (the system's resolver for the name, then STUN Binding Requests)",
    "kontaktiert gleich {what} (den Resolver des Systems für den Namen, dann STUN Binding Requests)",
)
PLAN_OTHER = Text(
    "will contact {what} (the server's other address, for its mapping test)",
    "kontaktiert gleich {what} (die andere Adresse des Servers, für den Mapping-Test)",
)
MAPPED = Text(
    "{server} answers after {ms} ms: {local} is seen as {mapped}",
    "{server} antwortet nach {ms} ms: {local} erscheint als {mapped}",
)
PORT_KEPT = Text("the NAT keeps the port {port}", "das NAT behält den Port {port}")
PORT_CHANGED = Text(
    "the NAT makes port {mapped_port} of {port}", "das NAT macht aus Port {port} den Port {mapped_port}"
)
NO_NAT = Text(
    "no NAT on the way: the address is this machine's own",
    "kein NAT auf dem Weg: Die Adresse ist die dieses Rechners",
)
UNANSWERED = Text(
    "{server} does not answer {requests} Binding Requests within {seconds} s",
    "{server} beantwortet {requests} Binding Requests innerhalb von {seconds} s nicht",
)
UNREACHABLE = Text("{server} cannot be reached: {reason}", "{server} ist nicht erreichbar: {reason}")
LET_STUN = Text(
    "Let UDP {port} out to {server} and its answers back in; is the STUN server running?",
    "UDP {port} zu {server} hinaus und die Antworten zurück lassen; läuft der STUN-Server?",
)
REFUSED = Text("{server} answers with error {code} {reason}", "{server} antwortet mit Fehler {code} {reason}")
NO_ADDRESS = Text("{server} answers without a mapped address", "{server} antwortet ohne Mapped Address")
IMPOSSIBLE = Text(
    "{server} says {mapped}, which no packet to it can come from: not to be believed",
    "{server} sagt {mapped}, woher kein Paket zu ihm kommen kann: nicht zu glauben",
)
REWRITTEN = Text(
    "MAPPED-ADDRESS says {plain}, XOR-MAPPED-ADDRESS {mapped}: something on the way rewrites addresses (an ALG)",
    "MAPPED-ADDRESS sagt {plain}, XOR-MAPPED-ADDRESS {mapped}: Etwas auf dem Weg schreibt Adressen um (ein ALG)",
)
ALG_OFF = Text(
    "Switch off the STUN or SIP ALG of the router.", "Das STUN- oder SIP-ALG des Routers abschalten."
)
STRAY = Text(
    "{count} datagrams came that answer nothing that was asked, and were left alone",
    "{count} Datagramme kamen, die auf nichts Gefragtes antworten, und blieben unbeachtet",
)
INDEPENDENT = Text(
    "mapping behaviour: independent of the target (RFC 5780): good for ICE",
    "Mapping-Verhalten: unabhängig vom Ziel (RFC 5780): gut für ICE",
)
BY_ADDRESS = Text(
    "mapping behaviour: another one for each address of the target (RFC 5780): candidates of STUN do not fit elsewhere",
    "Mapping-Verhalten: je Zieladresse ein anderes (RFC 5780): Kandidaten aus STUN passen anderswo nicht",
)
BY_PORT = Text(
    "mapping behaviour: another one for each port of the target (RFC 5780): a symmetric NAT",
    "Mapping-Verhalten: je Zielport ein anderes (RFC 5780): ein symmetrisches NAT",
)
SAME_HOST_ONLY = Text(
    "mapping behaviour: the same for another port of the server; its other address {other} was not named by you:"
    " --mapping asks it, too",
    "Mapping-Verhalten: gleich für einen anderen Port des Servers; seine andere Adresse {other} haben Sie nicht"
    " genannt: --mapping fragt auch sie",
)
NO_OTHER = Text(
    "mapping behaviour: not to be told, the server has no second address (OTHER-ADDRESS)",
    "Mapping-Verhalten: nicht zu erkennen, der Server hat keine zweite Adresse (OTHER-ADDRESS)",
)
OTHER_SILENT = Text(
    "mapping behaviour: not to be told, the server's other address {other} does not answer",
    "Mapping-Verhalten: nicht zu erkennen, die andere Adresse des Servers {other} antwortet nicht",
)
OTHER_ODD = Text(
    "mapping behaviour: not to be told, {other} is no address that a server there can have",
    "Mapping-Verhalten: nicht zu erkennen, {other} kann keine Adresse eines Servers dort sein",
)
STATIC_NAT = Text(
    "Set the NAT to keep ports of the RTP range, or use a static one for this machine.",
    "Das NAT so einstellen, dass es die Ports des RTP-Bereichs behält, oder ein statisches für diesen Rechner.",
)


class Reply(NamedTuple):
    """Response to a Binding request: message, round-trip time, and number of unrelated datagrams."""

    message: stun.Message
    ms: int
    stray: int = 0


def server(given: str) -> tuple[str, int]:
    """Parse ``stun:HOST[:PORT]`` (RFC 7064) into host and port, or raise SetupError."""
    rest = given.partition(":")[2]
    host, _, port = rest.partition("]")[::1] if rest.startswith("[") else rest.partition(":")
    host, port = host.lstrip("["), port.lstrip(":")
    if not host or not host.isascii() or not host.isprintable() or "/" in host:
        raise SetupError(f"{given}: expected stun:HOST or stun:HOST:PORT")
    number = int(port) if port.isascii() and port.isdigit() and len(port) < 6 else 0 if port else PORT
    if not 0 < number < 1 << 16:
        raise SetupError(f"{given}: expected a port from 1 to 65535")
    return host, number


def run(host: str, port: int, tell: Tell, *, mapping: bool = False) -> Iterator[Result]:
    """Probe each address of the server; with ``mapping`` also the other address that the server names."""
    tell(PLAN, f"{transport_address(host, port)}, UDP")
    try:
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:
        yield no_address(host, error)
        return
    for family, address in dict.fromkeys((each[0], str(each[4][0])) for each in infos[: 2 * MOST_ADDRESSES]):
        with socket.socket(family, socket.SOCK_DGRAM) as local:
            yield from _asked(local, Endpoint(address, port), tell, mapping=mapping)


def _asked(local: socket.socket, target: Endpoint, tell: Tell, *, mapping: bool) -> Iterator[Result]:
    server_text = transport_address(*target)
    facts: dict[str, object] = {"server": server_text, "port": target.port}
    try:
        own = _own_address(local, target)
        reply, stray = request(local, target)
    except OSError as error:
        facts["reason"] = error.strerror or str(error)
        yield Result("stun", "fault", UNREACHABLE, facts, "stun-server-unreachable", LET_STUN)
        return
    if stray:
        yield Result("stun", "note", STRAY, {"count": stray})
    if reply is None:
        facts |= {"requests": len(WAITS), "seconds": f"{sum(WAITS):g}"}
        yield Result("stun", "fault", UNANSWERED, facts, "stun-server-unreachable", LET_STUN)
        return
    mapped = mapped_address(reply.message)
    if mapped is None:
        error_code = reply.message.get(stun.ERROR_CODE)
        facts |= {"code": error_code.code, "reason": error_code.reason} if error_code else {}
        yield Result("stun", "fault", REFUSED if error_code else NO_ADDRESS, facts)
        return
    facts |= {
        "ms": reply.ms,
        "local": transport_address(*own),
        "mapped": transport_address(*mapped),
        "port": own.port,
        "mapped_port": mapped.port,
    }
    if not _possible(mapped, target):
        yield Result("stun", "fault", IMPOSSIBLE, facts)
        return
    yield Result("stun", "ok", MAPPED, facts)
    plain = reply.message.get(stun.MAPPED_ADDRESS)
    if plain is not None and plain != mapped:
        yield Result(
            "stun", "fault", REWRITTEN, {**facts, "plain": transport_address(*plain)}, "sip-alg", ALG_OFF
        )
    yield _port_of(own, mapped, facts)
    yield _mapping(local, target, reply.message, mapped, tell, allowed=mapping)


def _port_of(own: Endpoint, mapped: Endpoint, facts: dict[str, object]) -> Result:
    if ip_address(own.addr.partition("%")[0]) == ip_address(mapped.addr):
        return Result("nat", "ok", NO_NAT, facts)
    if own.port == mapped.port:
        return Result("nat", "ok", PORT_KEPT, facts)
    return Result("nat", "note", PORT_CHANGED, facts, "port-not-preserved", STATIC_NAT)


def _mapping(
    local: socket.socket,
    target: Endpoint,
    answer: stun.Message,
    mapped: Endpoint,
    tell: Tell,
    *,
    allowed: bool,
) -> Result:
    """Test the mapping behaviour (RFC 5780, section 4.3), with the server's other port, or other address."""
    other = answer.get(stun.OTHER_ADDRESS) or answer.get(stun.CHANGED_ADDRESS)
    if other is None:
        return Result("mapping", "cannot_tell", NO_OTHER)
    facts = {"other": transport_address(*other)}
    try:
        odd = ip_address(other.addr).version != ip_address(target.addr).version or not _askable(other, target)
    except ValueError:
        odd = True
    if odd or not other.port:
        return Result("mapping", "cannot_tell", OTHER_ODD, facts)
    return _mapped_elsewhere(local, target, other, mapped, tell, allowed=allowed)


def _mapped_elsewhere(
    local: socket.socket, target: Endpoint, other: Endpoint, mapped: Endpoint, tell: Tell, *, allowed: bool
) -> Result:
    facts = {"other": transport_address(*other)}
    port = _seen_from(local, Endpoint(target.addr, other.port)) if other.port != target.port else mapped
    if port is not None and port != mapped:
        return Result("mapping", "fault", BY_PORT, facts, "symmetric-nat", STATIC_NAT)
    if other.addr == target.addr or not allowed:
        return Result("mapping", "cannot_tell", SAME_HOST_ONLY, facts)
    tell(PLAN_OTHER, f"{facts['other']}, UDP")
    address = _seen_from(local, Endpoint(other.addr, target.port))
    if address is None:
        return Result("mapping", "cannot_tell", OTHER_SILENT, facts)
    if address != mapped:
        return Result("mapping", "fault", BY_ADDRESS, facts, "symmetric-nat", STATIC_NAT)
    return Result("mapping", "ok", INDEPENDENT, facts)


def _askable(other: Endpoint, target: Endpoint) -> bool:
    """Return whether the other address may be contacted: not an internal one named by a public server."""
    here = ("public", "documentation")
    return addr_class(other.addr) in here or addr_class(other.addr) == addr_class(target.addr)


def _seen_from(local: socket.socket, target: Endpoint) -> Endpoint | None:
    try:
        reply, _ = request(local, target)
    except OSError:
        return None
    return mapped_address(reply.message) if reply else None


def request(local: socket.socket, target: Endpoint) -> tuple[Reply | None, int]:
    """Send Binding requests until the target responds; return the reply or None, and the unrelated datagrams.

    Raises OSError if nothing can be sent.
    """
    binding = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, secrets.token_bytes(12))
    begun, stray = time.monotonic(), 0
    for wait in WAITS:
        local.sendto(bytes(binding), target)
        until = time.monotonic() + wait
        while (remaining := until - time.monotonic()) > 0:
            local.settimeout(remaining)
            try:
                data, source = local.recvfrom(LARGEST)
            except TimeoutError:
                break
            try:
                message = stun.parse(data)
            except MalformedError:
                message = None
            fits = message is not None and message.transaction == binding.transaction
            if message and fits and source[:2] == tuple(target) and message.kind in (2, 3):
                return Reply(message, round((time.monotonic() - begun) * 1000), stray), stray
            stray += 1
    return None, stray


def mapped_address(message: stun.Message) -> Endpoint | None:
    """Return the mapped address (RFC 8489, section 14.2; from older servers MAPPED-ADDRESS), or None."""
    for attribute in (stun.XOR_MAPPED_ADDRESS, stun.XOR_MAPPED_ADDRESS_OLD, stun.MAPPED_ADDRESS):
        if (value := message.get(attribute)) is not None:
            return value
    return None


def _possible(mapped: Endpoint, target: Endpoint) -> bool:
    """Return False for port 0, multicast and unspecified addresses, and loopback from another host."""
    kind = addr_class(mapped.addr)
    away = kind == "loopback" and addr_class(target.addr) != "loopback"
    return mapped.port > 0 and kind not in ("multicast", "unspecified", "invalid") and not away


def _own_address(local: socket.socket, target: Endpoint) -> Endpoint:
    """Bind the socket to the address that the system uses for this target, and return it."""
    with socket.socket(local.family, socket.SOCK_DGRAM) as trial:
        trial.connect(target)
        address = trial.getsockname()[0]
    local.bind((address, 0))
    return Endpoint(address, local.getsockname()[1])
