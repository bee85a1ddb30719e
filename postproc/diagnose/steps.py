"""The answer to each step of the chart for which no rule has found a failure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from postproc.diagnose.evidence import paths
from postproc.diagnose.evidence.candidates import offered, shown
from postproc.diagnose.evidence.case import CLIENT, SERVER, Case, evidence
from postproc.diagnose.evidence.media import (
    both_ways,
    connected,
    described,
    heard,
    media_ok,
    talking,
    ways,
)
from postproc.diagnose.evidence.paths import TO_CLIENT, TO_SERVER, best, checks, secured
from postproc.diagnose.evidence.view import truncated
from postproc.model import filters
from postproc.model.findings import Evidence, State
from postproc.model.rows import DtlsRow
from postproc.model.text import Text

NO_ICE = Text("The call does not use ICE.", "Der Anruf verwendet kein ICE.")
NOT_SEEN = Text("Nothing of it is in the capture.", "Davon ist nichts im Mitschnitt.")


@dataclass(frozen=True)
class Answer:
    state: State
    said: Text
    facts: Mapping[str, Any] = field(default_factory=dict)
    evidence: Evidence | None = None


def trace(case: Case) -> Answer:
    facts = {
        "captures": [each.capture for each in case.captures],
        "packets": sum(each.packets or 0 for each in case.captures),
        "interfaces": sorted(
            {name for each in case.captures for name in (each.interfaces or "").split(",") if name}
        ),
        "cut": sum(each.messages_cut or 0 for each in case.captures),
    }
    if truncated(case):
        beginnings = Text(
            "Of {cut:message|messages} in {captures} only the beginning was captured.",
            "Von {cut:Nachricht|Nachrichten} in {captures} ist nur der Anfang aufgezeichnet.",
        )
        return Answer("cannot_tell", beginnings, facts)
    without_interfaces = Text("{packets} packets in {captures}.", "{packets} Pakete in {captures}.")
    with_interfaces = Text(
        "{packets} packets in {captures}, on {interfaces}.",
        "{packets} Pakete in {captures}, von {interfaces}.",
    )
    return Answer("passed", with_interfaces if facts["interfaces"] else without_interfaces, facts)


def legs(case: Case) -> Answer:
    if not case.legs:
        return Answer(
            "cannot_tell",
            Text(
                "ICE is seen, but no SIP (encrypted or not captured).",
                "ICE ist zu sehen, aber kein SIP (verschlüsselt oder nicht mitgeschnitten).",
            ),
        )
    facts = {"legs": len(case.numbers), "joined_by": case.call.joined_by, "call_ids": list(case.leg_of)}
    one = Text("One leg.", "Ein Leg.")
    several = Text(
        "{legs} legs, joined by {joined_by:joined}.", "{legs} Legs, verbunden durch {joined_by:joined}."
    )
    return Answer("passed", several if len(case.numbers) > 1 else one, facts, evidence(*case.legs))


def client_candidates(case: Case) -> Answer | None:
    return _candidates(case, CLIENT)


def server_candidates(case: Case) -> Answer | None:
    return _candidates(case, SERVER)


def _candidates(case: Case, side: str) -> Answer | None:
    candidates = offered(case, side)
    if candidates:
        return Answer(
            "passed",
            Text("{candidates}", "{candidates}"),
            {"candidates": shown(candidates)},
            evidence(*candidates),
        )
    if not _with_ice(case):
        return _without_ice(case)
    return Answer("cannot_tell", NOT_SEEN) if not case.candidates else None


def _with_ice(case: Case) -> bool:
    offered = any(section.ufrag for section in case.sdp_media)  # with Trickle ICE the candidates come later
    return offered or bool(case.candidates) or any(row.purpose == "check" for row in case.bindings)


def _without_ice(case: Case) -> Answer:
    return Answer("cannot_tell", NOT_SEEN) if _undescribed(case) else Answer("not_needed", NO_ICE)


def _undescribed(case: Case) -> bool:
    """Whether there may have been descriptions, but none was captured whole."""
    return not case.sdp_media and truncated(case)


def requests(case: Case) -> Answer | None:
    to_client, to_server, every = checks(case, TO_CLIENT), checks(case, TO_SERVER), checks(case)
    if not every.sent:
        return None if _with_ice(case) else _without_ice(case)
    counted = {"to_client": to_client.rows, "to_server": to_server.rows, "sent": every.rows}
    facts = {name: paths.requests(rows) for name, rows in counted.items()}
    by_direction = Text(
        "{to_client} to the client, {to_server} to the server.",
        "{to_client} an den Client, {to_server} an den Server.",
    )
    undirected = Text("{sent} in all.", "{sent} insgesamt.")
    both = bool(to_client.sent and to_server.sent)
    has_directions = bool(to_client.sent or to_server.sent)
    state: State = "passed" if both or not has_directions or _connected(case) else "failed"
    return Answer(state, by_direction if has_directions else undirected, facts, evidence(*every.rows))


def answers(case: Case) -> Answer | None:
    every = checks(case)
    if not every.sent:
        return None if _with_ice(case) else _without_ice(case)
    facts = {"sent": every.sent, "answered": every.answered}
    sentence = Text("{answered} of {sent} checks answered.", "{answered} von {sent} Checks beantwortet.")
    state: State = "passed" if _connected(case) else "cannot_tell"
    return Answer(state, sentence, facts, evidence(*(every.of("success") or every.rows)))


def _connected(case: Case) -> bool:
    return any(connected(case, leg) for leg in case.judged_legs)


def dtls(case: Case) -> Answer | None:
    rows: list[DtlsRow] = [row for leg in case.judged_legs if (row := best(case, leg)) is not None]
    if rows:
        all_complete = all(row.state == "complete" for row in rows)
        durations = [row.duration_ms for row in rows if row.duration_ms is not None]
        sentence = (
            Text("Complete in {ms:0} ms.", "Fertig in {ms:0} ms.")
            if all_complete and durations
            else Text("State: {state}.", "Stand: {state}.")
        )
        facts = {"ms": float(max(durations, default=0.0)), "state": rows[0].state}
        return Answer("passed" if all_complete else "cannot_tell", sentence, facts, evidence(*rows))
    if not any(secured(case, leg) or _unread(case, leg) for leg in case.judged_legs):
        if any(row.fingerprint for row in case.sdp_media) and not any(
            described(case, leg) for leg in case.judged_legs
        ):
            return None  # offered, but not answered yet
        if _undescribed(case):
            return Answer("cannot_tell", NOT_SEEN)
        return Answer("not_needed", Text("DTLS-SRTP was not agreed.", "DTLS-SRTP wurde nicht vereinbart."))
    return Answer("cannot_tell", NOT_SEEN) if media_ok(case) else None


def _unread(case: Case, leg: int | None) -> bool:
    """Whether the leg's checks are captured, but no session description."""
    agreed = any(case.leg_of.get(section.call_id) == leg for section in case.sdp_media)
    return not agreed and any(row.leg == leg and row.purpose == "check" for row in case.bindings)


PER_DIRECTION = Text("RTP packets per direction: {packets}.", "RTP-Pakete je Richtung: {packets}.")
EVERY_PHASE = Text(
    "RTP packets per direction: {packets}, both ways in each of {phases} phases in which both may send.",
    "RTP-Pakete je Richtung: {packets}, beide Richtungen in jeder von {phases} Phasen, in denen beide senden dürfen.",
)
PHASE_UNHEARD = Text(
    "RTP packets per direction: {packets}. In the phase from {since:hms} to {until:clock} (leg {number}, opened by"
    " frame {frame}) not both sides were heard.",
    "RTP-Pakete je Richtung: {packets}. In der Phase von {since:hms} bis {until:clock} (Leg {number}, ab"
    " Frame {frame}) waren nicht beide Seiten zu hören.",
)


def media(case: Case) -> Answer | None:
    legs = talking(case)
    rows = [row for leg in legs for each in ways(case, leg).values() for row in each.rows]
    if not rows:
        return Answer("cannot_tell", NOT_SEEN) if legs else None
    facts: dict[str, Any] = {"packets": [each.packets for leg in legs for each in ways(case, leg).values()]}
    phases = [row for row in case.phases if row.leg in legs and row.kind not in ("early", "hold")]
    missing = next((phase for phase in phases if heard(case, phase) is False), None)
    if missing is not None:
        facts |= {
            "since": missing.started,
            "until": missing.ended,
            "number": missing.leg,
            "frame": missing.opened_by or missing.frame,
        }
        return Answer("cannot_tell", PHASE_UNHEARD, facts, evidence(missing, *rows))
    both = all(both_ways(case, leg) for leg in legs)
    if both and len(phases) > len(legs) and all(heard(case, phase) for phase in phases):
        return Answer("passed", EVERY_PHASE, facts | {"phases": len(phases)}, evidence(*rows))
    return Answer("passed" if both else "cannot_tell", PER_DIRECTION, facts, evidence(*rows))


def sip_filter(case: Case) -> str:
    return filters.equals("sip.Call-ID", case.leg_of)


def candidate_filter(case: Case) -> str:
    call_ids = {row.call_id for row in case.candidates if row.call_id}
    return (
        filters.both([filters.equals("sip.Call-ID", sorted(call_ids)), "sdp.ice_candidate.type"])
        if call_ids
        else ""
    )


def check_filter(case: Case) -> str:
    own = {row.src_port for row in checks(case, TO_CLIENT).rows} | {
        row.dst_port for row in checks(case, TO_SERVER).rows
    }
    own = own or {row.src_port for row in checks(case).rows}
    return filters.both(["stun", _ports(case, own)]) if own else ""


def dtls_filter(case: Case) -> str:
    own = {row.client_port for row in case.dtls if row.client_port}
    return filters.both(["dtls", _ports(case, own)]) if own else ""


def media_filter(case: Case) -> str:
    own = {row.src_port for row in case.rtp_streams if row.src_port}
    return _ports(case, own) if own else ""


def _ports(case: Case, numbers: Iterable[int]) -> str:
    return filters.ports(numbers, filters.tcp_ports((row.transport, row.port) for row in case.candidates))
