"""DTLS messages (RFC 6347, RFC 9147) -> rows of dtls_messages.

Records are parsed here as far as they are in clear. Fragmented certificates come from tshark, which
reassembles them over several frames.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from postproc.model.alerts import ALERTS, ENCRYPTED
from postproc.read import stun
from postproc.read.frame import Frame
from postproc.wire import MalformedError
from postproc.wire import dtls as wire
from postproc.wire.dtls import Record

CONTENTS = {20: "change_cipher_spec", 21: "alert", 22: "handshake", 23: "application_data", 26: "ack"}
HANDSHAKES = {
    0: "hello_request",
    1: "client_hello",
    2: "server_hello",
    3: "hello_verify_request",
    4: "new_session_ticket",
    8: "encrypted_extensions",
    11: "certificate",
    12: "server_key_exchange",
    13: "certificate_request",
    14: "server_hello_done",
    15: "certificate_verify",
    16: "client_key_exchange",
    20: "finished",
    22: "certificate_status",
}
# Record types and versions parsed here, beside encrypted records of DTLS 1.3.
PLAIN, VERSIONS = range(20, 24), (wire.DTLS_1_0, wire.DTLS_1_2)
SEQUENCE = 0x30  # the type of every certificate's outermost value (RFC 5280, section 4.1)

Message = dict[str, Any]


def rows(frame: Frame) -> Iterator[dict[str, Any]]:
    """Yield the rows of one frame; several fragments of one message in it make one row."""
    datagrams = frame.messages.get("dtls") or _in_indications(frame)
    chain = list(frame.certificates) or [one for sent in datagrams for one in certificates(sent) or ()]
    distinct: list[Message] = []
    for datagram in datagrams:
        for message in _messages(datagram):
            if message["message_seq"] is None or message not in distinct:
                distinct.append(message)
    for message in distinct:
        is_certificate = message["handshake_type"] == "certificate"
        yield message | {
            "frame": frame.number,
            "time": frame.time,
            "src_addr": frame.src_addr,
            "src_port": frame.src_port,
            "dst_addr": frame.dst_addr,
            "dst_port": frame.dst_port,
            "certificate": chain[0] if is_certificate and chain else None,
            "relayed": "stun" in frame.protocols,
        }


def _in_indications(frame: Frame) -> list[bytes]:
    """Return DTLS inside TURN Send and Data indications, which tshark does not dissect."""
    inside = [stun.carried(message).payload for message in frame.messages.get("stun", [])]
    return [payload for payload in inside if payload and payload[0] in PLAIN]


def _messages(datagram: bytes) -> Iterator[Message]:
    at = 0
    for record in wire.records(datagram):
        at += wire.RECORD + len(record.body)
        yield from _of_record(record)
    if wire.has_unified_header(datagram, at):
        yield _message("handshake" if at else "application_data", datagram[at] & 3, kind=ENCRYPTED)


def _of_record(record: Record) -> Iterator[Message]:
    name = CONTENTS.get(record.kind, str(record.kind))
    if name == "handshake" and record.epoch == 0:
        with suppress(MalformedError):  # the messages before it have been yielded
            for message in wire.handshakes(record.body, cut=True):
                kind = HANDSHAKES.get(message.kind, str(message.kind))
                yield _message(name, 0, kind=kind, sequence=message.sequence)
    elif name == "handshake":
        yield _message(name, record.epoch, kind=ENCRYPTED)
    elif name == "alert":
        readable = record.epoch == 0 and len(record.body) == 2
        alert = ALERTS.get(record.body[1], str(record.body[1])) if readable else ENCRYPTED
        yield _message(name, record.epoch, alert=alert)
    else:
        yield _message(name, record.epoch)


def _message(
    content: str,
    epoch: int,
    *,
    kind: str | None = None,
    sequence: int | None = None,
    alert: str | None = None,
) -> Message:
    return {
        "content": content,
        "epoch": epoch,
        "handshake_type": kind,
        "message_seq": sequence,
        "alert": alert,
    }


def certificates(datagram: bytes) -> tuple[str, ...] | None:
    """Return the DER of each certificate in a datagram, in hex (RFC 5246, section 7.4.2).

    None if only tshark can tell: a certificate in fragments, or records of another kind.
    """
    chain: list[str] = []
    size = 0
    for record in wire.records(datagram):
        if record.kind not in PLAIN or record.version not in VERSIONS or record.missing:
            return None
        if record.kind == wire.HANDSHAKE and record.epoch == 0:
            try:
                chain += _chains(record.body)
            except MalformedError:
                return None
        size += wire.RECORD + len(record.body)
    return tuple(chain) if size == len(datagram) or wire.is_encrypted(datagram, size) else None


def _chains(body: bytes) -> Iterator[str]:
    """Yield the certificates in a record's handshake messages; MalformedError if one is incomplete."""
    for message in wire.handshakes(body):
        if message.kind == wire.CERTIFICATE:
            chain = wire.parse_certificates(message.body)
            if not message.is_whole or not all(map(_is_sequence, chain)):
                raise MalformedError("a fragment, or a certificate that is none")
            yield from (certificate.hex() for certificate in chain)


def _is_sequence(der: bytes) -> bool:
    """Return whether this is one SEQUENCE of exactly this length (X.690, section 8.1.3)."""
    if len(der) < 2 or der[0] != SEQUENCE:
        return False
    width = der[1] & 0x7F if der[1] & 0x80 else 0
    size = int.from_bytes(der[2 : 2 + width]) if width else der[1]
    return len(der) == 2 + width + size
