"""Fax over T.38: the phases in which a leg has agreed on UDPTL instead of audio, and its packets.

UDPTL is counted by the address that SDP names (``sdp_media.fax_packets``, ``fax_packets_sent``), without times.
"""

from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations

from postproc.diagnose.evidence.case import Case, answered_once
from postproc.model.rows import PhaseRow, SdpMediaRow


def agreed(case: Case, phase: PhaseRow) -> list[SdpMediaRow]:
    """Return the sections of offer and answer of a phase of fax; empty if it is another one."""
    if phase.kind == "early" or phase.may_send_client is not False or phase.may_send_server is not False:
        return []
    frames = {phase.frame, phase.opened_by}
    rows = [
        row
        for row in case.sdp_media
        if row.port and row.media == "image" and row.capture == phase.capture and row.frame in frames
    ]
    return rows if {row.frame for row in rows} == frames else []


@answered_once
def phases(case: Case, leg: int | None) -> list[tuple[PhaseRow, list[SdpMediaRow]]]:
    """Return the phases of fax of a leg that last long enough for silence to count, with their sections."""
    least = timedelta(seconds=case.deployment.thresholds.one_way_seconds)
    return [
        (phase, sections)
        for phase in case.phases
        if phase.leg == leg
        and phase.started is not None
        and phase.ended is not None
        and phase.ended - phase.started >= least
        and (sections := agreed(case, phase))
    ]


def packets(sections: Sequence[SdpMediaRow]) -> int | None:
    """Return the packets to the addresses of these sections; None if they were not counted."""
    ends = {(row.connection_addr, row.port): row.fax_packets for row in sections}
    known = [count for count in ends.values() if count is not None]
    return sum(known) if known else None


def missing(case: Case, leg: int | None) -> list[tuple[PhaseRow, list[SdpMediaRow]]]:
    """Return the phases of fax of a leg in which no packet is seen, or those of one side only."""
    return [
        (phase, sections)
        for phase, sections in phases(case, leg)
        if packets(sections) == 0 or one_sided(case, sections) or astray(case, sections)
    ]


def one_sided(case: Case, sections: Sequence[SdpMediaRow]) -> tuple[SdpMediaRow, SdpMediaRow] | None:
    """Return the sections of the side that alone sends, and of the silent one.

    Behind NAT a side's packets go to, or come from, another address than it names, but not both.
    """
    ends = {(row.connection_addr, row.port): row for row in sections}
    least = case.deployment.thresholds.one_way_packets
    for sender, silent in permutations(ends.values(), 2):
        sent = max(sender.fax_packets_sent or 0, silent.fax_packets or 0)
        if silent.fax_packets_sent == 0 and sender.fax_packets == 0 and sent >= least:
            return sender, silent
    return None


def astray(case: Case, sections: Sequence[SdpMediaRow]) -> tuple[SdpMediaRow, SdpMediaRow] | None:
    """Return the section of a side that sends fax packets elsewhere, and that of the side that lacks them.

    That side sends from the address that it names: no NAT replaces it, and packets for it would go there.
    """
    ends = {(row.connection_addr, row.port): row for row in sections}
    least = case.deployment.thresholds.one_way_packets
    for sender, lacking in permutations(ends.values(), 2):
        counts = sender.fax_packets_sent or 0, lacking.fax_packets_sent or 0
        if lacking.fax_packets == 0 and min(counts) >= least:
            return sender, lacking
    return None


def sent(case: Case, leg: int | None) -> bool:
    """Whether fax packets came in all phases of fax of a leg, of which there is one at least."""
    found = phases(case, leg)
    return bool(found) and not missing(case, leg) and all(packets(each) for _, each in found)


def would_show(case: Case, sections: Sequence[SdpMediaRow]) -> bool:
    """Whether media of these machines is in the capture, so that it would show their fax packets."""
    addresses = {row.connection_addr for row in sections}
    return any({row.src_addr, row.dst_addr} & addresses for row in case.rtp_streams)
