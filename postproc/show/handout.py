"""The handout for a firewall's administrator, and a flow in a line.

Pure: tables in, lines out. Of what captures contain, only addresses, numbers and quoted values appear.
"""

from collections.abc import Iterator

import pandas as pd

from postproc.model import filters
from postproc.model.addresses import endpoint
from postproc.model.text import Lang, Text
from postproc.model.vocabulary import CALL_NUMBER
from postproc.show.calls import Line
from postproc.show.firewall import Hole, Port, Traffic

NO_CALLS = Text("no calls in this capture", "keine Anrufe in diesem Mitschnitt")
FILTER = Text("Display filter", "Anzeigefilter")
WITH_PLUGIN = Text("With the plug-in", "Mit dem Plug-in")
NOTHING = Text("(nothing of it is in the capture)", "(nichts davon ist im Mitschnitt)")
FIREWALL = Text("For the firewall (times in UTC)", "Für die Firewall (Zeiten in UTC)")
NO_TRAFFIC = Text("No STUN, DTLS or media seen.", "Weder STUN noch DTLS noch Medien gesehen.")
SERVER_PORT = Text(
    "{transport} port of the server's candidate: {port}",
    "{transport}-Port des Kandidaten des Servers: {port}",
)
OFFERED_AS = Text(" ({base}, offered as {offered})", " ({base}, angeboten als {offered})")
NO_PORT = Text(
    "The server offered no candidate in this capture.",
    "Der Server hat in diesem Mitschnitt keinen Kandidaten angeboten.",
)
BOTH_WAYS = Text(
    "Allow {transport} between {server} and {remote}, both ways, whoever begins.",
    "{transport} zwischen {server} und {remote} in beiden Richtungen erlauben, gleich wer beginnt.",
)
LOOK_UP = Text(
    "Allow {transport} from {server} to the STUN server {remote}, and its answers.",
    "{transport} von {server} zum STUN-Server {remote} und dessen Antworten erlauben.",
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
SIP = Text("SIP messages {out}/{into} sent/received", "SIP-Nachrichten {out}/{into} gesendet/empfangen")
REPEATED = Text("requests sent again {n} times", "Requests {n}-mal wiederholt")
RELAY = Text(" (the client's TURN relay)", " (TURN-Relay des Clients)")
KINDS = {
    "sip": SIP,
    "check": CHECKS,
    "keepalive": KEEPALIVES,
    "discovery": LOOK_UPS,
    "dtls": HANDSHAKES,
    "media": MEDIA,
}
INDENT = "  "


def handout(
    line: Line, display_filter: str, hole: Hole | None, lang: Lang, *, of_several: bool = False
) -> Iterator[str]:
    """Yield a call's heading, its filters, then what to allow, the port of the server's candidate first.

    The plug-in numbers the calls of the open capture alone, so ``of_several`` leaves its filter out: in a run
    of several captures the numbers differ.
    """
    yield _heading(line, lang)
    yield f"{FILTER.of(lang)}:"
    yield INDENT + (display_filter or NOTHING.of(lang))
    if not of_several:
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
    if all(traffic.signals for traffic in hole.traffic):
        yield INDENT + NO_TRAFFIC.of(lang)
    for traffic in hole.traffic:
        yield from _traffic(traffic, lang)


def _heading(line: Line, lang: Lang) -> str:
    """Return a line like ``call 1  721 -> 0891  2026-11-22 22:38:49 UTC``."""
    parties = f"{line.from_user or '?'} -> {line.to_user or '?'}"
    start = f"{line.start:%Y-%m-%d %H:%M:%S} UTC" if line.start is not None else ""
    return "  ".join(filter(None, (CALL_NUMBER.of(lang, call=line.call), parties, start)))


def _port(port: Port, lang: Lang) -> Iterator[str]:
    others = [endpoint(*end) for end in port.offered if end != port.base]
    offered = OFFERED_AS.of(lang, base=endpoint(*port.base), offered=", ".join(others)) if others else ""
    title = SERVER_PORT.of(lang, transport=port.transport.upper(), port=port.base[1])
    yield INDENT + title + (offered or f" ({endpoint(*port.base)})")
    yield from _tools(
        filters.ports_over(port.transport, port.numbers),
        " or ".join(f"{port.transport} port {n}" for n in port.numbers),
    )
    if others:
        yield 2 * INDENT + SEEN_AS.of(lang, base=endpoint(*port.base), offered=", ".join(others))


def _traffic(traffic: Traffic, lang: Lang) -> Iterator[str]:
    server, remote = endpoint(*traffic.server), endpoint(*traffic.remote)
    yield f"{INDENT}{_ends(traffic, lang)}  {_span(traffic.first, traffic.last)}"
    yield 2 * INDENT + "; ".join(_counts(traffic, lang))
    allow = LOOK_UP if traffic.discovers else BOTH_WAYS
    yield 2 * INDENT + allow.of(lang, transport=traffic.transport.upper(), server=server, remote=remote)
    yield from _tools(
        filters.between(traffic.server, traffic.remote, over=(traffic.transport,)),
        filters.capture_filter(traffic.server, traffic.remote, traffic.transport),
    )


def told(traffic: Traffic, lang: Lang) -> str:
    """Describe one flow in a line: its ends, its time span, and how much of it was answered."""
    span = _span(traffic.first, traffic.last)
    return f"{_ends(traffic, lang)}, {span}: {'; '.join(_counts(traffic, lang))}"


def _ends(traffic: Traffic, lang: Lang) -> str:
    remote = endpoint(*traffic.remote) + (RELAY.of(lang) if traffic.relays else "")
    return f"{traffic.transport.upper()} {endpoint(*traffic.server)} <-> {remote}"


def _tools(display: str, capture: str) -> Iterator[str]:
    yield f"{2 * INDENT}Wireshark: {display}"
    yield f"{2 * INDENT}tcpdump:   {capture}"


def _counts(traffic: Traffic, lang: Lang) -> Iterator[str]:
    for kind, text in KINDS.items():
        if kind in traffic.asked:
            out, into = traffic.asked[kind]
            good = sum(traffic.answered[kind])
            yield text.of(lang, out=out, into=into, all=out + into, good=good)
    if traffic.repeats:
        yield REPEATED.of(lang, n=traffic.repeats)


def _span(first: pd.Timestamp, last: pd.Timestamp) -> str:
    """Return a span like ``2026-11-22 22:38:49.516 - 22:39:00.519``, its end with the day if another."""
    begin, end = (f"{time:%H:%M:%S}.{time.microsecond // 1000:03}" for time in (first, last))
    day = "" if first.date() == last.date() else f"{last:%Y-%m-%d} "
    return f"{first:%Y-%m-%d} {begin} - {day}{end}"
