"""What happened while a side was silent, in sentences of rule ``media-stopped``."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from postproc.diagnose.evidence.case import CLIENT, Case
from postproc.diagnose.evidence.negotiation import Exchange, exchanges
from postproc.diagnose.evidence.signalling import author, phrase
from postproc.diagnose.evidence.silences import Silence
from postproc.model.findings import cause, remedy
from postproc.model.rows import DtlsMessageRow, DtlsRow, SipMessageRow, TransactionRow
from postproc.model.statuses import ASKED_AGAIN, TERMINATED, is_refusal
from postproc.model.text import Text

UNREACHED = Text(
    "The {after} sent there afterwards (frame {after_frame}) was not answered either, though sent {after_times} times.",
    "Auch das danach dorthin gesendete {after} (Frame {after_frame}) blieb unbeantwortet, obwohl {after_times}-mal gesendet.",
)
REQUEST = Text(
    "Just before there was a {method} (frame {frame}).",
    "Unmittelbar davor gab es ein {method} (Frame {frame}).",
)
ALERT = Text(
    "Just before there was a DTLS alert (frame {frame}): {alert}.",
    "Unmittelbar davor gab es einen DTLS-Alert (Frame {frame}): {alert}.",
)
REFUSED = Text(
    "Meanwhile {refuser} refused the {change} of {asker} (frame {change_frame}) with {refusal}.",
    "Unterdessen lehnte {refuser} das {change} von {asker} (Frame {change_frame}) mit {refusal} ab.",
)
MOVED = Text(
    "It came from an address that {asker} had not used before: the device had changed its network.",
    "Es kam von einer Adresse, die vorher nicht verwendet wurde ({asker}): Das Gerät hatte das Netz gewechselt.",
)
ROLE = Text(
    "The answer of {who} in frame {role_frame} says a=setup:{setup}, after a=setup:{setup_before} with the same certificate: in a DTLS"
    " association that stands the role must not change (RFC 8842, section 5.3), and browsers refuse it.",
    "Die Antwort von {who} in Frame {role_frame} sagt a=setup:{setup}, nach a=setup:{setup_before} mit demselben Zertifikat: In einer"
    " bestehenden DTLS-Verbindung darf die Rolle nicht wechseln (RFC 8842, Abschnitt 5.3), und Browser lehnen das ab.",
)
FORGOTTEN = Text(
    "Nothing came from there since the call was resumed; in the hold before, of {held:0} s, no media flowed.",
    "Seit dem Zurückholen kam von dort nichts; im Halten davor flossen {held:0} s lang keine Medien.",
)
FORGOTTEN_CAUSE = cause(
    "During the hold of {held:0} s a NAT or firewall on the way closed the port, as no media kept it open.",
    "Während des Haltens von {held:0} s hat ein NAT oder eine Firewall auf dem Weg den Port geschlossen, weil keine Medien ihn"
    " offenhielten.",
    tag="forgotten",
)
FORGOTTEN_REMEDY = remedy(
    "Hold for 5 s and resume: if there is audio then, have both sides send music, comfort noise or keep-alives (RFC 6263) during a hold,"
    " or raise the UDP timeout of NAT and firewall.",
    "5 s lang halten und zurückholen: Ist dann etwas zu hören, beide Seiten beim Halten Musik, Comfort Noise oder Keep-alives (RFC 6263)"
    " senden lassen oder das UDP-Timeout von NAT und Firewall erhöhen.",
    tag="forgotten",
)
HUNG_UP = Text(
    "{ender}, who heard nothing of it, hung up {waited:0} s into the silence.",
    "{ender}, wo davon nichts zu hören war, legte nach {waited:0} s Stille auf.",
)
# A change takes effect on media within a packet or two, a handshake within a second. A third of this misses a slow
# re-INVITE; three times mentions unrelated events.
JUST_BEFORE = timedelta(seconds=2)
# Many routers keep a UDP mapping for 30 s, though RFC 4787 (REQ-5) asks for two minutes. With a third, holds of a moment
# are blamed; three times is longer than most holds.
EXPIRES = timedelta(seconds=30)
UNHEARD = 3  # times a request is sent; a choice: with fewer, the response may be outside the capture
CHANGES = ("INVITE", "UPDATE", "REFER")
ENDED_WITH = timedelta(seconds=1)  # a phase ends with the BYE, by the clock of the capture
ROLES = frozenset({"active", "passive"})


class Event(NamedTuple):
    """Sentences with their facts; ``tag`` selects the rule's advice."""

    texts: tuple[Text, ...]
    tag: str
    facts: dict[str, object]


def unreached_later(case: Case, silence: Silence) -> TransactionRow | None:
    """Return the first request to a side after it fell silent, if that was repeated without any answer."""
    spoke = {
        row.src_addr for row in case.rtp_streams if row.leg == silence.leg and row.last_time == silence.since
    }
    asked = (
        row
        for row in case.transactions
        if row.leg == silence.leg and row.dst_addr in spoke and row.time > silence.since
    )
    first = next(asked, None)
    unheard = first is not None and first.final_status is None and first.requests >= UNHEARD
    return first if unheard else None


def before(case: Case, leg: int | None, since: datetime) -> SipMessageRow | DtlsMessageRow | None:
    """Return the alert, else the request that may have changed the media, just before it stopped; or None."""
    near = (since - JUST_BEFORE, since + JUST_BEFORE)
    alerts = [r for r in case.dtls_messages if r.leg == leg and r.alert is not None]
    changes = [r for r in case.sip_messages if r.leg == leg and r.method in CHANGES and r.to_tag is not None]
    events: list[SipMessageRow | DtlsMessageRow] = [*alerts, *changes]
    return next((row for row in events if near[0] <= row.time <= near[1]), None)


def said_of(message: SipMessageRow | DtlsMessageRow) -> tuple[Text, dict[str, object]]:
    """Return the sentence, with its facts, on the message just before the silence."""
    if isinstance(message, SipMessageRow):
        method = "re-INVITE" if message.method == "INVITE" else message.method
        return REQUEST, {"method": method, "frame": message.frame}
    return ALERT, {"alert": message.alert, "frame": message.frame}


def meanwhile(case: Case, silence: Silence) -> list[Event]:
    """Return what happened during a silence and may explain it, or came of it."""
    looks = (_forgotten, _refused, _role, _hung_up)
    events = [look(case, silence) for look in looks]
    return [event for event in events if event is not None]


def _forgotten(case: Case, silence: Silence) -> Event | None:
    """Return the hold without media before a resumption since which nothing came: mappings of NAT expire meanwhile."""
    phase = silence.phase
    own = (
        each
        for each in case.phases
        if each.leg == phase.leg and (each.phase, each.kind) == ((phase.phase or 0) - 1, "hold")
    )
    held = next(own, None)
    if phase.kind != "resumed" or silence.since != phase.started or held is None or held.started is None:
        return None
    lasts = silence.since - held.started
    flowed = [last for last in (held.last_from_client, held.last_from_server) if last is not None]
    if lasts < EXPIRES or any(silence.since - last < EXPIRES for last in flowed):
        return None
    return Event((FORGOTTEN,), "forgotten", {"held": lasts.total_seconds()})


def _refused(case: Case, silence: Silence) -> Event | None:
    """Return a change of the session that was refused after the media had stopped."""
    changes = (
        row
        for row in case.transactions
        if row.leg == silence.leg
        and not row.initial
        and row.method in ("INVITE", "UPDATE")
        and is_refusal(row.final_status)
        and row.final_status not in (*ASKED_AGAIN, TERMINATED)
        and silence.since - JUST_BEFORE <= row.time <= silence.until
    )
    change = next(changes, None)
    if change is None:
        return None
    earlier = {row.src_addr for row in case.sip_messages if row.leg == silence.leg and row.time < change.time}
    return Event(
        (REFUSED,) if change.src_addr in earlier else (REFUSED, MOVED),
        "refused-change",
        {
            "refuser": change.dst_addr,
            "asker": change.src_addr,
            "change": "re-INVITE" if change.method == "INVITE" else change.method,
            "change_frame": change.frame,
            "refusal": phrase(change.final_status, change.final_reason),
        },
    )


def _role(case: Case, silence: Silence) -> Event | None:
    """Return an answer near the silence's begin that changes the answerer's DTLS role without a new handshake."""
    agreed = [each for each in exchanges(case, silence.leg) if each.accepted]
    for before, after in pairwise(agreed):
        now, then = after.answer, before.offer if before.offer.party == after.answer.party else before.answer
        at = now.message.time
        said = {now.audio.setup, then.audio.setup}
        if said != ROLES or now.audio.fingerprint != then.audio.fingerprint:
            continue
        if abs(at - silence.since) <= JUST_BEFORE and not any(
            _began(row, silence, after) for row in case.dtls
        ):
            return Event(
                (ROLE,),
                "role",
                {
                    "who": now.message.src_addr,
                    "role_frame": now.message.frame,
                    "setup": now.audio.setup,
                    "setup_before": then.audio.setup,
                },
            )
    return None


def _began(row: DtlsRow, silence: Silence, after: Exchange) -> bool:
    return row.leg == silence.leg and (row.started or row.time) >= after.answer.message.time


def _hung_up(case: Case, silence: Silence) -> Event | None:
    """Return the BYE that ended the silence if its sender neither was the silent side nor got media from it until then."""
    bye = next((row for row in case.sip_messages if row.method == "BYE"), None)
    if bye is None or abs(bye.time - silence.until) > ENDED_WITH:
        return None
    spoke = {
        row.src_addr for row in case.rtp_streams if row.leg == silence.leg and row.last_time <= silence.since
    }
    heard = {
        row.dst_addr for row in case.rtp_streams if row.leg == silence.leg and row.last_time > silence.since
    }
    for leg in case.legs:
        if leg.leg == silence.leg and leg.role in ("inbound", "outbound"):
            far = leg.uac_addr if leg.role == "inbound" else leg.uas_addr
            near = leg.uas_addr if leg.role == "inbound" else leg.uac_addr
            spoke |= {addr for addr in [far if silence.side == CLIENT else near] if addr}
    own = {row.src_addr for row in case.sip_messages if author(row) == author(bye)}
    if bye.src_addr in heard or own & spoke:
        return None
    waited = (bye.time - silence.since).total_seconds()
    return Event((HUNG_UP,), "starved", {"ender": bye.src_addr, "waited": waited})
