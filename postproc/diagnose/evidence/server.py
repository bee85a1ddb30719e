"""The server of a call: its addresses, its log lines, and its access lists' verdicts on candidates and peers."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from postproc.diagnose.evidence.case import SERVER, Case
from postproc.diagnose.evidence.paths import TO_CLIENT, TO_SERVER
from postproc.model.acl import Choice, Offered, Peer, Sent, decide, take
from postproc.model.loading import by
from postproc.model.logtexts import said
from postproc.model.rows import BindingRow, CandidateRow, LegRow, LogEventRow, SipMessageRow
from postproc.model.text import Text


def server_addresses(case: Case) -> frozenset[str]:
    """Return the server's addresses on the wire, in SIP and in checks.

    A leg counts only if its roles are known: the called end of the client's leg,
    the calling end of a leg that the B2BUA makes.
    """
    addresses: set[str | None] = {
        row.src_addr for row in case.bindings if row.purpose == "check" and row.direction == TO_CLIENT
    }
    addresses |= {
        row.dst_addr for row in case.bindings if row.purpose == "check" and row.direction == TO_SERVER
    }
    addresses |= {leg.uas_addr for leg in case.legs if leg.role == "inbound"}
    addresses |= {leg.uac_addr for leg in case.legs if leg.role == "outbound"}
    if len(case.numbers) == 1:
        addresses |= {leg.uas_addr for leg in case.legs}
    addresses |= {row.related_addr for row in case.candidates if row.side == SERVER and row.related_addr}
    return frozenset(addr for addr in addresses if addr)


LONGEST = 160  # characters quoted of a line, for display; a choice


class Line(NamedTuple):
    """A log line and its facts by name (see ``postproc.model.logtexts``)."""

    row: LogEventRow
    facts: dict[str, str]


def logged(case: Case, kind: str, *, call_id: str | None = None) -> list[Line]:
    """Return the call's log lines of a kind in order of time; with ``call_id`` those of one leg."""
    return [
        Line(row, parsed[1])
        for row in case.log_events
        if row.kind == kind and call_id in (None, row.call_id) and (parsed := said(row.text or ""))
    ]


BY_LOG = Text(
    "The server's log says so: {log:2}.", "So steht es im Log des Servers: {log:2}."
)  # as ``quoted``
LOGGED = Text("The log says: {line}", "Im Log steht: {line}")


def quoted(lines: Iterable[Line]) -> list[str]:
    """Return ``log:line text`` for each."""
    return [f"{line.row.capture}:{line.row.frame} {line.row.text[:LONGEST].rstrip(' .')}" for line in lines]


NO_CODEC = "CODEC NEGOTIATION ERROR"
SRTP_REFUSED = ("Crypto not negotiated", "a=crypto in RTP/AVP")


def codec_matched(case: Case, call_id: str | None = None) -> bool:
    """Whether the log says that an offered codec matched."""
    return bool(logged(case, "codec", call_id=call_id))


def media_refused(case: Case, call_id: str | None = None) -> list[Line]:
    """Return the log lines that name codecs or SRTP as the reason why media was refused.

    FreeSWITCH writes CODEC NEGOTIATION ERROR for any media failure: if a codec matched, that line gives no
    reason.
    """
    words = SRTP_REFUSED if codec_matched(case, call_id) else (NO_CODEC, *SRTP_REFUSED)
    return [line for line in logged(case, "media", call_id=call_id) if line.row.text.startswith(words)]


def choices(case: Case) -> list[Choice]:
    """Return, for each description with candidates offered to the server, which one it chooses.

    A repeated description (183 and 200, retransmissions) counts once; empty if the
    deployment does not name the lists applied to candidates.
    """
    if not case.deployment.candidate_acl:
        return []
    checks = [row for row in case.bindings if row.purpose == "check" and row.username]
    return [_choice(case, lines, checks) for lines in _descriptions(case)]


def _descriptions(case: Case) -> Iterator[list[CandidateRow]]:
    """Yield the candidates of each description (by leg and ufrag), from its first message and section."""
    theirs = (row for row in case.candidates if row.side not in (None, SERVER))
    for lines in by(theirs, "leg", "ufrag").values():
        first = lines[0]
        yield [r for r in lines if (r.capture, r.frame, r.mid) == (first.capture, first.frame, first.mid)]


def _choice(case: Case, lines: list[CandidateRow], checks: Iterable[BindingRow]) -> Choice:
    names, lists = case.deployment.candidate_acl, case.deployment.lists
    offered = tuple(Offered(r.addr, r.port, r.type, r.transport, r.component) for r in lines)
    verdicts = tuple(decide(each.address, names, lists) for each in offered)
    status = {leg.call_id: leg.final_status for leg in case.legs}
    first, places = lines[0], {(each.address, each.port): place for place, each in enumerate(offered)}
    return Choice(
        call=case.number,
        leg=first.leg,
        capture=first.capture,
        frame=first.frame,
        offered=offered,
        verdicts=verdicts,
        taken=take(offered, names, lists),
        sent=_sent(first, places, checks),
        status=status.get(lines[0].call_id),
    )


def _sent(
    first: CandidateRow, places: Mapping[tuple[str | None, int | None], int], checks: Iterable[BindingRow]
) -> Sent | None:
    """Return the server's first request, in the description's capture only: NAT changes addresses."""
    here = [row for row in checks if row.capture == first.capture and row.leg == first.leg]
    ours = [r for r in here if r.direction == TO_CLIENT and (r.username or "").startswith(f"{first.ufrag}:")]
    if not ours:
        return None
    sent = ours[0]
    called = any(
        row.direction != TO_CLIENT
        and (row.src_addr, row.src_port) == (sent.dst_addr, sent.dst_port)
        and (row.username or "").endswith(f":{first.ufrag}")
        and row.time <= sent.time
        for row in here
    )
    place = places.get((sent.dst_addr, sent.dst_port))
    return Sent(sent.capture, sent.frame, sent.dst_addr, sent.dst_port, place, called)


def peers(case: Case) -> list[Peer]:
    """Return, for every sender of an INVITE to the server, the verdict of the signaling lists."""
    names, lists = case.deployment.signalling_acl, case.deployment.lists
    if not names:
        return []
    return [
        Peer(
            case.number,
            leg.leg,
            sent.capture,
            sent.frame,
            sent.src_addr,
            decide(sent.src_addr, names, lists),
            leg.final_status,
        )
        for leg in case.legs
        if leg.role != "outbound"
        for sent in _invites(case, leg)
    ]


def _invites(case: Case, leg: LegRow) -> list[SipMessageRow]:
    """Return the first INVITE to the leg's UAS from each address."""
    first: dict[str, SipMessageRow] = {}
    for row in case.sip_messages:
        arrives = row.method == "INVITE" and row.dst_addr == leg.uas_addr
        if row.call_id == leg.call_id and arrives and row.src_addr:
            first.setdefault(row.src_addr, row)
    return list(first.values())
