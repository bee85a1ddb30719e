"""Predict which offered candidate FreeSWITCH chooses, and compare with what it did."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from postproc.model.acl.asking import Overall, decide_by
from postproc.model.acl.lists import AccessList


class Offered(NamedTuple):
    """A candidate offered in SDP (RFC 8839, section 5.1)."""

    address: str | None
    port: int | None
    type: str | None
    transport: str | None = "udp"
    component: int | None = 1


class Taken(NamedTuple):
    """The chosen candidate's position in the offer, and the list that allowed it."""

    place: int
    list: str
    sure: bool  # no earlier verdict was "unknown"


def take(offered: Sequence[Offered], names: Iterable[str], lists: Mapping[str, AccessList]) -> Taken | None:
    """Return the candidate that FreeSWITCH sends its checks to, or None.

    As check_ice in src/switch_core_media.c: UDP and component 1 only; lists in configured
    order, for each the candidates in SDP order; the first allowed is chosen regardless of
    priority; relayed candidates in a second round.
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


class Sent(NamedTuple):
    """The server's first Binding Request after an offer: its target, and its frame."""

    capture: str
    frame: int | None
    address: str
    port: int
    place: int | None  # of the candidate offered there
    called: bool  # a request came from there before; FreeSWITCH then uses that address, whatever it chose


class Choice(NamedTuple):
    """The expected choice for one offer of candidates, and what the server did.

    ``verdicts`` corresponds to ``offered`` by position.
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
        """The position of the first candidate in SDP order that some list allows, or None."""
        return next((place for place, each in enumerate(self.verdicts) if each.verdict == "allowed"), None)

    @property
    def agrees(self) -> bool | None:
        """Whether the first request went where the lists predict; None if unknown."""
        if self.sent is None:
            return None
        if self.taken and self.sent.place is not None and self._same(self.taken.place, self.sent.place):
            return True
        sure = self.taken.sure if self.taken else all(each.verdict == "denied" for each in self.verdicts)
        return False if sure and not self.sent.called else None

    def _same(self, one: int, other: int) -> bool:
        taken, sent = self.offered[one], self.offered[other]
        return (taken.address, taken.port) == (sent.address, sent.port)


class Peer(NamedTuple):
    """The sender of an INVITE to the server, the signaling lists' verdict, and the final response."""

    call: int
    leg: int
    capture: str
    frame: int | None
    address: str
    verdict: Overall
    status: int | None  # final, of the leg
