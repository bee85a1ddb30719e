"""Media that had been flowing stopped while it was still due."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from postproc.diagnose.evidence.case import CLIENT, OTHER, SERVER, Case, evidence
from postproc.diagnose.evidence.silences import Silence, Withheld, alive, silences, withheld
from postproc.model.addresses import endpoint
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.loading import Row
from postproc.model.rows import DtlsMessageRow, SipMessageRow
from postproc.model.text import Text

TITLE = Text(
    "From {since:clock} on nothing came from the {side:word} on leg {number} any more, for {seconds:0} s.",
    "Ab {since:clock} kam vom {side:word} auf Leg {number} {seconds:0} s lang nichts mehr.",
)
TITLE_OTHER = Text(
    "From {since:clock} on nothing came from the other side on leg {number} any more, for {seconds:0} s.",
    "Ab {since:clock} kam von der Gegenstelle auf Leg {number} {seconds:0} s lang nichts mehr.",
)
TITLE_RELAY = Text(
    "From {since:clock} on {relay} passed nothing on to {target} on leg {number} any more, for {seconds:0} s.",
    "Ab {since:clock} leitete {relay} auf Leg {number} {seconds:0} s lang nichts mehr an {target} weiter.",
)
ARRIVES = Text(
    "The stream from {source} went on arriving there; until then it had been passed on.",
    "Der Stream von {source} kam dort weiter an; bis dahin war er weitergeleitet worden.",
)
AGREED = Text(
    "By offer and answer both sides might have gone on sending: no hold was agreed.",
    "Nach Angebot und Antwort durften beide Seiten weiter senden: Ein Halten war nicht vereinbart.",
)
MUSIC = Text(
    "The call was on hold, in which that side might send, and music had come from there until then.",
    "Der Anruf wurde gehalten, diese Seite durfte dabei senden, und bis dahin kam Musik von dort.",
)
ALIVE = Text(
    "Checks or answers to checks went on coming from there, so the path still carried STUN: a muted microphone and a filter that"
    " passes nothing but STUN look alike from here.",
    "Checks oder Antworten auf Checks kamen von dort weiter an, der Pfad trug also noch STUN: Ein stummgeschaltetes"
    " Mikrofon und ein Filter, der nur STUN durchlässt, sehen von hier aus gleich aus.",
)
GONE = Text(
    "No checks or answers to checks came from there either.",
    "Auch Checks oder Antworten auf Checks kamen von dort nicht mehr.",
)
REQUEST = Text(
    "Just before there was a {method} (frame {frame}).",
    "Unmittelbar davor gab es ein {method} (Frame {frame}).",
)
ALERT = Text(
    "Just before there was a DTLS alert (frame {frame}): {alert}.",
    "Unmittelbar davor gab es einen DTLS-Alert (Frame {frame}): {alert}.",
)
SETTLE = Text(
    "RTCP or comfort noise of the silent side, or its own capture or log, show whether it went on sending.",
    "RTCP oder Comfort Noise der stillen Seite oder ein Mitschnitt oder Log von dort zeigen, ob sie weiter"
    " gesendet hat.",
)
SETTLE_RELAY = Text(
    "The log of {relay} shows what it made of the call's media then.",
    "Das Log von {relay} zeigt, was dort dann mit den Medien des Anrufs geschah.",
)

# A change takes effect on media within a packet or two, a handshake within a second. A third of this misses a slow
# re-INVITE; three times mentions unrelated events.
JUST_BEFORE = timedelta(seconds=2)
CHANGES = ("INVITE", "UPDATE", "REFER")


def find(case: Case) -> Iterator[Finding]:
    for silence in silences(case):
        yield _finding(case, silence)
    for each in withheld(case):
        yield _of_relay(case, each)


def _finding(case: Case, silence: Silence) -> Finding:
    living = alive(case, silence)
    message = _before(case, silence.leg, silence.since)
    detail, tags = [MUSIC if silence.phase.kind == "hold" else AGREED], set[str]()
    facts: dict[str, object] = {
        "since": silence.since,
        "number": silence.leg,
        "seconds": silence.seconds,
        "side": _side(case, silence),
    }
    if living is not None:
        detail.append(ALIVE if living else GONE)
        tags.add("alive" if living else "gone")
    if message is not None:
        text, message_facts = _said_of(message)
        detail.append(text)
        facts |= message_facts
        tags |= {"changed"} if isinstance(message, SipMessageRow) else set()
    tags.add("silent")
    rows: list[Row] = [r for r in case.rtp_streams if r.leg == silence.leg and r.last_time == silence.since]
    return Finding(
        RULE.name,
        "suspect",
        0.6,
        evidence(*(rows or [silence.phase]), message),
        TITLE_OTHER if facts["side"] == OTHER else TITLE,
        tuple(detail),
        facts,
        SETTLE,
        leg=silence.leg,
        tags=frozenset(tags),
    )


def _of_relay(case: Case, gap: Withheld) -> Finding:
    leg, target = gap.passed.leg, gap.passed
    message = _before(case, leg, gap.since)
    facts: dict[str, object] = {
        "since": gap.since,
        "number": leg,
        "seconds": gap.seconds,
        "relay": gap.passed.src_addr,
        "target": endpoint(target.dst_addr, target.dst_port),
        "source": endpoint(gap.arriving.src_addr, gap.arriving.src_port),
    }
    detail, tags = [ARRIVES, AGREED], {"relay"}
    if message is not None:
        text, message_facts = _said_of(message)
        detail.append(text)
        facts |= message_facts
        tags |= {"changed"} if isinstance(message, SipMessageRow) else set()
    return Finding(
        RULE.name,
        "suspect",
        0.7,
        evidence(gap.passed, gap.arriving, message),
        TITLE_RELAY,
        tuple(detail),
        facts,
        SETTLE_RELAY,
        leg=leg,
        tags=frozenset(tags),
    )


def _said_of(message: SipMessageRow | DtlsMessageRow) -> tuple[Text, dict[str, object]]:
    """Return the sentence, with its facts, on the message just before the silence."""
    if isinstance(message, SipMessageRow):
        return REQUEST, {"method": message.method, "frame": message.frame}
    return ALERT, {"alert": message.alert, "frame": message.frame}


def _side(case: Case, silence: Silence) -> str:
    if silence.side == CLIENT:
        return CLIENT if silence.leg in case.client_legs else OTHER
    return SERVER


def _before(case: Case, leg: int | None, since: datetime) -> SipMessageRow | DtlsMessageRow | None:
    """Return the alert, else the request that may have changed the media, just before it stopped; or None."""
    near = (since - JUST_BEFORE, since + JUST_BEFORE)
    alerts = [r for r in case.dtls_messages if r.leg == leg and r.alert is not None]
    changes = [r for r in case.sip_messages if r.leg == leg and r.method in CHANGES and r.to_tag is not None]
    events: list[SipMessageRow | DtlsMessageRow] = [*alerts, *changes]
    return next((row for row in events if near[0] <= row.time <= near[1]), None)


RULE = Rule(
    code="RTP006",
    name="media-stopped",
    stage="media",
    breaks="continuity",
    from_absence=True,
    summary=Text("Media stopped during the call", "Medien brechen im Anruf ab"),
    claim=Text(
        "A side whose media had come falls silent while it may send, long before the phase ends, or a relay passes"
        " its stream on no more.",
        "Eine Seite, deren Medien angekommen waren, verstummt lange vor dem Ende der Phase, obwohl sie senden darf, oder"
        " ein Relay leitet ihren Stream nicht mehr weiter.",
    ),
    causes=(
        cause(
            "The microphone was muted, or the application sends nothing in silence and no comfort noise either.",
            "Das Mikrofon wurde stummgeschaltet, oder die Anwendung sendet bei Stille nichts, auch kein Comfort Noise.",
            tag="silent",
        ),
        cause(
            "The relay or server {relay} no longer bridges the two sides, or its media session was closed on one side.",
            "Das Relay oder der Server {relay} verbindet die beiden Seiten nicht mehr, oder eine Seite seiner"
            " Mediensitzung wurde geschlossen.",
            tag="relay",
        ),
        cause(
            "A firewall lets STUN pass and drops the media after it.",
            "Eine Firewall lässt STUN durch und verwirft danach die Medien.",
            tag="alive",
        ),
        cause(
            "The device lost or changed its network, or the application was stopped.",
            "Das Gerät hat sein Netz verloren oder gewechselt, oder die Anwendung wurde angehalten.",
            tag="gone",
        ),
        cause(
            "The {method} in frame {frame} changed something that the two sides understand differently: address,"
            " keys, DTLS role.",
            "Das {method} in Frame {frame} hat etwas geändert, das die beiden Seiten verschieden verstehen: Adresse,"
            " Schlüssel, DTLS-Rolle.",
            tag="changed",
        ),
    ),
    remedies=(
        remedy(
            "Ask whether somebody was muted from {since:clock} on.",
            "Nachfragen, ob ab {since:clock} jemand stummgeschaltet war.",
            tag="silent",
        ),
        remedy(
            "Look at {relay} (rtpengine: rtpengine-ctl list sessions; its log) for what it does with the stream.",
            "Auf {relay} nachsehen, was dort mit dem Stream geschieht (rtpengine: rtpengine-ctl list sessions; Log).",
            tag="relay",
        ),
        remedy(
            "Capture at the silent side at the same time: if it sends there, the network between drops the media.",
            "Gleichzeitig auf der stillen Seite mitschneiden: Sendet sie dort, verwirft das Netz dazwischen die Medien.",
            tag="silent",
        ),
        remedy(
            "Compare the descriptions before and after frame {frame}.",
            "Die Beschreibungen vor und nach Frame {frame} vergleichen.",
            tag="changed",
        ),
    ),
    references=("RFC 3264, section 5.1", "RFC 3389", "RFC 7675, section 5.1"),
    known_problems=Text(
        "Silence suppression without comfort noise looks the same, so it is never more than a suspicion.",
        "Sprechpausenunterdrückung ohne Comfort Noise sieht genauso aus; es bleibt deshalb immer ein Verdacht.",
    ),
    find=find,
    despite_media=True,
)
