"""Where the plug-in and the Python tables differ, as sentences; none if they agree.

Compared are call and leg of SIP messages, checks, look-ups, DTLS, RTP and ICMP
errors; purpose, outcome, round trip and response of bindings; whether a call is unsure; and the
window "Calls" with what a run prints of each call.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

import postproc
from postproc.pipeline import Run
from postproc.show import calls as shown
from tests.plugins.dissected import Click, Frame, watched
from tests.plugins.wiresharks import SYSTEM, Wireshark

FIELDS = (
    "legs.call",
    "legs.leg",
    "legs.label",
    "legs.purpose",
    "legs.outcome",
    "legs.rtt_ms",
    "legs.response_in",
    "ip.src",
    "ip.dst",
    "ipv6.src",
    "ipv6.dst",
    "udp.srcport",
    "udp.dstport",
    "udp.payload",
)
CALLS, LINE = "Calls in this file", re.compile(r" *\d+ \d\d:\d\d:\d\d ")
CELLS = 8  # of a line, behind its users
TOLERANCE = 0.001  # ms: Lua has times as doubles

Owner = tuple[int | None, int | None]
Expected = Iterator[tuple[int, Owner, str]]  # frame, call and leg, what it is


def _rows(table: pd.DataFrame) -> Iterator[Any]:
    return iter(table.itertuples())


def differences(
    capture: Path, keylog: Path | None = None, arguments: Sequence[str] = (), wireshark: Wireshark = SYSTEM
) -> list[str]:
    """Compare the plug-in on a capture with the tables made of that capture alone."""
    run = postproc.analyze(capture, keylog=keylog)
    more = [*arguments, *(["-o", f"tls.keylog_file:{keylog}"] if keylog else [])]
    told, done = watched(capture, FIELDS, more=more, wireshark=wireshark)
    seen = {frame.number: frame for frame in told}
    return [*_owners(run, seen), *_bindings(run, seen), *_labels(run, seen), *_calls(run, done)]


def _calls(run: Run, done: list[Click]) -> Iterator[str]:
    """Legs, status, candidates, checks, DTLS and media of each call."""
    window = next(click.text for click in done if click.entry == CALLS and click.what == "window")
    told = [line.split()[-CELLS:] for line in window.splitlines() if LINE.match(line)]
    lines = shown.call_lines(run.tables)
    if len(told) != len(lines):
        yield f"{len(lines)} calls in the tables, {len(told)} in the window"
    for line, row in zip(lines, told, strict=False):
        expected = _cells(line)
        if row != expected:
            yield f"call {line.call}: {expected} in a run, {row} in the window"


def _cells(line: shown.Line) -> list[str]:
    """What a run prints of a call's steps, as the window has it."""
    drawn = shown.cells(line, "en")
    offered = f"{line.candidates[0]}/{line.candidates[1]}" if any(line.candidates) else "–"
    texts = [drawn.legs.text, drawn.status.text, offered]
    texts += [cell.text for cell in (*drawn.checks, drawn.dtls, *drawn.media)]
    return [text.replace("–", "-") for text in texts]


def _owners(run: Run, seen: dict[int, Frame]) -> Iterator[str]:
    for number, owner, what in _expected(run, seen):
        told = _told(seen[number])
        if owner not in told and (told or owner != (None, None)):
            plugin = sorted(told, key=str) or None
            yield f"frame {number}, {what}: {owner} in the tables, {plugin} in the plug-in"


def _expected(run: Run, seen: dict[int, Frame]) -> Expected:
    yield from _sip(run)
    yield from _dtls(run)
    yield from _media(run, seen)
    yield from _icmp(run)


def _told(frame: Frame) -> set[Owner]:
    """Call and leg as the plug-in has them; by the label, as several messages may be in a frame."""
    found: set[Owner] = set()
    for label in frame["legs.label"]:
        words = label.split()
        found.add((int(words[1]), int(words[3]) if words[2:3] == ["leg"] else None))
    if not found and frame["legs.call"]:  # media has no label
        found.add((frame.integer("legs.call"), frame.integer("legs.leg")))
    return found


def _sip(run: Run) -> Expected:
    legs = {row.call_id: _owner(row) for row in _rows(run.legs)}
    for row in _rows(run.sip_messages):
        if row.call_id in legs:
            yield int(row.frame), legs[row.call_id], "SIP"


def _owner(row: Any) -> Owner:
    return (None if pd.isna(row.call) else int(row.call)), (None if pd.isna(row.leg) else int(row.leg))


def _dtls(run: Run) -> Expected:
    """Each message is of the last handshake between the two ends that had begun."""
    begun: dict[frozenset[Any], list[tuple[int, Owner]]] = {}
    for row in _rows(run.dtls.sort_values("frame")):
        ends = frozenset(((row.client_addr, row.client_port), (row.server_addr, row.server_port)))
        begun.setdefault(ends, []).append((int(row.frame), _owner(row)))
    for row in _rows(run.dtls_messages):
        ends = frozenset(((row.src_addr, row.src_port), (row.dst_addr, row.dst_port)))
        owners = [owner for frame, owner in begun.get(ends, []) if frame <= row.frame]
        if owners:
            yield int(row.frame), owners[-1], "DTLS"


def _media(run: Run, seen: dict[int, Frame]) -> Expected:
    streams = {
        (row.src_addr, row.src_port, row.dst_addr, row.dst_port, row.ssrc): _owner(row)
        for row in _rows(run.rtp_streams)
    }
    for number, frame in seen.items():
        key = _stream(frame)
        if key in streams:
            yield number, streams[key], "RTP"


def _stream(frame: Frame) -> tuple[Any, ...] | None:
    """The key of an RTP packet's stream, by its bytes (RFC 7983, RFC 5761); None for anything else."""
    payload = bytes.fromhex((frame.one("udp.payload") or "").replace(":", ""))
    payload = payload[4:] if payload and 64 <= payload[0] <= 79 else payload
    if len(payload) < 12 or not 128 <= payload[0] <= 191 or 192 <= payload[1] <= 223:
        return None
    src, dst = frame.one("ip.src") or frame.one("ipv6.src"), frame.one("ip.dst") or frame.one("ipv6.dst")
    ports = frame.integer("udp.srcport"), frame.integer("udp.dstport")
    return src, ports[0], dst, ports[1], int.from_bytes(payload[8:12])


def _icmp(run: Run) -> Expected:
    errors = run.timeline[(run.timeline["lane"] == "icmp").fillna(False)]
    for row in _rows(errors):
        yield int(row.frame), _owner(row), "ICMP"


def _bindings(run: Run, seen: dict[int, Frame]) -> Iterator[str]:
    rows = {row.transaction_id: row for row in _rows(run.bindings)}
    counted = run.stun_messages[~run.stun_messages["relayed"].fillna(False)]
    for message in _rows(counted):
        row = rows.get(message.transaction_id)
        if row is not None and message.kind != "indication" and message.method == "binding":
            frame = seen[int(message.frame)]
            for what, expected, told in _binding(row, message, frame):
                if expected != told:
                    yield f"frame {frame.number}, {what}: {expected!r} in the tables, {told!r} in the plug-in"


def _binding(row: Any, message: Any, frame: Frame) -> Iterator[tuple[str, Any, Any]]:
    yield "STUN", _owner(row), (frame.integer("legs.call"), frame.integer("legs.leg"))
    yield "purpose", row.purpose, frame.one("legs.purpose")
    yield "outcome", row.outcome, frame.one("legs.outcome")
    if message.kind == "request":
        expected = None if pd.isna(row.response_frame) else int(row.response_frame)
        yield "response_in", expected, frame.integer("legs.response_in")
    elif message.frame == row.response_frame and not pd.isna(row.rtt_ms):
        close = abs(float(frame.one("legs.rtt_ms") or -1) - row.rtt_ms) < TOLERANCE
        yield "rtt_ms", row.rtt_ms, row.rtt_ms if close else frame.one("legs.rtt_ms")


def _labels(run: Run, seen: dict[int, Frame]) -> Iterator[str]:
    ambiguous = {int(row.call): bool(row.ambiguous) for row in _rows(run.calls)}
    told = {label for frame in seen.values() for label in frame["legs.label"]}
    for label in sorted(told):
        call = int(label.split()[1])
        if ambiguous.get(call) is None:
            yield f"{label!r}: no such call in the tables"
        elif ambiguous[call] != label.endswith("(unsure)"):
            yield f"{label!r}, but ambiguous is {ambiguous[call]} in the tables"
