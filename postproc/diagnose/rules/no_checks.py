"""Candidates are exchanged, but neither side sends a check."""

from collections.abc import Iterator

from postproc.diagnose.evidence.candidates import negotiated, offered, shown
from postproc.diagnose.evidence.case import CLIENT, SERVER, Case, evidence
from postproc.diagnose.evidence.media import both_ways, described, sections
from postproc.diagnose.evidence.paths import checks
from postproc.diagnose.evidence.server import server_addresses
from postproc.diagnose.evidence.view import end
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.text import Text

TITLE = Text(
    "Candidates were exchanged, but no Binding Request was sent in {seconds:0} s.",
    "Kandidaten wurden ausgetauscht, aber in {seconds:0} s wurde kein Binding Request gesendet.",
)
UNSEEN = Text(
    "No Binding Request is in the capture, and it shows no media of the server at all.",
    "Im Mitschnitt ist kein Binding Request, und er zeigt überhaupt keine Medien des Servers.",
)
DETAIL = Text(
    "Server candidates: {server_candidates}; client candidates: {candidates}.",
    "Kandidaten des Servers: {server_candidates}; des Clients: {candidates}.",
)
SEEN = Text(
    "The capture does see media of the server.",
    "Medien des Servers sind im Mitschnitt zu sehen.",
)
CAPTURE_THERE = Text(
    "capture on the media server, on the interface that holds {server_candidates}.",
    "auf dem Medienserver mitschneiden, und zwar auf der Schnittstelle mit {server_candidates}.",
)


def find(case: Case) -> Iterator[Finding]:
    for leg in case.judged_legs:
        seconds = _waited(case, leg)
        if seconds is None or checks(case, leg=leg).sent or both_ways(case, leg):
            continue
        if _both_lite(case, leg):
            continue  # then neither sends any (RFC 8445, section 6.1.1)
        client, server = offered(case, CLIENT, leg), offered(case, SERVER, leg)
        seen = _media_seen(case, leg)
        facts = {"seconds": seconds, "candidates": shown(client), "server_candidates": shown(server)}
        yield Finding(
            RULE.name,
            "suspect" if seen else "cannot_tell",
            0.7 if seen else 0.5,
            evidence(*server, *client),
            TITLE if seen else UNSEEN,
            (DETAIL, SEEN) if seen else (DETAIL,),
            facts,
            CAPTURE_THERE,
            leg=leg,
        )


def _both_lite(case: Case, leg: int | None) -> bool:
    wholes = [row for row in sections(case, leg) if row.ufrag]
    return bool(wholes) and all(row.ice_lite for row in wholes) and described(case, leg)


def _waited(case: Case, leg: int | None) -> float | None:
    """Return the seconds in which checks were due, from the later description on; None if too short."""
    until = end(case)
    if until is None or not negotiated(case, leg):
        return None
    known = max(min(row.time for row in offered(case, side, leg)) for side in (CLIENT, SERVER))
    waited = (until - known).total_seconds()
    return waited if waited >= case.deployment.thresholds.too_short_seconds else None


def _media_seen(case: Case, leg: int | None) -> bool:
    """Whether the captures show UDP of the server besides SIP.

    STUN between phones and the SIP server itself is none, unless that offers its own address for media: phones ask it for
    their mapped addresses, and their checks then go past it.
    """
    own = server_addresses(case)
    for_media = {row.addr for side in (CLIENT, SERVER) for row in offered(case, side, leg)}
    signaling = {addr for row in case.sip_messages for addr in (row.src_addr, row.dst_addr)}
    signaling -= for_media
    if any(own & {row.src_addr, row.dst_addr} for row in case.rtp_streams):
        return True
    asked = [{row.src_addr, row.dst_addr} for row in case.bindings if row.purpose == "discovery"]
    return any(own & ends and not signaling & ends for ends in asked)


RULE = Rule(
    code="ICE002",
    name="no-checks",
    stage="stun",
    breaks="requests",
    from_absence=True,
    summary=Text("No Binding Requests", "Keine Binding Requests"),
    claim=Text(
        "Both sides know each other's candidates, and neither sends a Binding Request.",
        "Beide Seiten kennen die Kandidaten der anderen, und keine sendet einen Binding Request.",
    ),
    causes=(
        cause(
            "The capture does not see the interface over which media would go.",
            "Der Mitschnitt erfasst nicht die Schnittstelle, über die die Medien gehen würden.",
        ),
        cause(
            "The client never began: an app in the background, a missing permission, a stuck media stack.",
            "Der Client hat nie begonnen: App im Hintergrund, fehlende Berechtigung, hängender Medienteil.",
        ),
        cause(
            "A firewall on the sender's own machine drops its UDP.",
            "Eine Firewall auf dem Rechner des Absenders selbst verwirft dessen UDP.",
        ),
    ),
    remedies=(
        remedy(
            "Capture on the media server on all interfaces, unfiltered.",
            "Auf dem Medienserver auf allen Schnittstellen und ohne Filter mitschneiden.",
        ),
        remedy(
            "Where XCC is a satellite, capture on the satellite, not on the XPhone Server.",
            "Ist der XCC ein Satellit, auf dem Satelliten mitschneiden, nicht auf dem XPhone Server.",
            product="xphone",
        ),
        remedy(
            "Check the local firewall of the server and of the client for outgoing UDP.",
            "Die lokale Firewall von Server und Client auf ausgehendes UDP prüfen.",
        ),
    ),
    references=("RFC 8445, section 6.1.4",),
    known_problems=Text(
        "An agent that is ICE lite never asks first; then only the other side is silent.",
        "Ein Agent mit ICE lite fragt nie von sich aus; dann schweigt nur die andere Seite.",
    ),
    find=find,
)
