"""DTLS handshakes: who with whom, how far they came, whose they are (RFC 5764, RFC 6347)."""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd

from postproc.correlate import fingerprints
from postproc.correlate.endpoints import Address, Index, Pair, pair_of
from postproc.correlate.fingerprints import Offered
from postproc.correlate.handshakes import (
    Handshake,
    Message,
    certificates,
    client_hellos,
    client_of,
    completed,
    fatal_alert,
    handshakes,
    is_hello,
    state,
)
from postproc.correlate.records import records, timestamp
from postproc.correlate.whose import Owner, Traffic, owner, ufrag_at
from postproc.tables import DTLS

Key = tuple[str, bool, Pair]  # capture, inside TURN, the two ends


def dtls(
    dtls_messages: pd.DataFrame,
    rtp_streams: pd.DataFrame,
    sdp_media: pd.DataFrame,
    legs: pd.DataFrame,
    index: Index,
) -> pd.DataFrame:
    """Return one row per handshake and pair of transport addresses of a capture, in time order.

    ``legs`` are numbered; ``rtp_streams`` need no call yet: SRTP proves a
    handshake whose end the capture misses.
    """
    offered = fingerprints.offered(sdp_media, legs)
    media = _media_starts(rtp_streams)
    rows = []
    for key, messages in _by_pair(dtls_messages).items():
        for handshake in handshakes(messages, _same_call(index, key[0])):
            rows.append(_row(key, handshake, media.get(key, []), offered, index))
    rows.sort(key=lambda row: (row["time"], row["capture"]))
    return DTLS.rows(rows)


def _by_pair(dtls_messages: pd.DataFrame) -> dict[Key, list[Message]]:
    """Return the messages between two ends in time order; those without ends or time say nothing."""
    counted = dtls_messages[dtls_messages["copy_of"].isna()].sort_values("time", kind="stable")
    ends = records(counted, "src_addr", "src_port", "dst_addr", "dst_port")
    names = ("content", "handshake_type", "message_seq", "alert", "epoch", "certificate")
    rows = records(counted, "capture", "relayed", "frame", "time", *names)
    found: dict[Key, list[Message]] = {}
    for (capture, relayed, frame, time, *rest), end in zip(rows, ends, strict=True):
        if time is not None and None not in end:
            src, dst = end[:2], end[2:]
            message = Message(frame, time, src, dst, *rest)
            found.setdefault((capture, bool(relayed), pair_of(src, dst)), []).append(message)
    return found


def _media_starts(rtp_streams: pd.DataFrame) -> dict[Key, list[int]]:
    """Return when RTP streams begin between two ends, sorted."""
    found: dict[Key, list[int]] = {}
    names = ("capture", "relayed", "first_time", "src_addr", "src_port", "dst_addr", "dst_port")
    for capture, relayed, time, *ends in records(rtp_streams, *names):
        if time is not None and None not in ends:
            key = capture, bool(relayed), pair_of((ends[0], ends[1]), (ends[2], ends[3]))
            found.setdefault(key, []).append(time)
    return {key: sorted(times) for key, times in found.items()}


def _first_from(times: list[int]) -> Callable[[int], int | None]:
    return lambda start: next(iter(times[bisect_left(times, start) :]), None)


def _same_call(index: Index, capture: str) -> Callable[[Message, Message], bool]:
    """Tell whether two messages may be one call's: not if both are known to be of different ones."""

    def same(one: Message, other: Message) -> bool:
        calls = [owner(index, Traffic(capture, m.src, m.dst, m.time, m.time)) for m in (one, other)]
        return len({known.call for known in calls if known}) < 2

    return same


def _row(key: Key, handshake: Handshake, media: list[int], offered: Offered, index: Index) -> dict[str, Any]:
    first = next(filter(is_hello, handshake.messages), handshake.messages[0])
    client = client_of(handshake)
    server = key[2][1] if client == key[2][0] else key[2][0]
    end = completed(handshake, _first_from(media))
    traffic = Traffic(key[0], client, server, first.time, end or handshake.messages[-1].time)
    whose = owner(index, traffic)
    sent = certificates(handshake)
    return {
        "capture": key[0],
        "frame": handshake.messages[0].frame,
        "time": timestamp(handshake.messages[0].time),
        "call": whose and whose.call,
        "leg": whose and whose.leg,
        "client_addr": client[0],
        "client_port": client[1],
        "server_addr": server[0],
        "server_port": server[1],
        "state": state(handshake, end),
        "client_hellos": client_hellos(handshake),
        "alert": fatal_alert(handshake) if end is None else None,
        "started": timestamp(first.time),
        "completed": timestamp(end),
        "duration_ms": None if end is None else (end - first.time) / 1e6,
        "certificate_sha256": fingerprints.sha256(sent.get(server) or sent.get(client)),
        "fingerprint_matches": fingerprints.verdict(_matched(sent, offered, index, traffic, whose)),
    }


def _matched(
    sent: dict[Address, str], offered: Offered, index: Index, traffic: Traffic, whose: Owner | None
) -> Iterator[bool | None]:
    """Tell of each certificate whether it is one of its sender's."""
    for address, certificate in sent.items():
        if whose is None:
            yield None
            continue
        leg = whose.call, whose.leg
        ufrag = ufrag_at(index, traffic, leg, address)
        yield fingerprints.matches(certificate, *fingerprints.of_sender(offered, leg, ufrag, address))
