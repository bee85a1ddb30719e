"""DTLS messages (RFC 6347, RFC 9147) -> rows of dtls_messages.

Records are taken apart here, as far as they are readable. Certificates in
fragments come from tshark, which puts them together over several frames.
"""

from collections.abc import Iterator
from typing import Any

from postproc.model import constants
from postproc.read import stun
from postproc.read.frame import Frame

CONTENTS = {20: "change_cipher_spec", 21: "alert", 22: "handshake", 23: "application_data", 26: "ack"}
HANDSHAKES = {
    0: "hello_request", 1: "client_hello", 2: "server_hello", 3: "hello_verify_request",
    4: "new_session_ticket", 8: "encrypted_extensions", 11: "certificate", 12: "server_key_exchange",
    13: "certificate_request", 14: "server_hello_done", 15: "certificate_verify",
    16: "client_key_exchange", 20: "finished", 22: "certificate_status",
}  # fmt: skip
ALERTS = {int(code): str(name) for code, name in constants.table("dtls.alerts").items()}
ENCRYPTED = "encrypted"
HANDSHAKE, CERTIFICATE, SEQUENCE = 22, 11, 0x30
PLAIN, VERSIONS = range(20, 24), (b"\xfe\xff", b"\xfe\xfd")  # records that every DTLS stack writes alike

Message = dict[str, Any]


def rows(frame: Frame) -> Iterator[dict[str, Any]]:
    """Rows of dtls_messages of one frame; fragments of one message in it are one row."""
    datagrams = frame.messages.get("dtls") or _in_indications(frame)
    found = list(frame.certificates) or [one for sent in datagrams for one in certificates(sent) or ()]
    seen: list[Message] = []
    for datagram in datagrams:
        for message in _messages(datagram):
            if message["message_seq"] is None or message not in seen:
                seen.append(message)
    for message in seen:
        is_certificate = message["handshake_type"] == "certificate"
        yield message | {
            "frame": frame.number,
            "time": frame.time,
            "src_addr": frame.src_addr,
            "src_port": frame.src_port,
            "dst_addr": frame.dst_addr,
            "dst_port": frame.dst_port,
            "certificate": found[0] if is_certificate and found else None,
            "relayed": "stun" in frame.protocols,
        }


def _in_indications(frame: Frame) -> list[bytes]:
    """Return DTLS that travels in Send and Data indications of TURN: tshark does not look there."""
    inside = [stun.carried(message).payload for message in frame.messages.get("stun", [])]
    return [payload for payload in inside if payload and payload[0] in PLAIN]


def _messages(datagram: bytes) -> Iterator[Message]:
    at = 0
    while at < len(datagram):
        if datagram[at] & 0xE0 == 0x20:  # unified header (RFC 9147, section 4): always encrypted
            yield _message("handshake" if at else "application_data", datagram[at] & 3, kind=ENCRYPTED)
            return
        if at + 13 > len(datagram):
            return
        length = int.from_bytes(datagram[at + 11 : at + 13])
        epoch = int.from_bytes(datagram[at + 3 : at + 5])
        yield from _record(datagram[at], epoch, datagram[at + 13 : at + 13 + length])
        at += 13 + length


def _record(content: int, epoch: int, body: bytes) -> Iterator[Message]:
    name = CONTENTS.get(content, str(content))
    if name == "handshake" and epoch == 0:
        yield from _handshakes(body)
    elif name == "handshake":
        yield _message(name, epoch, kind=ENCRYPTED)
    elif name == "alert":
        readable = epoch == 0 and len(body) == 2
        yield _message(name, epoch, alert=ALERTS.get(body[1], str(body[1])) if readable else ENCRYPTED)
    else:
        yield _message(name, epoch)


def _handshakes(body: bytes) -> Iterator[Message]:
    at = 0
    while at + 12 <= len(body):
        kind, sequence = body[at], int.from_bytes(body[at + 4 : at + 6])
        yield _message("handshake", 0, kind=HANDSHAKES.get(kind, str(kind)), sequence=sequence)
        at += 12 + int.from_bytes(body[at + 9 : at + 12])


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
    """DER of each certificate in a datagram, in hex (RFC 5246, section 7.4.2).

    None where nothing but tshark can say: one in fragments, or other records.
    """
    found: list[str] = []
    at = 0
    while at < len(datagram):
        end = at + 13 + int.from_bytes(datagram[at + 11 : at + 13])
        plain = datagram[at] in PLAIN and datagram[at + 1 : at + 3] in VERSIONS
        if not plain or at + 13 > len(datagram) or end > len(datagram):
            return None
        if datagram[at] == HANDSHAKE and datagram[at + 3 : at + 5] == b"\0\0":
            inside = _whole(datagram[at + 13 : end])
            if inside is None:
                return None
            found += inside
        at = end
    return tuple(found)


def _whole(body: bytes) -> list[str] | None:
    """The certificates in the handshake messages of a record; None if one is not whole."""
    found: list[str] = []
    at = 0
    while at < len(body):
        total, offset, size = (int.from_bytes(body[at + n : at + n + 3]) for n in (1, 6, 9))
        message = body[at + 12 : at + 12 + size]
        if len(body) < at + 12 or len(message) < size:
            return None
        if body[at] == CERTIFICATE:
            chain = None if offset or size != total else _chain(message)
            if chain is None:
                return None
            found += chain
        at += 12 + size
    return found


def _chain(message: bytes) -> list[str] | None:
    found: list[str] = []
    at = 3
    while at + 3 <= len(message):
        size = int.from_bytes(message[at : at + 3])
        certificate = message[at + 3 : at + 3 + size]
        if not _is_sequence(certificate):
            return None
        found.append(certificate.hex())
        at += 3 + size
    sound = at == len(message) == 3 + int.from_bytes(message[:3])
    return found if sound else None


def _is_sequence(der: bytes) -> bool:
    """A SEQUENCE of just this length, as every certificate is (RFC 5280, section 4.1; X.690, 8.1.3)."""
    if len(der) < 2 or der[0] != SEQUENCE:
        return False
    width = der[1] & 0x7F if der[1] & 0x80 else 0
    size = int.from_bytes(der[2 : 2 + width]) if width else der[1]
    return len(der) == 2 + width + size
