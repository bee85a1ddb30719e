"""Between two places NAT changes a sender's address or port."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from postproc.diagnose.evidence.candidates import offered
from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import connected
from postproc.diagnose.evidence.paths import RECEIVER, SENDER
from postproc.diagnose.evidence.transit import OPPOSITE
from postproc.model.addresses import endpoint
from postproc.model.enumerations import Direction
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import PassageRow
from postproc.model.text import Text
from postproc.model.transit import Spot, Transit, transits

PORT = Text(
    "NAT between {origin:word} and {target:word} changes address and port: {inside} becomes {outside}.",
    "Ein NAT zwischen {origin:word} und {target:word} ändert Adresse und Port: Aus {inside} wird {outside}.",
)
ADDRESS = Text(
    "NAT between {origin:word} and {target:word} changes the address and keeps the port: {inside} becomes {outside}.",
    "Ein NAT zwischen {origin:word} und {target:word} ändert die Adresse und behält den Port: Aus {inside} wird {outside}.",
)
MISLED = Text(
    "NAT between {origin:word} and {target:word} turns {inside} into {outside}, but the {peer:word} was told {offered}.",
    "Ein NAT zwischen {origin:word} und {target:word} setzt {inside} auf {outside} um, dem {peer:word} wurde aber"
    " {offered} genannt.",
)
IN_VAIN = Text(
    "{lost} packets of the {peer:word} to {destination} are lost on the way.",
    "{lost} Pakete des {peer:word}s an {destination} gehen unterwegs verloren.",
)
UNEXPECTED = Text(
    "The {peer:word} sends to {destination}, so a NAT on its side lets in what comes from there, not what comes from"
    " {outside}: {lost} packets from there are lost.",
    "Der {peer:word} sendet an {destination}; ein NAT auf seiner Seite lässt also herein, was von dort kommt, und nicht,"
    " was von {outside} kommt: {lost} Pakete von dort gehen verloren.",
)

End = tuple[str, int]


class Mapping(NamedTuple):
    """A sender's address and port at one place and at the next."""

    leg: int | None
    direction: Direction
    origin: Spot
    target: Spot
    inside: End
    outside: End
    row: PassageRow


def find(case: Case) -> Iterator[Finding]:
    every = transits(case)
    for mapping in _mappings(every):
        yield _misled(case, mapping, every) or _noted(mapping)


def _mappings(every: tuple[Transit, ...]) -> list[Mapping]:
    """Return each mapping once, whatever kinds of packets show it."""
    distinct: dict[tuple[object, ...], Mapping] = {}
    for each in every:
        for row in each.flows:
            inside, outside = (
                _end(row.from_src_addr, row.from_src_port),
                _end(row.to_src_addr, row.to_src_port),
            )
            if row.arrived and inside and outside and inside != outside:
                mapping = Mapping(each.leg, each.direction, each.origin, each.target, inside, outside, row)
                distinct.setdefault((each.leg, each.origin, each.target, inside, outside), mapping)
    return list(distinct.values())


def _end(addr: str | None, port: int | None) -> End | None:
    return None if addr is None or port is None else (addr, port)


def _noted(mapping: Mapping) -> Finding:
    changed = mapping.inside[1] != mapping.outside[1]
    return Finding(
        RULE.name,
        "note",
        0.95,
        evidence(mapping.row),
        PORT if changed else ADDRESS,
        (),
        _named(mapping),
        leg=mapping.leg,
    )


def _named(mapping: Mapping) -> dict[str, Any]:
    return {
        "origin": mapping.origin.name,
        "target": mapping.target.name,
        "inside": endpoint(*mapping.inside),
        "outside": endpoint(*mapping.outside),
    }


def _misled(case: Case, mapping: Mapping, every: tuple[Transit, ...]) -> Finding | None:
    """Return the fault if the far side was given another address than it meets, sends there, and fails; or None."""
    side, peer = SENDER.get(mapping.direction), RECEIVER.get(mapping.direction)
    if side is None or peer is None or mapping.row.kind == "sip" or connected(case, mapping.leg):
        return None
    ends = [end for row in offered(case, side, mapping.leg) if (end := _end(row.addr, row.port))]
    if not ends or mapping.outside in ends:
        return None
    on_leg = [(each, row) for each in every if each.leg == mapping.leg for row in each.flows]
    back = [row for each, row in on_leg if each.direction == OPPOSITE[mapping.direction]]
    requests = [row for row in back if _end(row.from_dst_addr, row.from_dst_port) in ends]
    if not requests:
        return None
    vain = sum(row.lost for row in requests)
    refused = sum(
        row.lost
        for each, row in on_leg
        if each.direction == mapping.direction
        and _end(row.from_src_addr, row.from_src_port) == mapping.outside
    )
    if not vain and not refused:
        return None
    return Finding(
        RULE.name,
        "fault" if vain else "suspect",
        0.85 if vain else 0.7,
        evidence(mapping.row, *requests),
        MISLED,
        (IN_VAIN if vain else UNEXPECTED,),
        _named(mapping)
        | {
            "peer": peer,
            "offered": [endpoint(*end) for end in ends],
            "destination": endpoint(requests[0].from_dst_addr, requests[0].from_dst_port),
            "lost": vain or refused,
        },
        leg=mapping.leg,
    )


RULE = Rule(
    code="NET004",
    name="translated",
    stage="nat",
    breaks="mapped_port",
    summary=Text("Translated between two places", "Zwischen zwei Mitschnittpunkten umgesetzt"),
    claim=Text(
        "The same packets have another source at the next place: a NAT lies between the two.",
        "Dieselben Pakete haben am nächsten Mitschnittpunkt einen anderen Absender: Dazwischen liegt ein NAT.",
    ),
    causes=(
        cause(
            "A router with NAT, as behind every private address. Only where it changes the port, or an address that"
            " the far side was told, can it do harm.",
            "Ein Router mit NAT, wie vor jeder privaten Adresse. Schaden kann es nur, wenn es den Port ändert oder eine"
            " Adresse, die der Gegenseite genannt wurde.",
        ),
    ),
    remedies=(
        remedy(
            "Let the router keep the source port of the media ports ({ports}).",
            "Den Router den Quellport der Medien-Ports ({ports}) beibehalten lassen.",
        ),
        remedy(
            "Let the side behind it learn its outside address by STUN, or configure it there.",
            "Die Seite dahinter ihre äußere Adresse per STUN lernen lassen oder sie dort einstellen.",
        ),
    ),
    references=("RFC 4787, REQ-3", "RFC 8445, section 5.1.1.2"),
    known_problems=Text(
        "It needs captures at both sides of the NAT. Two NATs between the two places look like one.",
        "Nötig sind Mitschnitte auf beiden Seiten des NAT. Zwei NATs zwischen beiden Punkten sehen aus wie eines.",
    ),
    find=find,
)
