"""An INVITE is retransmitted, and no response reaches its sender (RFC 3261, section 17.1.1)."""

from collections.abc import Iterator

from postproc.diagnose.evidence.byes import CAUSES as BYE_CAUSES
from postproc.diagnose.evidence.byes import REMEDIES as BYE_REMEDIES
from postproc.diagnose.evidence.byes import lost_byes, refused_byes, unseen_answers
from postproc.diagnose.evidence.case import Case
from postproc.diagnose.evidence.in_dialog import gone_astray, missing_pracks, unanswered_pracks
from postproc.diagnose.evidence.proxy_ends import unanswered_pings, untold
from postproc.diagnose.evidence.timers import ROOM_S, TIMEOUT_S, lasting, timed_out
from postproc.diagnose.evidence.unanswered import (
    BEHIND_CAUSE,
    BEHIND_REMEDY,
    CANCEL_CAUSE,
    CANCEL_REMEDY,
    answers_to,
    attempts,
    finding_on,
    lost_cancels,
    only_trying,
    refusals,
    reliable,
)
from postproc.diagnose.evidence.view import watched_after
from postproc.diagnose.rules import session_expired
from postproc.diagnose.rules.signalling_lost import turned_away
from postproc.model.calls import connection
from postproc.model.findings import Finding, Rule, Variant, cause, remedy
from postproc.model.rows import SipMessageRow
from postproc.model.statuses import REQUEST_TIMEOUT
from postproc.model.text import Text


def find(case: Case) -> Iterator[Finding]:
    for copies in attempts(case):
        answers = answers_to(case, copies[0])
        errors = [] if answers else refusals(case, copies)
        if errors:
            yield finding_on(RULE.name, case, copies, told=errors)
        elif lasting(copies):
            yield finding_on(
                RULE.name, case, copies, answers=[row for row in answers if row.time <= copies[-1].time]
            )
        elif _dropped(case, copies[0]):
            continue  # the connection itself was ended: another rule
        # Over TCP nothing is sent again. A shorter time accuses a far end that rings without sending 100.
        elif not answers and reliable(copies[0]) and watched_after(case, copies[0].time) >= TIMEOUT_S:
            yield finding_on(RULE.name, case, copies)
    yield from only_trying(RULE.name, case)
    yield from unanswered_pracks(RULE.name, case)
    yield from missing_pracks(RULE.name, case)
    yield from refused_byes(RULE.name, case)
    yield from untold(RULE.name, case)
    yield from unanswered_pings(RULE.name, case)
    strayed = list(gone_astray(RULE.name, case))
    yield from strayed
    yield from lost_byes(RULE.name, case, {found.leg for found in strayed})
    yield from unseen_answers(RULE.name, case)
    yield from lost_cancels(RULE.name, case)
    refreshing = {found.leg for found in session_expired.find(case)}
    for copies, bye in _renewals(case):
        if copies[0].leg not in refreshing | {found.leg for found in strayed}:
            yield finding_on(RULE.name, case, copies, bye=bye)


def _renewals(case: Case) -> Iterator[tuple[list[SipMessageRow], SipMessageRow]]:
    """Yield unanswered re-INVITEs with the BYE that ended the call for want of an answer.

    A proxy whose own timer expires answers 408; the BYE then comes from whoever receives that.
    """
    for copies in attempts(case, renewing=True):
        first, last = copies[0], copies[-1]
        dialog = (first.capture, first.call_id)
        rows = [r for r in case.at_every_place.sip_messages if (r.capture, r.call_id) == dialog]
        bye = next((row for row in rows if row.method == "BYE" and row.time >= last.time), None)
        if bye is None or answers_to(case, first):
            continue
        # 408 from the proxy that forwarded this INVITE (RFC 3261, section 16.8)
        expected = (first.cseq, first.src_addr, REQUEST_TIMEOUT)
        timeout = next((row for row in rows if (row.cseq, row.src_addr, row.status) == expected), None)
        by_sender = bye.src_addr == (timeout.dst_addr if timeout else first.src_addr)
        waited = (bye.time - (timeout or first).time).total_seconds()
        fits = waited <= ROOM_S if timeout else timed_out(waited)
        if by_sender and (lasting(copies) or reliable(first)) and fits:
            yield copies, bye


def _dropped(case: Case, invite: SipMessageRow) -> bool:
    """Whether the receiver of an INVITE over a connection ends it at once."""
    return any(
        event.event in ("fin", "reset")
        and event.capture == invite.capture
        and connection(event) == connection(invite)
        and turned_away([invite], event)
        for event in case.connection_events
    )


RULE = Rule(
    code="SIP011",
    name="no-response",
    stage="sip",
    breaks="next_hop",
    # In a call that stands both legs are there: a re-INVITE that is lost breaks the session.
    variants={
        **dict.fromkeys(
            (
                "silent",
                "unheard",
                "refused",
                "unfinished",
                "bare",
                "prack",
                "early",
                "unacknowledged",
                "long",
                "lost-answer",
                "behind",
            ),
            Variant("sip", "next_hop"),
        ),
        **dict.fromkeys(
            ("renewal", "reused", "astray", "bye", "challenged", "untold", "pinged", "lost-bye"),
            Variant("sip", "session"),
        ),
    },
    summary=Text("INVITE without any response", "INVITE ohne jede Antwort"),
    claim=Text(
        "An INVITE is repeated because no response reaches its sender: the next hop is silent, or cannot be reached, or sends 100 Trying and nothing else; or a PRACK is not answered or missing; or a request in the call goes to an address behind NAT; or a BYE is not recognised, not answered, or sent to one side only; or a CANCEL is not answered; or a 200 does not arrive; or OPTIONS in the call are not answered.",
        "Ein INVITE wird wiederholt, weil seinen Absender keine Antwort erreicht: Die nächste Station schweigt, ist nicht"
        " erreichbar oder sendet nur 100 Trying; oder ein PRACK bleibt unbeantwortet oder aus; oder eine Anfrage im Anruf geht an eine Adresse hinter einem"
        " NAT; oder ein BYE wird nicht erkannt, nicht beantwortet oder nur einer Seite gesendet; oder ein CANCEL bleibt unbeantwortet; oder ein 200 kommt nicht an; oder OPTIONS im Anruf bleiben unbeantwortet.",
    ),
    causes=(
        *BYE_CAUSES,
        BEHIND_CAUSE,
        CANCEL_CAUSE,
        cause(
            "Fragments of the INVITE are lost on the way: a firewall, a VPN or the provider drops IP fragments. Shorter messages of the"
            " same sender, such as REGISTER, then pass.",
            "Fragmente des INVITE gehen unterwegs verloren: Eine Firewall, ein VPN oder der Provider verwirft IP-Fragmente. Kürzere"
            " Nachrichten desselben Absenders, etwa REGISTER, kommen dann durch.",
            tag="long",
        ),
        cause(
            "Wrong address or port of the next hop, or it is down.",
            "Falsche Adresse oder falscher Port der nächsten Station, oder sie ist außer Betrieb.",
            tag="silent",
        ),
        cause(
            "Nothing listens on that port, the machine is down, or no route leads there; a firewall may say so, too.",
            "Auf diesem Port lauscht nichts, der Rechner ist aus, oder es gibt keine Route dorthin; auch eine Firewall kann"
            " das melden.",
            tag="refused",
        ),
        cause(
            "Content-Length is larger than the body: the sender counts wrong, or a SIP ALG changed the body and not the length."
            " Or the capture lacks the rest.",
            "Content-Length ist größer als der Inhalt: Der Absender zählt falsch, oder ein SIP-ALG hat den Inhalt geändert, aber"
            " nicht die Länge. Oder im Mitschnitt fehlt der Rest.",
            tag="unfinished",
        ),
        cause(
            "{sender} builds the INVITE wrongly, or a proxy or SIP ALG on the way leaves a header out.",
            "{sender} baut den INVITE falsch, oder ein Proxy oder SIP-ALG dazwischen lässt einen Header weg.",
            tag="bare",
        ),
        cause(
            "{sender} reuses the branch of an earlier transaction; every request but ACK and CANCEL needs one of its own (RFC 3261,"
            " section 8.1.1.7).",
            "{sender} verwendet den Branch einer früheren Transaktion noch einmal; jede Anfrage außer ACK und CANCEL braucht einen"
            " eigenen (RFC 3261, Abschnitt 8.1.1.7).",
            tag="reused",
        ),
        cause(
            "A firewall drops SIP on the way there or the responses on the way back.",
            "Eine Firewall verwirft SIP auf dem Hinweg oder die Antworten auf dem Rückweg.",
            tag="dropped",
        ),
        cause(
            "The next hop is a phone behind NAT whose mapping is gone (registered long ago, no keep-alives), or an app asleep.",
            "Die nächste Station ist ein Telefon hinter NAT, dessen Zuordnung weg ist (vor langem registriert, keine Keep-Alives),"
            " oder eine schlafende App.",
            tag="silent",
        ),
        cause(
            "The next hop ignores senders that it does not know: provider's access list, missing registration.",
            "Die nächste Station ignoriert unbekannte Absender: Zugriffsliste des Providers, fehlende Registrierung.",
            tag="silent",
        ),
        cause(
            "The responses follow the Via to an address or port behind NAT: rport (RFC 3581) is not used.",
            "Die Antworten folgen dem Via zu einer Adresse oder einem Port hinter NAT: rport (RFC 3581) fehlt.",
            tag="unheard",
        ),
        cause(
            "The NAT mapping or the connection to {target} is gone, the dialog's Contact or Record-Route names another"
            " address, or {target} was restarted or switched off in mid-call.",
            "Die NAT-Zuordnung oder die Verbindung zu {target} besteht nicht mehr, Contact oder Record-Route des Dialogs"
            " nennen eine andere Adresse, oder {target} wurde während des Anrufs neu gestartet oder abgeschaltet.",
            tag="renewal",
        ),
        cause(
            "{target} asks for PRACK and cannot handle it, or the PRACK goes astray: its Request-URI is the Contact of the {status}.",
            "{target} verlangt PRACK und beherrscht es nicht, oder das PRACK geht fehl: Seine Request-URI ist der Contact des"
            " {status}.",
            tag="prack",
        ),
        cause(
            "{sender} does not support 100rel although it says so, or its PRACK is lost: its Request-URI is the Contact of the {status}.",
            "{sender} beherrscht 100rel nicht, obwohl es das angibt, oder sein PRACK geht verloren: Seine Request-URI ist der Contact"
            " des {status}.",
            tag="unacknowledged",
        ),
        cause(
            "{sender} ends calls of its own accord (limit of time or credit, command, dialog timer), and its BYE to the second side"
            " fails or is left out.",
            "{sender} beendet Anrufe von sich aus (Zeit- oder Guthabengrenze, Befehl, Dialog-Timer), und das BYE an die zweite Seite"
            " misslingt oder unterbleibt.",
            tag="untold",
        ),
        cause(
            "{target} does not answer OPTIONS inside a call, or they go to an address where it is not reached.",
            "{target} beantwortet OPTIONS im Anruf nicht, oder sie gehen an eine Adresse, unter der es nicht erreicht wird.",
            tag="pinged",
        ),
        cause(
            "{sender} sends requests to the Contact of the far end as it stands, and not to the address that its SIP comes from; or"
            " the proxy between them does not add itself by Record-Route.",
            "{sender} schickt Anfragen an den Contact der Gegenstelle, wie er dasteht, und nicht an die Adresse, von der deren SIP"
            " kommt; oder der Proxy dazwischen trägt sich nicht per Record-Route ein.",
            tag="contact",
        ),
    ),
    remedies=(
        *BYE_REMEDIES,
        BEHIND_REMEDY,
        CANCEL_REMEDY,
        remedy(
            "Keep the INVITE below 1,300 bytes (fewer codecs, no ICE, no text or video), or use TCP or TLS (RFC 3261, section 18.1.1).",
            "Den INVITE unter 1300 Bytes halten (weniger Codecs, kein ICE, weder Text noch Video) oder TCP oder TLS verwenden (RFC 3261,"
            " Abschnitt 18.1.1).",
            tag="long",
        ),
        remedy(
            "Have {sender} correct the Contact of devices behind NAT (Asterisk: rewrite_contact=yes, force_rport=yes; Kamailio:"
            " fix_nated_contact and record_route).",
            "{sender} den Contact von Geräten hinter NAT berichtigen lassen (Asterisk: rewrite_contact=yes, force_rport=yes;"
            " Kamailio: fix_nated_contact und record_route).",
            tag="contact",
        ),
        remedy(
            "Or have the far end name its public address in the Contact (STUN or the public address in its settings), with the SIP ALG"
            " of the router off.",
            "Oder die Gegenstelle ihre öffentliche Adresse im Contact nennen lassen (STUN oder öffentliche Adresse in ihren"
            " Einstellungen), bei abgeschaltetem SIP-ALG des Routers.",
            tag="contact",
        ),
        remedy(
            "Switch reliable provisional responses (100rel, PRACK) off on one side; Asterisk: 100rel=no at the endpoint.",
            "Zuverlässige vorläufige Antworten (100rel, PRACK) auf einer Seite abschalten; Asterisk: 100rel=no am Endpoint.",
            tag="prack",
        ),
        remedy(
            "Switch reliable provisional responses (100rel, PRACK) off on one side (Asterisk: 100rel=no at the endpoint; Cisco: rel1xx"
            " disable), or have the proxy between route the PRACK.",
            "Zuverlässige vorläufige Antworten (100rel, PRACK) auf einer Seite abschalten (Asterisk: 100rel=no am Endpoint; Cisco:"
            " rel1xx disable) oder den Proxy dazwischen das PRACK weiterleiten lassen.",
            tag="unacknowledged",
        ),
        remedy(
            "Update {sender}, or have the B2BUA behind it end calls, which knows both sides (Kamailio: dlg_bye and dialog timeouts"
            " send two BYEs).",
            "{sender} aktualisieren oder den B2BUA dahinter Anrufe beenden lassen, der beide Seiten kennt (Kamailio: dlg_bye und"
            " Dialog-Timeouts senden zwei BYE).",
            tag="untold",
        ),
        remedy(
            "Switch the pings of {sender} off (OpenSIPS: create_dialog without P and p; Kamailio: no ka-src, ka-dst) or have {target}"
            " answer them; session timers (RFC 4028) find dead calls as well.",
            "Die Anfragen von {sender} abschalten (OpenSIPS: create_dialog ohne P und p; Kamailio: ohne ka-src, ka-dst) oder von"
            " {target} beantworten lassen; Session-Timer (RFC 4028) finden tote Anrufe auch.",
            tag="pinged",
        ),
        remedy(
            "Check the address and the port of {target}; ask it with OPTIONS.",
            "Adresse und Port von {target} prüfen; mit OPTIONS anfragen.",
            tag="hop",
        ),
        remedy(
            "Update {sender}, or correct the header there; the log of {target} says what it drops.",
            "{sender} aktualisieren oder den Header dort berichtigen; das Log von {target} sagt, was verworfen wird.",
            tag="bare",
        ),
        remedy("Update {sender}.", "{sender} aktualisieren.", tag="reused"),
        remedy(
            "Switch off the SIP ALG in the router; or use TLS, which it cannot change.",
            "Das SIP-ALG im Router abschalten oder TLS verwenden, das es nicht ändern kann.",
            tag="unfinished",
        ),
        remedy(
            "Capture at {target} or at the firewall before it.",
            "Bei {target} oder an der Firewall davor mitschneiden.",
            tag="hop",
        ),
        remedy(
            "In FreeSWITCH look at the gateway: sofia status gateway; ext-sip-ip names the address in the Via.",
            "In FreeSWITCH das Gateway ansehen: sofia status gateway; ext-sip-ip bestimmt die Adresse im Via.",
            product="freeswitch",
        ),
    ),
    references=("RFC 3261, sections 17.1.1.2 and 18.3", "RFC 3262, section 3", "RFC 3581"),
    known_problems=Text(
        "Whether the INVITE arrives at the next hop cannot be seen at its sender.",
        "Ob der INVITE bei der nächsten Station ankommt, ist beim Absender nicht zu sehen.",
    ),
    find=find,
)
