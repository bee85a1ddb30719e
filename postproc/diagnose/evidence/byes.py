"""BYEs that end no call: refused, unanswered, or for an answer that never arrived; in sentences of rule ``no-response``."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.in_dialog import UNTOLD
from postproc.diagnose.evidence.signalling import phrase
from postproc.diagnose.evidence.timers import lasting, span_s
from postproc.model.findings import Finding, cause, remedy
from postproc.model.loading import by
from postproc.model.rows import SipMessageRow
from postproc.model.statuses import CHALLENGES, REQUEST_TIMEOUT, is_success
from postproc.model.text import Text

BYE_REFUSED = Text(
    "{sender} ended the call on leg {number}, but {target} refused its BYE with {answer} and went on for {seconds:0} s.",
    "{sender} beendete den Anruf auf Leg {number}, aber {target} wies sein BYE mit {answer} ab und machte {seconds:0} s weiter.",
)
UNKNOWN_THERE = Text(
    "So {target} does not recognise the call in it, and whoever is there sits in silence.",
    "{target} erkennt den Anruf darin also nicht, und wer dort ist, sitzt in der Stille.",
)
UNPROVEN = Text(
    "It asks for credentials, {sender} sends none that count, and whoever is there sits in silence.",
    "Verlangt werden Zugangsdaten, {sender} schickt keine gültigen, und wer dort ist, sitzt in der Stille.",
)
WENT_IN_CIRCLES = Text(
    "So the BYE goes in circles at {target}, which passes it on to itself or back, and whoever is behind it sits in silence.",
    "Das BYE läuft bei {target} also im Kreis: Es wird an sich selbst oder zurück geschickt, und wer dahinter ist, sitzt in der Stille.",
)
NO_TAG = Text(
    "The BYE has no tag in From, which every request in a dialog has (RFC 3261, section 12.2.1.1).",
    "Dem BYE fehlt der Tag in From, den jede Anfrage in einem Dialog hat (RFC 3261, Abschnitt 12.2.1.1).",
)
ROUTED = Text(
    "The call was set up by way of {route} (Record-Route); a BYE has to take that route, too.",
    "Der Anruf wurde über {route} aufgebaut (Record-Route); auch ein BYE muss diesen Weg nehmen.",
)
SETTLE_BYE = Text(
    "the log of {target} says which part of the BYE does not fit: tags, Call-ID or route.",
    "Das Log von {target} sagt, was am BYE nicht passt: Tags, Call-ID oder Route.",
)
SETTLE_CHALLENGED = Text(
    "the log of {sender} says why it does not repeat the BYE with credentials.",
    "Das Log von {sender} sagt, warum das BYE nicht mit Zugangsdaten wiederholt wird.",
)
LOST = Text(
    "{target} does not answer the BYE of {sender} on leg {number} and goes on with the call for {seconds:0} s.",
    "{target} beantwortet das BYE von {sender} auf Leg {number} nicht und setzt den Anruf {seconds:0} s lang fort.",
)
REPEATED = Text(
    "{sender} sent it {times} times in {span:0} s.", "{sender} sendete es {times}-mal in {span:0} s."
)
UNANSWERED = Text(
    "{target} does not answer the BYE of {sender} on leg {number}: it was sent {times} times in {span:0} s.",
    "{target} beantwortet das BYE von {sender} auf Leg {number} nicht: Es wurde {times}-mal in {span:0} s gesendet.",
)
GIVEN_UP = Text(
    "{target} gets no answer to the BYE of {sender} on leg {number} (408), and the other side goes on with the call for {seconds:0} s.",
    "{target} bekommt auf das BYE von {sender} auf Leg {number} keine Antwort (408), und die Gegenstelle setzt den Anruf {seconds:0} s"
    " lang fort.",
)
SETTLE_BEHIND = Text(
    "a capture at the other side shows whether the BYE arrives there.",
    "Ein Mitschnitt bei der Gegenstelle zeigt, ob das BYE dort ankommt.",
)
SETTLE_LOST = Text(
    "a capture at {target} shows whether the BYE arrives there.",
    "Ein Mitschnitt bei {target} zeigt, ob das BYE dort ankommt.",
)
UNSEEN = Text(
    "{target} ends the call on leg {number} with a BYE, although the INVITE of {sender} got no final response in {seconds:0} s.",
    "{target} beendet den Anruf auf Leg {number} mit einem BYE, obwohl auf den INVITE von {sender} {seconds:0} s lang keine"
    " endgültige Antwort kam.",
)
ANSWERED = Text(
    "The called side may send a BYE only after its 200 (RFC 3261, section 15): so it had answered, and the 200 did not arrive.",
    "Die gerufene Seite darf ein BYE erst nach ihrem 200 senden (RFC 3261, Abschnitt 15): Sie hatte also angenommen, und das 200"
    " kam nicht an.",
)
SETTLE_UNSEEN = Text(
    "a capture at {target} shows the 200, how large it is, and where it goes.",
    "Ein Mitschnitt bei {target} zeigt das 200, seine Größe und wohin es geht.",
)

CAUSES = (
    cause(
        "{target} does not find the next hop of a request in the dialog: its script takes it for its own, or does not follow the Route.",
        "{target} findet die nächste Station einer Anfrage im Dialog nicht: Das Skript hält sie für eine eigene oder folgt der Route"
        " nicht.",
        tag="looped",
    ),
    cause(
        "The BYE is built wrongly (tags, Request-URI, no Route for a Record-Route), or a proxy on the way changed the dialog.",
        "Das BYE ist falsch gebaut (Tags, Request-URI, keine Route zur Record-Route), oder ein Proxy dazwischen hat den Dialog"
        " verändert.",
        tag="bye",
    ),
    cause(
        "{target} asks for credentials for requests in the call, too, and {sender}, perhaps a trunk without an account, has none; or its"
        " stack does not repeat a BYE.",
        "{target} verlangt auch für Anfragen im Anruf Zugangsdaten, und {sender}, etwa ein Trunk ohne Konto, hat keine; oder der Stack"
        " dort wiederholt ein BYE nicht.",
        tag="challenged",
    ),
    cause(
        "The way of signalling to {target} is gone in mid-call: a NAT mapping or firewall state expired for want of keep-alives,"
        " or a dead connection that neither side has noticed.",
        "Der Weg der Signalisierung zu {target} besteht mitten im Anruf nicht mehr: Eine NAT-Zuordnung oder ein Firewall-Zustand"
        " ist mangels Keep-Alives abgelaufen, oder die Verbindung ist tot, ohne dass eine Seite es bemerkt hat.",
        tag="lost-bye",
    ),
    cause(
        "A firewall or a SIP ALG drops the 200, which is larger than the responses before it; or it goes in fragments.",
        "Eine Firewall oder ein SIP-ALG verwirft das 200, das größer ist als die Antworten davor; oder es geht in Fragmenten.",
        tag="lost-answer",
    ),
)
REMEDIES = (
    remedy(
        "Follow the BYE through the routing of {target} (Kamailio: loose_route and the dialog's Record-Route come before any other rule).",
        "Das BYE durch die Weiterleitung von {target} verfolgen (Kamailio: loose_route und die Record-Route des Dialogs vor jeder"
        " anderen Regel).",
        tag="looped",
    ),
    remedy(
        "Have {target} challenge only requests that open a dialog (Kamailio: has_totag comes before the authentication), or update"
        " {sender}.",
        "{target} nur Anfragen nach Zugangsdaten fragen lassen, die einen Dialog eröffnen (Kamailio: has_totag vor der"
        " Authentifizierung), oder {sender} aktualisieren.",
        tag="challenged",
    ),
    remedy(
        "Keep the way open: keep-alives or OPTIONS in both directions more often than the NAT's timeout for UDP (often 30 s).",
        "Den Weg offen halten: Keep-Alives oder OPTIONS in beiden Richtungen, öfter als der UDP-Timeout des NAT (oft 30 s).",
        tag="lost-bye",
    ),
    remedy(
        "Have calls end that no longer carry media (Asterisk: rtp_timeout).",
        "Anrufe beenden lassen, auf denen keine Medien mehr kommen (Asterisk: rtp_timeout).",
        tag="lost-bye",
    ),
    remedy(
        "Switch off the SIP ALG, or use TCP or TLS; keep the SDP of {target} small.",
        "Das SIP-ALG abschalten oder TCP oder TLS verwenden; das SDP von {target} klein halten.",
        tag="lost-answer",
    ),
    remedy(
        "Compare the BYE's tags, Request-URI and Route with the Contact and Record-Route of the 200; update {sender} if they"
        " differ.",
        "Tags, Request-URI und Route des BYE mit Contact und Record-Route des 200 vergleichen; bei Abweichung {sender}"
        " aktualisieren.",
        tag="bye",
    ),
)

LOOPED = frozenset({482, 483})
# 408 does not say that the call is unknown; what asks for credentials does not either, and stands until they are given.
UNKNOWN_CALL = LOOPED | frozenset({400, 403, 404, 481})
REFUSED = UNKNOWN_CALL | CHALLENGES


def refused_byes(rule: str, case: Case) -> Iterator[Finding]:
    """Yield a finding on each BYE that is refused by a side that goes on with the call."""
    least = case.deployment.thresholds.one_way_seconds
    for bye, dialog in _byes(case):
        answers = [row for row in dialog if row.cseq_method == "BYE" and row.status and row.time >= bye.time]
        refused = next((row for row in answers if (row.cseq, row.src_addr) == (bye.cseq, bye.dst_addr)), None)
        if refused is None or refused.status not in REFUSED:
            continue
        theirs = [row for row in dialog if row.method == "BYE" and row.src_addr == bye.dst_addr]
        until = max((row.time for row in theirs), default=_goes_on(case, bye, dialog) or refused.time)
        seconds = (until - refused.time).total_seconds()
        if seconds < least or any(is_success(row.status) and row.time < until for row in answers):
            continue
        routes = (row.record_route for row in dialog if row.record_route and row.time < bye.time)
        route = next(routes, None)
        yield Finding(
            rule,
            "suspect",
            0.8,
            evidence(bye, refused, *theirs[:1]),
            BYE_REFUSED,
            _why(bye, refused.status, route),
            {
                "sender": bye.src_addr,
                "target": bye.dst_addr,
                "number": bye.leg,
                "answer": phrase(refused.status, refused.reason),
                "seconds": seconds,
                "route": route,
            },
            SETTLE_CHALLENGED if refused.status in CHALLENGES else SETTLE_BYE,
            leg=bye.leg,
            tags=frozenset({"challenged"})
            if refused.status in CHALLENGES
            else frozenset({"bye", *(["looped"] if refused.status in LOOPED else [])}),
        )
        return


def _why(bye: SipMessageRow, status: int | None, route: str | None) -> tuple[Text, ...]:
    if status in CHALLENGES:
        return (UNPROVEN,)
    first = WENT_IN_CIRCLES if status in LOOPED else UNKNOWN_THERE
    return (first, NO_TAG) if bye.from_tag is None else (first, ROUTED) if route else (first,)


def _byes(case: Case) -> Iterator[tuple[SipMessageRow, Sequence[SipMessageRow]]]:
    """Yield each BYE with the messages of its Call-ID."""
    dialogs = by(case.sip_messages, "call_id")
    return ((row, dialogs[row.call_id]) for row in case.sip_messages if row.method == "BYE")


def lost_byes(rule: str, case: Case, astray: Collection[int | None]) -> Iterator[Finding]:
    """Yield a finding on each BYE that the other side does not answer, and after which it goes on with the call.

    A proxy answers 408 for the side that does not (RFC 3261, section 16.8): the hop where nothing answers comes first. Where
    the capture has no media, the BYE alone is told of. ``astray``: legs whose requests go to an address that is not reached.
    """
    least = case.deployment.thresholds.one_way_seconds
    done = set[str]()
    for copies in sorted(_hops(case, astray), key=lambda copies: _given_up(case, copies[0])):
        bye = copies[0]
        given_up = _given_up(case, bye)
        if bye.call_id in done or not (given_up or lasting(copies) or bye.transport != "udp"):
            continue
        dialog = [row for row in case.sip_messages if row.call_id == bye.call_id]
        there = (bye.capture, bye.dst_addr, bye.src_addr)
        heard = any((row.capture, row.src_addr, row.dst_addr) == there for row in dialog)
        answered = any(
            row.status != REQUEST_TIMEOUT
            for row in dialog
            if row.cseq_method == "BYE" and row.cseq == bye.cseq and row.status
        )
        if answered or not heard:
            continue
        until = _goes_on(case, bye, dialog)
        lasts = until is not None and (until - bye.time).total_seconds() >= least
        unknown = not given_up and lasting(copies) and all(row.leg != bye.leg for row in case.rtp_streams)
        if not lasts and not unknown:
            continue
        done.add(bye.call_id)
        yield Finding(
            rule,
            "suspect",
            0.85 if lasts else 0.7,
            evidence(*copies),
            GIVEN_UP if given_up else LOST if lasts else UNANSWERED,
            ((REPEATED,) if lasts and len(copies) > 1 else ()) + (UNTOLD,),
            {
                "target": bye.dst_addr,
                "sender": bye.src_addr,
                "number": bye.leg,
                "seconds": (until - bye.time).total_seconds() if until else None,
                "times": len(copies),
                "span": span_s(copies),
            },
            SETTLE_BEHIND if given_up else SETTLE_LOST,
            leg=bye.leg,
            tags=frozenset({"lost-bye"}),
        )


def _hops(case: Case, astray: Collection[int | None]) -> Iterator[list[SipMessageRow]]:
    """Yield the copies of each BYE on each hop."""
    hops: dict[tuple[object, ...], list[SipMessageRow]] = defaultdict(list)
    for row in case.sip_messages:
        if row.method == "BYE" and row.leg not in astray:
            hops[row.capture, row.call_id, row.cseq, row.src_addr, row.dst_addr].append(row)
    yield from hops.values()


def _given_up(case: Case, bye: SipMessageRow) -> bool:
    """Whether the next hop answers this BYE, and only says that nobody answered there."""
    return any(
        row.status == REQUEST_TIMEOUT
        and (row.cseq_method, row.cseq, row.call_id) == ("BYE", bye.cseq, bye.call_id)
        and (row.src_addr, row.dst_addr) == (bye.dst_addr, bye.src_addr)
        for row in case.sip_messages
    )


def _goes_on(case: Case, bye: SipMessageRow, dialog: Collection[SipMessageRow]) -> datetime | None:
    """Return when the other side sent its last media to the BYE's sender, or a BYE of its own.

    Its sender is the first of all hops: what a proxy passes on names the media of both sides.
    """
    byes = [row for row in dialog if row.method == "BYE" and row.cseq == bye.cseq]
    first = min(byes, key=lambda row: row.time).src_addr
    said = {(row.capture, row.frame) for row in dialog if row.src_addr == first}
    own = {first} | {
        each.connection_addr
        for each in case.sdp_media
        if (each.capture, each.frame) in said and each.connection_addr
    }
    media = [
        row.last_time
        for row in case.rtp_streams
        if row.leg == bye.leg and row.dst_addr in own and row.src_addr not in own
    ]
    passed_on = {row.src_addr for row in byes}
    theirs = [row.time for row in dialog if row.method == "BYE" and row.src_addr not in own | passed_on]
    return max([*media, *theirs], default=None)


def unseen_answers(rule: str, case: Case) -> Iterator[Finding]:
    """Yield a finding on each BYE of a called side of which only provisional responses arrived."""
    for bye, dialog in _byes(case):
        asked = [
            row
            for row in dialog
            if row.method == "INVITE"
            and row.to_tag is None
            and (row.capture, row.src_addr, row.dst_addr) == (bye.capture, bye.dst_addr, bye.src_addr)
        ]
        answers = [row.status for row in dialog if row.status and row.cseq_method == "INVITE"]
        # An ACK shows that it arrived: the capture lacks it.
        if asked and answers and max(answers) < 200 and all(row.method != "ACK" for row in dialog):
            yield Finding(
                rule,
                "suspect",
                0.85,
                evidence(asked[0], bye),
                UNSEEN,
                (ANSWERED,),
                {
                    "target": bye.src_addr,
                    "sender": bye.dst_addr,
                    "number": bye.leg,
                    "seconds": (bye.time - asked[0].time).total_seconds(),
                },
                SETTLE_UNSEEN,
                leg=bye.leg,
                tags=frozenset({"lost-answer"}),
            )
            return
