"""TCP connections that carry SIP: when they are closed, reset and secured -> rows of connection_events.

Of TLS (RFC 5246, RFC 8446) only what shows how far the handshake came: hellos, alerts, and the records
with which an end goes over to its keys. What those hold need not be readable.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from postproc.model import constants
from postproc.read.frame import Frame

# Ports on which SIP is expected even where none is ever seen, as TLS hides it or never comes about: those of
# RFC 3261, XPhone's and FreeSWITCH's profiles, and secure WebSocket of FreeSWITCH (7443) and Asterisk (8089).
# HTTPS (443) is not among them: its failed handshakes are mostly browsers' own.
PORTS = frozenset({4900, 4901, 5060, 5061, 5080, 5081, 7443, 8089})
FIN, RST = 0x01, 0x04
CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA = 20, 21, 22, 23
CONTENTS = frozenset({CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA})
HELLOS = {1: "client_hello", 2: "server_hello"}
RECORD = 5  # bytes of a record's head
LARGEST_ALERT = 19  # bytes of an encrypted one in TLS 1.3: two, its content type, and 16 of the seal
ENCRYPTED = "encrypted"
# The same numbers in TLS and DTLS (RFC 6347, section 4.1.2.6).
ALERTS = {int(code): str(name) for code, name in constants.table("dtls.alerts").items()}

TUPLE = ("src_addr", "src_port", "dst_addr", "dst_port")

Event = tuple[str, str | None]


def rows(frame: Frame) -> Iterator[dict[str, Any]]:
    """What a frame of TCP says of its connection."""
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
    told: dict[Event, None] = {}
    for part in frame.messages.get("tls", []):
        told.update(dict.fromkeys(_of_records(part)))
    yield from told
    flags = frame.header[13] if len(frame.header) > 13 else 0
    if flags & (FIN | RST):
        yield ("reset" if flags & RST else "fin"), None


def _of_records(part: bytes) -> Iterator[Event]:
    """The records in order; one that is cut, or that begins before, says no more."""
    at, keyed = 0, False
    while at + RECORD <= len(part) and part[at] in CONTENTS and part[at + 1] == 3:
        kind, size = part[at], int.from_bytes(part[at + 3 : at + RECORD])
        body = part[at + RECORD : at + RECORD + size]
        if kind == HANDSHAKE and _is_hello(body, size, keyed=keyed):
            yield HELLOS[body[0]], None
        elif kind == ALERT:
            readable = size == 2 and len(body) == 2 and not keyed
            yield "alert", ALERTS.get(body[1], str(body[1])) if readable else ENCRYPTED
        elif kind == APPLICATION_DATA and size == LARGEST_ALERT:
            yield "alert", ENCRYPTED
        elif kind == APPLICATION_DATA or (kind == HANDSHAKE and keyed):
            yield "keyed", None  # Finished, or what comes after it
        keyed = keyed or kind == CHANGE_CIPHER_SPEC
        at += RECORD + size


def _is_hello(body: bytes, size: int, *, keyed: bool) -> bool:
    """Also one after ChangeCipherSpec, as a HelloRetryRequest brings about: by its length no Finished."""
    if not body or body[0] not in HELLOS:
        return False
    return not keyed or int.from_bytes(body[1:4]) == size - 4


def of_signalling(events: pd.DataFrame, sip_messages: pd.DataFrame) -> pd.DataFrame:
    """Those of connections on which SIP is seen, or on a port where it is expected."""
    if events.empty:
        return events
    carrying = set(map(_ends, *_tuples(sip_messages[sip_messages["transport"] != "udp"])))
    kept = [
        bool(PORTS & {source_port, target_port})
        or _ends(source, source_port, target, target_port) in carrying
        for source, source_port, target, target_port in zip(*_tuples(events), strict=True)
    ]
    again = events["event"].eq("keyed") & events.duplicated([*TUPLE, "event"])  # the first tells it
    held: pd.DataFrame = events[np.array(kept) & ~again.to_numpy()]
    return held


def _tuples(table: pd.DataFrame) -> list[list[Any]]:
    return [table[name].to_list() for name in TUPLE]


def _ends(source: str, source_port: int, target: str, target_port: int) -> frozenset[tuple[str, int]]:
    return frozenset({(source, source_port), (target, target_port)})
