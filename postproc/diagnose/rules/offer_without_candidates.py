"""ICE is offered without candidates, and a server without Trickle ICE refuses it."""

from collections.abc import Iterator

from postproc.diagnose.evidence.case import CLIENT, Case, evidence
from postproc.diagnose.evidence.server import LONGEST
from postproc.diagnose.evidence.signalling import offered_audio, refusal, well_known
from postproc.model.findings import Finding, Rule, cause, remedy
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
LOGGED = Text("The log says: {line}", "Im Log steht: {line}")
SETTLE = Text(
    "the server's log of this call at level debug says what it lacked in the offer.",
    "Das Log des Servers zu diesem Anruf auf Stufe Debug sagt, was ihm im Angebot fehlte.",
)

REFUSALS = frozenset(
    {415, 488, 606}
)  # RFC 3261, sections 21.4.13, 21.4.26 and 21.6.4: the description is not acceptable
NONE_SUITABLE = "no suitable candidates"  # FreeSWITCH; it still writes CODEC NEGOTIATION ERROR after it


def find(case: Case) -> Iterator[Finding]:
    refused = refusal(case, REFUSALS)
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
        "An offer with ICE but without candidates is refused: the server does not know where to send.",
        "Ein Angebot mit ICE, aber ohne Kandidaten wird abgelehnt: Der Server weiß nicht, wohin er senden soll.",
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
        "A server that refuses for its codecs answers the same; offers that are accepted are not judged.",
        "Ein Server, der wegen der Codecs ablehnt, antwortet ebenso; angenommene Angebote werden nicht beurteilt.",
    ),
    find=find,
)
