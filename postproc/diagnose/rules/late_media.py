"""Media starts long after the answer."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import Talk, both_may_send, talks, way
from postproc.diagnose.evidence.paths import TO_CLIENT, TO_SERVER, best, checks, receiver
from postproc.diagnose.evidence.signalling import phrase
from postproc.diagnose.evidence.timers import in_ms
from postproc.model.enumerations import Direction
from postproc.model.findings import Finding, Rule, Variant, cause, remedy
from postproc.model.rows import PhaseRow
from postproc.model.statuses import RINGING, is_progress
from postproc.model.text import Text

# Within which a B2BUA passes one leg's answer to the other; later, it had answered by itself.
SOON = timedelta(seconds=1)

TITLE = Text(
    "Audio to the {side:word} begins {late:1} s after the answer.",
    "Audio zum {side:word} beginnt {late:1} s nach dem Abheben.",
)
SPLIT = Text(
    "Of these, ICE took until {ice:1} s and DTLS until {dtls:1} s after the answer.",
    "Davon brauchten ICE bis {ice:1} s und DTLS bis {dtls:1} s nach dem Abheben.",
)
SENDER = Text(
    "ICE and DTLS were ready before: the sender itself began late.",
    "ICE und DTLS waren vorher fertig: Der Absender selbst hat spät begonnen.",
)
DEAD = Text(
    "On leg {number} nothing comes from either side for {late:0} s after the answer; then audio flows both ways.",
    "Auf Leg {number} kommt nach dem Abheben {late:0} s lang von keiner Seite etwas; dann fließt Audio in beiden Richtungen.",
)
WAITING = Text(
    "Each side seems to wait for the other's first packet, or the first packets of both are dropped until one opens the way.",
    "Jede Seite scheint auf das erste Paket der anderen zu warten, oder die ersten Pakete beider gehen verloren, bis eines den Weg"
    " öffnet.",
)
SETTLE_DEAD = Text(
    "a capture beyond the firewall shows whether packets came to it in that time.",
    "Ein Mitschnitt jenseits der Firewall zeigt, ob in dieser Zeit Pakete dort ankamen.",
)

NO_TONE = Text(
    "The {status} in frame {frame} announced early media on leg {number}, and none is seen in the {seconds:0} s until the"
    " answer: the caller heard no ringing tone.",
    "Das {status} in Frame {frame} kündigte auf Leg {number} Early Media an, und in den {seconds:0} s bis zum Abheben sind"
    " keine zu sehen: Der Anrufer hörte keinen Freiton.",
)
NOT_TOLD = Text(
    "Nor did a 180 without SDP tell the phone to make the tone itself (RFC 3960, section 3.2).",
    "Auch kein 180 ohne SDP forderte das Telefon auf, den Ton selbst zu erzeugen (RFC 3960, Abschnitt 3.2).",
)
# Ringing tones pause for at most 4 s in most countries (ITU-T E.180); with less, a pause counts as no tone.
LONGEST_PAUSE_S = 5


def find(case: Case) -> Iterator[Finding]:
    limits = case.deployment.thresholds
    yield from _toneless(case)
    for phase, late in _dead(case):
        yield _both_late(phase, late)
    for talk in talks(case):
        if talk.leg not in case.client_legs or not both_may_send(case, talk.leg):
            continue
        for direction in (TO_CLIENT, TO_SERVER):
            media = way(case, talk.leg, direction)
            if media.first is None:
                continue
            late = in_ms(media.first - talk.start)
            if late > limits.late_media_note_ms:
                yield _finding(case, talk, direction, late / 1000)


def _dead(case: Case) -> Iterator[tuple[PhaseRow, float]]:
    """Yield first answered phases of legs without ICE in which both sides begin equally late.

    Not where the server answered a leg before the other one was up: it has nothing to pass on until then.
    """
    limits = case.deployment.thresholds
    answers = [leg.answer_time for leg in case.legs if leg.answer_time is not None]
    for leg in case.numbers:
        phase = next((each for each in case.phases if each.leg == leg and each.kind == "answered"), None)
        if phase is None or leg in case.client_legs or phase.started is None:
            continue
        firsts = [phase.first_from_client, phase.first_from_server]
        if None in firsts or not (phase.may_send_client and phase.may_send_server):
            continue
        begun = min(each for each in firsts if each is not None)
        late = (begun - phase.started).total_seconds()
        if late >= limits.stopped_seconds and not any(phase.started + SOON < each for each in answers):
            yield phase, late


def _toneless(case: Case) -> Iterator[Finding]:
    """Yield a note on each caller's leg whose early media, though described, did not come before the answer."""
    for leg in {each.leg: each for each in case.legs if each.role in ("inbound", "single")}.values():
        rows = [row for row in case.sip_messages if row.call_id == leg.call_id and row.status is not None]
        early = next((row for row in rows if is_progress(row.status) and row.has_sdp), None)
        came = [row for row in case.rtp_streams if row.leg == leg.leg and row.src_addr != leg.uac_addr]
        if early is None or leg.answer_time is None or not came or leg.leg in case.client_legs:
            continue
        rings = any(row.status == RINGING and not row.has_sdp for row in rows)
        waited = (leg.answer_time - early.time).total_seconds()
        if rings or waited < LONGEST_PAUSE_S or min(row.first_time for row in came) < leg.answer_time:
            continue
        yield Finding(
            RULE.name,
            "note",
            0.8,
            evidence(early),
            NO_TONE,
            (NOT_TOLD,),
            {
                "status": phrase(early.status, early.reason),
                "frame": early.frame,
                "number": leg.leg,
                "seconds": waited,
            },
            leg=leg.leg,
            tags=frozenset({"toneless"}),
        )


def _both_late(phase: PhaseRow, late: float) -> Finding:
    return Finding(
        RULE.name,
        "suspect",
        0.6,
        evidence(phase),
        DEAD,
        (WAITING,),
        {"number": phase.leg, "late": late},
        SETTLE_DEAD,
        leg=phase.leg,
        tags=frozenset({"dead"}),
    )


def _finding(case: Case, talk: Talk, direction: Direction, late: float) -> Finding:
    """Return the finding: a suspect only if ICE or DTLS delayed the media; a party that starts to talk late is no fault."""
    ice, dtls = _after(talk, _checked(case, talk)), _after(talk, _keyed(case, talk))
    held_up = max(ice, dtls) * 1000 > case.deployment.thresholds.late_media_ms
    facts = {"side": receiver(direction), "late": late, "ice": ice, "dtls": dtls}
    rows = way(case, talk.leg, direction).rows
    split = ice > 0 or dtls > 0
    return Finding(
        RULE.name,
        "suspect" if held_up else "note",
        0.8,
        evidence(rows[0]),
        TITLE,
        (SPLIT if split else SENDER,),
        facts,
        leg=talk.leg,
        tags=frozenset({"ice"} if held_up else {"sender"}),
    )


def _after(talk: Talk, time: datetime | None) -> float:
    return max(0.0, (time - talk.start).total_seconds()) if time else 0.0


def _checked(case: Case, talk: Talk) -> datetime | None:
    """Return the time of the first successful check, or None."""
    return next((row.time for row in checks(case, leg=talk.leg).of("success")), None)


def _keyed(case: Case, talk: Talk) -> datetime | None:
    handshake = best(case, talk.leg)
    completed: datetime | None = handshake.completed if handshake else None
    return completed


RULE = Rule(
    code="RTP003",
    name="late-media",
    stage="media",
    breaks="start_of_media",
    variants={"dead": Variant("media", "start_of_media", despite_media=True)},
    from_absence=True,
    summary=Text("Late media", "Späte Medien"),
    claim=Text(
        "The first RTP packet comes noticeably later than the answer, or than the response that announces early media.",
        "Das erste RTP-Paket kommt merklich später als das Abheben oder als die Antwort, die Early Media ankündigt.",
    ),
    causes=(
        cause(
            "The network beyond sends a 183 with SDP and plays no tone (mobile networks do, for preconditions), and the B2BUA that passed it"
            " on does not pass on the 180 that follows.",
            "Das Netz dahinter sendet ein 183 mit SDP und spielt keinen Ton ein (Mobilfunknetze tun das wegen Preconditions), und der"
            " B2BUA, der es weitergab, gibt das folgende 180 nicht weiter.",
            tag="toneless",
        ),
        cause(
            "A firewall before this capture lets media in only after something was sent out to it, and nobody begins (both sides wait, as"
            " when a call is forwarded back to where it came from).",
            "Eine Firewall vor diesem Mitschnitt lässt Medien erst herein, wenn etwas hinausging, und niemand beginnt (beide Seiten"
            " warten, etwa bei einem Anruf, der dorthin umgeleitet wird, woher er kam).",
            tag="dead",
        ),
        cause(
            "Connectivity checks or DTLS took long: candidates that lead nowhere are tried first, or packets were lost.",
            "Connectivity Checks oder DTLS dauerten lange: Zuerst werden Kandidaten versucht, die nirgendwohin führen, oder Pakete gingen verloren.",
            tag="ice",
        ),
        cause(
            "The sender begins late: the app starts its audio only after the answer.",
            "Der Absender beginnt spät: Die App startet ihr Audio erst nach dem Abheben.",
            tag="sender",
        ),
        cause(
            "Too many entries in the access lists.",
            "Zu viele Einträge in den Zugriffslisten.",
            product="xphone",
            tag="ice",
        ),
    ),
    remedies=(
        remedy(
            "Have the server play the tone itself until packets come, or turn the 183 into a 180 without SDP.",
            "Den Server den Ton selbst einspielen lassen, bis Pakete kommen, oder das 183 in ein 180 ohne SDP umwandeln lassen.",
            tag="toneless",
        ),
        remedy(
            "In FreeSWITCH: ignore_early_media=true and ringback (or ignore_early_media=ring_ready) before the bridge.",
            "In FreeSWITCH: ignore_early_media=true und ringback (oder ignore_early_media=ring_ready) vor der Bridge.",
            tag="toneless",
            product="freeswitch",
        ),
        remedy(
            "Forward the media ports in the firewall, or have the server send at once (comfort noise, RTP keep-alive every second).",
            "Die Medien-Ports in der Firewall weiterleiten oder den Server sofort senden lassen (Comfort Noise, RTP-Keep-Alive jede"
            " Sekunde).",
            tag="dead",
        ),
        remedy(
            "Look at the binding timeline: which pairs are tried before the one that works?",
            "Die Binding-Zeitleiste ansehen: Welche Paare werden vor dem funktionierenden versucht?",
            tag="ice",
        ),
        remedy("Shorten the access lists.", "Die Zugriffslisten kürzen.", product="xphone", tag="ice"),
    ),
    references=("RFC 8445, section 14", "RFC 3960, section 3.2"),
    known_problems=Text(
        "Silence suppression and a callee who is quiet look like late media.",
        "Sprechpausenunterdrückung und ein schweigender Angerufener sehen wie späte Medien aus.",
    ),
    find=find,
    despite_media=True,
)
