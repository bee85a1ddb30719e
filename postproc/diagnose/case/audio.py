"""What media a leg should have, and whether the captures could have shown it."""

from dataclasses import dataclass
from datetime import datetime

from postproc.diagnose.case.case import Case
from postproc.diagnose.case.checks import TO_CLIENT, TO_SERVER
from postproc.diagnose.case.media import Way, way, ways
from postproc.diagnose.case.view import end
from postproc.model.loading import PacketRow
from postproc.model.rows import SdpMediaRow

# Everything that stops the client's leg before its media; what the other legs hear follows from it.
EARLIER = (
    "capture-cut-short", "first-leg-missing", "starts-mid-call", "one-direction-only", "invite-rejected-by-acl",
    "call-rejected", "second-leg-missing", "candidates-rejected-by-acl", "no-common-codec",
    "stun-server-unreachable", "public-candidate-missing", "private-candidate-missing", "mdns-only",
    "icmp-unreachable", "no-binding-success", "bindings-one-way", "binding-error", "no-checks", "consent-lost",
    "symmetric-nat", "several-uplinks", "port-not-preserved", "address-mismatch", "dtls-not-started",
    "dtls-incomplete", "dtls-alert", "dtls-fingerprint-mismatch", "dtls-fragment-lost",
)  # fmt: skip


@dataclass(frozen=True)
class Talk:
    """A leg that was answered: from when to when audio was due."""

    leg: int | None
    start: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()


def talks(case: Case) -> list[Talk]:
    """Every answered leg with the time in which audio was due on it."""
    until = end(case)
    if until is None:
        return []
    starts: dict[int, datetime] = {}
    for leg in case.legs:
        if leg.answer_time is not None:
            starts[leg.leg] = min(starts.get(leg.leg, leg.answer_time), leg.answer_time)
    return [Talk(leg, start, until) for leg, start in sorted(starts.items()) if start < until]


def sections(case: Case, leg: int | None) -> list[SdpMediaRow]:
    """The audio sections of a leg's descriptions that were not refused."""
    return [s for s in case.sdp if case.leg_of.get(s.call_id) == leg and s.media == "audio" and s.port]


def both_may_send(case: Case, leg: int | None) -> bool:
    """Offer and answer are known, and nobody put the leg on hold or refused audio (RFC 8866, 6.7)."""
    found = sections(case, leg)
    return described(case, leg) and all(section.direction in (None, "sendrecv") for section in found)


def described(case: Case, leg: int | None) -> bool:
    """Both sides' descriptions are in the captures: one in a request, one in a response."""
    spoken = {(row.capture, row.frame) for row in sections(case, leg)}
    kinds = {
        row.method is not None
        for row in case.messages
        if case.leg_of.get(row.call_id) == leg and (row.capture, row.frame) in spoken
    }
    return len(kinds) == 2


def main_flow(case: Case, leg: int | None) -> tuple[Way, Way] | None:
    """The fuller direction of a leg's RTP and the other one; None without RTP.

    By side where it is known, so that the views of several captures, in which
    NAT changes the addresses, do not look like one-way flows.
    """
    directed = [way(case, leg, direction) for direction in (TO_CLIENT, TO_SERVER)]
    if any(each.rows for each in directed):
        less, more = sorted(directed, key=lambda each: each.packets)
        return more, less
    held = ways(case, leg)
    if not held:
        return None
    ends = max(held, key=lambda key: held[key].packets)
    return held[ends], held.get(ends[::-1], Way(()))


def seen_both_ways(case: Case, one: str, other: str) -> bool:
    """The captures show packets both ways between two machines, so a missing direction is missing indeed."""
    rows: tuple[PacketRow, ...] = (*case.messages, *case.streams, *case.dtls_messages, *case.bindings)
    flows = {(row.src_addr, row.dst_addr) for row in rows}
    answered = any(
        row.response_frame is not None and {row.src_addr, row.dst_addr} == {one, other}
        for row in case.bindings
    )
    return answered or {(one, other), (other, one)} <= flows
