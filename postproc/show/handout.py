"""What somebody takes along to the firewall, and the filters that show a call: as lines of text.

Pure: facts in, lines out. What captures say is in it only as addresses, numbers
and quoted values.
"""

from collections.abc import Iterator

import pandas as pd

from postproc.model import filters
from postproc.model.text import Lang, Text
from postproc.model.vocabulary import CALL_NUMBER
from postproc.show.firewall import Endpoint, Hole, Port, Traffic
from postproc.show.overview import Line

NO_CALLS = Text("no calls in this capture", "keine Anrufe in diesem Mitschnitt")
FILTER = Text("Display filter", "Anzeigefilter")
WITH_PLUGIN = Text("With the plug-in", "Mit dem Plug-in")
NOTHING = Text("(nothing of it is in the capture)", "(nichts davon ist im Mitschnitt)")
FIREWALL = Text("For the firewall (times in UTC)", "Für die Firewall (Zeiten in UTC)")
NO_TRAFFIC = Text("No STUN, DTLS or media seen.", "Weder STUN noch DTLS noch Sprachdaten gesehen.")
SERVER_PORT = Text(
    "UDP port of the server's candidate: {port}", "UDP-Port des Kandidaten des Servers: {port}"
)
OFFERED_AS = Text(" ({base}, offered as {offered})", " ({base}, angeboten als {offered})")
NO_PORT = Text(
    "The server offered no candidate in this capture.",
    "Der Server hat in diesem Mitschnitt keinen Kandidaten angeboten.",
)
BOTH_WAYS = Text(
    "Allow UDP between {server} and {remote}, both ways, whoever begins.",
    "UDP zwischen {server} und {remote} in beiden Richtungen erlauben, gleich wer beginnt.",
)
LOOK_UP = Text(
    "Allow UDP from {server} to the STUN server {remote}, and its answers.",
    "UDP von {server} zum STUN-Server {remote} und dessen Antworten erlauben.",
)
SEEN_AS = Text(
    "Outside, NAT must keep {base} reachable as {offered}.",
    "NAT muss {base} von außen als {offered} erreichbar halten.",
)
CHECKS = Text(
    "checks {out}/{into} sent/received, {good} answered",
    "Checks {out}/{into} gesendet/empfangen, {good} beantwortet",
)
KEEPALIVES = Text(
    "keepalives {out}/{into} sent/received, {good} answered",
    "Keepalives {out}/{into} gesendet/empfangen, {good} beantwortet",
)
LOOK_UPS = Text("STUN look-ups {all}, {good} answered", "STUN-Abfragen {all}, {good} beantwortet")
HANDSHAKES = Text("DTLS handshakes {all}, {good} complete", "DTLS-Handshakes {all}, {good} vollständig")
MEDIA = Text("media packets {out}/{into} sent/received", "Medienpakete {out}/{into} gesendet/empfangen")
KINDS = {
    "check": CHECKS,
    "keepalive": KEEPALIVES,
    "discovery": LOOK_UPS,
    "dtls": HANDSHAKES,
    "media": MEDIA,
}
INDENT = "  "


def place(end: Endpoint) -> str:
    return f"[{end[0]}]:{end[1]}" if ":" in end[0] else f"{end[0]}:{end[1]}"


def lines(line: Line, display_filter: str, hole: Hole | None, lang: Lang) -> Iterator[str]:
    """A call's heading, its filters, then what to allow: the port of the server's candidate first."""
    yield _heading(line, lang)
    yield f"{FILTER.of(lang)}:"
    yield INDENT + (display_filter or NOTHING.of(lang))
    yield f"{WITH_PLUGIN.of(lang)}:"
    yield f"{INDENT}legs.call == {line.call}"
    yield f"{FIREWALL.of(lang)}:"
    if hole is None:
        yield INDENT + NO_TRAFFIC.of(lang)
        return
    if not hole.ports:
        yield INDENT + NO_PORT.of(lang)
    for port in hole.ports:
        yield from _port(port, lang)
    for traffic in hole.traffic:
        yield from _traffic(traffic, lang)


def _heading(line: Line, lang: Lang) -> str:
    """Like ``call 1  721 -> 0891  2026-11-22 22:38:49 UTC``."""
    parties = f"{line.from_user or '?'} -> {line.to_user or '?'}"
    start = f"{line.start:%Y-%m-%d %H:%M:%S} UTC" if line.start is not None else ""
    return "  ".join(filter(None, (CALL_NUMBER.of(lang, call=line.call), parties, start)))


def _port(port: Port, lang: Lang) -> Iterator[str]:
    others = [place(end) for end in port.offered if end != port.base]
    offered = OFFERED_AS.of(lang, base=place(port.base), offered=", ".join(others)) if others else ""
    yield INDENT + SERVER_PORT.of(lang, port=port.base[1]) + (offered or f" ({place(port.base)})")
    yield from _tools(filters.ports(port.numbers), " or ".join(f"udp port {n}" for n in port.numbers))
    if others:
        yield 2 * INDENT + SEEN_AS.of(lang, base=place(port.base), offered=", ".join(others))


def _traffic(traffic: Traffic, lang: Lang) -> Iterator[str]:
    server, remote = place(traffic.server), place(traffic.remote)
    yield f"{INDENT}UDP {server} <-> {remote}  {_span(traffic.first, traffic.last)}"
    yield 2 * INDENT + "; ".join(_counts(traffic, lang))
    yield 2 * INDENT + (LOOK_UP if traffic.discovers else BOTH_WAYS).of(lang, server=server, remote=remote)
    yield from _tools(
        filters.between(traffic.server, traffic.remote),
        filters.capture_filter(traffic.server, traffic.remote),
    )


def _tools(display: str, capture: str) -> Iterator[str]:
    yield f"{2 * INDENT}Wireshark: {display}"
    yield f"{2 * INDENT}tcpdump:   {capture}"


def _counts(traffic: Traffic, lang: Lang) -> Iterator[str]:
    for kind, text in KINDS.items():
        if kind in traffic.asked:
            out, into = traffic.asked[kind]
            good = sum(traffic.answered[kind])
            yield text.of(lang, out=out, into=into, all=out + into, good=good)


def _span(first: pd.Timestamp, last: pd.Timestamp) -> str:
    """Like ``2026-11-22 22:38:49.516 - 22:39:00.519``."""
    begin, end = (f"{time:%H:%M:%S}.{time.microsecond // 1000:03}" for time in (first, last))
    return f"{first:%Y-%m-%d} {begin} - {end}"
