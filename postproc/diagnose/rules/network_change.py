"""The client continued from another address: a network change with ICE restart (RFC 8445, section 9)."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.paths import TO_SERVER, checks
from postproc.model.findings import Finding, Rule, cause, remedy
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
    summary=Text("Network change", "Netzwechsel"),
    claim=Text(
        "During the call the client moves to another address, and an ICE restart brings the media along.",
        "Im Anruf wechselt der Client an eine andere Adresse, und ein ICE Restart nimmt die Medien mit.",
    ),
    causes=(
        cause(
            "The device moved from Wi-Fi to the mobile network or back, or a VPN was switched on or off.",
            "Das Gerät ist vom WLAN ins Mobilfunknetz gewechselt oder zurück, oder ein VPN wurde ein- oder ausgeschaltet.",
        ),
    ),
    remedies=(
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
