"""How a call without a fault ended, in one sentence."""

from collections.abc import Mapping
from typing import Any

from postproc.diagnose.evidence.case import OTHER, Case
from postproc.diagnose.evidence.media import both_ways, talking, way, ways
from postproc.diagnose.evidence.paths import TO_CLIENT, TO_SERVER
from postproc.diagnose.evidence.signalling import server_calls
from postproc.model.enumerations import Verdict
from postproc.model.rows import LegRow
from postproc.model.text import Text
from postproc.model.vocabulary import EVERYDAY_ENDS

CANCELLED = Text("The caller hung up before an answer.", "Der Anrufer hat vor dem Abheben aufgelegt.")
GOOD = Text(
    "Media flows both ways on the client's leg ({to_client} and {to_server} packets).",
    "Auf dem Client-Leg fließen Medien in beide Richtungen ({to_client} und {to_server} Pakete).",
)
GOOD_PLAIN = Text(
    "Media flows both ways ({one} and {other} packets).",
    "Medien fließen in beide Richtungen ({one} und {other} Pakete).",
)
REDIRECTED = Text("The call was redirected ({status}).", "Der Anruf wurde umgeleitet ({status}).")
ONE_WAY = Text(
    "Nothing wrong is seen; media flows in one direction only, as offer and answer say (hold, announcement).",
    "Es ist kein Fehler zu sehen; Medien fließen nur in einer Richtung, so wie Angebot und Antwort es sagen"
    " (Halten, Ansage).",
)
UNPROVEN = Text(
    "Media flowed both ways, but one side is silent at the end, and the capture does not show whether that was"
    " agreed or for how long it lasted.",
    "Medien flossen in beide Richtungen, aber am Ende schweigt eine Seite, und der Mitschnitt zeigt nicht, ob das"
    " vereinbart war oder wie lange es dauerte.",
)
UNKNOWN = Text(
    "Nothing wrong is seen, but there is no media by which to judge the call.",
    "Es ist kein Fehler zu sehen, aber auch keine Medien, nach denen man den Anruf beurteilen könnte.",
)


def ended_well(case: Case) -> bool:
    """Busy, cancelled, not answered: no media was to be expected on the first leg."""
    first = [leg for leg in case.legs if leg.leg == 1]
    if not first or any(leg.answer_time is not None for leg in first):
        return False
    return any(
        (leg.final_status in EVERYDAY_ENDS and leg.state != "cancelled")
        or _redirected(leg.final_status)
        or (leg.state == "cancelled" and not taken_back(case, leg))
        for leg in first
    )


def taken_back(case: Case, leg: LegRow) -> bool:
    """The server itself cancels the only leg in sight: of its caller, and why it does, nothing is seen."""
    return leg.state == "cancelled" and len(case.numbers) == 1 and server_calls(case, leg)


def _redirected(status: int | None) -> bool:
    """The caller is told to try elsewhere (RFC 3261, section 21.3), which makes another call."""
    return status is not None and 300 <= status < 400


def ending(case: Case, verdict: Verdict, media_ok: bool | None) -> tuple[Text, Mapping[str, Any]]:
    """The sentence for a call in which no rule found a fault, and its facts."""
    if media_ok:
        return _good(case)
    status = case.call.final_status
    if verdict == "ok":
        return (REDIRECTED if _redirected(status) else EVERYDAY_ENDS.get(status or 0, CANCELLED)), {
            "status": status
        }
    if any(both_ways(case, leg) for leg in talking(case)):
        return UNPROVEN, {}
    return (ONE_WAY if _as_agreed(case) else UNKNOWN), {}


def _as_agreed(case: Case) -> bool:
    """There is media, and a description that allows one direction only."""
    directions = {section.direction for section in case.sdp_media if section.media == "audio"}
    return bool(case.rtp_streams) and bool(directions & {"sendonly", "recvonly", "inactive"})


def _good(case: Case) -> tuple[Text, Mapping[str, Any]]:
    leg = next(iter(talking(case)), None)
    to_client, to_server = (way(case, leg, direction).packets for direction in (TO_CLIENT, TO_SERVER))
    if to_client or to_server:
        return GOOD, {"to_client": to_client, "to_server": to_server}
    counts = sorted((each.packets for each in ways(case, leg).values()), reverse=True)
    one, other = (*counts, 0, 0)[:2]
    return GOOD_PLAIN, {"one": one, OTHER: other}
