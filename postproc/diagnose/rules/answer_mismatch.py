"""An answer lacks a property that the offer requires for secure media, so that media fails."""

from collections.abc import Iterator
from dataclasses import replace

from postproc.diagnose.evidence import absent_answers
from postproc.diagnose.evidence.answers import Lack, by_machine, decides, ended, lacks, suites
from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import both_ways
from postproc.diagnose.evidence.negotiation import Exchange, exchanges, secured
from postproc.diagnose.evidence.signalling import disjoint, negotiated, rejection
from postproc.diagnose.evidence.timers import in_ms
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import SdpMediaRow, SipMessageRow
from postproc.model.text import Text

TITLE = Text(
    "The answer from {who} on leg {number} lacks what the offer demands: {lack}.",
    "Der Antwort von {who} auf Leg {number} fehlt, was das Angebot verlangt: {lack}.",
)
ANSWERED = Text(
    "Offered is {offered}, answered {answered}.", "Angeboten ist {offered}, geantwortet wird {answered}."
)
ENDED = Text(
    "{ender} ended the leg {after_ms} ms after the answer by {method} with Reason {reason}.",
    "{ender} hat das Leg {after_ms} ms nach der Antwort durch {method} mit Reason {reason} beendet.",
)
HUNG_UP = Text(
    "{ender} ended the leg {after_ms} ms after the answer by {method}.",
    "{ender} hat das Leg {after_ms} ms nach der Antwort durch {method} beendet.",
)
REFUSED = Text(
    "{ender} does not accept what {who} describes on leg {number}: {method} {after_ms} ms later, {reason}.",
    "{ender} nimmt nicht an, was {who} auf Leg {number} beschreibt: {method} {after_ms} ms später, {reason}.",
)
DESCRIBED = Text(
    "Described there: {answered}. What of it does not suit is not to be seen.",
    "Beschrieben ist dort: {answered}. Was davon nicht passt, ist nicht zu sehen.",
)
SETTLE = Text(
    "the log of {ender} says what it did not accept.", "das Log von {ender} zeigt, was nicht annehmbar war."
)
UNDECIPHERED = Text(
    "Packets go both ways; whether the ends can decrypt them is not to be seen.",
    "Pakete gehen in beide Richtungen; ob die Enden sie entschlüsseln können, ist nicht zu sehen.",
)

ENCRYPTION = frozenset({"profile", "keys"})
FEW = 4  # lines of a=crypto told; a choice


def find(case: Case) -> Iterator[Finding]:
    for leg in case.numbers:
        flowing = both_ways(case, leg)
        if not flowing:
            yield from absent_answers.in_ack(RULE.name, case, leg)
            yield from absent_answers.in_response(RULE.name, case, leg)
        yield from absent_answers.to_change(RULE.name, case, leg)
        before: Exchange | None = None
        for exchange in exchanges(case, leg):
            refused = ended(case, exchange)
            every = [*lacks(exchange), *_other_sections(case, exchange)]
            missing = [lack for lack in every if _counts(lack, flowing, refused, exchange, before)]
            if missing and not (missing[0].tag == "setup" and _handshake(case, leg)):
                found = _finding(
                    leg, exchange, missing, refused, UNDECIPHERED if flowing else absent_answers.NO_MEDIA
                )
                yield _with_sections(case, exchange, found) if missing[0].tag == "sections" else found
                break
            if refused is not None and _unexplained(case, exchange, refused):
                yield _refused(leg, exchange, refused)
                break
            before = exchange


def _counts(
    lack: Lack,
    flowing: bool | None,
    refused: SipMessageRow | None,
    exchange: Exchange,
    before: Exchange | None,
) -> bool:
    """Whether a lack matters: media fails, the answer is refused, or one side would now send in clear.

    A side that answers without SRTP may go on with it; after both had agreed on it, the new exchange ends it.
    """
    if lack.tag in ("direction", "sections"):
        return refused is not None and (decides(refused, exchange) or by_machine(refused, exchange))
    if lack.garbled or (refused is not None and decides(refused, exchange)):
        return True
    if lack.tag == "setup" and before is not None and _same_association(before, exchange):
        return False
    was_secured = before is not None and secured(before.offer.audio) and secured(before.answer.audio)
    return (lack.tag == "profile" and was_secured) or not (flowing or (lack.proof and not refused))


def _same_association(before: Exchange, exchange: Exchange) -> bool:
    """Whether both sides keep certificate and socket: DTLS goes on, in the roles that it has (RFC 8842, section 5.5)."""
    kept = [
        {(part.audio.fingerprint, part.audio.connection_addr, part.audio.port) for part in each}
        for each in (before, exchange)
    ]
    return kept[0] == kept[1]


def _other_sections(case: Case, exchange: Exchange) -> list[Lack]:
    """Return a lack if the answer has not the offer's m= sections in their order (RFC 3264, section 6)."""
    offered, answered = (_sections(case, part.message) for part in exchange)
    return [] if offered == answered else [Lack("sections", ", ".join(offered), proof=True)]


def _sections(case: Case, message: SipMessageRow) -> list[str]:
    place = (message.capture, message.frame, message.call_id)
    rows = (row for row in case.sdp_media if (row.capture, row.frame, row.call_id) == place)
    return [f"m={row.media}" for row in rows]


def _with_sections(case: Case, exchange: Exchange, found: Finding) -> Finding:
    listed = (", ".join(_sections(case, part.message)) for part in exchange)
    return replace(found, facts={**found.facts, **dict(zip(("offered", "answered"), listed, strict=True))})


def _unexplained(case: Case, exchange: Exchange, refused: SipMessageRow) -> bool:
    """Whether the end of a leg says that a description does not suit, and neither codecs nor handshake say why."""
    call_id = exchange.answer.message.call_id
    pair = negotiated(case, call_id)
    return (
        decides(refused, exchange)
        and refused == _first_bye(case)
        and rejection(case) is None  # legs that cannot be bridged: the refusal of the first one tells
        and not _handshake(case, case.leg_of[call_id])
        and not (pair is not None and disjoint(*pair))
    )


def _first_bye(case: Case) -> SipMessageRow | None:
    """Return what ended the call first; a B2BUA copies its Reason to the other leg."""
    return next((row for row in case.sip_messages if row.method in ("BYE", "CANCEL")), None)


def _refused(leg: int, exchange: Exchange, refused: SipMessageRow) -> Finding:
    """Return a finding on a description that is refused for a reason that the capture does not show."""
    theirs = exchange.offer if exchange.answer.message.src_addr == refused.src_addr else exchange.answer
    return Finding(
        RULE.name,
        "suspect",
        0.75,
        evidence(theirs.message, refused),
        REFUSED,
        (DESCRIBED,),
        {"who": theirs.message.src_addr, "number": leg, "answered": _summary(theirs.audio)}
        | _end(exchange, refused),
        SETTLE,
        leg=leg,
        tags=frozenset({"refused"}),
    )


def _handshake(case: Case, leg: int) -> bool:
    """Whether a ClientHello was sent, so that the outcome of the roles is visible there."""
    return any(row.leg == leg and row.client_hellos for row in case.dtls)


def _finding(
    leg: int, exchange: Exchange, missing: list[Lack], refused: SipMessageRow | None, media: Text
) -> Finding:
    offer, answer = exchange.offer.audio, exchange.answer.audio
    facts: dict[str, object] = {
        "who": exchange.answer.message.src_addr,
        "number": leg,
        "lack": [lack.name for lack in missing],
        "offered": _summary(offer),
        "answered": _summary(answer),
    }
    detail = media
    if refused is not None:
        facts |= _end(exchange, refused)
        detail = ENDED if refused.reason_header else HUNG_UP
    sure = refused is not None and refused.reason_header is not None
    return Finding(
        RULE.name,
        "fault" if sure else "suspect",
        0.85 if sure else 0.7,
        evidence(exchange.offer.message, exchange.answer.message, refused),
        TITLE,
        (ANSWERED, detail),
        facts,
        leg=leg,
        tags=_tags(missing),
    )


def _tags(missing: list[Lack]) -> frozenset[str]:
    tags = frozenset(lack.tag for lack in missing)
    return tags | {"encryption"} if tags & ENCRYPTION else tags


def _end(exchange: Exchange, refused: SipMessageRow) -> dict[str, object]:
    waited = refused.time - exchange.answer.message.time
    return {
        "ender": refused.src_addr,
        "after_ms": round(in_ms(waited)),
        "method": refused.method,
        "reason": refused.reason_header,
    }


def _summary(section: SdpMediaRow) -> str:
    """Return profile, keying and RTCP attributes: ``RTP/SAVP, a=crypto``."""
    properties = {
        "a=fingerprint": section.fingerprint,
        " | ".join(suites(section)) if len(suites(section)) <= FEW else "a=crypto": section.crypto,
        f"a=setup:{section.setup}": section.setup,
        f"a={section.direction}": section.direction not in (None, "sendrecv"),
        "a=rtcp-mux": section.rtcp_mux,
    }
    return ", ".join([section.proto or "–", *(name for name, present in properties.items() if present)])


RULE = Rule(
    code="SDP008",
    name="answer-mismatch",
    stage="sdp",
    breaks="answer",
    despite_media=True,
    summary=Text("Answer does not fit the offer", "Antwort passt nicht zum Angebot"),
    claim=Text(
        "The answer lacks what the offer demands: profile, fingerprint, crypto, setup role, direction, rtcp-mux or the order of its sections; or a 200 or an ACK lacks it; or it is refused.",
        "Der Antwort fehlt, was das Angebot verlangt: Profil, Fingerprint, Crypto, Setup-Rolle, Richtung, rtcp-mux oder die Reihenfolge"
        " seiner Abschnitte; oder sie"
        " fehlt im 200 oder im ACK; oder sie wird abgelehnt.",
    ),
    causes=(
        cause(
            "Encryption is switched off at the answering side, or set to another kind than the offer's.",
            "Auf der antwortenden Seite ist die Verschlüsselung aus oder eine andere Art als im Angebot eingestellt.",
            tag="profile",
        ),
        cause(
            "The answering side has no certificate for DTLS, or is set to SDES for this peer.",
            "Die antwortende Seite hat kein Zertifikat für DTLS oder ist für diesen Peer auf SDES eingestellt.",
            tag="keys",
        ),
        cause(
            "The answering side gives every answer the same tag. The offerer goes by the tag and takes another suite and key"
            " (RFC 4568, section 5.1.2).",
            "Die antwortende Seite gibt jeder Antwort dasselbe Tag. Die anbietende richtet sich nach dem Tag und nimmt eine andere Suite"
            " mit anderem Schlüssel (RFC 4568, Abschnitt 5.1.2).",
            tag="tag",
        ),
        cause(
            "The answering side negotiates RTCP on a port of its own, which browsers no longer accept.",
            "Die antwortende Seite handelt für RTCP einen eigenen Port aus, was Browser nicht mehr annehmen.",
            tag="mux",
        ),
        cause(
            "The answering side takes a DTLS role that the offer does not leave to it.",
            "Die antwortende Seite nimmt eine DTLS-Rolle ein, die das Angebot ihr nicht lässt.",
            tag="setup",
        ),
        cause(
            "The answering side returns its earlier description, and not one that fits this offer's direction (hold).",
            "Die antwortende Seite schickt ihre frühere Beschreibung und keine, die zur Richtung dieses Angebots passt (Halten).",
            tag="direction",
        ),
        cause(
            "The answering side, or a relay that rewrites its description, drops or reorders m= sections; a browser refuses such an answer.",
            "Die antwortende Seite oder ein Relay, das ihre Beschreibung umschreibt, lässt m=-Abschnitte weg oder stellt sie um; ein"
            " Browser nimmt eine solche Antwort nicht an.",
            tag="sections",
        ),
        cause(
            "The answering side makes its ICE credentials too short; a browser refuses such a description.",
            "Die antwortende Seite bildet zu kurze ICE-Zugangsdaten; ein Browser nimmt eine solche Beschreibung nicht an.",
            tag="ice",
        ),
        cause(
            "{ender} wants another media encryption, codec or attribute than {who} describes.",
            "{ender} verlangt eine andere Medienverschlüsselung, einen anderen Codec oder ein anderes Attribut, als {who} beschreibt.",
            tag="refused",
        ),
        cause(
            "A SIP ALG, proxy or gateway on the way drops the body of the {status}, or {who} answers without one.",
            "Ein SIP-ALG, Proxy oder Gateway auf dem Weg entfernt den Inhalt des {status}, oder {who} antwortet ohne.",
            tag="empty",
        ),
        cause(
            "A SIP ALG or proxy on the way, or {who} itself, writes a wrong Content-Length.",
            "Ein SIP-ALG oder Proxy auf dem Weg oder {who} selbst schreibt eine falsche Content-Length.",
            tag="cut",
        ),
        cause(
            "A gateway or proxy on the way drops the ACK's body, or cannot do offers in responses (delayed offer).",
            "Ein Gateway oder Proxy auf dem Weg entfernt den Inhalt des ACK oder beherrscht Angebote in Antworten nicht"
            " (Delayed Offer).",
            tag="ack",
        ),
    ),
    remedies=(
        remedy(
            "Update the answering side; until then have the offering side offer a single suite.",
            "Die antwortende Seite aktualisieren; bis dahin die anbietende nur eine einzige Suite anbieten lassen.",
            tag="tag",
        ),
        remedy(
            "Set the same kind of media encryption on both sides of this leg (none, SDES or DTLS-SRTP).",
            "Auf beiden Seiten dieses Legs dieselbe Art der Medienverschlüsselung einstellen (keine, SDES oder DTLS-SRTP).",
            tag="encryption",
        ),
        remedy(
            "Have the answering side answer a=sendonly with a=recvonly (update it), or hold without a re-INVITE.",
            "Die antwortende Seite auf a=sendonly mit a=recvonly antworten lassen (Update), oder ohne Re-INVITE halten.",
            tag="direction",
        ),
        remedy(
            "Update the side or relay that writes the answer, or offer audio alone; a refused section stays where it was, with port 0.",
            "Die Seite oder das Relay aktualisieren, die die Antwort schreiben, oder nur Audio anbieten; ein abgelehnter Abschnitt bleibt"
            " an seinem Platz, mit Port 0.",
            tag="sections",
        ),
        remedy(
            "Update the answering side: a=ice-ufrag needs 4 characters and a=ice-pwd 22.",
            "Die antwortende Seite aktualisieren: a=ice-ufrag braucht 4 Zeichen, a=ice-pwd 22.",
            tag="ice",
        ),
        remedy(
            "Look at the log of {ender} at that time; in a browser at the console: it names the line it does not take.",
            "Das Log von {ender} zu dieser Zeit ansehen, beim Browser die Konsole: Dort steht die Zeile, die nicht angenommen wird.",
            tag="refused",
        ),
        remedy(
            "Capture at {who}: does its {status} hold SDP there? If so, switch off what changes SIP on the way.",
            "Bei {who} mitschneiden: Enthält das {status} dort SDP? Wenn ja, abschalten, was SIP unterwegs verändert.",
            tag="empty",
        ),
        remedy(
            "Switch rtcp-mux on at the answering side; Asterisk: rtcp_mux=yes or webrtc=yes at the endpoint.",
            "Auf der antwortenden Seite rtcp-mux einschalten; Asterisk: rtcp_mux=yes oder webrtc=yes am Endpoint.",
            tag="mux",
        ),
        remedy(
            "Have {who} take the DTLS role that the offer leaves to it; Asterisk: dtls_setup=actpass at the endpoint.",
            "{who} die DTLS-Rolle einnehmen lassen, die das Angebot ihm lässt; Asterisk: dtls_setup=actpass am Endpoint.",
            tag="setup",
        ),
        remedy(
            "Compare the {method} at {who} and at {offerer}; switch the router's SIP ALG off, or carry SIP over TLS, which it cannot change.",
            "{method} bei {who} und bei {offerer} vergleichen; das SIP-ALG des Routers abschalten oder SIP über TLS führen, das er nicht"
            " ändern kann.",
            tag="cut",
        ),
        remedy(
            "Let {who} offer in its INVITE (early offer).",
            "{who} schon im INVITE anbieten lassen (Early Offer).",
            tag="ack",
        ),
    ),
    references=(
        "RFC 3264, section 6",
        "RFC 8839, section 5.4",
        "RFC 4568, section 5.1.2",
        "RFC 5763, section 5",
        "RFC 8858",
    ),
    known_problems=Text(
        "An answer without rtcp-mux is legal: it is named only where the other side ends the leg at once or demands it.",
        "Eine Antwort ohne rtcp-mux ist erlaubt: Genannt wird sie nur, wo die andere Seite das Leg sofort beendet oder"
        " rtcp-mux verlangt.",
    ),
    find=find,
)
