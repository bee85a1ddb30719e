"""A candidate pair with its checks, and the pairs that nobody checked (RFC 8445, section 6.1.2).

A pair is never checked when no capture of the run shows a check that went from
or to its addresses. A reflexive candidate is reached from its base: a check
seen on the base stands for it, and the pair is not listed.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice, product

from postproc.correlate.offered import Candidate, Mapped, Offered, Place, covered
from postproc.correlate.ufrags import Session, Sessions

Reached = tuple[set[Place], set[Place]]  # offered addresses, local and remote

MOST = 100  # pairs of a checklist set (RFC 8445, section 6.1.2.5)


@dataclass(slots=True)
class Pair:
    """Two wire addresses of an ICE session in a capture; times in nanoseconds.

    ``outcomes`` counts checks by (sent by the local end, outcome).
    """

    capture: str | None
    frame: int | None
    time: int | None
    call: int | None
    leg: int | None
    local: Place
    remote: Place
    local_ufrag: str | None
    remote_ufrag: str | None
    local_type: str | None = None
    remote_type: str | None = None
    transactions: set[str] = field(default_factory=set)
    outcomes: Counter[tuple[bool, str]] = field(default_factory=Counter)
    last_time: int | None = None
    nominated: bool = False
    dtls: str | None = None
    media_packets: int = 0

    def count(self, outcome: str | None = None) -> int:
        """Checks either way, all or those of one outcome."""
        return sum(n for (_, end), n in self.outcomes.items() if outcome in (None, end))


def state(pair: Pair) -> str | None:
    """What the checks prove; None while none is answered and none is given up.

    One way is enough for a nomination if the other end sends no checks: it may be lite.
    """
    if not pair.outcomes:
        return "never_checked"
    ways = {local: {end for way, end in pair.outcomes if way == local} for local in (True, False)}
    answered = [local for local, ends in ways.items() if "success" in ends]
    if answered:
        silent = not ways[not answered[0]] & {"unanswered", "error"}
        return "succeeded" if len(answered) == 2 or (pair.nominated and silent) else "half"
    return None if pair.count() == pair.count("pending") else "failed"


def unchecked(checked: Iterable[Pair], sessions: Sessions, offers: Offered, outside: Mapped) -> list[Pair]:
    """Pairs of offered candidates that were never checked, per ICE session."""
    seen: dict[tuple[int | None, frozenset[str | None]], list[Pair]] = {}
    for pair in checked:
        seen.setdefault((pair.call, frozenset((pair.local_ufrag, pair.remote_ufrag))), []).append(pair)
    found: list[Pair] = []
    for ufrags, alike in sessions.items():
        for session in {session.call: session for session in reversed(alike)}.values():
            tried = seen.get((session.call, ufrags), [])
            found += islice(_untried(session, tried, offers, outside), MOST)
    return found


def _untried(session: Session, tried: list[Pair], offers: Offered, outside: Mapped) -> Iterator[Pair]:
    mine, theirs = _local_first(session)
    local = offers.get((session.call, mine), [])
    remote = offers.get((session.call, theirs), [])
    checked = _checked(tried, [_reached(pair, mine, local, remote, outside) for pair in tried])
    same_section = _same_section(local, remote)
    done: set[tuple[Place, Place]] = set()
    for one, other in product(local, remote):
        places = (one.place, other.place)
        if places in done or (one.mid, other.mid) not in same_section or not _fits(one, other):
            continue
        done.add(places)
        if places not in checked:
            yield _pair(session, one, other, mine, theirs)


def _local_first(session: Session) -> tuple[str, str]:
    """Ufrag of the server's side, else of the first one; and the other."""
    if session.side_b == "server" and session.side_a != "server":
        return session.ufrag_b, session.ufrag_a
    return session.ufrag_a, session.ufrag_b


def _checked(tried: list[Pair], reached: list[Reached]) -> set[tuple[Place, Place]]:
    """Offered addresses that checks went between.

    A check seen on both sides of a NAT stands for what it stands for in both captures.
    """
    views: dict[str, list[int]] = {}
    for number, pair in enumerate(tried):
        for identity in pair.transactions:
            views.setdefault(identity, []).append(number)
    found: set[tuple[Place, Place]] = set()
    for pair, (here, there) in zip(tried, reached, strict=True):
        alike = [reached[n] for n in {n for identity in pair.transactions for n in views[identity]}]
        in_common = (here.intersection(*(h for h, _ in alike)), there.intersection(*(t for _, t in alike)))
        found.update(product(in_common[0] or here, in_common[1] or there))
    return found


def _reached(
    pair: Pair, mine: str, local: list[Candidate], remote: list[Candidate], outside: Mapped
) -> Reached:
    """Offered addresses of both ends that the checks on a pair stand for."""
    here, there = (pair.local, pair.remote) if pair.local_ufrag == mine else (pair.remote, pair.local)
    return (
        covered(here, outside.get((pair.capture, here), set()), local, local=True),
        covered(there, outside.get((pair.capture, there), set()), remote, local=False),
    )


def _same_section(local: list[Candidate], remote: list[Candidate]) -> set[tuple[str | None, str | None]]:
    """Names under which both sides speak of one m= section: equal ones, else by their order.

    An answer without a=mid names its sections by number (RFC 3264, section 6: the order is the offer's).
    """
    mine = list(dict.fromkeys(candidate.mid for candidate in local))
    theirs = list(dict.fromkeys(candidate.mid for candidate in remote))
    common = set(mine) & set(theirs)
    return {(mid, mid) for mid in common} or set(zip(mine, theirs, strict=False))


def _fits(one: Candidate, other: Candidate) -> bool:
    """Candidates of one m= section that form a pair: same component, same family, UDP."""
    families = (_family(one.place), _family(other.place))
    alike = one.component == other.component and families[0] == families[1]
    return alike and families[0] is not None and one.place != other.place and _is_udp(one) and _is_udp(other)


def _is_udp(candidate: Candidate) -> bool:
    return (candidate.transport or "").lower() == "udp"


def _family(place: Place) -> int | None:
    """4, 6, or None for a name: no wire address can be compared with that."""
    addr = place[0] or ""
    if ":" in addr:
        return 6
    return 4 if addr.replace(".", "").isdigit() else None


def _pair(session: Session, one: Candidate, other: Candidate, mine: str, theirs: str) -> Pair:
    """The pair as it came into being: with the later of its two candidate lines."""
    later = max(one, other, key=lambda candidate: candidate.time or 0)
    return Pair(
        later.capture, later.frame, later.time, session.call, session.leg,
        one.place, other.place, mine, theirs, one.kind, other.kind,
    )  # fmt: skip
