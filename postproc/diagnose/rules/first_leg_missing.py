"""The leg with the client's SDP is not in the capture: the client's offer is unknown."""

from collections.abc import Iterator

from postproc.diagnose.ending import taken_back
from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import both_ways, media_ok
from postproc.diagnose.evidence.paths import checks
from postproc.diagnose.evidence.server import server_addresses
from postproc.diagnose.evidence.signalling import server_calls, with_ice
from postproc.diagnose.evidence.unread import lost_session, mute_session
from postproc.model.addresses import endpoint
from postproc.model.enumerations import Verdict
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import LegRow
from postproc.model.text import Text

NO_SIP = Text(
    "Connectivity checks between {one} and {other}, but no SIP of this call is in the capture.",
    "Connectivity Checks zwischen {one} und {other}, aber kein SIP dieses Anrufs im Mitschnitt.",
)
ONE_LEG = Text(
    "Only the leg between the server {server} and {peer} is in the capture; the client's leg, with its SDP,"
    " is missing.",
    "Nur das Leg zwischen dem Server {server} und {peer} ist im Mitschnitt;"
    " das Leg des Clients mit dessen SDP fehlt.",
)
CANCELLED = Text(
    "The server took the call back before it was answered; the reason lies on the client's leg.",
    "Der Server hat den Anruf zurückgenommen, bevor er angenommen war; der Grund liegt auf dem Leg des Clients.",
)
FINE = Text(
    "On this leg media flows both ways; what becomes of it on the client's leg is not to be seen here.",
    "Auf diesem Leg fließen Medien in beide Richtungen; was auf dem Leg des Clients daraus wird, ist hier nicht zu"
    " sehen.",
)
UNREAD = Text(
    "Of the client's leg {leg} only its connectivity checks between {one} and {other} can be read, not its SIP.",
    "Vom Leg {leg} des Clients sind nur die Connectivity Checks zwischen {one} und {other} lesbar, nicht sein SIP.",
)
BESIDE = Text(
    "It is taken for a leg of this call as both meet at {server} at the same time, and nothing else fits.",
    "Es gilt als Leg dieses Anrufs, weil beide zur selben Zeit bei {server} zusammentreffen und sonst nichts passt.",
)
UNKNOWN = Text(
    "So caller, candidates and passwords of the ICE session are not known; the checks themselves are judged.",
    "Anrufer und Kandidaten der ICE-Sitzung sind damit unbekannt; die Checks selbst werden beurteilt.",
)
NOT_THERE = Text(
    "The trouble with the media may lie on the client's leg, and that is not to be seen here.",
    "Die Ursache für fehlende Medien kann auf dem Leg des Clients liegen, und das ist hier nicht zu sehen.",
)
KEYS = Text(
    "give the session keys of the client's connection (--keylog), or have it signal without TLS for one call.",
    "die Sitzungsschlüssel der Verbindung des Clients angeben (--keylog) oder ihn für einen Anruf ohne TLS"
    " signalisieren lassen.",
)
SETTLE = Text(
    "capture on the server on all interfaces, loopback included; a call the server makes of its own accord"
    " has no such leg.",
    "am Server auf allen Schnittstellen mitschneiden, auch auf Loopback; ein Anruf, den der Server von sich aus"
    " aufbaut, hat kein solches Leg.",
)


def find(case: Case) -> Iterator[Finding]:
    if not case.legs:
        yield from _without_sip(case)
    elif case.unread_legs:
        yield from _unread(case)
    elif len(case.numbers) == 1 and not case.call.ambiguous:
        yield from _other_leg_only(case)


def _without_sip(case: Case) -> Iterator[Finding]:
    """Yield findings on checks without SIP: only a note if they can be judged by themselves."""
    rows = checks(case).rows
    if not rows:
        return
    verdict: Verdict = "note" if _judged(case) else "cannot_tell"
    first = rows[0]
    facts = {
        "one": endpoint(first.src_addr, first.src_port),
        "other": endpoint(first.dst_addr, first.dst_port),
    }
    yield Finding(RULE.name, verdict, 0.9, evidence(first), NO_SIP, (UNKNOWN,), facts)


def _unread(case: Case) -> Iterator[Finding]:
    """Yield findings on legs joined by machine and time: their checks are judged, their SDP is unknown."""
    for leg in case.unread_legs:
        if rows := checks(case, leg=leg).rows:
            first = rows[0]
            facts = {
                "leg": leg,
                "one": endpoint(first.src_addr, first.src_port),
                "other": endpoint(first.dst_addr, first.dst_port),
                "server": first.src_addr if first.src_addr in server_addresses(case) else first.dst_addr,
            }
            yield Finding(
                RULE.name, "note", 0.8, evidence(first), UNREAD, (BESIDE, UNKNOWN), facts, KEYS, leg=leg
            )


def _judged(case: Case) -> bool:
    """Whether the session's outcome is clear without SIP: it works, its checks are dead, DTLS is incomplete, one side is mute or lost."""
    broken = bool(case.dtls) and all(row.state != "complete" for row in case.dtls)
    dead = broken or checks(case).dead(case.deployment.thresholds)
    unheard = any(mute_session(RULE.name, case)) or any(lost_session(RULE.name, case))
    return media_ok(case) is True or dead or unheard


def _other_leg_only(case: Case) -> Iterator[Finding]:
    """Yield a finding on a lone leg that the server makes, without ICE: answered, or cancelled by the server."""
    leg = case.legs[0]
    if (
        not (_lasted(case, leg) or taken_back(case, leg))
        or media_ok(case) is True
        or any(with_ice(case, each) for each in case.legs)
    ):
        return
    if not server_calls(case, leg):
        return  # a leg that the server takes may have no other leg: second-leg-missing
    facts = {"server": leg.uac_addr, "peer": leg.uas_addr}
    why = CANCELLED if taken_back(case, leg) else FINE if both_ways(case, leg.leg) else NOT_THERE
    yield Finding(RULE.name, "cannot_tell", 0.7, evidence(leg), ONE_LEG, (why,), facts, SETTLE, leg=leg.leg)


def _lasted(case: Case, leg: LegRow) -> bool:
    """Whether the leg was answered and lasted long enough for media to be due."""
    if leg.answer_time is None:
        return False
    near = case.deployment.thresholds.too_short_seconds
    return leg.end_time is None or (leg.end_time - leg.answer_time).total_seconds() >= near


RULE = Rule(
    code="CAP002",
    name="first-leg-missing",
    stage="capture",
    breaks="first_leg",
    summary=Text("The client's leg is missing", "Das Leg des Clients fehlt"),
    claim=Text(
        "The SIP leg that carries the client's SDP is not in the capture: its candidates are not known.",
        "Das SIP-Leg mit dem SDP des Clients ist nicht im Mitschnitt: Seine Kandidaten sind unbekannt.",
    ),
    causes=(
        cause(
            "XCC and XPhone Server run on one machine, and the loopback adapter was not captured.",
            "XCC und XPhone Server laufen auf einem Rechner, und der Loopback-Adapter wurde nicht mitgeschnitten.",
            product="xphone",
        ),
        cause(
            "The XCC is a satellite, and the capture was made on another machine.",
            "Der XCC ist ein Satellit, und es wurde auf einem anderen Rechner mitgeschnitten.",
            product="xphone",
        ),
        cause(
            "The server's SIP peer runs on the same machine: that leg uses loopback, which was not captured.",
            "Die SIP-Gegenstelle des Servers läuft auf demselben Rechner: Dieses Leg nutzt Loopback,"
            " und das wurde nicht mitgeschnitten.",
        ),
        cause(
            "The client signals over another way than SIP, or over TLS without keys at hand.",
            "Der Client signalisiert auf anderem Weg als SIP oder über TLS, ohne dass Schlüssel vorliegen.",
        ),
        cause(
            "The capture was made at the client or in the network between, where the server's SIP does not pass.",
            "Es wurde am Client oder im Netz dazwischen mitgeschnitten, wo das SIP des Servers nicht vorbeikommt.",
        ),
    ),
    remedies=(
        remedy(
            "XCC on the XPhone Server: in Wireshark capture Ethernet and “Adapter for loopback traffic capture”"
            " (Npcap) together; on Linux lo as well.",
            "XCC auf dem XPhone Server: in Wireshark Ethernet und „Adapter for loopback traffic capture“ (Npcap)"
            " gemeinsam mitschneiden, unter Linux zusätzlich lo.",
            product="xphone",
        ),
        remedy(
            "XCC as a satellite: capture on the satellite itself, on the interface towards the XPhone Server too.",
            "XCC als Satellit: auf dem Satelliten selbst mitschneiden, auch auf der Schnittstelle zum XPhone Server.",
            product="xphone",
        ),
        remedy(
            "Capture on the media server, on all interfaces including loopback (Windows: Npcap's loopback adapter;"
            " Linux: lo), without a capture filter.",
            "Auf dem Medienserver mitschneiden, auf allen Schnittstellen einschließlich Loopback (Windows:"
            " Loopback-Adapter von Npcap; Linux: lo), ohne Mitschnittfilter.",
        ),
        remedy(
            "For SIP over TLS give the session keys (--keylog).",
            "Für SIP über TLS die Sitzungsschlüssel angeben (--keylog).",
        ),
    ),
    references=("RFC 8445, section 5", "RFC 7092, section 3"),
    known_problems=Text(
        "That a leg is the server's is known by markers of the deployment file only; without them the rule"
        " speaks of checks without SIP alone.",
        "Dass ein Leg zum Server gehört, ist nur an Kennzeichen der Deployment-Datei zu erkennen; ohne sie"
        " meldet die Regel nur Connectivity Checks ohne SIP.",
    ),
    find=find,
)
