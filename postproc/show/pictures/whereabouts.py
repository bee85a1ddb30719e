"""Which machine each address of a call belongs to.

An address is looked for in the descriptions of its leg, then by the direction that
checks and streams are known to have, then by its host; what is left are machines
of which no message tells anything.
"""

from typing import Any

from postproc.show.pictures.cut import CallRows
from postproc.show.pictures.machines import PARTIES, Leg, Machine, beside, legs, of_sip
from postproc.show.pictures.records import host, place, records

SIDES = {"server_to_client": ("server", "client"), "client_to_server": ("client", "server")}

At = tuple[int | None, str]  # leg and addr:port; leg None: of any leg
Known = dict[At, Machine]
Sides = dict[tuple[int | None, str], Machine]  # leg and side: client, server


def whereabouts(tables: CallRows) -> tuple[list[Machine], Known]:
    """Return the machines of a call, neighbours beside each other, and whose each address is."""
    held = legs(tables)
    machines = of_sip(held)
    known: Known = {(None, at): machine for machine in machines for at in machine.places}
    _proxies(tables, held, machines, known)
    _relays(tables, machines, known)
    sides = _described(tables, held, machines, known)
    _directed(tables, machines, sides, known)
    _rest(tables, machines, known)
    return machines, known


def _proxies(tables: CallRows, held: list[Leg], machines: list[Machine], known: Known) -> None:
    """Hops of SIP between the ends; a port that only TCP knows is its host's."""
    ends = {leg.number: leg for leg in held}
    sip = [event for event in tables.timeline if event.lane == "sip"]
    for number, *pair in sorted(set(records(sip, "leg", "src", "dst")), key=str):
        for at, far in (pair, pair[::-1]):
            if at is None or (None, at) in known:
                continue
            other = known.get((None, far)) if far else None
            machine = beside((each for each in machines if each is not other), host(at))
            if machine is None:
                machine = Machine("proxy")
                machines.insert(_before_uas(machines, ends.get(number)), machine)
            machine.add(at)
            known[None, at] = machine


def _before_uas(machines: list[Machine], leg: Leg | None) -> int:
    ends = [n for n, machine in enumerate(machines) if leg and (leg.call_id, "uas") in machine.ends]
    return ends[0] if ends else len(machines)


def _relays(tables: CallRows, machines: list[Machine], known: Known) -> None:
    """Addresses on a TURN server: offered by a client, but not the client's own."""
    relayed = [candidate for candidate in tables.candidates if candidate.type == "relay"]
    for leg, addr, port in records(relayed, "leg", "addr", "port"):
        at = place(addr, port)
        if at is None:
            continue
        machine = beside((each for each in machines if each.part == "relay"), addr)
        if machine is None:
            machine = Machine("relay")
            machines.append(machine)
        machine.add(at)
        known[leg, at] = machine


def _described(tables: CallRows, held: list[Leg], machines: list[Machine], known: Known) -> Sides:
    """Addresses in session descriptions: the author's, or of a machine it speaks for."""
    sides: Sides = {}
    for leg in held:
        for party in PARTIES:
            author = next(machine for machine in machines if (leg.call_id, party) in machine.ends)
            owner, side, places = _offered(tables, leg, party)
            if not places:
                continue
            own = side == "server" or not set(map(host, places)).isdisjoint(author.hosts)
            machine = (
                author
                if own
                else _media_of(author, party, owner=owner, side=side, machines=machines, places=places)
            )
            for at in places:
                if known.setdefault((leg.number, at), machine) is machine:
                    machine.add(at)
            if side:
                sides[leg.number, side] = machine
    return sides


def _media_of(
    author: Machine,
    party: str,
    *,
    owner: str | None,
    side: str | None,
    machines: list[Machine],
    places: list[str],
) -> Machine:
    """A machine for media beside its author, on the side of whom the author speaks with."""
    mine = [each for each in machines if each.part in ("client", "media")]
    if found := next((each for at in places if (each := beside(mine, host(at)))), None):
        return found
    machine = Machine("client" if side == "client" else "media", owner)
    machines.insert(machines.index(author) + (party == "uac"), machine)
    return machine


def _offered(tables: CallRows, leg: Leg, party: str) -> tuple[str | None, str | None, list[str]]:
    """Owner, side and addresses of what one party of a leg described."""
    authors = _authors(tables, leg)
    owner: str | None = None
    side: str | None = None
    places: dict[str, None] = {}
    names = ("capture", "frame", "sdp_owner", "side", "addr", "port", "related_addr", "related_port")
    mine = [candidate for candidate in tables.candidates if candidate.call_id == leg.call_id]
    for capture, frame, by, whose, addr, port, base, base_port in records(mine, *names):
        if authors.get((capture, frame)) == party:
            owner, side = owner or by, side or (whose if whose != "other" else None)
            places |= dict.fromkeys(filter(None, (place(addr, port), place(base, base_port))))
    described = [section for section in tables.sdp_media if section.call_id == leg.call_id]
    for capture, frame, by, addr, port in records(
        described, "capture", "frame", "sdp_owner", "connection_addr", "port"
    ):
        if authors.get((capture, frame)) == party and addr and port:
            owner = owner or by
            places[place(addr, port) or addr] = None
    return owner, side, [at for at in places if host(at) not in ("0.0.0.0", "::")]


def _authors(tables: CallRows, leg: Leg) -> dict[tuple[Any, Any], str]:
    """Who wrote the messages of a leg: From stays the requester's in the response (RFC 3261, 12)."""
    sip = [message for message in tables.sip_messages if message.call_id == leg.call_id]
    sip.sort(key=lambda message: message.time or 0)
    rows = list(records(sip, "capture", "frame", "method", "from_tag", "to_tag", "cseq_method"))
    opening = [tag for _, _, method, tag, to_tag, _ in rows if method == "INVITE" and to_tag is None]
    answered = [tag for _, _, method, tag, _, about in rows if method is None and about == "INVITE"]
    caller = next(iter(opening or answered), None)
    return {
        (capture, frame): "uac" if (tag == caller) == (method is not None) else "uas"
        for capture, frame, method, tag, _, _ in rows
    }


def _directed(tables: CallRows, machines: list[Machine], sides: Sides, known: Known) -> None:
    """Addresses that no description names, of checks and streams whose direction is known."""
    relays = [machine for machine in machines if machine.part == "relay"]
    for rows in (tables.bindings, tables.rtp_streams):
        names = ("leg", "direction", "src_addr", "src_port", "dst_addr", "dst_port")
        for leg, direction, *ends in set(records(rows, *names)):
            for side, at in zip(SIDES.get(direction, ()), (place(*ends[:2]), place(*ends[2:])), strict=False):
                if at is None or (leg, at) in known or beside(relays, host(at)):
                    continue
                if (leg, side) in sides:
                    known[leg, at] = sides[leg, side]
                    sides[leg, side].add(at)


def _rest(tables: CallRows, machines: list[Machine], known: Known) -> None:
    """Every other address of the timeline: a machine's by its host, else a machine by itself."""
    looked_up = [binding for binding in tables.bindings if binding.purpose == "discovery"]
    stun = {place(*row) for row in records(looked_up, "dst_addr", "dst_port")}
    hosts = _by_host(machines, known)
    found = [event for event in tables.timeline if event.lane != "log"]
    for lane, leg, *pair in records(found, "lane", "leg", "src", "dst"):
        for at in pair:
            if at is None or (leg, at) in known or (None, at) in known:
                continue
            machine = hosts.get((leg, host(at))) or hosts.get((None, host(at)))
            if machine is None:
                machine = Machine("stun" if at in stun else "icmp" if lane == "icmp" else "other")
                machine.add(at)
                machines.append(machine)
                hosts[None, host(at)] = machine
            known[leg, at] = machine


def _by_host(machines: list[Machine], known: Known) -> Known:
    """The machine at an address: with media in a leg, else with most ends, for a hub has no media."""
    found: Known = {}
    for machine in sorted(machines, key=lambda each: -len(each.ends)):
        for addr in machine.hosts:
            found.setdefault((None, addr), machine)
    for (leg, at), machine in known.items():
        if leg is not None:
            found.setdefault((leg, host(at)), machine)
    return found
