"""DTMF cannot be sent as RTP events on a leg, although one side would use them (RFC 4733)."""

from collections.abc import Iterator

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import audio
from postproc.diagnose.evidence.negotiation import Described, exchanges
from postproc.diagnose.evidence.signalling import phrase
from postproc.model.addresses import endpoint
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import SdpMediaRow, SipMessageRow
from postproc.model.statuses import is_refusal
from postproc.model.text import Text

LEFT_OUT = Text(
    "{answerer} leaves out telephone-event on leg {number}: keys pressed there cannot go as RTP events.",
    "{answerer} lässt telephone-event auf Leg {number} weg: Tastendrücke können dort nicht als RTP-Events gehen.",
)
NEVER_OFFERED = Text(
    "Keys are signalled by SIP INFO on leg {number}; telephone-event is neither offered nor answered there.",
    "Tasten werden auf Leg {number} per SIP INFO gemeldet; telephone-event steht dort weder im Angebot noch in der Antwort.",
)
OFFERED = Text(
    "{offerer} offers it (frame {offer}), the answer names {answered} only.",
    "{offerer} bietet es an (Frame {offer}), die Antwort nennt nur {answered}.",
)
BY_INFO = Text(
    "Keys are signalled by SIP INFO instead: {keys:time|times}, first in frame {info}.",
    "Tasten werden stattdessen per SIP INFO gemeldet: {keys}-mal, zuerst in Frame {info}.",
)
REFUSED = Text(
    "{refuser} refuses such an INFO with {status}, so the key does not arrive.",
    "{refuser} lehnt ein solches INFO mit {status} ab; die Taste kommt also nicht an.",
)
UNNAMED = Text(
    "{source} sends packets of payload type {kind} in its stream to {target} (leg {number}), which no description names.",
    "{source} sendet in seinem Stream an {target} (Leg {number}) Pakete mit Payload-Typ {kind}, den keine Beschreibung nennt.",
)
EVENTS_ARE = Text(
    "Keys (telephone-event) are agreed as {agreed}: a receiver that goes by that does not hear these.",
    "Tasten (telephone-event) sind als {agreed} vereinbart: Wer sich daran hält, hört diese hier nicht.",
)
SETTLE = Text(
    "whether keys were missed at all says who pressed them: voice menus and conference PINs need them.",
    "Ob überhaupt Tasten fehlten, weiß, wer sie gedrückt hat: Sprachmenüs und Konferenz-PINs brauchen sie.",
)
EVENTS = "telephone-event"
COMFORT_NOISE = ("13", "19")  # many send it without offering it (RFC 3389, section 4; 19 before that)


def find(case: Case) -> Iterator[Finding]:
    answered = {leg.leg for leg in case.legs if leg.answer_time is not None}
    for leg in sorted(answered):
        last = next((each for each in reversed(exchanges(case, leg)) if each.accepted), None)
        if last is None or _events(last.answer.audio):
            continue
        keys = [row for row in case.sip_messages if row.leg == leg and row.dtmf]
        wants_events = _events(last.offer.audio)
        if (wants_events or keys) and last.answer.audio.codecs:
            yield _finding(case, leg, last.offer, last.answer, keys, wanted=wants_events)
    for leg in sorted(answered):
        yield from _unnamed(case, leg)


def _unnamed(case: Case, leg: int) -> Iterator[Finding]:
    """Yield a finding on each sender of a few packets of a payload type that no description of the leg names."""
    described = [part.audio for each in exchanges(case, leg) for part in each if part.audio.codecs]
    named = {kind for section in described for kind in (section.formats or "").split(",")}
    events = {
        kind for each in described for kind, _, codec in _codecs(each) if codec.lower().startswith(EVENTS)
    }
    told = set[tuple[str, str]]()
    for row in audio(case, leg):
        strange = sorted({*(row.other_payload_types or "").split(",")} - named - {"", *COMFORT_NOISE})
        if not (events and strange and str(row.payload_type) in named) or (row.src_addr, strange[0]) in told:
            continue
        told.add((row.src_addr, strange[0]))
        yield Finding(
            RULE.name,
            "note",
            0.7,
            evidence(row),
            UNNAMED,
            (EVENTS_ARE,),
            {
                "source": endpoint(row.src_addr, row.src_port),
                "target": endpoint(row.dst_addr, row.dst_port),
                "number": leg,
                "kind": strange[0],
                "agreed": sorted(events),
            },
            SETTLE,
            leg=leg,
            tags=frozenset({"unnamed"}),
        )


def _codecs(section: SdpMediaRow) -> Iterator[tuple[str, str, str]]:
    for each in (section.codecs or "").replace(",", " ").split():
        yield each.partition("=")


def _events(section: SdpMediaRow) -> bool:
    return EVENTS in (section.codecs or "").lower()


def _finding(
    case: Case, leg: int, offer: Described, answer: Described, keys: list[SipMessageRow], *, wanted: bool
) -> Finding:
    facts: dict[str, object] = {"number": leg, "answerer": answer.message.src_addr}
    detail, refused = [], None
    if wanted:
        detail.append(OFFERED)
        names = [
            each.partition("=")[2] or each for each in (answer.audio.codecs or "").replace(",", " ").split()
        ]
        facts |= {"offerer": offer.message.src_addr, "offer": offer.message.frame, "answered": names}
    if keys:
        detail.append(BY_INFO)
        facts |= {"keys": len({(row.call_id, row.from_tag, row.cseq) for row in keys}), "info": keys[0].frame}
        refused = _refused(case, keys)
    if refused is not None:
        detail.append(REFUSED)
        facts |= {"refuser": refused.src_addr, "status": phrase(refused.status, refused.reason)}
    tags = {"left_out" if wanted else "info", *(["refused"] if refused else [])}
    return Finding(
        RULE.name,
        "note",
        0.9,
        evidence(offer.message, answer.message, *keys[:1], refused),
        LEFT_OUT if wanted else NEVER_OFFERED,
        tuple(detail),
        facts,
        SETTLE,
        leg=leg,
        tags=frozenset(tags),
    )


def _refused(case: Case, keys: list[SipMessageRow]) -> SipMessageRow | None:
    """Return the first error response to such an INFO, or None."""
    infos = {(row.call_id, row.cseq, row.dst_addr) for row in keys}
    for row in case.sip_messages:
        if (
            row.cseq_method == "INFO"
            and is_refusal(row.status)
            and (row.call_id, row.cseq, row.src_addr) in infos
        ):
            return row
    return None


RULE = Rule(
    code="SDP013",
    name="dtmf-not-negotiated",
    stage="sdp",
    summary=Text("DTMF events not agreed", "DTMF-Events nicht vereinbart"),
    claim=Text(
        "telephone-event is offered and not answered, or keys are signalled by SIP INFO without it, or with another number than agreed.",
        "telephone-event wird angeboten und nicht beantwortet, oder Tasten werden ohne es per SIP INFO gemeldet oder mit einer anderen Nummer als vereinbart.",
    ),
    causes=(
        cause(
            "The answering side is set to another way of sending keys: as tones in the audio, or by SIP INFO.",
            "Die antwortende Seite ist auf eine andere Art der Tastenübertragung eingestellt: als Töne im Audio oder per"
            " SIP INFO.",
            tag="left_out",
        ),
        cause(
            "The answering side knows telephone-event only with a clock rate that was not offered (48000 beside Opus).",
            "Die antwortende Seite kennt telephone-event nur mit einer Taktrate, die nicht angeboten wurde (48000 neben"
            " Opus).",
            tag="left_out",
        ),
        cause(
            "{source} sends keys with a number of its own (often 101) instead of the one agreed.",
            "{source} sendet Tasten mit einer eigenen Nummer (oft 101) statt der vereinbarten.",
            tag="unnamed",
        ),
        cause(
            "The application is set to send keys by SIP INFO.",
            "Die Anwendung ist auf Tastenübertragung per SIP INFO eingestellt.",
            tag="info",
        ),
    ),
    remedies=(
        remedy(
            "Set the payload type of telephone-event at {source} to {agreed}, or let both sides agree on 101.",
            "Bei {source} den Payload-Typ für telephone-event auf {agreed} stellen oder beide Seiten 101 vereinbaren lassen.",
            tag="unnamed",
        ),
        remedy(
            "Set both sides of this leg to RFC 4733 (also called RFC 2833); Asterisk: dtmf_mode=rfc4733 at the endpoint.",
            "Auf beiden Seiten dieses Legs RFC 4733 (auch RFC 2833 genannt) einstellen; Asterisk: dtmf_mode=rfc4733 am"
            " Endpoint.",
        ),
        remedy(
            "FreeSWITCH: dtmf-type=rfc2833 in the profile or the gateway; for a side without it, start_dtmf in the dial"
            " plan hears tones in the audio.",
            "FreeSWITCH: dtmf-type=rfc2833 im Profil oder Gateway; für eine Seite ohne telephone-event hört start_dtmf im"
            " Wählplan Töne im Audio.",
            product="freeswitch",
        ),
    ),
    references=("RFC 4733, section 2.5.1.1", "RFC 3264, section 6.1"),
    known_problems=Text(
        "Where neither side wants events the rule is silent. Tones in the audio are not looked for, so it is a note only.",
        "Wo keine Seite Events will, schweigt die Regel. Nach Tönen im Audio wird nicht gesucht, es bleibt also ein Hinweis.",
    ),
    find=find,
)
