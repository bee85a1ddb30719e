"""The TCP, TLS or WebSocket connection of a dialog breaks during a call, and later messages cannot be sent."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.paths import closing
from postproc.diagnose.evidence.signalling import AT_ONCE, phrase
from postproc.diagnose.evidence.silences import silences
from postproc.diagnose.evidence.timers import in_ms
from postproc.diagnose.evidence.view import goes_on, watched_after
from postproc.model.calls import connection
from postproc.model.enumerations import Verdict
from postproc.model.findings import Finding, Rule, Variant, cause, remedy
from postproc.model.rows import ConnectionEventRow, DtlsMessageRow, SipMessageRow
from postproc.model.statuses import is_refusal, is_success
from postproc.model.text import Text

RESET = Text(
    "{closer} reset the {transport} connection of leg {number} to {other} in mid-call.",
    "{closer} hat die {transport}-Verbindung von Leg {number} zu {other} mitten im Anruf abgebrochen (RST).",
)
CLOSED = Text(
    "{closer} closed the {transport} connection of leg {number} to {other} in mid-call.",
    "{closer} hat die {transport}-Verbindung von Leg {number} zu {other} mitten im Anruf geschlossen (FIN).",
)
TURNED_AWAY = Text(
    "{closer} ended the {transport} connection {after_ms} ms after the INVITE of {other} (leg {number}), without a response.",
    "{closer} hat die {transport}-Verbindung {after_ms} ms nach dem INVITE von {other} (Leg {number}) ohne Antwort beendet.",
)
UNANSWERED = Text(
    "The INVITE was still without a final response; none came over another connection either.",
    "Der INVITE hatte noch keine endgültige Antwort; auch über eine andere Verbindung kam keine.",
)
ANSWERED_ELSEWHERE = Text(
    "The other side answered {later_s:0} s later, and the caller never heard of it.",
    "Die Gegenseite nahm {later_s:0} s später ab, und der Anrufer erfuhr davon nichts.",
)
PASSED_BACK = Text(
    "{ender} refused the caller with {answer} {later_ms} ms later: there was nobody else to ask.",
    "{ender} lehnte den Anrufer {later_ms} ms später mit {answer} ab: Es gab sonst niemanden zu fragen.",
)
NO_BYE = Text(
    "The call was ended on the other leg {later_s:0} s later; no BYE went to this side.",
    "Der Anruf wurde {later_s:0} s später auf dem anderen Leg beendet; zu dieser Seite ging kein BYE mehr.",
)
CLOSED_BY_DTLS = Text(
    "{ender} closed its media {later_s:0} s later (DTLS close_notify), and no BYE followed.",
    "{ender} schloss seine Medien {later_s:0} s später (DTLS close_notify), und es folgte kein BYE.",
)
NOTHING_MORE = Text(
    "Nothing more was said in this dialog, though the capture goes on for {watched_s:0} s.",
    "In diesem Dialog kam nichts mehr, obwohl der Mitschnitt noch {watched_s:0} s weiterläuft.",
)
FELL_SILENT = Text(
    "{silent_s:0} s later one side's media stopped for good: perhaps it hung up, and its BYE had no connection to go by.",
    "{silent_s:0} s später endeten die Medien einer Seite: Vielleicht legte sie auf, und ihr BYE fand keine Verbindung mehr.",
)
UNSEEN = Text(
    "The capture ends {watched_s:0} s later, and shows neither a new connection nor how the call ended.",
    "Der Mitschnitt endet {watched_s:0} s später und zeigt weder eine neue Verbindung noch, wie der Anruf endete.",
)
SETTLE = Text(
    "the logs of {closer} and of any proxy between say why the connection was closed (WebSocket close code 1006: broken off).",
    "Die Logs von {closer} und von Proxys dazwischen sagen, warum die Verbindung endete (WebSocket-Code 1006: abgebrochen).",
)

# A client reconnects at once, and the server then resends what it could not deliver (RFC 5626). 1 s accuses such
# reconnections; a short capture after the break hides longer ones anyway.
RECONNECTS_S = 5.0
# A broken connection is harmless until a message is due. Less than a usual idle timeout of 30 s takes a pause in
# the dialog for its end.
SILENT_S = 30.0
# A machine that does not take a message closes within a round trip or two; three times includes one that looks up a
# number first, a third of it misses mobile networks.
TURNED_AWAY_S = 1.0
PASSED_ON_S = 1.0  # within which a B2BUA or proxy informs the other side


class Broken(NamedTuple):
    """A connection that broke while its dialog was active, and the dialog's earlier messages."""

    event: ConnectionEventRow
    before: Sequence[SipMessageRow]

    @property
    def answered(self) -> bool:
        return any(is_success(row.status) and row.cseq_method == "INVITE" for row in self.before)


class Damage(NamedTuple):
    """A message that could not be delivered; ``later``: the message on another hop, or the alert, that proves it."""

    text: Text
    verdict: Verdict
    confidence: float
    later: SipMessageRow | DtlsMessageRow | None = None
    silent_s: float = 0.0


def find(case: Case) -> Iterator[Finding]:
    for broken in _broken(case):
        damage = _of_dialog(case, broken) if broken.answered else _of_invite(case, broken)
        if damage is not None:
            yield _finding(case, broken, damage)


def _of_invite(case: Case, broken: Broken) -> Damage | None:
    accepted = next((row for row in _elsewhere(case, broken) if _accepts(row)), None)
    if accepted is not None:
        return Damage(ANSWERED_ELSEWHERE, "fault", 0.95, accepted)
    refused = next((row for row in _elsewhere(case, broken) if _refuses(row, broken)), None)
    if refused is not None:
        return Damage(PASSED_BACK, "fault", 0.85, refused)
    watched = watched_after(case, broken.event.time)
    return Damage(UNANSWERED, "fault", 0.85) if watched >= RECONNECTS_S else None


def _of_dialog(case: Case, broken: Broken) -> Damage | None:
    bye = next((row for row in _elsewhere(case, broken) if row.method == "BYE"), None)
    if bye is not None and watched_after(case, bye.time) >= PASSED_ON_S:
        return Damage(NO_BYE, "fault", 0.9, bye)
    over = closing(case, broken.before[0].leg)
    unsaid = over is not None and over.time > broken.event.time and goes_on(case)
    if over is not None and unsaid and watched_after(case, over.time) >= PASSED_ON_S:
        return Damage(CLOSED_BY_DTLS, "suspect", 0.8, over)
    leg = broken.before[0].leg
    fell = [each.since for each in silences(case) if each.leg == leg and each.since > broken.event.time]
    if fell and bye is None:
        return Damage(FELL_SILENT, "suspect", 0.6, silent_s=(min(fell) - broken.event.time).total_seconds())
    if broken.event.event != "reset":
        return None
    if _goes_on(case, broken.event.time):
        return Damage(NOTHING_MORE, "suspect", 0.6)
    return Damage(UNSEEN, "note", 0.6) if bye is None and goes_on(case) else None


def _broken(case: Case) -> Iterator[Broken]:
    """Yield connections that end before their dialog and are not replaced by another of the same machines."""
    firsts: dict[object, ConnectionEventRow] = {}
    for event in case.connection_events:
        if event.event in ("fin", "reset"):
            firsts.setdefault((connection(event), event.src_addr), event)
    yielded = set()
    for event in sorted(firsts.values(), key=lambda each: each.time):
        for call_id in case.leg_of:
            mine = [
                row for row in case.sip_messages if row.call_id == call_id and row.capture == event.capture
            ]
            on_it = [row for row in mine if connection(row) == connection(event) and row.time <= event.time]
            if not on_it or (call_id, connection(event)) in yielded:
                continue
            yielded.add((call_id, connection(event)))
            hosts = {event.src_addr, event.dst_addr}
            between = [row for row in mine if {row.src_addr, row.dst_addr} == hosts]
            after = [row for row in between if row.time > event.time]
            before = [row for row in between if row.time <= event.time]
            if not after and not _over(before):
                yield Broken(event, before)


def _over(before: Sequence[SipMessageRow]) -> bool:
    """Whether the dialog had ended, was ending or never started (a challenge is answered over another connection)."""
    if not any(row.method == "INVITE" for row in before):
        return True
    invites = [row for row in before if row.cseq_method == "INVITE" and row.method != "ACK"]
    if any(row.method in ("BYE", "CANCEL") for row in before):
        return True
    return bool(invites) and is_refusal(invites[-1].status)


def _elsewhere(case: Case, broken: Broken) -> list[SipMessageRow]:
    """Return later messages on the call's other hops and legs."""
    hosts = {broken.event.src_addr, broken.event.dst_addr}
    call_id = broken.before[0].call_id
    return [
        row
        for row in case.sip_messages
        if row.time > broken.event.time and (row.call_id != call_id or {row.src_addr, row.dst_addr} != hosts)
    ]


def _accepts(row: SipMessageRow) -> bool:
    return is_success(row.status) and row.cseq_method == "INVITE"


def _refuses(row: SipMessageRow, broken: Broken) -> bool:
    """Whether the sender of an INVITE that was turned away makes of it a failure of its own, on another leg."""
    failed = row.status is not None and row.status >= 500 and row.cseq_method == "INVITE"
    own = row.src_addr == broken.event.dst_addr and row.call_id != broken.before[0].call_id
    return (
        failed
        and own
        and row.time - broken.event.time <= AT_ONCE
        and turned_away(broken.before, broken.event)
    )


def _goes_on(case: Case, time: datetime) -> bool:
    """Whether the capture is long enough to show a reconnection, and media shows that the call continued."""
    media = any(stream.last_time is not None and stream.last_time > time for stream in case.rtp_streams)
    return media and watched_after(case, time) >= SILENT_S


def _finding(case: Case, broken: Broken, damage: Damage) -> Finding:
    event, first, later = broken.event, broken.before[0], damage.later
    away = turned_away(broken.before, event)
    return Finding(
        RULE.name,
        damage.verdict,
        damage.confidence,
        evidence(event, broken.before[-1], later),
        TURNED_AWAY if away else RESET if event.event == "reset" else CLOSED,
        (damage.text,),
        {
            "closer": event.src_addr,
            "other": event.dst_addr,
            "transport": "WebSocket" if first.transport in ("ws", "wss") else (first.transport or "").upper(),
            "number": first.leg,
            "ender": later.src_addr if later is not None else None,
            "later_s": (later.time - event.time).total_seconds() if later is not None else 0.0,
            "silent_s": damage.silent_s,
            "watched_s": watched_after(case, event.time),
            "answer": phrase(later.status, later.reason) if isinstance(later, SipMessageRow) else None,
            "later_ms": round(in_ms(later.time - event.time)) if later is not None else 0,
            "after_ms": round(in_ms(event.time - broken.before[-1].time)),
        },
        SETTLE,
        leg=first.leg,
        tags=frozenset({"refused" if away else "broken"}),
    )


def turned_away(before: Sequence[SipMessageRow], event: ConnectionEventRow) -> bool:
    """Whether the receiver of an INVITE ends the connection at once, before any response to it."""
    last = before[-1]
    at_once = 0 <= (event.time - last.time).total_seconds() <= TURNED_AWAY_S
    return last.method == "INVITE" and last.to_tag is None and event.src_addr == last.dst_addr and at_once


RULE = Rule(
    code="SIP014",
    name="signalling-lost",
    stage="sip",
    breaks="signalling",
    # Who takes no INVITE is a next hop that fails; only a call that stands can lose its signalling.
    variants={"refused": Variant("sip", "next_hop"), "broken": Variant("sip", "signalling")},
    despite_media=True,
    summary=Text(
        "Signalling connection lost in mid-call", "Signalisierungsverbindung mitten im Anruf verloren"
    ),
    claim=Text(
        "The connection that carries a dialog is reset or closed before its end, and no other takes over.",
        "Die Verbindung, die einen Dialog trägt, wird vor dessen Ende abgebrochen oder geschlossen, und keine andere übernimmt.",
    ),
    causes=(
        cause(
            "The app was closed or suspended, or the device changed its network.",
            "Die App wurde beendet oder angehalten, oder das Gerät wechselte das Netz.",
            tag="broken",
        ),
        cause(
            "A proxy, load balancer or firewall ends connections that are idle for too long.",
            "Ein Proxy, Load-Balancer oder eine Firewall beendet Verbindungen, die zu lange ruhen.",
            tag="broken",
        ),
        cause(
            "The server restarted, or ran into a fault and dropped its connections.",
            "Der Server startete neu oder ließ durch einen Fehler seine Verbindungen fallen.",
            tag="broken",
        ),
        cause(
            "{closer} does not take this INVITE over {transport}: SIP over {transport} is off there, the message is too long for it"
            " (above 1,300 bytes it leaves UDP for TCP, RFC 3261, section 18.1.1), or a firewall inspects SIP.",
            "{closer} nimmt diesen INVITE über {transport} nicht an: SIP über {transport} ist dort aus, die Nachricht ist zu lang"
            " (über 1300 Bytes geht sie statt über UDP über TCP, RFC 3261, Abschnitt 18.1.1), oder eine Firewall prüft SIP.",
            tag="refused",
        ),
    ),
    remedies=(
        remedy(
            "Keep the INVITE short enough for UDP (fewer codecs, no ICE where it is not needed), or set the transport of this peer"
            " to one that {closer} serves.",
            "Den INVITE für UDP kurz genug halten (weniger Codecs, kein ICE, wo es nicht gebraucht wird) oder für diese Gegenstelle"
            " einen Transport einstellen, den {closer} bedient.",
            tag="refused",
        ),
        remedy(
            "Raise the idle timeout of proxies on the way, and send keep-alives more often than that (RFC 5626: CRLF; WebSocket: ping).",
            "Die Leerlaufzeit von Proxys auf dem Weg erhöhen und häufiger Keep-Alives senden (RFC 5626: CRLF; WebSocket: Ping).",
            tag="broken",
        ),
        remedy(
            "Let the client reconnect at once and register again with the same instance (outbound), so that the dialog finds it.",
            "Den Client sofort neu verbinden und mit derselben Instanz registrieren lassen (Outbound), damit der Dialog ihn findet.",
            tag="broken",
        ),
    ),
    references=("RFC 3261, section 18", "RFC 5626", "RFC 7118"),
    known_problems=Text(
        "A client that reconnects from another address is not recognised as the same.",
        "Ein Client, der sich von einer anderen Adresse neu verbindet, wird nicht als derselbe erkannt.",
    ),
    find=find,
)
