"""The phases of a leg's media in words: for the terminal, notebooks, the report and the pictures.

``far end`` is who is opposite the server on a leg, as in the table: the client, or a gateway.
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

# A silence shorter than this is not named: two parties who talk in turn with silence suppression make such
# all the time. With a third of it most phases have one, with three times it a call is given up before.
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
    return word(PHASE_KINDS, phase.kind, lang) or ""


def verdict(phase: PhaseRow, lang: Lang) -> str:
    """Its verdict in a word; "" where nothing was due."""
    return word(VERDICTS, phase.verdict, lang) or ""


def length_s(phase: PhaseRow) -> float | None:
    if phase.started is None or phase.ended is None:
        return None
    return (phase.ended - phase.started).total_seconds()


def restriction(phase: PhaseRow, lang: Lang) -> str:
    """Who alone may send, or that nobody may; "" where both may, or nobody knows."""
    return ONLY.get((phase.may_send_client, phase.may_send_server), Text("", "")).of(lang)


def senders(phase: PhaseRow, lang: Lang) -> str:
    """Who may send, in a word; "" where it is not known."""
    if phase.may_send_client is None or phase.may_send_server is None:
        return ""
    if phase.may_send_client:
        return (BOTH if phase.may_send_server else FAR_END).of(lang)
    return (SIDES["server"] if phase.may_send_server else NOBODY).of(lang)


def silences(phase: PhaseRow) -> tuple[float | None, float | None]:
    """The longest silence of the far end and of the server, each where it may send or has sent."""
    far = phase.silence_from_client_s if phase.may_send_client or phase.packets_from_client else None
    server = phase.silence_from_server_s if phase.may_send_server or phase.packets_from_server else None
    return far, server


def lines(phases: Iterable[PhaseRow], lang: Lang) -> Iterator[tuple[str, CallVerdict | None]]:
    """A line per phase, and its verdict."""
    for phase in phases:
        length = length_s(phase)
        leg = LEG_NUMBER.of(lang, leg="–" if phase.leg is None else phase.leg)
        lasted = "–" if length is None else decimal(f"{length:.1f} s", lang)
        frame = "" if phase.opened_by is None else FROM_FRAME.of(lang, frame=phase.opened_by)
        media = filter(None, (restriction(phase, lang), _media(phase, lang), _dtls(phase, lang)))
        text = f"{leg} {kind(phase, lang)}, {lasted}{frame}: {'; '.join(media)}"
        judged = verdict(phase, lang)
        yield f"{text}: {judged}" if judged else text, phase.verdict


def _media(phase: PhaseRow, lang: Lang) -> str:
    """Packets of those who may send or did; nothing more of those who agreed to be silent."""
    far, server, unknown = phase.packets_from_client, phase.packets_from_server, phase.packets_undirected
    ways = (
        (FROM_FAR_END, far, phase.may_send_client, phase.silence_from_client_s),
        (FROM_SERVER, server, phase.may_send_server, phase.silence_from_server_s),
    )
    held = [
        text.of(lang, packets=count(packets or 0, lang), silence=_silent(silence, lang) if packets else "")
        for text, packets, may_send, silence in ways
        if packets or (may_send is not False and not unknown)
    ]
    if unknown:
        held.append(UNDIRECTED.of(lang, packets=count(unknown, lang)))
    return ", ".join(held)


def _silent(silence_s: float | None, lang: Lang) -> str:
    if silence_s is None or silence_s < SILENCE_S:
        return ""
    return SILENT.of(lang, seconds=decimal(f"{silence_s:.1f}", lang))


def _dtls(phase: PhaseRow, lang: Lang) -> str:
    """The state of a handshake that is not complete."""
    if phase.dtls in (None, "none", "complete"):
        return ""
    return f"{DTLS.of(lang)} {word(DTLS_STATES, phase.dtls, lang)}"


# Silences in time: the table has their length, the streams' seconds have their place.

Span = tuple[pd.Timestamp, pd.Timestamp]


def sender(stream: RtpStreamRow) -> str | None:
    """Whose media a stream is, as phases count it: the server's, else the far end's; None if unknown."""
    return stream.src_side if stream.src_side in (None, "server") else "client"


def runs(call: Call) -> dict[int, list[Span]]:
    """Stream -> when it flowed, interrupted where it was silent."""
    seconds = by(call.rtp_seconds, "stream")
    found: dict[int, list[Span]] = {}
    for stream in call.rtp_streams:
        held, begin, last = found.setdefault(stream.stream, []), stream.first_time, stream.first_time
        for second in seconds.get(stream.stream, ()):
            if (second.time - last).total_seconds() >= SILENCE_S:
                held.append((begin, last))
                begin = second.time
            last = max(last, second.last_time or second.time)
        held.append((begin, max(last, stream.last_time)))
    return found


def silent(call: Call, flowed: Mapping[int, list[Span]]) -> dict[tuple[int | None, str], list[Span]]:
    """(leg, sender) -> when nothing came though it might send; ``flowed``: what ``runs`` returns."""
    every: dict[tuple[int | None, str], list[Span]] = {}
    for stream in call.rtp_streams:
        if side := sender(stream):
            every.setdefault((stream.leg, side), []).extend(flowed[stream.stream])
    return {
        (leg, side): [gap for phase in call.phases if phase.leg == leg for gap in _gaps(phase, side, spans)]
        for (leg, side), spans in every.items()
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
