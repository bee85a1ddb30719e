"""The media path worked and then failed during the call."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from postproc.diagnose.evidence.case import CLIENT, Case, evidence
from postproc.diagnose.evidence.media import way
from postproc.diagnose.evidence.paths import TO_CLIENT, TO_SERVER, Checks, checks, receiver, requests
from postproc.diagnose.evidence.silences import alive, silences
from postproc.diagnose.evidence.unread import lost_session
from postproc.diagnose.evidence.view import end
from postproc.diagnose.rules import turn_refused
from postproc.model.addresses import endpoint
from postproc.model.enumerations import Direction
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import BindingRow, PhaseRow, StunMessageRow
from postproc.model.text import Text

# RFC 7675, section 5.1: consent checks are sent every 4 to 6 s, so a live client sends at least one in 10 s.
EXPECTED_SECONDS = 10
CONSENT = timedelta(seconds=4)  # a client with consent checks sends one this long after its first check
AFTER_THE_END = timedelta(seconds=1)  # packets in flight when a call ends stay unanswered

TITLE = Text(
    "The path to the {peer:word} was lost at {lost_at:clock}, {seconds:0} s before the end of the call.",
    "Der Pfad zum {peer:word} ging um {lost_at:clock} verloren, {seconds:0} s vor dem Ende des Anrufs.",
)
DETAIL = Text(
    "{answered:Binding Request|Binding Requests} had been answered until then; {lost} after that got no answer,"
    " and no media came from there any more.",
    "Bis dahin {answered:Binding Request|Binding Requests} mit Antwort, danach {lost} ohne,"
    " und von dort kamen keine Medien mehr.",
)
GONE = Text(
    "Nothing came from there any more: no media, no check, no answer to a check.",
    "Von dort kam nichts mehr: keine Medien, kein Check, keine Antwort auf einen Check.",
)
NEVER_ASKED = Text(
    "It had not been seen to ask for consent before, so it may only be muted.",
    "Vorher war kein Consent-Check von dort zu sehen; der Client kann also auch nur stummgeschaltet sein.",
)
SETTLE = Text(
    "a capture at the client shows whether it still sends.",
    "Ein Mitschnitt am Client zeigt, ob er noch sendet.",
)
MOVED = Text(
    "Checks then came from {moved}: the client has changed its network or its NAT mapping.",
    "Danach kamen Checks von {moved}: Der Client hat das Netz oder die NAT-Zuordnung gewechselt.",
)
RESTARTED = Text(
    "Just before, the {method} whose answer is frame {answer_frame} had restarted ICE (new ufrag).",
    "Unmittelbar davor hatte das {method}, dessen Antwort Frame {answer_frame} ist, ICE neu gestartet (neuer ufrag).",
)
KEPT = Text(
    "The answer kept its old ufrag {ufrag}, although a restart wants a new one there, too (RFC 8839, section 4.4.1.1.1).",
    "Die Antwort behielt ihren alten ufrag {ufrag}, obwohl ein Neustart auch dort einen neuen verlangt (RFC 8839, Abschnitt 4.4.1.1.1).",
)
RELAY = Text(
    "The TURN server {relay} refused {method} {times} times (error {error}) and granted nothing since: a permission ends after 5 min"
    " (RFC 8656, section 9), and the relay passes nothing on any more.",
    "Der TURN-Server {relay} lehnte {method} {times}-mal ab (Fehler {error}) und gewährte seither nichts: Eine Berechtigung endet nach"
    " 5 min (RFC 8656, Abschnitt 9), und das Relay leitet nichts mehr weiter.",
)

# One 401 or 438 is a challenge, which the client answers; a second one without a success between is none.
REFUSED_TIMES = 2


def find(case: Case) -> Iterator[Finding]:
    yield from lost_session(RULE.name, case)
    until = end(case)
    if until is None:
        return
    unanswered = list(_unanswered(case, until))
    yield from unanswered
    yield from _gone(case, {each.leg for each in unanswered})


def _gone(case: Case, known: set[int | None]) -> Iterator[Finding]:
    """Yield findings on clients that receive no checks (a server without ICE) and stop sending anything."""
    for silence in silences(case):
        if silence.leg in known or silence.side != CLIENT or alive(case, silence) is not False:
            continue
        if silence.seconds < EXPECTED_SECONDS:
            continue
        facts = {"peer": CLIENT, "lost_at": silence.since, "seconds": silence.seconds}
        own = checks(case, TO_SERVER, silence.leg).rows
        rows = own or checks(case, leg=silence.leg).rows
        sent_consent = any((row.last_time or row.time) - own[0].time >= CONSENT for row in own)
        yield Finding(
            RULE.name,
            "fault" if sent_consent else "suspect",
            0.8 if sent_consent else 0.6,
            evidence(*rows),
            TITLE,
            (GONE,) if sent_consent else (GONE, NEVER_ASKED),
            facts,
            None if sent_consent else SETTLE,
            leg=silence.leg,
            tags=frozenset({"path"}),
        )


def _unanswered(case: Case, until: datetime) -> Iterator[Finding]:
    for leg in case.judged_legs:
        for direction, back in ((TO_CLIENT, TO_SERVER), (TO_SERVER, TO_CLIENT)):
            sent = checks(case, direction, leg)
            lost = _lost(sent, until - AFTER_THE_END)
            if requests(lost) >= case.deployment.thresholds.dead_requests and _quiet(
                case, leg, back, lost, until
            ):
                yield _finding(case, leg, direction, lost, until)


def _lost(sent: Checks, until: datetime) -> list[BindingRow]:
    """Return the unanswered checks after the last answered one, during the call."""
    good = sent.of("success")
    return [row for row in sent.unanswered if good[-1].time < row.time < until] if good else []


def _quiet(case: Case, leg: int | None, back: Direction, lost: list[BindingRow], until: datetime) -> bool:
    """Whether the silence is long enough, and no media came from there either."""
    long = timedelta(seconds=case.deployment.thresholds.dead_seconds)
    last_media = way(case, leg, back).last
    return until - lost[0].time >= long and (last_media is None or until - last_media >= long)


def _finding(
    case: Case, leg: int | None, direction: Direction, lost: list[BindingRow], until: datetime
) -> Finding:
    good = checks(case, direction, leg).of("success")
    lost_at = good[-1].time
    back = TO_SERVER if direction == TO_CLIENT else TO_CLIENT
    came = checks(case, back, leg).rows
    targets = {(row.dst_addr, row.dst_port) for row in checks(case, direction, leg).rows}
    targets |= {(row.src_addr, row.src_port) for row in came if row.time <= lost_at}
    moved = [endpoint(*each) for each in sorted({(row.src_addr, row.src_port) for row in came} - targets)]
    facts: dict[str, object] = {
        "peer": receiver(direction),
        "lost_at": lost_at,
        "seconds": (until - lost_at).total_seconds(),
        "answered": len(good),
        "lost": requests(lost),
        "moved": moved,
    }
    refused = _refused(case, leg, until)
    if refused:
        last = refused[-1]
        facts |= {
            "relay": endpoint(last.src_addr, last.src_port),
            "method": turn_refused.REQUEST.get(last.method or "", last.method),
            "times": len(refused),
            "error": last.error_code,
        }
    restart = _restart(case, leg, lost_at, lost[0].time)
    kept = _kept(case, restart) if restart else None
    if restart:
        facts |= {"method": _method(case, restart), "answer_frame": restart.frame, "ufrag": kept}
    restarted = ((RESTARTED, KEPT) if kept else (RESTARTED,)) if restart else ()
    details = (DETAIL, *restarted, *((MOVED,) if moved else ()), *((RELAY,) if refused else ()))
    shown = evidence(good[-1], restart, *lost, *refused[-1:])
    tags = frozenset({"relay" if refused else "restarted" if restart else "path"})
    return Finding(RULE.name, "fault", 0.9, shown, TITLE, details, facts, leg=leg, tags=tags)


def _restart(case: Case, leg: int | None, since: datetime, until: datetime) -> PhaseRow | None:
    """Return the phase that an ICE restart began between the last answered check and the first unanswered one."""
    restarts = (each for each in case.phases if each.leg == leg and each.kind == "restart" and each.started)
    found = (each for each in restarts if each.started and since <= each.started <= until + AFTER_THE_END)
    return next(found, None)


def _method(case: Case, restart: PhaseRow) -> str:
    asked = (restart.capture, restart.opened_by)
    request = next((row for row in case.sip_messages if (row.capture, row.frame) == asked), None)
    return "re-INVITE" if request is None or request.method != "UPDATE" else "UPDATE"


def _kept(case: Case, restart: PhaseRow) -> str | None:
    """Return the ufrag of the answer if its author had it before; else None."""
    own = [row for row in case.sdp_media if case.leg_of.get(row.call_id) == restart.leg and row.ufrag]
    now = {row.ufrag for row in own if (row.capture, row.frame) == (restart.capture, restart.frame)}
    before = {row.ufrag for row in own if restart.opened_by is not None and row.frame < restart.opened_by}
    return next(iter(sorted(each for each in now & before if each)), None)


def _refused(case: Case, leg: int | None, until: datetime) -> list[StunMessageRow]:
    """Return the TURN server's refusals since its last success, before the call ended; empty if there are too few."""
    answers = [row for row in case.turn_messages if row.leg == leg and row.kind in ("success", "error")]
    answers = sorted((row for row in answers if row.time < until), key=lambda row: row.time)
    granted = [place for place, row in enumerate(answers) if row.kind == "success"]
    refused = answers[granted[-1] + 1 :] if granted else []
    return refused if len(refused) >= REFUSED_TIMES else []


RULE = Rule(
    code="ICE005",
    name="consent-lost",
    stage="stun",
    breaks="consent",
    from_absence=True,
    summary=Text("Path lost during the call", "Pfad während des Anrufs verloren"),
    claim=Text(
        "Checks that had been answered are answered no more while the call goes on, and media stops.",
        "Zuvor beantwortete Checks bleiben im laufenden Anruf unbeantwortet, und die Medien brechen ab.",
    ),
    causes=(
        cause(
            "A server in the middle restarts ICE in a session refresh or with a new address, and one of the two goes on with the old"
            " credentials, address or keys.",
            "Ein Server dazwischen startet ICE bei einer Sitzungsauffrischung oder mit neuer Adresse neu, und eine Seite bleibt bei"
            " alten Zugangsdaten, alter Adresse oder alten Schlüsseln.",
            tag="restarted",
        ),
        cause(
            "The client does not renew its allocation or permission at {relay} as the server wants it: after 438 with the new nonce,"
            " after 437 with a new allocation.",
            "Der Client erneuert Allocation oder Berechtigung bei {relay} nicht so, wie der Server es verlangt: nach 438 mit dem neuen"
            " Nonce, nach 437 mit einer neuen Allocation.",
            tag="relay",
        ),
        cause(
            "The client changed its network (Wi-Fi to mobile) or lost it.",
            "Der Client hat das Netz gewechselt (WLAN zu Mobilfunk) oder verloren.",
            tag="path",
        ),
        cause(
            "A NAT or firewall dropped the mapping.",
            "Ein NAT oder eine Firewall hat die Zuordnung verworfen.",
            tag="path",
        ),
        cause(
            "The app was suspended or closed without hanging up.",
            "Die App wurde angehalten oder geschlossen, ohne aufzulegen.",
            tag="path",
        ),
    ),
    remedies=(
        remedy(
            "Have the server keep ufrag, password, port and fingerprint in a refresh (rtpengine: the same flags in every offer and answer of"
            " the call), or switch the refresh off (session timer); update the side that does not follow the restart.",
            "Den Server bei einer Auffrischung ufrag, Passwort, Port und Fingerprint behalten lassen (rtpengine: dieselben Flags in jedem"
            " Angebot und jeder Antwort) oder die Auffrischung abschalten (Session-Timer); die Seite aktualisieren, die dem Neustart nicht"
            " folgt.",
            tag="restarted",
        ),
        remedy(
            "Update the client's TURN part, or lengthen the server's limits (coturn: stale-nonce, max-allocate-lifetime,"
            " permission-lifetime).",
            "Den TURN-Teil des Clients aktualisieren oder die Fristen des Servers verlängern (coturn: stale-nonce,"
            " max-allocate-lifetime, permission-lifetime).",
            tag="relay",
        ),
        remedy(
            "Ask what happened at {lost_at:clock}: network change, screen lock, roaming.",
            "Klären, was um {lost_at:clock} geschah: Netzwechsel, Bildschirmsperre, Roaming.",
            tag="path",
        ),
        remedy(
            "Check the UDP timeout of NAT and firewall: more than 30 s.",
            "Den UDP-Timeout von NAT und Firewall prüfen: mehr als 30 s.",
            tag="path",
        ),
    ),
    references=("RFC 7675, section 5.1",),
    known_problems=Text(
        "Requests under way when a call ends stay unanswered; the last second is not judged.",
        "Requests, die beim Ende eines Anrufs unterwegs sind, bleiben unbeantwortet; die letzte Sekunde zählt nicht.",
    ),
    find=find,
    despite_media=True,
)
