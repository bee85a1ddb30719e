"""Media that had been flowing stopped while it was still due."""

from collections.abc import Iterator

from postproc.diagnose.evidence.case import CLIENT, OTHER, SERVER, Case, evidence
from postproc.diagnose.evidence.complaints import unfed_hold
from postproc.diagnose.evidence.hold_findings import (
    PENDING_CAUSE,
    PENDING_REMEDY,
    SETTLE_RELAY,
    left_on_hold,
    unfed,
)
from postproc.diagnose.evidence.holds import PASSED_ON, kept
from postproc.diagnose.evidence.meanwhile import (
    FORGOTTEN_CAUSE,
    FORGOTTEN_REMEDY,
    UNREACHED,
    before,
    meanwhile,
    said_of,
    unreached_later,
)
from postproc.diagnose.evidence.reports import Reported, missed, unreceived
from postproc.diagnose.evidence.silences import Silence, Withheld, alive, fed_by, silences, withheld
from postproc.model.addresses import endpoint
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.loading import Row
from postproc.model.rows import RtpStreamRow, SipMessageRow
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
TITLE_UNRECEIVED = Text(
    "From {since:clock} at the latest nothing that is sent to {target} on leg {number} arrives there any more, for {seconds:0} s:"
    " its own reports say so.",
    "Spätestens ab {since:clock} kommt auf Leg {number} {seconds:0} s lang nichts mehr an, was an {target} gesendet wird: Das"
    " melden dessen eigene Berichte.",
)
REPORTED = Text(
    "By the last {reports} RTCP reports from there (up to frame {frame}) not one packet had arrived, although the stream from"
    " {source} passed the capture point all the time.",
    "Nach den letzten {reports} RTCP-Berichten von dort (bis Frame {frame}) kam kein Paket mehr an, obwohl der Stream von {source}"
    " durchgehend am Mitschnittpunkt vorbeilief.",
)
ENCRYPTED = Text(
    "These reports are encrypted (SRTCP): only the number of sources in them is known, which fell to 0.",
    "Diese Berichte sind verschlüsselt (SRTCP): Bekannt ist nur die Anzahl der Quellen darin, und die fiel auf 0.",
)
SETTLE_UNRECEIVED = Text(
    "A capture at {target} shows whether the packets reach the machine.",
    "Ein Mitschnitt bei {target} zeigt, ob die Pakete den Rechner erreichen.",
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
FED = Text(
    "Meanwhile audio from the other end of leg {other} went on arriving at the server.",
    "Unterdessen kam Audio vom anderen Ende von Leg {other} weiter beim Server an.",
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
SETTLE = Text(
    "RTCP or comfort noise of the silent side, or its own capture or log, show whether it went on sending.",
    "RTCP oder Comfort Noise der stillen Seite oder ein Mitschnitt oder Log von dort zeigen, ob sie weiter"
    " gesendet hat.",
)
SETTLE_FED = Text(
    "The server's log shows what it did with the media of leg {other} then.",
    "Das Log des Servers zeigt, was dort dann mit den Medien von Leg {other} geschah.",
)


def find(case: Case) -> Iterator[Finding]:
    holds = kept(case)
    for silence in silences(case):
        if not any(held.phase == silence.phase and silence.since >= held.since - PASSED_ON for held in holds):
            yield _finding(case, silence)  # else hold music that ended with the attempt to resume
    for each in withheld(case):
        yield _of_relay(case, each)
    for held in holds:
        yield left_on_hold(RULE.name, held)
    if (ended := unfed_hold(case)) is not None:
        yield unfed(RULE.name, *ended)
    for leg in case.numbers:
        for stream in unreceived(case, leg):
            if stream.silent is not None:
                yield _unreceived(case, stream, stream.silent)


def _finding(case: Case, silence: Silence) -> Finding:
    living = alive(case, silence)
    message = before(case, silence.leg, silence.since)
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
    unreached = unreached_later(case, silence)
    if unreached is not None:
        detail.append(UNREACHED)
        tags.add("gone")
        facts |= {
            "after": unreached.method,
            "after_frame": unreached.frame,
            "after_times": unreached.requests,
        }
    if message is not None:
        text, message_facts = said_of(message)
        detail.append(text)
        facts |= message_facts
        tags |= {"changed"} if isinstance(message, SipMessageRow) else set()
    fed = fed_by(case, silence)
    if fed is not None:
        detail.append(FED)
        facts["other"] = fed.leg
    for event in meanwhile(case, silence):
        detail += event.texts
        facts |= event.facts
        tags.add(event.tag)
    if unreached is None:
        tags.add("silent" if fed is None else "fed")
    rows: list[Row] = [r for r in case.rtp_streams if r.leg == silence.leg and r.last_time == silence.since]
    return Finding(
        RULE.name,
        "suspect",
        0.6 if fed is None else 0.7,
        evidence(*(rows or [silence.phase]), message),
        TITLE_OTHER if facts["side"] == OTHER else TITLE,
        tuple(detail),
        facts,
        SETTLE if fed is None else SETTLE_FED,
        leg=silence.leg,
        tags=frozenset(tags),
    )


def _of_relay(case: Case, gap: Withheld) -> Finding:
    leg, target = gap.passed.leg, gap.passed
    message = before(case, leg, gap.since)
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
        text, message_facts = said_of(message)
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


def _unreceived(case: Case, stream: Reported, silent: RtpStreamRow) -> Finding:
    last, encrypted = stream.last, silent.reported_expected is None
    facts: dict[str, object] = {
        "since": silent.reported_until,
        "number": last.leg,
        "seconds": max(missed(case, stream).values()),
        "reports": silent.unreported,
        "frame": silent.report_frame,
        "source": endpoint(last.src_addr, last.src_port),
        "target": endpoint(last.dst_addr, last.dst_port),
    }
    return Finding(
        RULE.name,
        "suspect" if encrypted else "fault",
        0.7 if encrypted else 0.9,
        evidence(last, silent, more=[] if silent.report_frame is None else [silent.report_frame]),
        TITLE_UNRECEIVED,
        (REPORTED, *((ENCRYPTED,) if encrypted else ())),
        facts,
        SETTLE_UNRECEIVED,
        leg=last.leg,
        tags=frozenset({"unreceived"}),
    )


def _side(case: Case, silence: Silence) -> str:
    if silence.side == CLIENT:
        return CLIENT if silence.leg in case.client_legs else OTHER
    return SERVER


RULE = Rule(
    code="RTP006",
    name="media-stopped",
    stage="media",
    breaks="continuity",
    from_absence=True,
    summary=Text("Media stopped during the call", "Medien brechen im Anruf ab"),
    claim=Text(
        "A side whose media had come falls silent while it may send, long before the phase ends, or a relay passes"
        " its stream on no more, or its receiver reports that nothing arrives any more, or a call stays on hold although it"
        " was to be resumed, or is ended for want of media on hold.",
        "Eine Seite, deren Medien angekommen waren, verstummt lange vor dem Ende der Phase, obwohl sie senden darf, oder"
        " ein Relay leitet ihren Stream nicht mehr weiter, oder der Empfänger meldet, dass nichts mehr ankommt, oder ein Anruf"
        " bleibt gehalten, obwohl er zurückgeholt werden sollte, oder wird gehalten mangels Medien beendet.",
    ),
    causes=(
        cause(
            "{who} forgets its DTLS role in later answers; the other side cannot take the description, and stays as it was (on hold).",
            "{who} vergisst in späteren Antworten seine DTLS-Rolle; die andere Seite kann die Beschreibung nicht übernehmen und bleibt,"
            " wie sie war (gehalten).",
            tag="role",
        ),
        cause(
            "{asker} lost its path (network, address) and could not announce a new one: {refuser} refused it.",
            "{asker} verlor seinen Pfad (Netz, Adresse) und konnte keinen neuen ankündigen: {refuser} lehnte ab.",
            tag="refused-change",
        ),
        FORGOTTEN_CAUSE,
        cause(
            "The microphone was muted, or the application sends nothing in silence and no comfort noise either.",
            "Das Mikrofon wurde stummgeschaltet, oder die Anwendung sendet bei Stille nichts, auch kein Comfort Noise.",
            tag="silent",
        ),
        cause(
            "A firewall, NAT or line between the capture point and {target} drops the media towards it.",
            "Eine Firewall, ein NAT oder eine Leitung zwischen Mitschnittpunkt und {target} verwirft die Medien dorthin.",
            tag="unreceived",
        ),
        cause(
            "The application there takes in no more: on hold without saying so, in the background, or another address or"
            " key than agreed.",
            "Die Anwendung dort nimmt nichts mehr an: gehalten, ohne es zu melden, im Hintergrund, oder andere Adresse oder"
            " anderer Schlüssel als vereinbart.",
            tag="unreceived",
        ),
        cause(
            "The relay or server {relay} no longer bridges the two sides, or its media session was closed on one side.",
            "Das Relay oder der Server {relay} verbindet die beiden Seiten nicht mehr, oder eine Seite seiner"
            " Mediensitzung wurde geschlossen.",
            tag="relay",
        ),
        cause(
            "The server gets the audio of leg {other} and does not pass it on: after a re-INVITE, a hold or a transfer there it no"
            " longer connects the legs, or cannot use that stream (codec, keys, SSRC).",
            "Der Server erhält das Audio von Leg {other} und gibt es nicht weiter: Nach einem Re-INVITE, Halten oder Vermitteln"
            " dort verbindet er die Legs nicht mehr oder kann den Stream nicht verwenden (Codec, Schlüssel, SSRC).",
            tag="fed",
        ),
        cause(
            "{relay} does not pass the resumption on to leg {number}, or passes on the direction of the hold with it.",
            "{relay} gibt das Zurückholen nicht an Leg {number} weiter oder gibt dabei die Richtung des Haltens weiter.",
            tag="left",
        ),
        cause(
            "{target} no longer accepts what it had accepted at first (codec, profile, keys, address), has another offer"
            " still open (500), or no longer knows the call (481).",
            "{target} nimmt nicht mehr an, was anfangs galt (Codec, Profil, Schlüssel, Adresse), hat noch ein anderes Angebot"
            " offen (500) oder kennt den Anruf nicht mehr (481).",
            tag="refused",
        ),
        PENDING_CAUSE,
        cause(
            "{target} takes itself or whoever is behind it for on hold, or keeps the direction of the hold by mistake.",
            "{target} hält sich oder die Seite dahinter für gehalten oder behält irrtümlich die Richtung des Haltens bei.",
            tag="answered",
        ),
        cause(
            "The {method} does not reach {target}: NAT mapping or connection gone, wrong Contact or Record-Route.",
            "Das {method} erreicht {target} nicht: NAT-Zuordnung oder Verbindung weg, falscher Contact oder Record-Route.",
            tag="unanswered",
        ),
        cause(
            "{ender} takes a hold without music for a broken call: its timeout for media (rtp timeout) counts in a hold, too.",
            "{ender} hält ein Halten ohne Musik für einen abgerissenen Anruf: Die Zeitgrenze für Medien (RTP-Timeout) gilt dort"
            " auch beim Halten.",
            tag="unfed",
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
        FORGOTTEN_REMEDY,
        PENDING_REMEDY,
        remedy(
            "Update {who}, or have it answer a=setup as before.",
            "{who} aktualisieren oder a=setup wie zuvor antworten lassen.",
            tag="role",
        ),
        remedy(
            "Compare the description in frame {change_frame} with the one agreed before: address family, profile, codecs; the log of"
            " {refuser} says what it did not take.",
            "Die Beschreibung in Frame {change_frame} mit der vorher vereinbarten vergleichen: Adressfamilie, Profil, Codecs; das Log"
            " von {refuser} sagt, was nicht annehmbar war.",
            tag="refused-change",
        ),
        remedy(
            "If such calls always end {waited:0} s after the last packet, that is the media timeout of {ender}: have the silent side send"
            " comfort noise (RFC 3389) or RTCP, or raise the timeout there.",
            "Enden solche Anrufe immer {waited:0} s nach dem letzten Paket, ist das der Medien-Timeout von {ender}: die stille Seite"
            " Comfort Noise (RFC 3389) oder RTCP senden lassen oder den Timeout dort erhöhen.",
            tag="starved",
        ),
        remedy(
            "Ask what happened to the device at {since:clock} (network change, screen lock, flat battery); an app has to send a re-INVITE from"
            " its new address.",
            "Nachfragen, was um {since:clock} mit dem Gerät war (Netzwechsel, Bildschirmsperre, leerer Akku); eine App muss von ihrer neuen"
            " Adresse ein Re-INVITE senden.",
            tag="gone",
        ),
        remedy(
            "Ask whether somebody was muted from {since:clock} on.",
            "Nachfragen, ob ab {since:clock} jemand stummgeschaltet war.",
            tag="silent",
        ),
        remedy(
            "Compare the last offers and answers of both legs, and look at the server's log at {since:clock}.",
            "Die letzten Angebote und Antworten beider Legs vergleichen und das Log des Servers um {since:clock} ansehen.",
            tag="fed",
        ),
        remedy(
            "Capture at {target} and at the machines before it at the same time, and look where the stream from {source} ends.",
            "Gleichzeitig bei {target} und auf den Geräten davor mitschneiden und sehen, wo der Stream von {source} endet.",
            tag="unreceived",
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
            "Ask whether the other side had pressed hold as well; if not, look at the answer to frame {frame} and the log of {target}.",
            "Nachfragen, ob auch die andere Seite gehalten hat; wenn nicht, die Antwort auf Frame {frame} und das Log von {target}"
            " ansehen.",
            tag="answered",
        ),
        remedy(
            "Compare the offer in frame {frame} with the one that was accepted at first.",
            "Das Angebot in Frame {frame} mit dem vergleichen, das anfangs angenommen wurde.",
            tag="refused",
        ),
        remedy(
            "Capture at {target} and look whether the {method} arrives; keep NAT mappings and connections open (RFC 5626).",
            "Bei {target} mitschneiden und nachsehen, ob das {method} ankommt; NAT-Zuordnungen und Verbindungen offen halten"
            " (RFC 5626).",
            tag="unanswered",
        ),
        remedy(
            "In FreeSWITCH rtp_disable_hold=true on the channel, or disable-hold in the SIP profile, keeps holds from the other leg.",
            "In FreeSWITCH hält rtp_disable_hold=true am Kanal oder disable-hold im SIP-Profil das Halten vom anderen Leg fern.",
            tag="left",
            product="freeswitch",
        ),
        remedy(
            "Switch the timeout for media off at {ender} while on hold, or make it longer; or let the holding side send music.",
            "Die Zeitgrenze für Medien bei {ender} für gehaltene Anrufe abschalten oder verlängern; oder die haltende Seite Musik"
            " senden lassen.",
            tag="unfed",
        ),
        remedy(
            "In Asterisk that is rtp_timeout_hold of the endpoint.",
            "In Asterisk ist das rtp_timeout_hold am Endpoint.",
            tag="unfed",
        ),
        remedy(
            "In FreeSWITCH that is media_hold_timeout (rtp-hold-timeout-sec).",
            "In FreeSWITCH ist das media_hold_timeout (rtp-hold-timeout-sec).",
            tag="unfed",
            product="freeswitch",
        ),
        remedy(
            "Compare the descriptions before and after frame {frame}.",
            "Die Beschreibungen vor und nach Frame {frame} vergleichen.",
            tag="changed",
        ),
    ),
    references=(
        "RFC 3264, sections 5.1 and 8.4",
        "RFC 3389",
        "RFC 3550, section 6.4",
        "RFC 7675, section 5.1",
    ),
    known_problems=Text(
        "Silence suppression without comfort noise looks the same, so a side that falls silent is never more than a suspicion.",
        "Sprechpausenunterdrückung ohne Comfort Noise sieht genauso aus; verstummt eine Seite, bleibt es deshalb immer ein"
        " Verdacht.",
    ),
    find=find,
    despite_media=True,
)
