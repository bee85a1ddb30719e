"""A 2xx is retransmitted because no ACK reaches its sender (RFC 3261, section 13.3.1.4)."""

from collections import defaultdict
from collections.abc import Iterator

from postproc.diagnose.evidence.case import Case, at_one_place, evidence
from postproc.diagnose.evidence.icmp import kind, undelivered
from postproc.diagnose.evidence.signalling import ONE_PACKET, phrase
from postproc.diagnose.evidence.timers import REPEATED, T1_S, lasting, timed_out
from postproc.model.addresses import endpoint, uri_host
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import SipMessageRow
from postproc.model.statuses import is_success
from postproc.model.text import Text

TITLE = Text(
    "The {status} of leg {number} was never acknowledged: {sender} sent it {times} times in {seconds:0} s.",
    "Das {status} auf Leg {number} wurde nie bestätigt: {sender} sendete es {times}-mal in {seconds:0} s.",
)
TITLE_IGNORED = Text(
    "The {status} of leg {number} was acknowledged, and repeated all the same: {sender} sent it {times} times in {seconds:0} s.",
    "Das {status} auf Leg {number} wurde bestätigt und trotzdem wiederholt: {sender} sendete es {times}-mal in {seconds:0} s.",
)
IGNORED = Text(
    "{acks} ACKs for it (CSeq {cseq}; first in frame {ack_frame}) went to {ack_target}, and {sender} goes on as if there were none.",
    "{acks} ACKs dazu (CSeq {cseq}; das erste in Frame {ack_frame}) gingen an {ack_target}, und {sender} verhält sich, als gäbe"
    " es keines.",
)
NO_ACK = Text(
    "No ACK for it (CSeq {cseq}) is in the capture.", "Ein ACK dazu (CSeq {cseq}) ist nicht im Mitschnitt."
)
WRONG_NUMBER = Text(
    "ACKs with another number came instead (CSeq {ack_cseq}; first in frame {ack_frame}): an ACK has that of its INVITE"
    " (RFC 3261, section 13.2.2.4).",
    "Stattdessen kamen ACKs mit einer anderen Nummer (CSeq {ack_cseq}; das erste in Frame {ack_frame}): Ein ACK hat die seines"
    " INVITE (RFC 3261, Abschnitt 13.2.2.4).",
)
NO_CONTACT = Text(
    "The {status} has no Contact, so the caller does not know where the ACK belongs (RFC 3261, section 12.1.1).",
    "Das {status} hat keinen Contact; der Anrufer weiß also nicht, wohin das ACK gehört (RFC 3261, Abschnitt 12.1.1).",
)
LONG = Text(
    "The {status} is {size} bytes long, so it goes over UDP in fragments, which many firewalls and VPNs drop.",
    "Das {status} ist {size} Bytes lang und geht über UDP daher in Fragmenten, die viele Firewalls und VPNs verwerfen.",
)
ACK_ELSEWHERE = Text(
    "An ACK for it went to {ack_target} (frame {ack_frame}) and did not stop the repetitions.",
    "Ein ACK dazu ging an {ack_target} (Frame {ack_frame}) und beendete die Wiederholungen nicht.",
)
CONTACT = Text(
    "By the Contact of the {status} the ACK belongs to {contact}; no Record-Route stands before it.",
    "Nach dem Contact des {status} gehört das ACK an {contact}; eine Record-Route davor gibt es nicht.",
)
ROUTED = Text(
    "By the Record-Route of the {status} the ACK goes to {contact} by way of {route}.",
    "Nach der Record-Route des {status} geht das ACK über {route} an {contact}.",
)
WRONG_URI = Text(
    "Their Request-URI is {ack_uri}, which is not that Contact.",
    "Ihre Request-URI ist {ack_uri}, nicht dieser Contact.",
)
UNDELIVERED = Text(
    "{reporter} reports by ICMP that the {status} cannot be delivered at {went} ({what}).",
    "{reporter} meldet per ICMP, dass das {status} an {went} nicht zustellbar ist ({what}).",
)
CROSSED = Text(
    "The caller's side had just cancelled (CANCEL in frame {cancel_frame}): the {status} crossed it, and wants ACK and BYE all the"
    " same (RFC 3261, section 9.1).",
    "Die anrufende Seite hatte gerade abgebrochen (CANCEL in Frame {cancel_frame}): Das {status} kreuzte es und braucht trotzdem"
    " ACK und BYE (RFC 3261, Abschnitt 9.1).",
)
RE_INVITE = Text(
    "It answers a re-INVITE: the call itself stood.",
    "Es beantwortet einen Re-INVITE: Der Anruf selbst stand.",
)
GIVEN_UP = Text(
    "{seconds_to_end:0} s after the first {status} the call was ended.",
    "{seconds_to_end:0} s nach dem ersten {status} wurde der Anruf beendet.",
)


def find(case: Case) -> Iterator[Finding]:
    lacking, ignored = [], []
    for sent in _repeated(case):
        last, first = sent[-1], sent[0]
        acks = [row for row in _acks(case, first) if row.time >= first.time]
        heard = [ack for ack in acks if ack.dst_addr == first.src_addr]
        if len(heard) >= REPEATED and _given_up(case, first):
            ignored.append(_finding(case, sent, heard, ignored=True))
        elif not any(ack.time >= last.time for ack in heard):  # else it arrived in the end
            lacking.append(_finding(case, sent, acks, ignored=False))
    yield from lacking or ignored  # a proxy that gets the ACK and does not pass it on repeats what it gets


def _given_up(case: Case, answer: SipMessageRow) -> bool:
    """Whether its sender ended the call as one without an ACK does."""
    byes = (row for row in case.sip_messages if _ends(row, answer) and row.src_addr == answer.src_addr)
    return any(timed_out((row.time - answer.time).total_seconds()) for row in byes)


def _repeated(case: Case) -> Iterator[list[SipMessageRow]]:
    """Yield 2xx retransmissions on one hop that are so many and last so long that the sender had no ACK."""
    hops: dict[tuple[object, ...], list[SipMessageRow]] = defaultdict(list)
    for row in case.sip_messages:
        if is_success(row.status) and row.cseq_method == "INVITE":
            hops[row.call_id, row.cseq, row.to_tag, row.src_addr, row.dst_addr].append(row)
    yield from filter(lasting, map(at_one_place, hops.values()))


def _acks(case: Case, answer: SipMessageRow) -> list[SipMessageRow]:
    """Return the ACKs to a 2xx, without those to another fork's, which is told by its tag (RFC 3261, section 13.2.2.4)."""
    same = (answer.call_id, answer.cseq)
    others = {
        row.to_tag
        for row in case.sip_messages
        if (row.call_id, row.cseq, row.cseq_method) == (*same, "INVITE")
        and is_success(row.status)
        and row.to_tag != answer.to_tag
    }
    return [
        row
        for row in case.sip_messages
        if row.method == "ACK" and (row.call_id, row.cseq) == same and row.to_tag not in others
    ]


def _finding(case: Case, sent: list[SipMessageRow], acks: list[SipMessageRow], *, ignored: bool) -> Finding:
    first, last = sent[0], sent[-1]
    facts: dict[str, object] = {
        "status": phrase(first.status, first.reason),
        "number": first.leg,
        "sender": first.src_addr,
        "times": len(sent),
        "seconds": (last.time - first.time).total_seconds(),
        "cseq": first.cseq,
    }
    detail = [NO_ACK]
    if acks:
        detail = [ACK_ELSEWHERE]
        facts |= {"ack_target": acks[-1].dst_addr, "ack_frame": acks[-1].frame}
    if ignored:
        detail = [IGNORED]
        facts |= {"acks": len(acks), "ack_frame": acks[0].frame}
    strange_number = [] if acks else _numbered_otherwise(case, first)
    if strange_number:
        detail.append(WRONG_NUMBER)
        facts |= {"ack_cseq": strange_number[0].cseq, "ack_frame": strange_number[0].frame}
    long = first.transport == "udp" and (first.size or 0) > ONE_PACKET and not acks
    if long:
        detail.append(LONG)
        facts["size"] = first.size
    if first.contact is None:
        detail.append(NO_CONTACT)
    else:
        detail.append(ROUTED if first.record_route else CONTACT)
        # A response lists Record-Routes from the far end; the ACK uses them in reverse (RFC 3261, section 12.1.2).
        route = ", ".join(reversed((first.record_route or "").split(", ")))
        facts |= {"contact": first.contact, "route": route}
    strange = ignored and uri_host(acks[0].request_uri) not in (None, uri_host(first.contact))
    if strange and first.contact:
        detail.append(WRONG_URI)
        facts["ack_uri"] = acks[0].request_uri
    flow = first.src_addr, first.src_port, first.dst_addr, first.dst_port
    errors = [] if acks else list(undelivered(case, flow))
    if errors:
        detail.append(UNDELIVERED)
        went = endpoint(first.dst_addr, first.dst_port)
        facts |= {"reporter": errors[0].reporter, "what": kind(errors[0]), "went": went}
    cancel = next((row for row in case.sip_messages if _cancels(row, first)), None)
    if cancel is not None:
        detail.append(CROSSED)
        facts["cancel_frame"] = cancel.frame
    if _in_dialog(case, first):
        detail.append(RE_INVITE)
    bye = next((row for row in case.sip_messages if _ends(row, first) and row.time >= last.time), None)
    if bye is not None:
        detail.append(GIVEN_UP)
        facts["seconds_to_end"] = (bye.time - first.time).total_seconds()
    blamed = set() if _is_reached(case, first) else {"contact"}
    advice: tuple[tuple[set[str], bool], ...] = (
        ({"undelivered"}, bool(errors)),
        ({"number"}, bool(strange_number)),
        ({"lacking", "long"}, long),
        ({"lacking", "nameless"}, first.contact is None),
        ({"ignored", "way"}, ignored),
        ({"crossed"}, cancel is not None and not acks),
        ({"lacking", "way", "elsewhere"} | blamed, bool(acks)),
        ({"lacking", "way"} | blamed, True),
    )
    return Finding(
        RULE.name,
        "fault",
        0.9,
        evidence(*sent, *acks, *strange_number, *errors[:1], bye),
        TITLE_IGNORED if ignored else TITLE,
        tuple(detail),
        facts,
        leg=first.leg,
        tags=frozenset(next(tags for tags, holds in advice if holds)),
    )


def _numbered_otherwise(case: Case, answer: SipMessageRow) -> list[SipMessageRow]:
    """Return the ACKs to this response whose CSeq is that of no INVITE in the dialog."""
    numbers = {
        row.cseq for row in case.sip_messages if row.call_id == answer.call_id and row.cseq_method == "INVITE"
    }
    return [
        row
        for row in case.sip_messages
        if row.method == "ACK"
        and (row.call_id, row.to_tag) == (answer.call_id, answer.to_tag)
        and row.cseq not in numbers
        and row.time >= answer.time
    ]


def _cancels(row: SipMessageRow, answer: SipMessageRow) -> bool:
    """Whether the INVITE of this response was cancelled before the response was first repeated."""
    same = (row.call_id, row.cseq) == (answer.call_id, answer.cseq)
    return row.method == "CANCEL" and same and (row.time - answer.time).total_seconds() <= T1_S


def _is_reached(case: Case, answer: SipMessageRow) -> bool:
    """Whether the Contact names the host to which the caller addressed the INVITE, which came.

    Not whether the packet's destination is that host: behind a NAT it is the server's private address.
    """
    asked = (answer.call_id, answer.cseq, answer.dst_addr)
    invites = (row for row in case.sip_messages if row.method == "INVITE")
    hosts = {uri_host(row.request_uri) for row in invites if (row.call_id, row.cseq, row.src_addr) == asked}
    return not answer.record_route and uri_host(answer.contact) in hosts - {None}


def _in_dialog(case: Case, answer: SipMessageRow) -> bool:
    """Whether the response is to an INVITE within the dialog (a re-INVITE)."""
    invites = (row for row in case.sip_messages if row.method == "INVITE" and row.call_id == answer.call_id)
    return any(row.cseq == answer.cseq and row.to_tag is not None for row in invites)


def _ends(row: SipMessageRow, answer: SipMessageRow) -> bool:
    return row.method == "BYE" and row.call_id == answer.call_id


RULE = Rule(
    code="SIP005",
    name="ack-missing",
    stage="sip",
    breaks="confirmation",
    despite_media=True,
    summary=Text("ACK missing", "ACK fehlt"),
    claim=Text(
        "A 2xx to an INVITE is repeated without an ACK that counts; its sender ends the call after 32 s, however good the media.",
        "Ein 2xx auf ein INVITE wird ohne gültiges ACK wiederholt; der Absender beendet den Anruf nach 32 s, wie gut die Medien auch sind.",
    ),
    causes=(
        cause(
            "Fragments of the {status} are lost on the way: a VPN or line with a small MTU, or a firewall that drops IP fragments.",
            "Fragmente des {status} gehen unterwegs verloren: ein VPN oder eine Leitung mit kleiner MTU oder eine Firewall, die"
            " IP-Fragmente verwirft.",
            tag="long",
        ),
        cause(
            "Contact or Record-Route of the {status} name an address or port that the caller cannot reach: a private one behind NAT,"
            " or a port that NAT forwards under another number.",
            "Contact oder Record-Route des {status} nennen eine Adresse oder einen Port, die der Anrufer nicht erreicht: eine private"
            " hinter NAT oder einen Port, den NAT unter anderer Nummer weiterleitet.",
            tag="contact",
        ),
        cause(
            "{sender} does not take the ACKs for its own: their Request-URI is not its Contact, or a tag or the CSeq does not fit, or"
            " they come by another transport than the dialog's, or to a port where nothing listens.",
            "{sender} erkennt die ACKs nicht als seine: Ihre Request-URI ist nicht sein Contact, ein Tag oder die CSeq passt"
            " nicht, oder sie kommen über einen anderen Transport als der Dialog oder an einen Port, auf dem nichts lauscht.",
            tag="ignored",
        ),
        cause(
            "Whoever sends the ACK counts its CSeq wrongly, so that {sender} cannot match it to the {status}.",
            "Wer das ACK sendet, zählt die CSeq falsch; {sender} kann es daher dem {status} nicht zuordnen.",
            tag="number",
        ),
        cause(
            "{sender} leaves the Contact out of its {status}, or something on the way removes it.",
            "{sender} lässt den Contact in seinem {status} weg, oder etwas auf dem Weg entfernt ihn.",
            tag="nameless",
        ),
        cause(
            "A firewall or SIP ALG drops or rewrites the ACK.",
            "Eine Firewall oder ein SIP-ALG verwirft oder verändert das ACK.",
            tag="way",
        ),
        cause(
            "Who cancels ignores an answer that was on its way already; {sender} then talks to nobody for half a minute.",
            "Wer abbricht, beachtet eine Antwort nicht mehr, die schon unterwegs war; {sender} spricht dann eine halbe Minute ins"
            " Leere.",
            tag="crossed",
        ),
        cause(
            "The Via of the INVITE names a port or transport at which its sender does not listen, or it stopped listening there;"
            " so it knows of no answer.",
            "Das Via des INVITE nennt einen Port oder Transport, auf dem sein Absender nicht (mehr) lauscht; er weiß daher von"
            " keiner Antwort.",
            tag="undelivered",
        ),
        cause(
            "The ACK takes another way than the INVITE: a missing Record-Route, or a Route that was not followed.",
            "Das ACK nimmt einen anderen Weg als das INVITE: eine fehlende Record-Route oder eine nicht befolgte Route.",
            tag="elsewhere",
        ),
        cause(
            "The caller never received the {status}.",
            "Der Anrufer hat das {status} nie erhalten.",
            tag="lacking",
        ),
    ),
    remedies=(
        remedy(
            "Use TCP or TLS for SIP (RFC 3261, section 18.1.1), or make the answer shorter: fewer codecs, headers and candidates.",
            "SIP über TCP oder TLS führen (RFC 3261, Abschnitt 18.1.1) oder die Antwort kürzen: weniger Codecs, Header und Kandidaten.",
            tag="long",
        ),
        remedy(
            "Update the software that sends the ACK in frame {ack_frame}.",
            "Die Software aktualisieren, die das ACK in Frame {ack_frame} sendet.",
            tag="number",
        ),
        remedy(
            "Have {sender} put its Contact into the {status}; capture on both sides of any proxy or ALG between.",
            "{sender} den Contact ins {status} setzen lassen; vor und hinter jedem Proxy oder ALG dazwischen mitschneiden.",
            tag="nameless",
        ),
        remedy(
            "Capture at the caller: does it get the {status}, and where does it send the ACK?",
            "Beim Anrufer mitschneiden: Kommt das {status} an, und wohin geht das ACK?",
            tag="lacking",
        ),
        remedy(
            "Compare the topmost Via of the INVITE with where it came from: transport, address, port, rport (RFC 3581).",
            "Das oberste Via des INVITE mit seiner Herkunft vergleichen: Transport, Adresse, Port, rport (RFC 3581).",
            tag="undelivered",
        ),
        remedy(
            "Update the side that cancels: it has to acknowledge the {status} and end that dialog by BYE.",
            "Die abbrechende Seite aktualisieren: Sie muss das {status} bestätigen und diesen Dialog mit BYE beenden.",
            tag="crossed",
        ),
        remedy(
            "Compare Request-URI and tags of the ACK in frame {ack_frame} with Contact and tags of the {status}; capture at {sender}.",
            "Request-URI und Tags des ACK in Frame {ack_frame} mit Contact und Tags des {status} vergleichen; bei {sender} mitschneiden.",
            tag="ignored",
        ),
        remedy(
            "Have {sender} put its public address into the Contact.",
            "{sender} so einstellen, dass der Contact die öffentliche Adresse nennt.",
            tag="contact",
        ),
        remedy(
            "In FreeSWITCH that address is ext-sip-ip of the SIP profile.",
            "In FreeSWITCH ist das ext-sip-ip im SIP-Profil.",
            tag="contact",
            product="freeswitch",
        ),
        remedy(
            "Switch off SIP ALGs in routers and firewalls.",
            "SIP-ALGs in Routern und Firewalls abschalten.",
            tag="way",
        ),
    ),
    references=("RFC 3261, section 13.3.1.4", "RFC 3261, section 12.2.1.1"),
    known_problems=Text(
        "A capture that shows one direction only lacks the ACK as well; but then the 2xx is not repeated.",
        "Einem Mitschnitt nur einer Richtung fehlt das ACK ebenso; dann wird das 2xx aber nicht wiederholt.",
    ),
    find=find,
)
