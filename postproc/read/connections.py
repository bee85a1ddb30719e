"""Rows of connection_events: FIN, RST and TLS handshakes on TCP connections that carry SIP.

Of TLS (RFC 5246, RFC 8446) only the progress of the handshake is recorded: hellos, alerts, and the first
record that each end sends under its keys. Their content need not be readable.
"""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from postproc.model.alerts import ALERTS, ENCRYPTED
from postproc.read.frame import Frame
from postproc.read.payloads import SIP_PORTS
from postproc.wire.dtls import (
    ALERT,
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    CLIENT_HELLO,
    HANDSHAKE,
    HELLO_TYPES,
    SERVER_HELLO,
    is_whole_hello,
    tls_records,
)
from postproc.wire.transport import FIN, RST

# Ports on which SIP is expected even if none is seen, because TLS hides it or never completes: the usual
# ones, and secure WebSocket of FreeSWITCH (7443) and Asterisk (8089). Not HTTPS (443): most of its failed
# handshakes have nothing to do with SIP.
PORTS = frozenset({*SIP_PORTS, 7443, 8089})
HELLOS = {CLIENT_HELLO: "client_hello", SERVER_HELLO: "server_hello"}
# Bytes of an encrypted alert in TLS 1.3: two of the alert, its content type, 16 of the tag (RFC 8446, 5.2).
LARGEST_ALERT = 19
FLAGS = 13  # their offset in a TCP header (RFC 9293, section 3.1)

TUPLE = ("src_addr", "src_port", "dst_addr", "dst_port")

Event = tuple[str, str | None]


def rows(frame: Frame) -> Iterator[dict[str, Any]]:
    """Yield the rows of a TCP frame."""
    if frame.transport != "tcp":
        return
    for event, alert in _events(frame):
        yield {
            "frame": frame.number,
            "time": frame.time,
            "src_addr": frame.src_addr,
            "src_port": frame.src_port,
            "dst_addr": frame.dst_addr,
            "dst_port": frame.dst_port,
            "event": event,
            "alert": alert,
        }


def _events(frame: Frame) -> Iterator[Event]:
    distinct: dict[Event, None] = {}
    for part in frame.messages.get("tls", []):
        distinct.update(dict.fromkeys(_of_records(part)))
    yield from distinct
    flags = frame.header[FLAGS] if len(frame.header) > FLAGS else 0
    if flags & (FIN | RST):
        yield ("reset" if flags & RST else "fin"), None


def _of_records(part: bytes) -> Iterator[Event]:
    """Yield the events of the TLS records in a segment, up to one that is incomplete."""
    keyed = False
    for kind, _, size, body in tls_records(part):
        if kind == HANDSHAKE and (is_whole_hello(body, size) or (not keyed and body[:1] in HELLO_TYPES)):
            yield HELLOS[body[0]], None
        elif kind == ALERT:
            readable = size == len(body) == 2 and not keyed
            yield "alert", ALERTS.get(body[1], str(body[1])) if readable else ENCRYPTED
        elif kind == APPLICATION_DATA and size == LARGEST_ALERT:
            yield "alert", ENCRYPTED
        elif kind == APPLICATION_DATA or (kind == HANDSHAKE and keyed):
            yield "keyed", None  # Finished, or what comes after it
        keyed = keyed or kind == CHANGE_CIPHER_SPEC


def of_signalling(events: pa.Table, sip_messages: pa.Table | None) -> pa.Table:
    """Keep the events of connections that carry SIP, or use a port of PORTS."""
    carrying = set()
    if sip_messages is not None:
        over = zip(sip_messages["transport"].to_pylist(), _tuples(sip_messages), strict=True)
        carrying = {_ends(*ends) for transport, ends in over if transport != "udp"}
    kept, keyed = [], set()
    for event, ends in zip(events["event"].to_pylist(), _tuples(events), strict=True):
        relevant = not PORTS.isdisjoint(ends[1::2]) or _ends(*ends) in carrying
        kept.append(relevant and not (event == "keyed" and ends in keyed))  # the first is enough
        if event == "keyed":
            keyed.add(ends)
    return events.filter(pa.array(kept))


def _tuples(table: pa.Table) -> list[tuple[Any, ...]]:
    return [*zip(*(table[name].to_pylist() for name in TUPLE), strict=True)]


def _ends(source: str, source_port: int, target: str, target_port: int) -> frozenset[tuple[str, int]]:
    return frozenset({(source, source_port), (target, target_port)})
