"""TLS (RFC 5246, RFC 8446), the unencrypted parts: both hellos, certificates, alerts.

Records and messages are those of ``postproc.wire.dtls`` with shorter headers.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from postproc.wire import MalformedError
from postproc.wire.dtls import (
    CLIENT_HELLO,
    HANDSHAKE,
    SERVER_HELLO,
    TLS_HANDSHAKE,
    ClientHello,
    Extensions,
    ServerHello,
    TlsRecord,
    parse_extensions,
    parse_server_hello,
    taken,
)

SERVER_NAME, ALPN, SUPPORTED_VERSIONS = 0, 16, 43
HOST_NAME = 0
VERSIONS = {0x0300: "SSL 3.0", 0x0301: "TLS 1.0", 0x0302: "TLS 1.1", 0x0303: "TLS 1.2", 0x0304: "TLS 1.3"}
TLS_1_3 = 0x0304
# The random of a ServerHello that asks for another key share (RFC 8446, section 4.1.3).
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


class Message(NamedTuple):
    """A handshake message; ``at`` is its position in the concatenated bodies of the records."""

    kind: int
    body: bytes
    at: int


def messages(records: list[TlsRecord]) -> Iterator[Message]:
    """Yield the complete unencrypted handshake messages: those before an endpoint changes to its keys."""
    stream = b""
    for record in records:
        if record.kind != HANDSHAKE or len(record.body) < record.size:
            break
        stream += record.body
    at = 0
    while at + TLS_HANDSHAKE <= len(stream):
        size = int.from_bytes(stream[at + 1 : at + TLS_HANDSHAKE])
        if at + TLS_HANDSHAKE + size > len(stream):
            return
        yield Message(stream[at], stream[at + TLS_HANDSHAKE : at + TLS_HANDSHAKE + size], at)
        at += TLS_HANDSHAKE + size


def parse_client_hello(body: bytes) -> ClientHello:
    """Parse a ClientHello (RFC 8446, section 4.1.2): as in DTLS, without a cookie. Raises MalformedError."""
    session, rest = taken(body[34:], 1)
    offered, rest = taken(rest, 2)
    compressions, rest = taken(rest, 1)
    suites = struct.unpack(f">{len(offered) // 2}H", offered[: len(offered) & ~1])
    extensions = parse_extensions(rest)
    return ClientHello(int.from_bytes(body[:2]), body[2:34], suites, extensions, session, None, compressions)


def hello(message: Message) -> ClientHello | ServerHello | None:
    """Return the message if it is a readable hello; a HelloRetryRequest is not."""
    try:
        if message.kind == CLIENT_HELLO:
            return parse_client_hello(message.body)
        if message.kind == SERVER_HELLO:
            found = parse_server_hello(message.body)
            return None if found.random == RETRY else found
    except MalformedError:
        pass
    return None


def server_name(extensions: Extensions) -> str | None:
    """Return the name a client asks for (RFC 6066, section 3)."""
    value = dict(extensions or ()).get(SERVER_NAME)
    if not value:
        return None
    names = taken(value, 2)[0]
    if not names or names[0] != HOST_NAME:
        return None
    return taken(names[1:], 2)[0].decode("ascii", errors="replace") or None


def protocols(extensions: Extensions) -> tuple[str, ...]:
    """Return the protocols of ALPN (RFC 7301): those offered by a client, or the one chosen by a server."""
    value, found = dict(extensions or ()).get(ALPN), []
    rest = taken(value, 2)[0] if value else b""
    while rest:
        name, rest = taken(rest, 1)
        found.append(name.decode("ascii", errors="replace"))
    return tuple(found)


def offered_versions(hello: ClientHello) -> tuple[int, ...]:
    """Return the versions offered by a client, ascending; without the extension all from TLS 1.0 to the
    one named.

    GREASE values (RFC 8701) are left out.
    """
    value = dict(hello.extensions or ()).get(SUPPORTED_VERSIONS)
    if value:
        listed = taken(value, 1)[0]
        found = struct.unpack(f">{len(listed) // 2}H", listed[: len(listed) & ~1])
        return tuple(sorted(version for version in found if version in VERSIONS))
    return tuple(version for version in VERSIONS if 0x0301 <= version <= hello.version)


def chosen_version(hello: ServerHello) -> int:
    value = dict(hello.extensions or ()).get(SUPPORTED_VERSIONS)
    return int.from_bytes(value) if value and len(value) == 2 else hello.version
