"""A side has a new media address, but the other one keeps sending to the old one.

Either its description names the new address (RFC 3264, section 8.3.1), or its own stream switches to a new
source address: NAT has assigned another mapping, or the device has changed networks.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from postproc.diagnose.evidence.case import CLIENT, OTHER, SERVER, Case, evidence
from postproc.diagnose.evidence.paths import checks
from postproc.model.addresses import endpoint
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import IcmpErrorRow, PhaseRow, RtpStreamRow
from postproc.model.text import Text

TITLE = Text(
    "{sender} goes on sending to {old} on leg {number}, although the other side's SDP names {new} since {since:clock}.",
    "{sender} sendet auf Leg {number} weiter an {old}, obwohl das SDP der Gegenseite seit {since:clock} {new} nennt.",
)
TITLE_MAPPED = Text(
    "{sender} goes on sending to {old} on leg {number}, although the other side's own stream comes from {new} since"
    " {since:clock}.",
    "{sender} sendet auf Leg {number} weiter an {old}, obwohl der Strom der Gegenseite seit {since:clock} von {new}"
    " kommt.",
)
LASTS_MAPPED = Text(
    "Until then the stream (SSRC {ssrc}) came from {old}, and no description announced the change; media goes to"
    " the old address for {seconds:0} s more.",
    "Bis dahin kam der Strom (SSRC {ssrc}) von {old}, und keine Beschreibung hat den Wechsel angekündigt; an die"
    " alte Adresse gehen noch {seconds:0} s lang Medien.",
)
STILL_NAMED = Text(
    "The description in frame {frame}, sent in that time, still names {old}.",
    "Die in dieser Zeit gesendete Beschreibung in Frame {frame} nennt noch {old}.",
)
LASTS = Text(
    "The new address belongs to the offer or answer of frame {frame}; media goes to the old one for {seconds:0} s more.",
    "Die neue Adresse gehört zu Angebot oder Antwort aus Frame {frame}; an die alte gehen noch {seconds:0} s lang Medien.",
)
ICMP = Text(
    "The old address refuses it: ICMP port unreachable (frame {icmp}).",
    "Die alte Adresse lehnt sie ab: ICMP Port Unreachable (Frame {icmp}).",
)
MOVED = Text(
    "The other side's own media comes from {heard} by then, and none from the old address.",
    "Die Medien der Gegenseite kommen da schon von {heard}, von der alten Adresse keine mehr.",
)
SETTLE = Text(
    "a capture at the receiver shows whether the media still arrives there.",
    "Ein Mitschnitt beim Empfänger zeigt, ob die Medien dort noch ankommen.",
)

# RFC 3264, section 8.3.1: a side that changes its address listens on the old one until media arrives on the new;
# that takes a round trip and the answer. A third of this accuses slow mobile links; three times misses calls that
# end 10 s after the change.
SWITCHED_BY = timedelta(seconds=3)
NOWHERE = frozenset({None, "0.0.0.0", "::"})  # hold in the style of RFC 2543, or Trickle ICE: no address

Place = tuple[str | None, int | None]


class Change(NamedTuple):
    """A side's new address in a phase; ``old``: its addresses in earlier phases."""

    side: str
    phase: PhaseRow
    old: frozenset[Place]
    new: Place


def find(case: Case) -> Iterator[Finding]:
    for leg in case.numbers:
        streams = [
            row
            for row in case.rtp_streams
            if row.leg == leg
            and row.direct is not True
            and (row.packets or 0) >= case.deployment.thresholds.one_way_packets
        ]
        for change in _changes([phase for phase in case.phases if phase.leg == leg]):
            stale = next((row for row in streams if _stale(case, row, change, streams)), None)
            if stale is not None:
                yield _finding(case, stale, change, streams)
                break
        else:
            yield from _unfollowed(case, streams)


def _unfollowed(case: Case, streams: Sequence[RtpStreamRow]) -> Iterator[Finding]:
    """Yield a finding on the first stream to an address that its user left without signaling the change."""
    # A relay forwards the same SSRC: grouped by target, the streams of each hop follow one another.
    by_hop = sorted(streams, key=lambda row: (row.ssrc or 0, row.capture, str(_target(row)), row.time))
    for before, after in pairwise(by_hop):
        old, new, to = _source(before), _source(after), _target(before)
        same_stream = (before.ssrc, before.capture, to) == (after.ssrc, after.capture, _target(after))
        if not same_stream or old == new or after.first_time < before.last_time:
            continue
        for row in streams:
            lasts = row.last_time - max(row.first_time, after.first_time)
            if (_source(row), _target(row), row.capture) != (to, old, before.capture) or lasts < SWITCHED_BY:
                continue
            if _in_use(old, after.first_time, streams) or _also_new(row, old, after.first_time, streams):
                continue
            if not _answered_on(case, row, after.first_time):
                yield _finding_mapped(case, row, before, after)
                return


def _source(row: RtpStreamRow) -> Place:
    return row.src_addr, row.src_port


def _target(row: RtpStreamRow) -> Place:
    return row.dst_addr, row.dst_port


def _in_use(place: Place, start: datetime, streams: Sequence[RtpStreamRow]) -> bool:
    return any(_source(row) == place and row.last_time > start + SWITCHED_BY for row in streams)


def _answered_on(case: Case, row: RtpStreamRow, start: datetime) -> bool:
    """Whether a check between the stream's ends was answered since: the pair still works (RFC 7675)."""
    ends = {_source(row), _target(row)}
    return any(
        each.time > start and {(each.src_addr, each.src_port), (each.dst_addr, each.dst_port)} == ends
        for each in checks(case, None, row.leg).of("success")
    )


def _changes(phases: Sequence[PhaseRow]) -> Iterator[Change]:
    """Yield the phases in which a side that may receive names an address for the first time, or that of one fork.

    Who goes back to an address of before, as after an announcement, may well be heard there.
    """
    for side in (CLIENT, SERVER):
        had: set[Place] = set()
        last: PhaseRow | None = None
        for phase in phases:
            place, may_receive = _described(phase, side)
            if place[0] in NOWHERE or not place[1]:
                continue
            forked = last is not None and last.kind == "early" and _described(last, side)[0] != place
            if had and (forked or place not in had) and may_receive and phase.started and phase.ended:
                yield Change(side, phase, frozenset(had - {place}), place)
            had.add(place)
            last = phase


def _described(phase: PhaseRow, side: str) -> tuple[Place, bool | None]:
    """Return the address in a side's description, and whether the other may send there."""
    if side == CLIENT:
        return (phase.remote_addr, phase.remote_port), phase.may_send_server
    return (phase.local_addr, phase.local_port), phase.may_send_client


def _stale(case: Case, row: RtpStreamRow, change: Change, streams: Sequence[RtpStreamRow]) -> bool:
    """Whether the stream goes to an old address long after the change, and nothing justifies it."""
    start, end = change.phase.started, change.phase.ended
    target = _target(row)
    if not start or not end or target == change.new or not _was_there(row, change, start, streams):
        return False
    if min(row.last_time, end) - max(row.first_time, start) < SWITCHED_BY:
        return False
    return not (
        _in_use(target, start, streams)
        or _also_new(row, target, start, streams)
        or _ice_keeps(case, row, change, start)
    )


def _was_there(row: RtpStreamRow, change: Change, start: datetime, streams: Sequence[RtpStreamRow]) -> bool:
    """Whether the target was the side's: described earlier, or (NAT) used earlier while the side now sends elsewhere."""
    if _target(row) in change.old:
        return True
    sender = {CLIENT: (SERVER,), SERVER: (CLIENT, OTHER)}[change.side]
    before = row.src_side in sender and row.first_time < start - SWITCHED_BY
    return before and any(_from_elsewhere(each, row, start) for each in streams)


def _also_new(row: RtpStreamRow, target: Place, start: datetime, streams: Sequence[RtpStreamRow]) -> bool:
    """Whether the machine also sends to another new target: a fork, or a copy for a recorder.

    A relay that sends back to where the stream comes from does neither.
    """
    origins = {_source(each) for each in streams if each.ssrc == row.ssrc}
    return any(
        other.src_addr == row.src_addr
        and _target(other) not in (target, *origins)
        and other.last_time - max(other.first_time, start) >= SWITCHED_BY
        for other in streams
    )


def _ice_keeps(case: Case, row: RtpStreamRow, change: Change, start: datetime) -> bool:
    """Whether ICE justifies the old pair: it stays until an ICE restart selects another (RFC 8445, section 9)."""
    if not any(case.leg_of.get(s.call_id) == row.leg and s.ufrag for s in case.sdp_media):
        return False
    answered = [
        each
        for each in checks(case, None, row.leg).of("success")
        if each.time >= start - SWITCHED_BY and each.capture == row.capture
    ]
    ends = {frozenset({(each.src_addr, each.src_port), (each.dst_addr, each.dst_port)}) for each in answered}
    old = frozenset({_source(row), _target(row)})
    return change.phase.kind != "restart" or not ends or old in ends


def _finding(case: Case, row: RtpStreamRow, change: Change, streams: Sequence[RtpStreamRow]) -> Finding:
    start, end = change.phase.started, change.phase.ended
    seconds = (min(row.last_time, end or row.last_time) - (start or row.first_time)).total_seconds()
    refused = _refused(case, row, start)
    came = (each for each in streams if _from_elsewhere(each, row, start))
    moved = next(
        (each for each in came if each.dst_port == row.src_port), None
    )  # a relay has ports for others
    facts: dict[str, object] = {
        "sender": endpoint(row.src_addr, row.src_port),
        "old": endpoint(row.dst_addr, row.dst_port),
        "new": endpoint(*change.new),
        "since": start,
        "number": row.leg,
        "frame": _named_in(case, change),
        "seconds": seconds,
    }
    detail = [LASTS]
    if moved is not None:
        detail.append(MOVED)
        facts["heard"] = endpoint(moved.src_addr, moved.src_port)
    if refused is not None:
        detail.append(ICMP)
        facts["icmp"] = refused.frame
    return Finding(
        RULE.name,
        "fault" if refused else "suspect",
        0.9 if refused else 0.7,
        evidence(row, change.phase, refused),
        TITLE,
        tuple(detail),
        facts,
        None if refused else SETTLE,
        leg=row.leg,
        tags=frozenset({"described"}),
    )


def _named_in(case: Case, change: Change) -> int | None:
    """Return the frame of the offer or answer that names the new address."""
    frames = change.phase.opened_by, change.phase.frame
    named = (
        row.frame
        for row in case.sdp_media
        if row.capture == change.phase.capture
        and row.frame in frames
        and (row.connection_addr, row.port) == change.new
    )
    return next(named, frames[0])


def _finding_mapped(case: Case, row: RtpStreamRow, before: RtpStreamRow, after: RtpStreamRow) -> Finding:
    described = (
        each
        for each in case.sdp_media
        if (each.connection_addr, each.port) == _target(row) and before.last_time < each.time <= row.last_time
    )
    still = next(described, None)
    refused = _refused(case, row, after.first_time)
    facts: dict[str, object] = {
        "sender": endpoint(*_source(row)),
        "old": endpoint(*_target(row)),
        "new": endpoint(*_source(after)),
        "since": after.first_time,
        "number": row.leg,
        "ssrc": f"0x{after.ssrc or 0:08x}",
        "seconds": (row.last_time - after.first_time).total_seconds(),
    }
    detail = [LASTS_MAPPED]
    if still is not None:
        detail.append(STILL_NAMED)
        facts["frame"] = still.frame
    if refused is not None:
        detail.append(ICMP)
        facts["icmp"] = refused.frame
    return Finding(
        RULE.name,
        "fault" if refused else "suspect",
        0.9 if refused else 0.7,
        evidence(row, after, refused),
        TITLE_MAPPED,
        tuple(detail),
        facts,
        None if refused else SETTLE,
        leg=row.leg,
        tags=frozenset({"mapped", *(("still",) if still else ())}),
    )


def _refused(case: Case, row: RtpStreamRow, start: datetime | None) -> IcmpErrorRow | None:
    """Return an ICMP error that quotes a packet of the stream after the change, or None."""
    for error in case.icmp_errors:
        quoted = (error.src_addr, error.src_port, error.dst_addr, error.dst_port)
        if (
            quoted == (row.src_addr, row.src_port, row.dst_addr, row.dst_port)
            and start
            and error.time >= start
        ):
            return error
    return None


def _from_elsewhere(stream: RtpStreamRow, stale: RtpStreamRow, start: datetime | None) -> bool:
    """Whether media from the side that moved reaches the stream's sender, after the change, from elsewhere."""
    return start is not None and stream.dst_addr == stale.src_addr and stream.last_time >= start + SWITCHED_BY


RULE = Rule(
    code="RTP007",
    name="media-to-old-address",
    stage="media",
    breaks="current_address",
    despite_media=True,
    summary=Text("Media to an old address", "Medien an eine alte Adresse"),
    claim=Text(
        "After a side has named a new media address, or its stream has moved to one, the other goes on sending to the"
        " old one.",
        "Nachdem eine Seite eine neue Medienadresse genannt hat oder ihr Strom von einer neuen kommt, sendet die andere"
        " weiter an die alte.",
    ),
    causes=(
        cause(
            "The device that changed its network builds its re-INVITE with the address of the old one.",
            "Das Gerät, das das Netz gewechselt hat, baut sein re-INVITE mit der Adresse des alten.",
            tag="still",
        ),
        cause(
            "The sender does not evaluate the later description: the answer in a 200 after a 183, a re-INVITE, an UPDATE.",
            "Der Absender wertet die spätere Beschreibung nicht aus: die Antwort in einem 200 nach einem 183, ein"
            " re-INVITE, ein UPDATE.",
            tag="described",
        ),
        cause(
            "A B2BUA or a media proxy between them answered the re-INVITE itself and did not pass the address on.",
            "Ein B2BUA oder Medienproxy dazwischen hat das re-INVITE selbst beantwortet und die Adresse nicht weitergegeben.",
            tag="described",
        ),
        cause(
            "The sender locked on the address from which media first came (symmetric RTP), and nothing came from the"
            " new one.",
            "Der Absender hat sich auf die Adresse festgelegt, von der zuerst Medien kamen (symmetrisches RTP), und von"
            " der neuen kam nichts.",
            tag="described",
        ),
        cause(
            "NAT has given the other side's stream a new mapping, or its device has changed the network, and the sender"
            " keeps to the address it learned first.",
            "NAT hat dem Strom der Gegenseite eine neue Zuordnung gegeben, oder ihr Gerät hat das Netz gewechselt, und"
            " der Absender bleibt bei der zuerst gelernten Adresse.",
            tag="mapped",
        ),
    ),
    remedies=(
        remedy(
            "Have the app gather its addresses anew before the re-INVITE (restart its media transport), or update it.",
            "Die App vor dem re-INVITE ihre Adressen neu ermitteln lassen (Medientransport neu starten) oder sie aktualisieren.",
            tag="still",
        ),
        remedy(
            "Compare the descriptions before and after frame {frame} hop by hop: which of them still names {old}?",
            "Die Beschreibungen vor und nach Frame {frame} Hop für Hop vergleichen: In welcher steht noch {old}?",
            tag="described",
        ),
        remedy(
            "Have the gateway keep one address and port for the whole call, or the server look at the answer of the"
            " 200 again.",
            "Das Gateway eine Adresse und einen Port für den ganzen Anruf behalten oder den Server die Antwort im 200"
            " erneut auswerten lassen.",
            tag="described",
        ),
        remedy(
            "Look for what changes the mapping at {since:clock}: a router with a short UDP timeout, a second uplink, a"
            " reconnect of the line.",
            "Suchen, was um {since:clock} die Zuordnung ändert: ein Router mit kurzem UDP-Timeout, ein zweiter Uplink,"
            " eine Neueinwahl.",
            tag="mapped",
        ),
        remedy(
            "Have the sender follow the address from which media comes for the whole call, or the other side announce"
            " the new one by re-INVITE, with ICE by a restart.",
            "Den Absender während des ganzen Anrufs der Adresse folgen lassen, von der Medien kommen, oder die"
            " Gegenseite die neue mit einem re-INVITE ankündigen lassen, mit ICE durch einen Restart.",
            tag="mapped",
        ),
        remedy(
            "FreeSWITCH follows the address from which media comes, unless disable-rtp-auto-adjust is set in the profile.",
            "FreeSWITCH folgt der Adresse, von der Medien kommen, außer im Profil ist disable-rtp-auto-adjust gesetzt.",
            product="freeswitch",
        ),
    ),
    references=("RFC 3264, section 8.3.1", "RFC 6337, section 3.1", "RFC 8445, section 9"),
    known_problems=Text(
        "Where the side still sends from the old address, or a check there is answered, the rule is silent: both may be"
        " in use.",
        "Wo die Seite noch von der alten Adresse sendet oder ein Check dort beantwortet wird, schweigt die Regel: Beide"
        " können in Gebrauch sein.",
    ),
    find=find,
)
