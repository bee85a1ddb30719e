"""DTLS handshakes of a call: each ClientHello, completion, alerts."""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

import pandas as pd

from postproc.correlate.endpoints import Address, Pair, pair_of
from postproc.correlate.handshakes import FLIGHT
from postproc.correlate.lanes.events import ERROR, NORMAL, WARNING, Event, milliseconds, place, table
from postproc.correlate.records import records

FAILED = {"client_hello_only", "incomplete"}

Place = tuple[str, Pair]


class Message(NamedTuple):
    """A ClientHello, an alert or anything else of a handshake."""

    time: int
    frame: int
    src: Address
    dst: Address
    type: str | None
    alert: str | None


class Handshake(NamedTuple):
    """A row of dtls with a call."""

    time: int
    call: int
    leg: int | None
    state: str
    completed: int | None
    duration_ms: float | None
    fingerprint_matches: bool | None


def events(dtls: pd.DataFrame, dtls_messages: pd.DataFrame) -> pd.DataFrame:
    """Return the events of each handshake with a call."""
    handshakes = _handshakes(dtls)
    return table("dtls", _events(handshakes, _messages(dtls_messages, handshakes)))


def _events(
    handshakes: dict[Place, list[Handshake]], messages: dict[Place, list[Message]]
) -> Iterator[Event]:
    for at, held in handshakes.items():
        found = messages.get(at, [])
        starts = [bisect_left(found, handshake.time, key=lambda m: m.time) for handshake in held]
        for handshake, begin, end in zip(held, starts, [*starts[1:], len(found)], strict=True):
            yield from _of_handshake(at[0], handshake, found[begin:end])


def _handshakes(dtls: pd.DataFrame) -> dict[Place, list[Handshake]]:
    """Return the handshakes by place, in time order."""
    known = dtls[dtls["call"].notna()].sort_values("time", kind="stable")
    ends = records(known, "client_addr", "client_port", "server_addr", "server_port")
    rows = records(known, "capture", *Handshake._fields)
    found: dict[Place, list[Handshake]] = {}
    for (capture, *row), end in zip(rows, ends, strict=True):
        if None not in end and row[0] is not None:
            found.setdefault((capture, pair_of(end[:2], end[2:])), []).append(Handshake(*row))
    return found


def _messages(
    dtls_messages: pd.DataFrame, handshakes: dict[Place, list[Handshake]]
) -> dict[Place, list[Message]]:
    """Return the messages where handshakes are, in time order."""
    known = dtls_messages[dtls_messages["copy_of"].isna()].sort_values("time", kind="stable")
    ends = records(known, "src_addr", "src_port", "dst_addr", "dst_port")
    rows = records(known, "capture", "time", "frame", "handshake_type", "alert")
    found: dict[Place, list[Message]] = {}
    for (capture, time, frame, kind, alert), end in zip(rows, ends, strict=True):
        if time is None or None in end:
            continue
        src, dst = end[:2], end[2:]
        if (at := (capture, pair_of(src, dst))) in handshakes:
            found.setdefault(at, []).append(Message(time, frame, src, dst, kind, alert))
    return found


def _of_handshake(capture: str, handshake: Handshake, messages: list[Message]) -> Iterator[Event]:
    """Yield the events of one handshake."""
    for kind, message, label, severity in chain(
        _hellos(handshake, messages), _completion(handshake, messages), _alerts(handshake, messages)
    ):
        time = handshake.completed if kind == "complete" else message.time
        ends = place(*message.src), place(*message.dst)
        yield Event(capture, message.frame, time, handshake.call, handshake.leg, kind, label, *ends, severity)


Said = tuple[str, Message, str, str]


def _hellos(handshake: Handshake, messages: list[Message]) -> Iterator[Said]:
    severity = WARNING if handshake.state in FAILED else NORMAL
    last: int | None = None
    for message in messages:
        if message.type == "client_hello" and (last is None or message.time - last > FLIGHT):
            yield "client_hello", message, "ClientHello" if last is None else "ClientHello (again)", severity
            last = message.time


def _completion(handshake: Handshake, messages: list[Message]) -> Iterator[Said]:
    if handshake.completed is None or not messages:
        return
    label, wrong = "DTLS complete", handshake.fingerprint_matches is False
    if handshake.duration_ms is not None:
        label += f", {milliseconds(handshake.duration_ms)}"
    upto = [message for message in messages if message.time <= handshake.completed]
    label += ", certificate does not match SDP" if wrong else ""
    yield "complete", (upto or messages)[-1], label, ERROR if wrong else NORMAL


def _alerts(handshake: Handshake, messages: list[Message]) -> Iterator[Said]:
    for message in messages:
        if message.alert:
            failed = handshake.state == "alert"
            yield "alert", message, f"alert {message.alert}", ERROR if failed else NORMAL
