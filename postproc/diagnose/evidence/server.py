"""The server of a call: its addresses, what its log says, and what its access lists make of candidates and peers."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from postproc.diagnose.evidence.case import SERVER, Case
from postproc.diagnose.evidence.paths import TO_CLIENT, TO_SERVER
from postproc.model.acl import Choice, Offered, Peer, Sent, decide, take
from postproc.model.loading import by
from postproc.model.logtexts import said
from postproc.model.rows import BindingRow, CandidateRow, LegRow, LogEventRow, SipMessageRow


def server_addresses(case: Case) -> frozenset[str]:
    """Addresses of the server on the wire: where it takes and makes legs, and sends checks from.

    Only a leg with a side that is known counts: the called end of the client's
    leg, the calling end of a leg the B2BUA makes.
    """
    found: set[str | None] = {
        row.src_addr for row in case.bindings if row.purpose == "check" and row.direction == TO_CLIENT
    }
    found |= {row.dst_addr for row in case.bindings if row.purpose == "check" and row.direction == TO_SERVER}
    found |= {leg.uas_addr for leg in case.legs if leg.role == "inbound"}
    found |= {leg.uac_addr for leg in case.legs if leg.role == "outbound"}
    if len(case.numbers) == 1:
        found |= {leg.uas_addr for leg in case.legs}
    found |= {row.related_addr for row in case.candidates if row.side == SERVER and row.related_addr}
    return frozenset(addr for addr in found if addr)


LONGEST = 160  # characters quoted of a line


class Line(NamedTuple):
    """A line of the log and its facts by name (see ``postproc.model.logtexts``)."""

    row: LogEventRow
    facts: dict[str, str]


def logged(case: Case, kind: str, *, call_id: str | None = None) -> list[Line]:
    """The call's lines of a kind, in order of time; of one leg where its Call-ID is given."""
    return [
        Line(row, told[1])
        for row in case.log_events
        if row.kind == kind and call_id in (None, row.call_id) and (told := said(row.text or ""))
    ]


def quoted(lines: Iterable[Line]) -> list[str]:
    """``log:line text`` of each."""
    return [f"{line.row.capture}:{line.row.frame} {line.row.text[:LONGEST].rstrip(' .')}" for line in lines]


NO_CODEC = "CODEC NEGOTIATION ERROR"
SRTP_REFUSED = ("Crypto not negotiated", "a=crypto in RTP/AVP")


def codec_matched(case: Case, call_id: str | None = None) -> bool:
    """The log says that a codec of the offer is one of the server's."""
    return bool(logged(case, "codec", call_id=call_id))


def media_refused(case: Case, call_id: str | None = None) -> list[Line]:
    """The log's lines that name codecs or SRTP as the reason why media was refused.

    FreeSWITCH writes CODEC NEGOTIATION ERROR whatever was wrong with the media: where a codec matched, that line
    names no reason.
    """
    words = SRTP_REFUSED if codec_matched(case, call_id) else (NO_CODEC, *SRTP_REFUSED)
    return [line for line in logged(case, "media", call_id=call_id) if line.row.text.startswith(words)]


def choices(case: Case) -> list[Choice]:
    """Say for each description with candidates offered to the server which one it takes.

    A description sent again (183 and 200, retransmissions) counts once; none
    where the deployment does not name the lists applied to candidates.
    """
    if not case.deployment.candidate_acl:
        return []
    checks = [row for row in case.bindings if row.purpose == "check" and row.username]
    return [_choice(case, lines, checks) for lines in _descriptions(case)]


def _descriptions(case: Case) -> Iterator[list[CandidateRow]]:
    """Yield the lines of each author's description, by ufrag: of its first message, its first section."""
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
    """Find the server's first request; only in the capture of the description: NAT changes addresses."""
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
    """Say of everyone who sent the server an INVITE whether the signalling lists let it in."""
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
    """The first INVITE of each address that sent one to the leg's UAS."""
    found: dict[str, SipMessageRow] = {}
    for row in case.sip_messages:
        arrives = row.method == "INVITE" and row.dst_addr == leg.uas_addr
        if row.call_id == leg.call_id and arrives and row.src_addr:
            found.setdefault(row.src_addr, row)
    return list(found.values())
