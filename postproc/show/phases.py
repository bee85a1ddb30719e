"""The phases of a leg's media in words, for the terminal, notebooks, the report and the pictures.

``far end`` is the party opposite the server on a leg, as in the table: the client, or a gateway.
"""

from collections.abc import Iterable, Iterator, Mapping

import pandas as pd

from postproc.model.calls import Call
from postproc.model.enumerations import CallVerdict
from postproc.model.loading import by
from postproc.model.rows import PhaseRow, RtpStreamRow
from postproc.model.text import Lang, Text
from postproc.model.vocabulary import (
    BOTH,
    DTLS,
    DTLS_STATES,
    FAR_END,
    LEG_NUMBER,
    NOBODY,
    PHASE_KINDS,
    SIDES,
    VERDICTS,
    count,
    decimal,
    word,
)

# Shorter silences are not reported: with silence suppression, parties who talk in turn cause them all the
# time. At a third of it most phases would have one; at three times it, callers hang up before it is reported.
SILENCE_S = 5.0

HEADING = Text("Packets per media phase:", "Pakete je Medienphase:")
FROM_FRAME = Text(" from frame {frame}", " ab Frame {frame}")
FROM_FAR_END = Text("{packets} from far end{silence}", "{packets} von Gegenseite{silence}")
FROM_SERVER = Text("{packets} from server{silence}", "{packets} vom Server{silence}")
UNDIRECTED = Text("{packets} from nobody knows whom", "{packets} von unbekannt")
SILENT = Text(" ({seconds} s of silence)", " ({seconds} s Stille)")
ONLY: Mapping[tuple[bool | None, bool | None], Text] = {  # by whether the far end and the server may send
    (True, False): Text("only the far end may send", "nur die Gegenseite darf senden"),
    (False, True): Text("only the server may send", "nur der Server darf senden"),
    (False, False): Text("nobody may send", "niemand darf senden"),
}


def kind(phase: PhaseRow, lang: Lang) -> str:
    """Return the phase's kind in a word."""
    return word(PHASE_KINDS, phase.kind, lang) or ""


def verdict(phase: PhaseRow, lang: Lang) -> str:
    """Return the phase's verdict in a word; "" where no media was due."""
    return word(VERDICTS, phase.verdict, lang) or ""


def length_s(phase: PhaseRow) -> float | None:
    """Return the phase's length in seconds; None if its start or end is unknown."""
    if phase.started is None or phase.ended is None:
        return None
    return (phase.ended - phase.started).total_seconds()


def restriction(phase: PhaseRow, lang: Lang) -> str:
    """Return who alone may send, or that nobody may; "" where both may, or it is unknown."""
    return ONLY.get((phase.may_send_client, phase.may_send_server), Text("", "")).of(lang)


def senders(phase: PhaseRow, lang: Lang) -> str:
    """Return who may send, in a word; "" where it is unknown."""
    if phase.may_send_client is None or phase.may_send_server is None:
        return ""
    if phase.may_send_client:
        return (BOTH if phase.may_send_server else FAR_END).of(lang)
    return (SIDES["server"] if phase.may_send_server else NOBODY).of(lang)


def silences(phase: PhaseRow) -> tuple[float | None, float | None]:
    """Return the longest silence in s of far end and server; None if it may not send and did not."""
    far = phase.silence_from_client_s if phase.may_send_client or phase.packets_from_client else None
    server = phase.silence_from_server_s if phase.may_send_server or phase.packets_from_server else None
    return far, server


def lines(phases: Iterable[PhaseRow], lang: Lang) -> Iterator[tuple[str, CallVerdict | None]]:
    """Yield a line per phase, and its verdict."""
    for phase in phases:
        length = length_s(phase)
        leg = LEG_NUMBER.of(lang, leg="–" if phase.leg is None else phase.leg)
        duration = "–" if length is None else decimal(f"{length:.1f} s", lang)
        frame = "" if phase.opened_by is None else FROM_FRAME.of(lang, frame=phase.opened_by)
        media = filter(None, (restriction(phase, lang), _media(phase, lang), _dtls(phase, lang)))
        text = f"{leg} {kind(phase, lang)}, {duration}{frame}: {'; '.join(media)}"
        verdict_word = verdict(phase, lang)
        yield f"{text}: {verdict_word}" if verdict_word else text, phase.verdict


def _media(phase: PhaseRow, lang: Lang) -> str:
    """Describe the packets of each side that may send or did; sides that agreed to be silent are left out."""
    far, server, unknown = phase.packets_from_client, phase.packets_from_server, phase.packets_undirected
    sides = (
        (FROM_FAR_END, far, phase.may_send_client, phase.silence_from_client_s),
        (FROM_SERVER, server, phase.may_send_server, phase.silence_from_server_s),
    )
    parts = [
        text.of(lang, packets=count(packets or 0, lang), silence=_silent(silence, lang) if packets else "")
        for text, packets, may_send, silence in sides
        if packets or (may_send is not False and not unknown)
    ]
    if unknown:
        parts.append(UNDIRECTED.of(lang, packets=count(unknown, lang)))
    return ", ".join(parts)


def _silent(silence_s: float | None, lang: Lang) -> str:
    if silence_s is None or silence_s < SILENCE_S:
        return ""
    return SILENT.of(lang, seconds=decimal(f"{silence_s:.1f}", lang))


def _dtls(phase: PhaseRow, lang: Lang) -> str:
    """Return the state of a handshake that is not complete, else ""."""
    if phase.dtls in (None, "none", "complete"):
        return ""
    return f"{DTLS.of(lang)} {word(DTLS_STATES, phase.dtls, lang)}"


# Silences in time: the table has their lengths, the streams' seconds show when they were.

Span = tuple[pd.Timestamp, pd.Timestamp]


def sender(stream: RtpStreamRow) -> str | None:
    """Return the side that sends a stream, as phases count it: server or client (far end).

    None if unknown.
    """
    return stream.src_side if stream.src_side in (None, "server") else "client"


def runs(call: Call) -> dict[int, list[Span]]:
    """Return stream -> the spans in which it flowed, split at each silence."""
    seconds = by(call.rtp_seconds, "stream")
    spans: dict[int, list[Span]] = {}
    for stream in call.rtp_streams:
        of_stream, begin, last = spans.setdefault(stream.stream, []), stream.first_time, stream.first_time
        for second in seconds.get(stream.stream, ()):
            if (second.time - last).total_seconds() >= SILENCE_S:
                of_stream.append((begin, last))
                begin = second.time
            last = max(last, second.last_time or second.time)
        of_stream.append((begin, max(last, stream.last_time)))
    return spans


def silent(call: Call, flowed: Mapping[int, list[Span]]) -> dict[tuple[int | None, str], list[Span]]:
    """Return (leg, sender) -> spans without media though it might send; ``flowed`` comes from ``runs``."""
    flowing: dict[tuple[int | None, str], list[Span]] = {}
    for stream in call.rtp_streams:
        if side := sender(stream):
            flowing.setdefault((stream.leg, side), []).extend(flowed[stream.stream])
    return {
        (leg, side): [gap for phase in call.phases if phase.leg == leg for gap in _gaps(phase, side, spans)]
        for (leg, side), spans in flowing.items()
    }


def _gaps(phase: PhaseRow, side: str, spans: Iterable[Span]) -> Iterator[Span]:
    may_send = phase.may_send_server if side == "server" else phase.may_send_client
    if phase.kind == "early" or not may_send or phase.started is None or phase.ended is None:
        return
    quiet_since = phase.started
    for begin, end in [*sorted(spans), (phase.ended, phase.ended)]:
        until = min(begin, phase.ended)
        if (until - quiet_since).total_seconds() >= SILENCE_S:
            yield quiet_since, until
        quiet_since = max(quiet_since, end)
