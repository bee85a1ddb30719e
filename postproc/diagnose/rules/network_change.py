"""The client moved to another address: with an ICE restart (RFC 8445, section 9), or to end the call from there."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.paths import TO_SERVER, checks
from postproc.diagnose.evidence.signalling import author
from postproc.model.findings import Finding, Rule, Variant, cause, remedy
from postproc.model.rows import BindingRow, PhaseRow, RtpStreamRow
from postproc.model.text import Text

TITLE = Text(
    "The client changed its network at {since:clock}: before it was at {before}, now at {after}.",
    "Der Client hat um {since:clock} das Netz gewechselt: vorher {before}, jetzt {after}.",
)
RESTART = Text(
    "An ICE restart (offer in frame {frame}) announces the new address, and checks from there are answered.",
    "Ein ICE Restart (Angebot in Frame {frame}) kündigt die neue Adresse an, und Checks von dort werden beantwortet.",
)
GAP = Text("No media came from the client for {gap:1} s.", "{gap:1} s lang kamen keine Medien vom Client.")
NO_MEDIA = Text(
    "No media came from the new address until the end.",
    "Von der neuen Adresse kamen bis zum Ende keine Medien.",
)

LEFT = Text(
    "{before} fell silent on leg {number} at {since:clock}, and {seconds:0} s later its BYE came from {after}: it changed its network.",
    "{before} verstummte auf Leg {number} um {since:clock}, und {seconds:0} s später kam das BYE von {after}: Das Gerät hat das Netz"
    " gewechselt.",
)
NOT_ANNOUNCED = Text(
    "No re-INVITE announced the new address; the other side had gone on sending to the old one.",
    "Kein re-INVITE kündigte die neue Adresse an; die andere Seite hatte weiter an die alte gesendet.",
)
SETTLE_LEFT = Text(
    "the log of the device or app says when its network changed and why it hung up.",
    "Das Log von Gerät oder App zeigt, wann das Netz wechselte und warum aufgelegt wurde.",
)

# Whoever hangs up stops sending within a packet or two of the BYE. A device that leaves its network registers first; after a
# minute most NATs and apps have given the call up (RFC 4787, section 4.3, wants two minutes for UDP, many routers have one).
SILENT_BEFORE = (timedelta(seconds=2), timedelta(seconds=60))
# Over TCP, the first check or packet may overtake the answer by the time of a lost segment.
OVERTAKES = timedelta(seconds=1)


class Sign(NamedTuple):
    """The time in which the client sent from an address."""

    addr: str
    first: datetime
    last: datetime
    row: BindingRow | RtpStreamRow


def find(case: Case) -> Iterator[Finding]:
    for leg in case.client_legs:
        phases = [phase for phase in case.phases if phase.leg == leg and phase.started and phase.ended]
        media, answered = _media(case, leg), _checks(case, leg)
        for restart in phases[1:]:
            if restart.kind == "restart" and (change := _changed(leg, restart, media, answered)):
                yield change
    yield from _left(case)


def _left(case: Case) -> Iterator[Finding]:
    """Yield a finding on a BYE from an address that its sender never used before, some time after its media ended."""
    bye = next((row for row in case.sip_messages if row.method == "BYE"), None)
    if bye is None or bye.from_tag is None:
        return
    own = [row for row in case.sip_messages if author(row) == (bye.call_id, bye.from_tag)]
    before = {row.src_addr for row in own if row.time < bye.time and row.dst_addr == bye.dst_addr}
    least = case.deployment.thresholds.one_way_packets
    streams = [row for row in case.rtp_streams if row.leg == bye.leg and (row.packets or 0) >= least]
    sent = max(
        (row for row in streams if row.src_addr in before), key=lambda row: row.last_time, default=None
    )
    if bye.src_addr in before or sent is None or any(row.src_addr == bye.src_addr for row in streams):
        return
    silent = bye.time - sent.last_time
    to_it = [row.last_time for row in streams if row.dst_addr == sent.src_addr]
    asked = any(row.method in ("INVITE", "UPDATE") and row.time > sent.last_time for row in own)
    if asked or not SILENT_BEFORE[0] <= silent <= SILENT_BEFORE[1]:
        return
    if to_it and max(to_it) - sent.last_time >= SILENT_BEFORE[0]:
        yield Finding(
            RULE.name,
            "suspect",
            0.7,
            evidence(sent, bye),
            LEFT,
            (NOT_ANNOUNCED,),
            {
                "before": sent.src_addr,
                "after": bye.src_addr,
                "number": bye.leg,
                "since": sent.last_time,
                "seconds": silent.total_seconds(),
            },
            SETTLE_LEFT,
            leg=bye.leg,
            tags=frozenset({"left"}),
        )


def _media(case: Case, leg: int) -> list[Sign]:
    return [
        Sign(row.src_addr, row.first_time, row.last_time, row)
        for row in case.rtp_streams
        if row.leg == leg
        and row.direction == TO_SERVER
        and (row.packets or 0) >= case.deployment.thresholds.one_way_packets
    ]


def _checks(case: Case, leg: int) -> list[Sign]:
    return [
        Sign(row.src_addr, row.time, row.last_time or row.time, row)
        for row in checks(case, TO_SERVER, leg).of("success")
    ]


def _changed(leg: int, restart: PhaseRow, media: Sequence[Sign], answered: Sequence[Sign]) -> Finding | None:
    """Return a finding if, in one capture, the client sends only from another address after the restart; or None."""
    start = restart.started - OVERTAKES if restart.started else None
    if start is None or restart.ended is None:
        return None
    old = max((sign for sign in media if sign.first < start), key=lambda sign: sign.last, default=None)
    if old is None:
        return None
    here = [sign for sign in (*answered, *media) if sign.row.capture == old.row.capture]
    new = next(
        (
            s
            for s in sorted(here, key=lambda s: s.first)
            if start <= s.first <= restart.ended and s.addr != old.addr
        ),
        None,
    )
    if new is None or old.last > new.first + OVERTAKES:
        return None
    back = min((s.first for s in media if s.addr == new.addr and s.first >= start), default=None)
    facts: dict[str, object] = {
        "since": new.first,
        "before": old.addr,
        "after": new.addr,
        "frame": restart.opened_by,
    }
    if back is not None:
        facts["gap"] = max((back - old.last).total_seconds(), 0.0)
    return Finding(
        RULE.name,
        "note",
        0.9,
        evidence(restart, old.row, new.row),
        TITLE,
        (RESTART, NO_MEDIA if back is None else GAP),
        facts,
        leg=leg,
        tags=frozenset({"silent" if back is None else "back"}),
    )


RULE = Rule(
    code="ICE010",
    name="network-change",
    stage="stun",
    variants={"left": Variant("sip", "session", despite_media=True)},
    summary=Text("Network change", "Netzwechsel"),
    claim=Text(
        "During the call the client moves to another address, and an ICE restart brings the media along, or it hangs up from there.",
        "Im Anruf wechselt der Client an eine andere Adresse, und ein ICE Restart nimmt die Medien mit, oder er legt von dort auf.",
    ),
    causes=(
        cause(
            "The device moved from Wi-Fi to the mobile network or back, or a VPN was switched on or off.",
            "Das Gerät ist vom WLAN ins Mobilfunknetz gewechselt oder zurück, oder ein VPN wurde ein- oder ausgeschaltet.",
        ),
    ),
    remedies=(
        remedy(
            "Have the app send a re-INVITE with its new address (with ICE: a restart) when its network changes, instead of a BYE; in"
            " pjsip: handleIpChange with reinvite, in the Linphone SDK: an update of the call.",
            "Die App beim Netzwechsel ein re-INVITE mit der neuen Adresse senden lassen (mit ICE: einen Restart) statt eines BYE; in"
            " pjsip: handleIpChange mit reinvite, im Linphone SDK: den Anruf aktualisieren.",
            tag="left",
        ),
        remedy(
            "Nothing, where the gap is short: this is how ICE is meant to cope with a new network.",
            "Nichts, wenn die Lücke kurz ist: So soll ICE mit einem neuen Netz umgehen.",
            tag="back",
        ),
        remedy(
            "Look at the client's log from {since:clock} on: whether it sends media on the new path.",
            "Im Log des Clients ab {since:clock} nachsehen, ob er auf dem neuen Pfad Medien sendet.",
            tag="silent",
        ),
    ),
    references=("RFC 8445, section 9", "RFC 8839, section 4.4.1.1.1"),
    known_problems=Text(
        "A change of network that no ICE restart follows shows as consent-lost or media-stopped.",
        "Ein Netzwechsel, auf den kein ICE Restart folgt, zeigt sich als consent-lost oder media-stopped.",
    ),
    find=find,
)
