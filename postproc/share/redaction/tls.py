"""Redact TLS over TCP (RFC 5246, RFC 8446) so that the progress of a handshake stays visible.

Record and message headers, cleartext alerts and the options in hellos stay; names, identities, randoms and
keys become other bytes, certificates others of the same length. Encrypted content is overwritten.
"""

from postproc.share.redaction.dtls import Handshakes, client_hello, server_hello
from postproc.wire.dtls import (
    ALERT,
    CERTIFICATE,
    CHANGE_CIPHER_SPEC,
    CLIENT_HELLO,
    HANDSHAKE,
    SERVER_HELLO,
    TLS_HANDSHAKE,
    TLS_RECORD,
    is_whole_hello,
    tls_records,
)

FIRST = bytes((HANDSHAKE, 3))  # of every TLS connection: a handshake record, version 3.x as SSL counts


def replaced(stream: bytes, handshakes: Handshakes) -> bytes:
    """Redact a stretch that begins with a record; the length stays, bytes that are not TLS are zeroed."""
    new, keyed = bytearray(), False
    for kind, _, _, body in tls_records(stream):
        new += stream[len(new) : len(new) + TLS_RECORD] + _content(kind, body, handshakes, keyed=keyed)
        keyed = keyed or kind == CHANGE_CIPHER_SPEC
    return bytes(new) + bytes(len(stream) - len(new))


def _content(kind: int, body: bytes, handshakes: Handshakes, *, keyed: bool) -> bytes:
    if kind == CHANGE_CIPHER_SPEC:
        return body[:1] + bytes(len(body[1:]))
    if kind == ALERT and len(body) == 2 and not keyed:
        return body
    if kind == HANDSHAKE and (not keyed or is_whole_hello(body, len(body))):
        return _messages(body, handshakes)
    return b"\xff" * len(body)  # zeros would look like messages


def _messages(body: bytes, handshakes: Handshakes) -> bytes:
    """Redact the messages of a record; of one continued in the next record only the header stays."""
    new = bytearray()
    while len(new) + TLS_HANDSHAKE <= len(body):
        head = body[len(new) : len(new) + TLS_HANDSHAKE]
        start, size = len(new) + TLS_HANDSHAKE, int.from_bytes(head[1:])
        message = body[start : start + size]
        new += head + (
            _message(head[0], message, handshakes) if len(message) == size else bytes(len(message))
        )
    return bytes(new) + bytes(len(body) - len(new))


def _message(kind: int, body: bytes, handshakes: Handshakes) -> bytes:
    if kind == CLIENT_HELLO:
        return client_hello(body, handshakes.filled, cookie=False)
    if kind == SERVER_HELLO:
        return server_hello(body, handshakes.filled)
    return handshakes.certificate(body) if kind == CERTIFICATE else bytes(len(body))
