"""Which of the candidates offered to it FreeSWITCH takes, and what it then did."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from postproc.model.acl.asking import Overall, decide_by
from postproc.model.acl.lists import AccessList


@dataclass(frozen=True)
class Offered:
    """A candidate as it is offered in SDP (RFC 8839, section 5.1)."""

    address: str | None
    port: int | None
    type: str | None
    transport: str | None = "udp"
    component: int | None = 1


@dataclass(frozen=True)
class Taken:
    """The candidate FreeSWITCH takes, by its place in the offer, and the list that let it in."""

    place: int
    list: str
    sure: bool  # no candidate asked before it was left open


def take(offered: Sequence[Offered], names: Iterable[str], lists: Mapping[str, AccessList]) -> Taken | None:
    """Say which candidate FreeSWITCH sends its checks to, None where it takes none.

    src/switch_core_media.c, check_ice: UDP only, component 1; the lists in their
    configured order, for each the candidates in SDP order, the first allowed is
    taken, priorities are not looked at; relayed candidates in a second round.
    """
    order = list(names)
    usable = [place for place, each in enumerate(offered) if _usable(each)]
    relayed = [place for place in usable if offered[place].type == "relay"]
    direct = [place for place in usable if offered[place].type != "relay"]
    sure = True
    for places in (direct, relayed):
        for name in order:
            for place in places:
                verdict = decide_by(name, offered[place].address, lists).verdict
                if verdict == "allowed":
                    return Taken(place, name, sure)
                sure = sure and verdict == "denied"
    return None


def _usable(candidate: Offered) -> bool:
    return (candidate.transport or "").lower() == "udp" and candidate.component == 1


@dataclass(frozen=True)
class Sent:
    """The server's first Binding Request to an offer: where it went and where it is seen."""

    capture: str
    frame: int | None
    address: str
    port: int
    place: int | None  # of the candidate offered there
    called: bool  # a request from there had come in before: FreeSWITCH then answers there, whatever it took


@dataclass(frozen=True)
class Choice:
    """What the server makes of one offer of candidates, and what it did.

    ``verdicts`` are those of ``offered``, place by place.
    """

    call: int
    leg: int | None
    capture: str
    frame: int | None  # of the description
    offered: tuple[Offered, ...]
    verdicts: tuple[Overall, ...]
    taken: Taken | None
    sent: Sent | None
    status: int | None = None  # final, of the leg

    @property
    def first_allowed(self) -> int | None:
        """The first candidate in SDP order that some list allows."""
        return next((place for place, each in enumerate(self.verdicts) if each.verdict == "allowed"), None)

    @property
    def agrees(self) -> bool | None:
        """Whether the first request went where the lists say; None where that cannot be told."""
        if self.sent is None:
            return None
        if self.taken and self.sent.place is not None and self._same(self.taken.place, self.sent.place):
            return True
        sure = self.taken.sure if self.taken else all(each.verdict == "denied" for each in self.verdicts)
        return False if sure and not self.sent.called else None

    def _same(self, one: int, other: int) -> bool:
        taken, sent = self.offered[one], self.offered[other]
        return (taken.address, taken.port) == (sent.address, sent.port)


@dataclass(frozen=True)
class Peer:
    """Who sent an INVITE to the server, what the signalling lists say of it, and how it was answered."""

    call: int
    leg: int
    capture: str
    frame: int | None
    address: str
    verdict: Overall
    status: int | None  # final, of the leg
