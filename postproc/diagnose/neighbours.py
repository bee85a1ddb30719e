"""Use other calls of the run as evidence: they refute a cause, or show the same.

A suspicion concerns something that other calls depend on too: a mapping of the server's NAT, an access list,
a set of codecs. If it works for a neighboring call, it did not break this one. A fault, proven by packets,
stands; neighboring calls then only narrow down the search. Calls are looked up by a key for each cause, so
the effort grows with the number of calls, not of pairs.
"""

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

from postproc.diagnose.evidence.candidates import bases, offered, public
from postproc.diagnose.evidence.case import CLIENT, SERVER, Case, in_turn
from postproc.diagnose.evidence.media import connected
from postproc.diagnose.evidence.server import server_addresses
from postproc.diagnose.evidence.signalling import negotiated, shown
from postproc.model.acl import WITHOUT_LISTS, decide
from postproc.model.findings import Finding
from postproc.model.rows import CandidateRow, LegRow
from postproc.model.statuses import is_failure
from postproc.model.text import Text

# Seconds between two calls within which nobody changes a setting and tries again; choices. With less,
# successive calls are no evidence; with more, the call after a repair refutes what was wrong before it. Calls
# in different captures must overlap: people start a new capture after changing something.
NEAR_S, OVERLAP_S = 60.0, 0.0
# Seconds for which an address is taken for the same router, list or gateway; a choice. With less, the calls of
# a working day do not support each other; with more, different systems with equal private addresses do.
SAME_S = 86_400.0
# Calls before and after that are compared and named; a choice: more add nothing, and all would be quadratic.
NEAREST = 5

Keys = Iterator[Hashable]
Legs = Sequence[int | None]


class Sentences(NamedTuple):
    """The sentence on one other call, and on several."""

    one: Text
    many: Text


def _works(subject: tuple[str, str], look: tuple[str, str]) -> Sentences:
    return Sentences(
        Text(
            f"Call {{refuted_by}} {subject[0]} works, {look[0]}.",
            f"Anruf {{refuted_by}} {subject[1]} funktioniert, {look[1]}.",
        ),
        Text(
            f"Calls {{refuted_by}} {subject[0]} work, {look[0]}.",
            f"Die Anrufe {{refuted_by}} {subject[1]} funktionieren, {look[1]}.",
        ),
    )


def _fails(subject: tuple[str, str]) -> Sentences:
    return Sentences(
        Text(
            f"Call {{supported_by}} {subject[0]} fails in the same way.",
            f"Anruf {{supported_by}} {subject[1]} scheitert ebenso.",
        ),
        Text(
            f"Calls {{supported_by}} {subject[0]} fail in the same way.",
            f"Die Anrufe {{supported_by}} {subject[1]} scheitern ebenso.",
        ),
    )


class Comparison(NamedTuple):
    """A comparison for one rule.

    ``about`` yields keys of what a finding blames; ``proven`` keys of what works in a call, given the legs
    that ICE connected.
    """

    rule: str
    about: Callable[[Case, Finding], Keys]
    proven: Callable[[Case, Legs], Keys]
    works: Sentences
    fails: Sentences


AT_THE_CLIENT = ("so look at the client {client}", "zu suchen ist also beim Client {client}")
AT_THIS_CALL = ("so look at what differs in this call", "zu suchen ist also, was an diesem Anruf anders ist")


def _server_nat(case: Case, leg: int | None) -> Keys:
    """Yield base and mapped address of each server base whose port NAT always changes."""
    for base in bases(case, leg):
        if base.side == SERVER and base.seen and all(port != base.port for _, port in base.seen):
            yield from ((base.addr, outside) for outside in base.outside)


def _addresses(case: Case, side: str, leg: int | None) -> frozenset[str]:
    return frozenset(row.addr for row in public(offered(case, side, leg)) if row.addr)


def _offers(case: Case, finding: Finding) -> Keys:
    for leg in case.legs:
        if leg.leg == finding.leg:
            yield from _offer(case, leg, default="unlisted" in finding.tags, listed="listed" in finding.tags)


def _offer(case: Case, leg: LegRow, *, default: bool, listed: bool) -> Keys:
    """Yield keys of what a candidate access list decides on: the addresses, or that wan.auto denies all."""
    rows = [row for row in case.candidates if row.call_id == leg.call_id and _from_client(row)]
    usable = frozenset(row.addr for row in rows if row.transport == "udp" and row.component == 1 and row.addr)
    if not usable:
        return
    if listed:
        yield leg.uas_addr, usable
    if default and all(decide(addr, WITHOUT_LISTS, {}).verdict == "denied" for addr in usable):
        yield leg.uas_addr, WITHOUT_LISTS


def _from_client(row: CandidateRow) -> bool:
    return row.offer_answer == "offer" and row.side != SERVER


def _offers_taken(case: Case, _: Legs) -> Keys:
    answered = {row.call_id for row in case.candidates if row.offer_answer == "answer" and row.side == SERVER}
    for leg in case.legs:
        if leg.call_id in answered:
            yield from _offer(case, leg, default=True, listed=True)


def _peers(case: Case, finding: Finding) -> Keys:
    return ((leg.uas_addr, leg.uac_addr) for leg in case.legs if leg.leg == finding.leg)


def _peers_let_in(case: Case, _: Legs) -> Keys:
    return ((leg.uas_addr, leg.uac_addr) for leg in case.legs if leg.progress_time or leg.answer_time)


def _codecs(_: Case, finding: Finding) -> Keys:
    if finding.facts.get("offered"):
        yield finding.facts.get("refuser"), frozenset(finding.facts["offered"]), finding.facts.get("proto")


def _codecs_taken(case: Case, _: Legs) -> Keys:
    by = {(row.capture, row.frame, row.call_id): row.src_addr for row in case.sip_messages}
    for leg in case.legs:
        pair = negotiated(case, leg.call_id) if leg.answer_time else None
        if pair is not None and pair.answer.port:
            refuser = by.get((pair.answer.capture, pair.answer.frame, pair.answer.call_id))
            yield refuser, frozenset(shown(pair.offer)), pair.offer.proto


def _stun_servers(case: Case, *, answered: bool) -> Keys:
    own = server_addresses(case)
    for row in case.bindings:
        if row.purpose == "discovery" and row.src_addr in own and (row.outcome == "success") is answered:
            yield row.src_addr, row.dst_addr, row.dst_port


def _refusals(case: Case, finding: Finding) -> Keys:
    """Yield refuser and status; no working call refutes these, but others may support them."""
    frames = set(finding.evidence.frames)
    for row in case.sip_messages:
        if row.frame in frames and row.capture == finding.evidence.capture and is_failure(row.status):
            yield row.src_addr, row.status


def _client_networks(case: Case, leg: int | None) -> Keys:
    return iter(sorted(_addresses(case, CLIENT, leg)))


SAME_NAT = ("over the same NAT", "über dasselbe NAT")
SAME_ADDRESS = ("with the same address of the server", "mit derselben Adresse des Servers")
SAME_NETWORK = ("from the same client network", "aus demselben Netz des Clients")
SAME_LISTS = ("with such candidates at the same server", "mit solchen Kandidaten am selben Server")
SAME_PEER = ("from the same peer at the same server", "von derselben Gegenstelle am selben Server")
SAME_CODECS = ("with the same codecs at the same party", "mit denselben Codecs bei derselben Gegenstelle")
SAME_STUN = ("with the same STUN server", "mit demselben STUN-Server")
SAME_GATEWAY = ("refused by the same party", "von derselben Gegenstelle abgelehnt,")

COMPARED = (
    Comparison(
        "port-not-preserved",
        lambda case, finding: _server_nat(case, finding.leg),
        lambda case, up: (key for leg in up for key in _server_nat(case, leg)),
        _works(SAME_NAT, AT_THE_CLIENT),
        _fails(SAME_NAT),
    ),
    Comparison(
        "address-mismatch",
        lambda case, finding: ((side, _addresses(case, side, finding.leg)) for side in finding.tags),
        lambda case, up: ((side, _addresses(case, side, leg)) for leg in up for side in (CLIENT, SERVER)),
        _works(SAME_ADDRESS, AT_THE_CLIENT),
        _fails(SAME_ADDRESS),
    ),
    Comparison(
        "symmetric-nat",
        lambda case, finding: _client_networks(case, finding.leg) if CLIENT in finding.tags else iter(()),
        lambda case, up: (key for leg in up for key in _client_networks(case, leg)),
        _works(SAME_NETWORK, AT_THE_CLIENT),
        _fails(SAME_NETWORK),
    ),
    Comparison(
        "candidates-rejected-by-acl",
        _offers,
        _offers_taken,
        _works(SAME_LISTS, AT_THIS_CALL),
        _fails(SAME_LISTS),
    ),
    Comparison(
        "invite-rejected-by-acl", _peers, _peers_let_in, _works(SAME_PEER, AT_THIS_CALL), _fails(SAME_PEER)
    ),
    Comparison(
        "no-common-codec", _codecs, _codecs_taken, _works(SAME_CODECS, AT_THIS_CALL), _fails(SAME_CODECS)
    ),
    Comparison(
        "stun-server-unreachable",
        lambda case, _: _stun_servers(case, answered=False),
        lambda case, _: _stun_servers(case, answered=True),
        _works(SAME_STUN, AT_THIS_CALL),
        _fails(SAME_STUN),
    ),
    Comparison(
        "call-rejected",
        _refusals,
        lambda *_: iter(()),
        _works(SAME_GATEWAY, AT_THIS_CALL),
        _fails(SAME_GATEWAY),
    ),
    Comparison(
        "no-binding-success",
        lambda case, finding: _client_networks(case, finding.leg),
        lambda case, up: (key for leg in up for key in _client_networks(case, leg)),
        _works(SAME_NETWORK, AT_THE_CLIENT),
        _fails(SAME_NETWORK),
    ),
    Comparison(
        "no-binding-success",
        lambda case, finding: _server_nat(case, finding.leg),
        lambda case, up: (key for leg in up for key in _server_nat(case, leg)),
        _works(SAME_NAT, AT_THE_CLIENT),
        _fails(SAME_NAT),
    ),
    Comparison(
        "no-binding-success",
        lambda case, finding: iter(sorted(_addresses(case, SERVER, finding.leg))),
        lambda case, up: (key for leg in up for key in _addresses(case, SERVER, leg)),
        _works(SAME_ADDRESS, AT_THE_CLIENT),
        _fails(SAME_ADDRESS),
    ),
)

BLAMING = frozenset(comparison.rule for comparison in COMPARED)


class _Place(NamedTuple):
    """A call's times in seconds since 1970; ``end`` is the start if unknown."""

    start: float
    end: float
    number: int
    captures: frozenset[str]

    def gap(self, other: "_Place") -> float:
        """Return the seconds between two calls, negative if they overlap."""
        return max(self.start, other.start) - min(self.end, other.end)

    def beside(self, other: "_Place") -> bool:
        """Whether the two are so near that nothing was changed between them."""
        return self.gap(other) <= (NEAR_S if self.captures & other.captures else OVERLAP_S)


@dataclass
class _Index:
    """Calls by key, each list in order of time."""

    by_key: dict[Hashable, list[_Place]]

    def around(self, keys: Iterable[Hashable], place: _Place) -> list[_Place]:
        """Return the nearest calls with these keys before and after this one, by number."""
        places: set[_Place] = set()
        for timed in (self.by_key.get(key, []) for key in keys):
            at = bisect_left(timed, place)
            places.update(timed[max(at - NEAREST, 0) : at + NEAREST + 1])
        return sorted((each for each in places if each.number != place.number), key=lambda each: each.number)


def _index(places: Iterable[tuple[Hashable, _Place]]) -> _Index:
    by_key: dict[Hashable, set[_Place]] = {}
    for key, place in places:
        by_key.setdefault(key, set()).add(place)
    return _Index({key: sorted(at_key) for key, at_key in by_key.items()})


def comparable(finding: Finding) -> bool:
    """Whether other calls may refute or support what the finding blames."""
    return finding.verdict in ("fault", "suspect") and finding.rule in BLAMING


def compared(cases: Sequence[Case], findings_by_call: Sequence[list[Finding]]) -> list[list[Finding]]:
    """Return every call's findings with the evidence of other calls; a refuted suspicion becomes a note."""
    places = {case.number: place for case in in_turn(cases) if (place := _place(case)) is not None}
    results = [list(findings) for findings in findings_by_call]
    up = cache(_connected)
    for comparison in COMPARED:
        mine = [
            (case, at, index, frozenset(comparison.about(case, each)))
            for at, case in enumerate(in_turn(cases))
            if case.number in places
            for index, each in enumerate(findings_by_call[at])
            if each.rule == comparison.rule and comparable(each)
        ]
        if not mine or len(places) < 2:
            continue
        failing = _index((key, places[case.number]) for case, _, _, keys in mine for key in keys)
        blamed = {key for *_, keys in mine for key in keys}
        working = _index(
            (key, places[case.number])
            for case in in_turn(cases)
            if case.number in places
            for key in comparison.proven(case, up(case))
            if key in blamed
        )
        for case, at, index, keys in mine:
            place = places[case.number]
            refuting = [each.number for each in working.around(keys, place) if each.beside(place)]
            same = [each.number for each in failing.around(keys, place) if each.gap(place) <= SAME_S]
            results[at][index] = _told(case, results[at][index], comparison, refuting, same)
    return results


def _connected(case: Case) -> Legs:
    return [leg for leg in case.judged_legs if connected(case, leg)]


def _place(case: Case) -> _Place | None:
    start, end = case.call.start, case.call.end
    if start is None:
        return None
    captures = frozenset({case.call.capture, *(leg.capture for leg in case.legs)})
    return _Place(start.timestamp(), (end or start).timestamp(), case.number, captures)


def _told(
    case: Case, finding: Finding, comparison: Comparison, refuting: list[int], same: list[int]
) -> Finding:
    """Add to a finding the calls that refute what it blames, or else those that show the same."""
    if refuting and not finding.refuted_by:
        facts = {**finding.facts, "refuted_by": refuting, "client": _client(case, finding)}
        sentence = comparison.works[len(refuting) > 1]
        changed = replace(
            finding, facts=facts, detail=(*finding.detail, sentence), refuted_by=tuple(refuting)
        )
        return replace(changed, verdict="note", settle=None) if finding.verdict == "suspect" else changed
    if refuting or not same or finding.supported_by:
        return finding
    facts = {**finding.facts, "supported_by": same}
    sentence = comparison.fails[len(same) > 1]
    return replace(finding, facts=facts, detail=(*finding.detail, sentence), supported_by=tuple(same))


def _client(case: Case, finding: Finding) -> str:
    """Return the client's first public address and its first host address, joined by a slash."""
    candidates = offered(case, CLIENT, finding.leg)
    own = [row for row in candidates if row.type == "host"]
    return " / ".join(dict.fromkeys(row.addr or "" for row in (*public(candidates)[:1], *own[:1])))
