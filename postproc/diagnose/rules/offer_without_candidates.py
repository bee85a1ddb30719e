"""ICE is offered without candidates, and a server without Trickle ICE refuses it."""

from collections.abc import Iterator

from postproc.diagnose.evidence.candidates import offered
from postproc.diagnose.evidence.case import CLIENT, SERVER, Case, evidence, found_by
from postproc.diagnose.evidence.media import connected
from postproc.diagnose.evidence.paths import checks
from postproc.diagnose.evidence.server import LOGGED, LONGEST
from postproc.diagnose.evidence.signalling import offered_audio, refusal, well_known
from postproc.diagnose.evidence.view import end
from postproc.diagnose.rules import turn_refused
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.statuses import UNSUITED
from postproc.model.text import Text

TITLE = Text(
    "The offer has ICE credentials and no candidate, and {who} refuses it: {answer}.",
    "Das Angebot enthält ICE-Zugangsdaten, aber keinen Kandidaten, und {who} lehnt es ab: {answer}.",
)
TRICKLE = Text(
    "Candidates that follow later (Trickle ICE) reach only who supports it; over plain SIP (RFC 8840) few do.",
    "Nachgereichte Kandidaten (Trickle ICE) helfen nur, wenn die Gegenseite das unterstützt; über reines SIP"
    " (RFC 8840) tun das wenige.",
)
CODECS = Text(
    "The codecs offered, {offered}, are none that servers usually know: that may be the reason as well.",
    "Die angebotenen Codecs ({offered}) kennen Server gewöhnlich nicht: Auch das kann der Grund sein.",
)
ACCEPTED = Text(
    "The {side:word}'s description has ICE credentials and no candidate, and no check came about in {seconds:0} s.",
    "Die Beschreibung des {side:word}s enthält ICE-Zugangsdaten, aber keinen Kandidaten; in {seconds:0} s kam kein Check"
    " zustande.",
)
NOWHERE = Text(
    "It has no address to send checks from, and the {peer:word} has none to send them to.",
    "Er hat keine Adresse, von der er Checks senden kann, und der {peer:word} keine, an die er welche senden kann.",
)
GATHERING = Text(
    "the {side:word}'s own log of gathering (in Chrome chrome://webrtc-internals) says why it found none, for example"
    " a TURN server that refuses where only relayed candidates are allowed.",
    "Das Log des {side:word}s über das Sammeln (in Chrome chrome://webrtc-internals) zeigt, warum er keinen fand, etwa"
    " weil ein TURN-Server ablehnt und nur Relay-Kandidaten erlaubt sind.",
)
SETTLE = Text(
    "the server's log of this call at level debug says what it lacked in the offer.",
    "Das Log des Servers zu diesem Anruf auf Stufe Debug sagt, was ihm im Angebot fehlte.",
)

NONE_SUITABLE = "no suitable candidates"  # FreeSWITCH; it still writes CODEC NEGOTIATION ERROR after it


def find(case: Case) -> Iterator[Finding]:
    yield from _refused(case)
    for leg in case.judged_legs:
        yield from _accepted(case, leg)


def _accepted(case: Case, leg: int | None) -> Iterator[Finding]:
    """Nobody refused it, and no candidate came later: there is nothing to check from or to."""
    if found_by(case, turn_refused.RULE):
        return  # that says why there is none
    bare = [side for side in (CLIENT, SERVER) if not offered(case, side, leg)]
    sections = [
        row
        for row in case.sdp_media
        if case.leg_of.get(row.call_id) == leg
        and row.ufrag
        and row.media in ("audio", None)
        and not _candidates(case, row.ufrag)
    ]
    until = end(case)
    if len(bare) != 1 or not sections or until is None or checks(case, leg=leg).sent or connected(case, leg):
        return
    answered = next((each.answer_time for each in case.legs if each.leg == leg), None)
    seconds = (until - answered).total_seconds() if answered else 0.0
    if seconds < case.deployment.thresholds.too_short_seconds:
        return
    side, peer = bare[0], SERVER if bare[0] == CLIENT else CLIENT
    yield Finding(
        RULE.name,
        "fault",
        0.85,
        evidence(*sections),
        ACCEPTED,
        (NOWHERE,),
        {"side": side, "peer": peer, "seconds": seconds},
        GATHERING,
        leg=leg,
        tags=frozenset({side}),
    )


def _refused(case: Case) -> Iterator[Finding]:
    refused = refusal(case, UNSUITED)
    audio = offered_audio(case, refused.invite) if refused is not None else None
    if refused is None or audio is None or not audio.ufrag or _candidates(case, audio.ufrag):
        return
    if refused.origin is not refused.response:
        return  # the other side refused the server's offer
    lines = [row for row in case.log_events if NONE_SUITABLE in (row.text or "").lower()]
    alone = well_known(audio)
    detail = [TRICKLE]
    facts: dict[str, object] = {
        "who": refused.origin.src_addr,
        "answer": refused.phrase,
        "offered": audio.codecs or "–",
    }
    if lines:
        detail.append(LOGGED)
        facts["line"] = (lines[0].text or "")[:LONGEST]
    elif not alone:
        detail.append(CODECS)
    sure = bool(lines) or alone
    yield Finding(
        RULE.name,
        "fault" if sure else "suspect",
        0.95 if lines else 0.85 if alone else 0.6,
        evidence(refused.invite, refused.response),
        TITLE,
        tuple(detail),
        facts,
        None if lines else SETTLE,
        leg=refused.leg.leg,
        tags=frozenset({CLIENT}),
    )


def _candidates(case: Case, ufrag: str) -> bool:
    return any(row.ufrag == ufrag for row in case.candidates)


RULE = Rule(
    code="SDP006",
    name="offer-without-candidates",
    stage="sdp",
    breaks="local_candidate",
    summary=Text("Offer without candidates", "Angebot ohne Kandidaten"),
    claim=Text(
        "A description with ICE but without candidates is refused, or no check comes about: nobody knows where to send.",
        "Eine Beschreibung mit ICE, aber ohne Kandidaten wird abgelehnt, oder es kommt kein Check zustande: Niemand weiß,"
        " wohin er senden soll.",
    ),
    causes=(
        cause(
            "The application sends the offer before it has gathered candidates (Trickle ICE).",
            "Die Anwendung sendet das Angebot, bevor sie Kandidaten gesammelt hat (Trickle ICE).",
        ),
        cause(
            "Gathering found none: no network interface allowed, or a VPN or privacy setting that hides them.",
            "Das Sammeln ergab keine: keine zulässige Netzschnittstelle, oder ein VPN oder eine Datenschutzeinstellung"
            " verbirgt sie.",
        ),
    ),
    remedies=(
        remedy(
            "Have the application wait until gathering is complete before it sends the offer (switch Trickle ICE off).",
            "Die Anwendung mit dem Angebot warten lassen, bis das Sammeln fertig ist (Trickle ICE abschalten).",
        ),
    ),
    references=("RFC 8840, section 4", "RFC 8839, section 5.1"),
    known_problems=Text(
        "A server that refuses for its codecs answers the same; an offer that is accepted is judged where no check follows.",
        "Ein Server, der wegen der Codecs ablehnt, antwortet ebenso; ein angenommenes Angebot wird beurteilt, wenn kein Check"
        " folgt.",
    ),
    find=find,
)
