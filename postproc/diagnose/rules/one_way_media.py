"""Audio in one direction of a leg only."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from postproc.diagnose.evidence import placeholder, received, soundless, wordless, zrtp
from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.complaints import Complaint, complaint
from postproc.diagnose.evidence.media import (
    Talk,
    Way,
    both_may_send,
    main_flow,
    missing,
    seen_both_ways,
    talks,
    throughout,
)
from postproc.diagnose.evidence.silences import silences
from postproc.diagnose.evidence.unread import mute_session
from postproc.diagnose.evidence.unreturned import (
    beside,
    fed_by,
    fed_on_the_other_hop,
    garbled_by,
    hung_up_after,
    told_elsewhere,
    wants_video,
)
from postproc.model.addresses import addr_class, endpoint
from postproc.model.enumerations import Verdict
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import RtpStreamRow
from postproc.model.text import Text

TITLE = Text(
    "One-way audio on leg {number}: {packets} packets from {source} to {target}, {back} back.",
    "Audio nur in einer Richtung auf Leg {number}: {packets} Pakete von {source} an {target}, {back} zurück.",
)
TITLE_WORDLESS = Text(
    "One-way audio on leg {number}: {packets} packets from {source} to {target}, and back {mute} in which nobody can be heard.",
    "Audio nur in einer Richtung auf Leg {number}: {packets} Pakete von {source} an {target}, zurück {mute}, in denen niemand zu hören"
    " ist.",
)
DETAIL = Text(
    "Whoever is behind {source} hears nothing, for {seconds:0} s.",
    "Wer hinter {source} ist, hört {seconds:0} s lang nichts.",
)
SPARSE = Text(
    "Hardly any audio from {target} to {source} on leg {number}: {back} packets against {packets}.",
    "Kaum Audio von {target} an {source} auf Leg {number}: {back} Pakete gegenüber {packets}.",
)
SILENT = Text(
    "They come throughout the call, so the path works: the sender is silent (silence suppression) or muted.",
    "Sie kommen während des ganzen Anrufs, der Pfad funktioniert also: Der Absender schweigt"
    " (Sprechpausenunterdrückung) oder ist stummgeschaltet.",
)
WAITS = Text(
    "{target} sends nothing on this leg as long as the client's leg has no media.",
    "{target} sendet auf diesem Leg nichts, solange das Client-Leg keine Medien hat.",
)
LACKING = Text(
    "{target} ended the call for want of media ({reason}), although {packets} packets went to it on leg {number} up to then.",
    "{target} hat den Anruf mangels Medien beendet ({reason}), obwohl bis dahin auf Leg {number} {packets} Pakete dorthin gingen.",
)
BEYOND = Text(
    "So they are lost beyond this capture, or {target} cannot use them: wrong port, keys that do not fit.",
    "Sie gehen also hinter diesem Mitschnitt verloren, oder {target} kann sie nicht verwenden: falscher Port, unpassende"
    " Schlüssel.",
)
NONE_BACK = Text(
    "{target} itself sent no media on this leg: what was to speak there may have failed.",
    "{target} selbst sendete auf diesem Leg keine Medien: Was dort sprechen sollte, kann ausgefallen sein.",
)
NOT_DUE = Text(
    "{target} ended the call for want of media ({reason}), although nobody was to send there on leg {number} by offer and answer.",
    "{target} hat den Anruf mangels Medien beendet ({reason}), obwohl dorthin auf Leg {number} nach Angebot und Antwort niemand"
    " senden sollte.",
)
NOT_SPARED = Text(
    "So its media timeout counts for a side, too, that only listens or holds the call.",
    "Sein Medien-Timeout gilt also auch für eine Seite, die nur zuhört oder den Anruf hält.",
)
SETTLE_LACKING = Text(
    "a capture at {target} shows whether the packets arrive there.",
    "ein Mitschnitt bei {target} zeigt, ob die Pakete dort ankommen.",
)
FED = Text(
    "Audio for it comes to {target} from the other end of leg {other}, but {target} does not pass it on here.",
    "Audio dafür kommt vom anderen Ende von Leg {other} bei {target} an, aber {target} gibt es hier nicht weiter.",
)
ELSEWHERE = Text(
    "By its description {source} wants media at {told}, not at the address that it sends from.",
    "Laut seiner Beschreibung will {source} Medien an {told}, nicht an die Adresse, von der es sendet.",
)
ITS_OWN = Text(
    "The description from {source} names {told} for media, which is the address of {target} itself.",
    "Die Beschreibung von {source} nennt für Medien {told}; das ist die eigene Adresse von {target}.",
)
BY_NAME = Text(
    "The description from {source} names no address for media but the host name {told}, which {target} has to resolve.",
    "Die Beschreibung von {source} nennt für Medien keine Adresse, sondern den Namen {told}, den {target} auflösen muss.",
)
GARBLED = Text(
    "The description from {source} (frame {frame}) has no address in its c= line that could be used.",
    "Die Beschreibung von {source} (Frame {frame}) hat in der Zeile c= keine brauchbare Adresse.",
)
NOT_PASSED_ON = Text(
    "Audio for it arrives at {target} on the other hop, from {feeder} ({fed_packets} packets), and {target} does not pass it on.",
    "Audio dafür kommt auf dem anderen Hop von {feeder} bei {target} an ({fed_packets} Pakete), und {target} gibt es nicht weiter.",
)
HUNG_UP = Text(
    "{source} ended the call itself, {waited:0} s after its first packet.",
    "{source} beendete den Anruf selbst, {waited:0} s nach dem ersten eigenen Paket.",
)
VIDEO = Text(
    "Audio went both ways; of the video agreed on, {target} was to get none or got none.",
    "Audio lief in beiden Richtungen; vom vereinbarten Video sollte {target} keines bekommen oder bekam keines.",
)
SETTLE = Text(
    "no packet of any kind from {target} to {source} is in the capture: capture on one of the two machines.",
    "von {target} an {source} ist überhaupt kein Paket im Mitschnitt: auf einem der beiden Rechner mitschneiden.",
)


NAMES = frozenset({"mdns", "invalid"})  # classes of host names


def find(case: Case) -> Iterator[Finding]:
    limits, fell_silent, told = case.deployment.thresholds, silences(case), complaint(case)
    for talk in talks(case):
        if told is not None and talk.leg == case.leg_of.get(told.bye.call_id):
            yield _lacking(case, talk, told) if told.streams else _not_due(talk, told)
            continue
        flow = main_flow(case, talk.leg)
        if flow is None or not both_may_send(case, talk.leg):
            continue
        sent, back = flow
        if back.packets >= limits.one_way_packets and any(each.leg == talk.leg for each in fell_silent):
            continue  # it arrived and stopped: another rule
        if (
            missing(case, back, sent)
            and sent.packets >= limits.one_way_packets
            and sent.seconds >= limits.one_way_seconds
        ):
            yield received.uncaptured(RULE.name, case, talk, sent) or _finding(case, talk, sent, back)

    yield from mute_session(RULE.name, case)


class Why(NamedTuple):
    """Why nothing comes back, as far as the captures show it: sentences, the tags that select advice, facts."""

    said: tuple[Text, ...]
    tags: frozenset[str]
    facts: Mapping[str, object]


def _finding(case: Case, talk: Talk, sent: Way, back: Way) -> Finding:
    source, target = sent.rows[0].src_addr, sent.rows[0].dst_addr
    is_visible = seen_both_ways(case, source, target)
    sparse = throughout(case, back, sent)
    sure: Verdict = "fault" if talk.leg in case.client_legs else "suspect"
    near = beside(case, source, target)
    verdict: Verdict = "note" if sparse else sure if is_visible else "suspect" if near else "cannot_tell"
    of_hop = Way(tuple(row for row in sent.rows if (row.src_addr, row.dst_addr) == (source, target)))
    why = next(_reasons(case, talk, sent, sparse=sparse))
    waited = None if sparse else hung_up_after(case, source, sent)
    facts: dict[str, object] = {
        "number": talk.leg,
        "packets": of_hop.packets,
        "back": back.packets,
        "source": source,
        "target": target,
        "seconds": sent.seconds,
    }
    rows: tuple[RtpStreamRow, ...] = (*sent.rows, *back.rows)
    return Finding(
        RULE.name,
        verdict,
        0.85 if is_visible else 0.6 if near else 0.5,
        evidence(*rows),
        SPARSE if sparse else TITLE_WORDLESS if wordless.TAG in why.tags else TITLE,
        (SILENT,) if sparse else (DETAIL, *why.said, *(() if waited is None else (HUNG_UP,))),
        {**facts, **why.facts, **({} if waited is None else {"waited": waited})},
        None if is_visible or sparse else SETTLE,
        leg=talk.leg,
        tags=why.tags | (frozenset() if waited is None else {"starved"}),
    )


def _reasons(case: Case, talk: Talk, sent: Way, *, sparse: bool) -> Iterator[Why]:
    """Yield the explanations that hold, nearest first; what comes back sparsely is not missing, so few explain that."""
    last, target = sent.rows[-1], sent.rows[0].dst_addr
    told = told_elsewhere(case, talk.leg, last)
    fed = None if sparse else fed_by(case, talk.leg, target)
    facts: dict[str, object] = {"told": told, "other": fed.leg if fed else None}
    ends = talk.leg, target, sent.rows[0].src_addr
    mute = wordless.said(row for row in case.rtp_streams if (row.leg, row.src_addr, row.dst_addr) == ends)
    if mute is not None and not sparse:
        text, packets = mute
        yield Why((text,), frozenset({wordless.TAG}), facts | {"mute": packets})
    asking = None if sparse else zrtp.asking(case, talk.leg, target)
    if asking is not None:
        yield Why((zrtp.WAITS,), frozenset({zrtp.TAG}), {**facts, **asking.facts})
    if fed is not None:
        yield Why((FED,), frozenset({"fed"}), facts)
    far = any(each.leg == talk.leg and each.remote_addr == target for each in case.phases)
    if case.client_legs and talk.leg not in case.client_legs and not far:
        yield Why((WAITS,), frozenset({"lost", "other-leg"}), facts)
    if not sparse and (hop := fed_on_the_other_hop(case, sent)) is not None:
        feeder = {"feeder": endpoint(hop.src_addr, hop.src_port), "fed_packets": hop.packets}
        yield Why((NOT_PASSED_ON,), frozenset({"hop"}), facts | feeder)
    if not sparse and (garbled := garbled_by(case, talk.leg, last)) is not None:
        yield Why((GARBLED,), frozenset({"garbled"}), facts | {"frame": garbled.frame})
    if placeholder.goes_nowhere(case, talk.leg, last):
        yield Why((placeholder.NAMED,), frozenset({placeholder.TAG}), facts)
    if shown := soundless.pictures(case, talk.leg, *ends[1:]):
        yield Why((soundless.OPEN,), frozenset({soundless.TAG}), facts | {"pictures": shown})
    if told is None:
        yield Why((), frozenset({"lost"}), facts)
    elif addr_class(told) in NAMES:
        yield Why((BY_NAME,), frozenset({"lost", "name"}), facts)
    else:
        yield Why((ITS_OWN if told == target else ELSEWHERE,), frozenset({"lost", "told"}), facts)


def _not_due(talk: Talk, told: Complaint) -> Finding:
    facts = {"number": talk.leg, "target": told.bye.src_addr, "reason": told.bye.reason_header}
    return Finding(
        RULE.name,
        "suspect",
        0.8,
        evidence(told.bye),
        NOT_DUE,
        (NOT_SPARED,),
        facts,
        leg=talk.leg,
        tags=frozenset({"not-due"}),
    )


def _lacking(case: Case, talk: Talk, told: Complaint) -> Finding:
    own = {told.bye.src_addr, *(row.dst_addr for row in told.streams)}
    speaks = any(row.leg == talk.leg and row.src_addr in own for row in case.rtp_streams)
    facts = {
        "number": talk.leg,
        "target": told.bye.src_addr,
        "source": told.streams[0].src_addr,
        "packets": sum(row.packets or 0 for row in told.streams),
        "reason": told.bye.reason_header,
    }
    of_video = speaks and wants_video(case, talk.leg, own)
    return Finding(
        RULE.name,
        "suspect",
        0.7,
        evidence(told.bye, *told.streams),
        LACKING,
        (VIDEO,) if of_video else (BEYOND,) if speaks else (BEYOND, NONE_BACK),
        facts,
        SETTLE_LACKING,
        leg=talk.leg,
        tags=frozenset({"video" if of_video else "lost"}),
    )


RULE = Rule(
    code="RTP002",
    name="one-way-media",
    stage="media",
    breaks="both_directions",
    from_absence=True,
    summary=Text("One-way audio", "Audio nur in einer Richtung"),
    claim=Text(
        "RTP flows in one direction of a leg, and none or hardly any in the other, or none by the word of its receiver, who may wait for media that are not due.",
        "RTP fließt auf einem Leg in einer Richtung und in der anderen gar nicht oder kaum, oder sein Empfänger meldet, dass keines ankommt, auch wenn keines zu erwarten war.",
    ),
    causes=(
        cause(
            "The relay {target} has nothing to send with: no keys or no address for this side, as when it was not asked about the answer, or"
            " was called for a message without a description.",
            "Das Relay {target} kann nicht senden: Für diese Seite fehlen ihm Schlüssel oder Adresse, etwa weil es zur Antwort nicht gefragt"
            " oder für eine Nachricht ohne Beschreibung aufgerufen wurde.",
            tag="hop",
        ),
        zrtp.CAUSE,
        wordless.CAUSE,
        placeholder.CAUSE,
        received.CAUSE,
        soundless.CAUSE,
        cause(
            "A proxy or SIP ALG rewrites c= twice, or wrongly, so that two addresses stand in one; or c= stays at 0.0.0.0, as for a call on"
            " hold, because whoever controls the two legs never sent the description that was to follow.",
            "Ein Proxy oder SIP-ALG schreibt c= zweimal oder falsch um, sodass zwei Adressen ineinander stehen; oder c= bleibt auf 0.0.0.0,"
            " wie für gehaltene Anrufe, weil die Steuerung beider Legs die erwartete zweite Beschreibung nie sandte.",
            tag="garbled",
        ),
        cause(
            "The media timeout of {target} also watches video, of which none is due or none comes.",
            "Der Medien-Timeout von {target} überwacht auch Video, von dem keines zu erwarten ist oder keines kommt.",
            tag="video",
        ),
        cause(
            "The server does not connect this leg with leg {other}: an earlier attempt, a fork or a transfer is still connected in its"
            " place, or it cannot use that stream (codec, keys).",
            "Der Server verbindet dieses Leg nicht mit Leg {other}: Ein früherer Versuch, ein Zweig oder eine Vermittlung ist noch an"
            " dessen Stelle verbunden, oder er kann den Stream nicht verwenden (Codec, Schlüssel).",
            tag="fed",
        ),
        cause(
            "The media timeout of {target} is meant for broken calls, and nobody exempted listeners and calls on hold from it.",
            "Der Medien-Timeout von {target} soll abgerissene Anrufe beenden; Zuhörer und gehaltene Anrufe sind nicht ausgenommen.",
            tag="not-due",
        ),
        cause(
            "The B2BUA has nothing to pass on: the client's leg carries no media.",
            "Der B2BUA hat nichts weiterzugeben: Auf dem Client-Leg sind keine Medien.",
            tag="other-leg",
        ),
        cause(
            "{source} names an address at which it is not reached: one learnt by STUN or set by hand, while {target} is in the same"
            " network, or no router forwards media from there.",
            "{source} nennt eine Adresse, unter der es nicht erreicht wird: durch STUN gelernt oder von Hand eingestellt, während"
            " {target} im selben Netz ist oder kein Router Medien von dort weiterleitet.",
            tag="told",
        ),
        cause(
            "{target} does not resolve {told}: many phones and gateways take addresses only in c=.",
            "{target} löst {told} nicht auf: Viele Telefone und Gateways nehmen in c= nur Adressen an.",
            tag="name",
        ),
        cause(
            "The media server has nothing to pass on: nobody is heard on the leg behind it.",
            "Der Medienserver hat nichts weiterzugeben: Auf dem Leg dahinter ist niemand zu hören.",
            tag="unread",
        ),
        cause(
            "Packets go to a private or wrong address: NAT, or a wrong c= line.",
            "Pakete gehen an eine private oder falsche Adresse: NAT oder eine falsche c=-Zeile.",
            tag="lost",
        ),
        cause(
            "A firewall lets media through in one direction only.",
            "Eine Firewall lässt Medien nur in einer Richtung durch.",
            tag="lost",
        ),
        cause(
            "One end does not send: muted, no microphone, hold without SDP.",
            "Ein Ende sendet nicht: stummgeschaltet, kein Mikrofon, Halten ohne SDP.",
            tag="lost",
        ),
    ),
    remedies=(
        remedy(
            "Look in the log of {target} for this call (rtpengine: SRTP output wanted, but no crypto suite was negotiated), and have it called"
            " only for messages with a description (Kamailio: has_body of application/sdp).",
            "Im Log von {target} nach diesem Anruf sehen (rtpengine: SRTP output wanted, but no crypto suite was negotiated) und es nur für"
            " Nachrichten mit Beschreibung aufrufen lassen (Kamailio: has_body mit application/sdp).",
            tag="hop",
        ),
        zrtp.REMEDY,
        wordless.REMEDY,
        placeholder.REMEDY,
        received.REMEDY,
        soundless.REMEDY,
        remedy(
            "Let one element only rewrite descriptions (Kamailio: fix_nated_sdp or rtpengine, not both); switch the SIP ALG off.",
            "Nur ein Element Beschreibungen umschreiben lassen (Kamailio: fix_nated_sdp oder rtpengine, nicht beides); das SIP-ALG abschalten.",
            tag="garbled",
        ),
        remedy(
            "Raise the media timeout of {target}, or leave video out of the call.",
            "Den Medien-Timeout von {target} erhöhen oder Video aus dem Anruf weglassen.",
            tag="video",
        ),
        remedy(
            "If such calls always end {waited:0} s after the answer, that is the media timeout of {source}: have {target} send media,"
            " comfort noise (RFC 3389) or RTCP, or raise the timeout there.",
            "Enden solche Anrufe immer {waited:0} s nach dem Abheben, ist das der Medien-Timeout von {source}: {target} Medien, Comfort Noise"
            " (RFC 3389) oder RTCP senden lassen oder den Timeout dort erhöhen.",
            tag="starved",
        ),
        remedy(
            "Capture at the media server during such a call and judge all its legs.",
            "Beim Medienserver während eines solchen Anrufs mitschneiden und alle Legs beurteilen.",
            tag="unread",
        ),
        remedy(
            "Look in the log of {target} what it connected this leg with; compare codecs and keys of the two legs.",
            "Im Log von {target} nachsehen, womit dieses Leg verbunden wurde; Codecs und Schlüssel der beiden Legs vergleichen.",
            tag="fed",
        ),
        remedy(
            "Raise the media timeout of {target} or switch it off for such calls, or have the other side send comfort noise.",
            "Den Medien-Timeout von {target} erhöhen oder für solche Anrufe abschalten, oder die Gegenseite Comfort Noise senden lassen.",
            tag="not-due",
        ),
        remedy(
            "In FreeSWITCH: media_timeout and media_hold_timeout (once rtp-timeout-sec, rtp-hold-timeout-sec).",
            "In FreeSWITCH: media_timeout und media_hold_timeout (früher rtp-timeout-sec, rtp-hold-timeout-sec).",
            tag="not-due",
            product="freeswitch",
        ),
        remedy(
            "Have {source} name the address at which {target} reaches it: none from STUN inside one network; a forwarded port, or"
            " symmetric RTP at {target}, across NAT.",
            "{source} die Adresse nennen lassen, unter der {target} es erreicht: im selben Netz keine aus STUN; über NAT hinweg mit"
            " weitergeleitetem Port oder symmetrischem RTP bei {target}.",
            tag="told",
        ),
        remedy(
            "Have {source} write an IP address into c= instead of {told}.",
            "{source} statt {told} eine IP-Adresse in c= schreiben lassen.",
            tag="name",
        ),
        remedy(
            "Compare where {target} sends to with the address in the SDP of {source}.",
            "Vergleichen, wohin {target} sendet und welche Adresse im SDP von {source} steht.",
            tag="lost",
        ),
        remedy(
            "Capture at {target} and look whether it sends.",
            "Bei {target} mitschneiden und nachsehen, ob von dort gesendet wird.",
            tag="lost",
        ),
    ),
    references=("RFC 3264, section 5.1", "RFC 3550"),
    known_problems=Text(
        "Silence suppression (DTX) and a capture of one direction look alike.",
        "Sprechpausenunterdrückung (DTX) und ein Mitschnitt nur einer Richtung sehen gleich aus.",
    ),
    find=find,
)
