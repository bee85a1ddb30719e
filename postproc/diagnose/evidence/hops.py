"""The ways of RTP streams: what a relay between two hops of a leg passes on, and what goes where nobody is."""

from collections.abc import Collection, Sequence
from datetime import timedelta

from postproc.diagnose.evidence.candidates import PRIVATE, PUBLIC
from postproc.diagnose.evidence.case import Case, answered_once
from postproc.diagnose.evidence.paths import EITHER_WAY
from postproc.model.addresses import addr_class, alternatives
from postproc.model.loading import PacketRow
from postproc.model.rows import RtpStreamRow

Socket = tuple[str | None, int | None]


def next_hops(arriving: RtpStreamRow, streams: Collection[RtpStreamRow]) -> list[RtpStreamRow]:
    """Return the streams by which a relay passes one on between two other machines.

    They keep its SSRC (RFC 3550, section 7.1), or come from the relay with an SSRC of their own: a transcoder makes one.
    """
    onward = [
        row
        for row in streams
        if (row.capture, row.direction) == (arriving.capture, arriving.direction)
        and row.src_addr != arriving.src_addr
        and row.dst_addr != arriving.dst_addr
    ]
    same = [row for row in onward if row.ssrc == arriving.ssrc]
    if same or (arriving.direction or EITHER_WAY) == EITHER_WAY:
        return same
    came = {row.ssrc for row in streams if row.dst_addr == arriving.dst_addr}
    return [row for row in onward if row.src_addr == arriving.dst_addr and row.ssrc not in came]


def ends_at_relay(case: Case, row: RtpStreamRow) -> bool:
    """Whether a relay between two hops of a leg forwards the other direction, but not this stream."""
    # A stream that counts at another place is forwarded, too.
    astray = strays(case)
    streams = [each for each in _of_leg(case, row) if each not in astray]
    if next_hops(row, streams):
        return False
    back = [
        each for each in streams if _sent(each) == (row.dst_addr, row.dst_port, row.src_addr, row.src_port)
    ]
    before = [
        arrived
        for arrived in streams
        if arrived.dst_addr != row.src_addr and any(each in back for each in next_hops(arrived, streams))
    ]
    return bool(before) and not any(
        (each.src_addr, each.dst_addr) == (arrived.dst_addr, arrived.src_addr)
        for each in streams
        for arrived in before
    )


@answered_once
def strays(case: Case) -> Sequence[RtpStreamRow]:
    """Return the streams to a host that no description, candidate, check or packet names, of senders that leave unanswered
    whoever sends to them.

    Also one to a public address that its receiver names although both are in private networks and talk to each other there,
    and one to a port or a candidate of the receiver at which nobody is.

    Symmetric RTP (RFC 4961) answers where the media come from, and descriptions say where they are wanted: a stream that
    does neither reaches nobody.
    """
    limits = case.deployment.thresholds
    least = timedelta(seconds=limits.one_way_seconds)
    streams = [
        row
        for row in case.rtp_streams
        if (row.packets or 0) >= limits.one_way_packets and row.media != "video"
    ]
    named = _named(case, least)

    def goes_past(row: RtpStreamRow, heard: RtpStreamRow) -> bool:
        """Whether a stream goes elsewhere than to where its sender hears the other side meanwhile."""
        if min(row.last_time, heard.last_time) - max(row.first_time, heard.first_time) < least:
            return False
        unwanted = row.dst_addr not in named or _outside(case, row, heard)
        return (unwanted and not _answered(row, heard, case.rtp_streams)) or _beside(case, row, heard)

    return [
        row
        for row in streams
        if _described(case, row.leg)
        and any(
            goes_past(row, heard)
            for heard in streams
            if (heard.capture, heard.dst_addr, heard.dst_port) == (row.capture, row.src_addr, row.src_port)
        )
    ]


def _outside(case: Case, row: RtpStreamRow, heard: RtpStreamRow) -> bool:
    """Whether the stream leaves the private networks in which its sender hears the other side, for where nothing comes from."""
    ends = addr_class(row.src_addr), addr_class(heard.src_addr), addr_class(row.dst_addr)
    beside = ends[0] in PRIVATE and ends[1] in PRIVATE and ends[2] in PUBLIC
    if not beside or any(row.dst_addr in (each.addr, each.related_addr) for each in case.candidates):
        return False
    spoken = {each.src_addr for each in case.sip_messages}
    media = {each.src_addr for each in case.at_every_place.rtp_streams}
    return heard.src_addr in spoken and row.dst_addr not in spoken | media


def _beside(case: Case, row: RtpStreamRow, heard: RtpStreamRow) -> bool:
    """Whether the stream goes to a socket at which nobody is, and none to the one from which its sender hears the other side.

    That is a port that nobody named, or in ICE a candidate with which no check succeeded.
    """
    target, source = (row.dst_addr, row.dst_port), (heard.src_addr, heard.src_port)
    if row.relayed or target == source or _seen(case, row, target) or _sent_to(case, row, source):
        return False
    proved = _proved(case, row)
    if proved:
        return source in proved and target not in proved
    return row.dst_addr == heard.src_addr and target not in _places(case)


def _seen(case: Case, row: RtpStreamRow, socket: Socket) -> bool:
    """Whether anything comes from a socket in the capture of a stream."""
    rows: tuple[PacketRow, ...] = (*case.at_every_place.rtp_streams, *case.dtls_messages)
    return any(row.capture == each.capture and (each.src_addr, each.src_port) == socket for each in rows)


def _sent_to(case: Case, row: RtpStreamRow, socket: Socket) -> bool:
    """Whether the sender of a stream sends to a socket, too, while the stream lasts."""
    return any(
        (each.src_addr, each.dst_addr, each.dst_port) == (row.src_addr, *socket)
        and each.last_time > row.first_time
        for each in case.at_every_place.rtp_streams
    )


def _proved(case: Case, row: RtpStreamRow) -> set[Socket]:
    """Return the sockets with which checks of the leg succeeded in the capture of a stream."""
    checks = [
        each
        for each in case.at_every_place.bindings
        if (each.capture, each.leg, each.purpose, each.outcome) == (row.capture, row.leg, "check", "success")
    ]
    return {(each.src_addr, each.src_port) for each in checks} | {
        (each.dst_addr, each.dst_port) for each in checks
    }


def _places(case: Case) -> set[Socket]:
    """Return the sockets that a description, a candidate or a look-up names for media, whosever they are."""
    named: set[Socket] = {(row.connection_addr, row.port) for row in case.sdp_media}
    for row in case.sdp_media:
        named.update(alternatives(row.alternatives))
    for candidate in case.candidates:
        named |= {(candidate.addr, candidate.port), (candidate.related_addr, candidate.related_port)}
    for mapping in case.nat_mappings:
        named |= {(mapping.base_addr, mapping.base_port), (mapping.mapped_addr, mapping.mapped_port)}
    for binding in case.bindings:
        named |= {(binding.src_addr, binding.src_port), (binding.dst_addr, binding.dst_port)}
    return named


def _described(case: Case, leg: int | None) -> bool:
    """Whether both sides of a leg said where they want media."""
    wanted = {row.connection_addr for row in case.sdp_media if case.leg_of.get(row.call_id) == leg}
    return len(wanted - {None}) > 1


def _answered(row: RtpStreamRow, heard: RtpStreamRow, streams: Collection[RtpStreamRow]) -> bool:
    """Whether the sender of ``row`` sends to the one it hears while ``row`` lasts."""
    return any(
        (each.src_addr, each.dst_addr) == (heard.dst_addr, heard.src_addr) and each.last_time > row.first_time
        for each in streams
    )


def _named(case: Case, least: timedelta) -> set[str | None]:
    """Return the hosts where somebody is known to want media, or to be: from where media come for so long."""
    hosts: set[str | None] = {row.connection_addr for row in case.sdp_media}
    for candidate in case.candidates:
        hosts |= {candidate.addr, candidate.related_addr}
    for binding in case.bindings:
        hosts |= {binding.src_addr, binding.dst_addr}
    for mapping in case.nat_mappings:
        hosts |= {mapping.base_addr, mapping.mapped_addr}
    rows = case.at_every_place.rtp_streams
    return hosts | {row.src_addr for row in rows if row.last_time - row.first_time >= least}


def _of_leg(case: Case, row: RtpStreamRow) -> list[RtpStreamRow]:
    here = (row.capture, row.leg)
    return [each for each in case.at_every_place.rtp_streams if (each.capture, each.leg) == here]


def _sent(row: RtpStreamRow) -> tuple[object, ...]:
    return row.src_addr, row.src_port, row.dst_addr, row.dst_port
