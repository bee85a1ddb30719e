"""An offer is refused because of the way it requests SRTP, or because it does not."""

from collections.abc import Iterator

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.negotiation import by_dtls, secured
from postproc.diagnose.evidence.server import LOGGED, LONGEST
from postproc.diagnose.evidence.signalling import phrase, refusal, refused_offer, well_known
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import SdpMediaRow
from postproc.model.statuses import UNSUITED
from postproc.model.text import Text

TITLE = Text(
    "{who} refuses the offer ({answer}), probably for the way it asks for SRTP: {asked}.",
    "{who} lehnt das Angebot ab ({answer}), vermutlich wegen der Art, wie es SRTP verlangt: {asked}.",
)
SURE = Text(
    "{who} refuses the offer ({answer}) for the way it asks for SRTP: {asked}.",
    "{who} lehnt das Angebot ab ({answer}), und zwar wegen der Art, wie es SRTP verlangt: {asked}.",
)
OPTIONAL = Text(
    "a=crypto in an RTP/AVP section offers SRTP as an option (RFC 8643), which RFC 4568 does not allow for.",
    "a=crypto in einem RTP/AVP-Abschnitt bietet SRTP wahlweise an (RFC 8643), was RFC 4568 nicht vorsieht.",
)
DEMANDED = Text(
    "The offer leaves no choice: whoever has no SRTP with keys in SDP must refuse it.",
    "Das Angebot lässt keine Wahl: Wer kein SRTP mit Schlüsseln im SDP beherrscht, muss es ablehnen.",
)
SETTLE = Text(
    "the log of {who} at the time of the refusal says what it did not accept.",
    "Das Log von {who} zur Zeit der Ablehnung sagt, was nicht angenommen wurde.",
)

IN_AVP = "a=crypto in rtp/avp"  # FreeSWITCH, switch_core_media.c
REQUIRED = "crypto not negotiated but required"


def find(case: Case) -> Iterator[Finding]:
    refused = refusal(case, UNSUITED)
    offer = refused_offer(case, refused) if refused is not None else None
    if refused is None or offer is None:
        return
    invite, audio = offer
    optional, demanded = _optional(audio), _demanded(audio)
    lines = [
        row
        for row in case.log_events
        if (optional and IN_AVP in (row.text or "").lower())
        or (not audio.crypto and REQUIRED in (row.text or "").lower())
    ]
    if not lines and not ((optional or demanded) and well_known(audio)):
        return
    detail = [OPTIONAL] if optional else [DEMANDED] if demanded else []
    facts: dict[str, object] = {
        "who": refused.origin.src_addr,
        "answer": phrase(refused.origin.status, refused.origin.reason),
        "asked": ", ".join(
            [
                audio.proto or "–",
                *["a=crypto"] * bool(audio.crypto),
                *["a=fingerprint"] * bool(audio.fingerprint),
            ]
        ),
    }
    if lines:
        detail.append(LOGGED)
        facts["line"] = (lines[0].text or "")[:LONGEST]
    yield Finding(
        RULE.name,
        "fault" if lines else "suspect",
        0.9 if lines else 0.6,
        evidence(invite, refused.origin, refused.response),
        SURE if lines else TITLE,
        tuple(detail),
        facts,
        None if lines else SETTLE,
        leg=case.leg_of.get(refused.origin.call_id),
        tags=frozenset({"optional" if optional else "demanded" if demanded else "missing"}),
    )


def _optional(audio: SdpMediaRow) -> bool:
    """Whether SRTP is optional: a=crypto in a section whose profile is not SRTP."""
    return bool(audio.crypto) and not secured(audio)


def _demanded(audio: SdpMediaRow) -> bool:
    """Whether only SRTP with keys in SDP is offered."""
    return bool(audio.crypto) and secured(audio) and not by_dtls(audio)


RULE = Rule(
    code="SDP009",
    name="srtp-not-agreed",
    stage="sdp",
    breaks="encryption",
    summary=Text("SRTP not agreed", "SRTP nicht vereinbart"),
    claim=Text(
        "An offer is refused for how it asks for SRTP: optional, by keys in SDP, by DTLS, or not at all.",
        "Ein Angebot wird wegen der Art abgelehnt, wie es SRTP verlangt: wahlweise, per SDP, per DTLS oder gar nicht.",
    ),
    causes=(
        cause(
            "The phone offers SRTP as an option (a=crypto in RTP/AVP), and the server takes that for an error.",
            "Das Telefon bietet SRTP wahlweise an (a=crypto in RTP/AVP), und der Server hält das für einen Fehler.",
            tag="optional",
        ),
        cause(
            "The phone demands SRTP (RTP/SAVP), and the server has it switched off or has no suite in common.",
            "Das Telefon verlangt SRTP (RTP/SAVP); am Server ist es aus, oder es fehlt eine gemeinsame Suite.",
            tag="demanded",
        ),
        cause(
            "The server demands keys in SDP (SDES), and the offer has none: it asks for DTLS-SRTP or for no encryption.",
            "Der Server verlangt Schlüssel im SDP (SDES), das Angebot hat keine: Es verlangt DTLS-SRTP oder gar keine"
            " Verschlüsselung.",
            tag="missing",
        ),
    ),
    remedies=(
        remedy(
            "Set SRTP at the phone to off or to mandatory, not to optional.",
            "SRTP am Telefon aus- oder verbindlich einschalten, nicht wahlweise.",
            tag="optional",
        ),
        remedy(
            "FreeSWITCH: rtp_allow_crypto_in_avp=true, or NDLB-allow-crypto-in-avp in the profile.",
            "FreeSWITCH: rtp_allow_crypto_in_avp=true oder im Profil NDLB-allow-crypto-in-avp.",
            tag="optional",
            product="freeswitch",
        ),
        remedy(
            "Set the same kind of media encryption on both sides (none, SDES or DTLS-SRTP).",
            "Auf beiden Seiten dieselbe Art der Medienverschlüsselung einstellen (keine, SDES oder DTLS-SRTP).",
        ),
    ),
    references=("RFC 4568, section 7", "RFC 8643", "RFC 3264, section 6"),
    known_problems=Text(
        "Without the server's log it is a suspicion: codecs or policy give the same answer.",
        "Ohne das Log des Servers bleibt es ein Verdacht: Codecs oder Regeln führen zur selben Antwort.",
    ),
    find=find,
)
