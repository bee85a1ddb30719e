"""Unrelated traffic of a server: a few long TCP connections.

A file share (SMB2), a download (HTTP), a database (PostgreSQL) and HTTPS: data
segments of over a kilobyte mostly in one direction, an acknowledgement for every second one.
Each connection repeats one well-formed cycle of packets, which numpy can generate.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from bench.batches import Batch, Field, Integers, Times
from bench.handshake import tls_hellos
from bench.plan import HOST
from bench.wire import ETHERNET, IP_LENGTH, ipv4, tcp_segment
from postproc.wire.dtls import APPLICATION_DATA, tls_record
from postproc.wire.ip import TCP, Endpoint
from postproc.wire.transport import ACK, PSH, SYN

CONNECTIONS = 8
SEGMENTS = 45  # data segments per cycle
SMB2_HEADER = struct.Struct("<4sHHIHHIIQIIQ16s")
SMB2_READ, SMB2_RESPONSE = 8, 1


class Turn(NamedTuple):
    by_client: bool
    payload: bytes = b""
    flags: int = ACK


class Conversation(NamedTuple):
    client: Endpoint
    server: Endpoint
    opening: list[Turn]
    cycle: list[Turn]


@dataclass(frozen=True)
class Position:
    """One position in the cycle: its turn, its packets' indices, and the bytes sent by each side before."""

    turn: Turn
    index: Integers
    client_bytes: Integers
    server_bytes: Integers


def batches(packets: int, start: float, end: float, seed: int) -> list[Batch]:
    """Return ``packets`` packets of unrelated TCP between two times (s)."""
    rng = np.random.default_rng([seed, 1])
    shares = [packets // CONNECTIONS + (number < packets % CONNECTIONS) for number in range(CONNECTIONS)]
    return [
        batch
        for number, share in enumerate(shares)
        for batch in _connection(_conversation(number, rng), _times(share, start, end, rng))
    ]


def _times(packets: int, start: float, end: float, rng: np.random.Generator) -> Times:
    return start + (np.arange(packets) + rng.random(packets)) * (end - start) / max(packets, 1)


def _conversation(number: int, rng: np.random.Generator) -> Conversation:
    port, talk = ((445, _share), (80, _web), (5432, _database), (443, _https))[number % 4]
    opening, cycle = talk(rng.bytes)
    client = Endpoint(f"10.0.0.{20 + number}", 50000 + number)
    handshake = [Turn(True, flags=SYN), Turn(False, flags=SYN | ACK), Turn(True)]
    return Conversation(client, Endpoint(HOST, port), handshake + opening, cycle)


def _connection(conversation: Conversation, times: Times) -> list[Batch]:
    positions = _positions(conversation, times.size)
    return [_batch(conversation, each, times[each.index]) for each in positions]


def _positions(conversation: Conversation, packets: int) -> list[Position]:
    opening, cycle = conversation.opening, conversation.cycle
    turns = opening + cycle
    sent = [_bytes_before(turns, by_client) for by_client in (True, False)]
    per_cycle = [total[-1] - total[len(opening)] for total in sent]
    positions = []
    for place, turn in enumerate(turns):
        repeats = _repeats(place, len(opening), len(cycle), packets)
        client, server = (sent[way][place] + repeats * per_cycle[way] for way in (0, 1))
        positions.append(Position(turn, place + repeats * len(cycle), client, server))
    return positions


def _repeats(place: int, opening: int, cycle: int, packets: int) -> Integers:
    """Return the number of each repetition of the position; the opening is not repeated."""
    number = max(0, -(-(packets - place) // cycle))
    return np.arange(min(number, 1) if place < opening else number)


def _bytes_before(turns: list[Turn], by_client: bool) -> list[int]:
    """Return the sequence space used by one side before each turn, and after the last."""
    used = ((len(turn.payload) + bool(turn.flags & SYN)) * (turn.by_client == by_client) for turn in turns)
    return list(accumulate(used, initial=0))


def _batch(conversation: Conversation, position: Position, times: Times) -> Batch:
    turn = position.turn
    ends = conversation.client, conversation.server
    src, dst = ends if turn.by_client else ends[::-1]
    own, other = position.client_bytes, position.server_bytes
    if not turn.by_client:
        own, other = other, own
    segment = tcp_segment(src, dst, 0, 0, turn.flags) + turn.payload
    template = ipv4(TCP, src.addr, dst.addr, segment)
    acknowledged = other if turn.flags & ACK else np.zeros_like(other)
    return Batch(
        times, ETHERNET, template, [Field(IP_LENGTH + 4, 4, own), Field(IP_LENGTH + 8, 4, acknowledged)]
    )


def _answer(request: bytes, segments: list[bytes]) -> list[Turn]:
    """Return a request, then data with an acknowledgement for every second segment."""
    turns = [Turn(True, request, PSH | ACK)]
    for number, segment in enumerate(segments):
        turns.append(Turn(False, segment, PSH | ACK))
        turns += [Turn(True)] if number % 2 else []
    return turns


def _cut(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def _share(noise: Callable[[int], bytes]) -> tuple[list[Turn], list[Turn]]:
    """Return the opening and the cycle of an SMB2 READ of a large file (MS-SMB2, 2.2.19 and 2.2.20)."""
    size = SEGMENTS * 1400
    body = struct.pack("<HBBIQ16sIIIHHB", 49, 80, 0, size, 0, noise(16), 0, 0, 0, 0, 0, 0)
    answer = struct.pack("<HBBIII", 17, 80, 0, size, 0, 0) + noise(size)
    return [], _answer(_smb2(0, body), _cut(_smb2(SMB2_RESPONSE, answer), 1448))


def _smb2(flags: int, body: bytes) -> bytes:
    header = SMB2_HEADER.pack(b"\xfeSMB", 64, 1, 0, SMB2_READ, 1, flags, 0, 4, 0, 1, 1, bytes(16))
    return struct.pack(">I", len(header + body)) + header + body


def _web(noise: Callable[[int], bytes]) -> tuple[list[Turn], list[Turn]]:
    size = SEGMENTS * 1200
    request = b"GET /update/part.bin HTTP/1.1\r\nHost: files.example.org\r\nAccept: */*\r\n\r\n"
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {size}\r\n\r\n"
    return [], _answer(request, _cut(head.encode() + noise(size), 1240))


def _database(noise: Callable[[int], bytes]) -> tuple[list[Turn], list[Turn]]:
    """Return the opening and the cycle of a PostgreSQL simple query, one row per segment."""
    query = _pgsql(b"Q", b"SELECT document FROM archive ORDER BY id;\0")
    column = b"document\0" + struct.pack(">IHIhIH", 0, 0, 17, -1, 0xFFFFFFFF, 1)
    rows = [_pgsql(b"D", struct.pack(">HI", 1, 1000) + noise(1000)) for _ in range(SEGMENTS)]
    ready = _pgsql(b"C", b"SELECT 45\0") + _pgsql(b"Z", b"I")
    return [], _answer(query, [_pgsql(b"T", b"\0\1" + column), *rows, ready])


def _pgsql(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack(">I", 4 + len(body)) + body


def _https(noise: Callable[[int], bytes]) -> tuple[list[Turn], list[Turn]]:
    client_hello, server_hello = tls_hellos(noise)
    opening = [Turn(True, client_hello, PSH | ACK), Turn(False, server_hello, PSH | ACK), Turn(True)]
    data = [tls_record(APPLICATION_DATA, noise(1300)) for _ in range(SEGMENTS)]
    return opening, _answer(tls_record(APPLICATION_DATA, noise(400)), data)
