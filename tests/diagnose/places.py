"""A call seen from three places: its passages and the clocks of its captures, for rules and pictures.

The server's capture is "a.pcapng", behind the server's NAT; "b.pcapng" is taken at the WAN, "c.pcapng" at the
client behind its own NAT. Both NATs keep ports.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.builders import SERVER
from tests.diagnose.scenes import (
    CLIENT_PORT,
    CLIENT_PRIVATE,
    CLIENT_PUBLIC,
    SERVER_PORT,
    SERVER_PUBLIC,
    Row,
    foreign,
    message,
)

CAPTURES = {"server": "a.pcapng", "wan": "b.pcapng", "client": "c.pcapng"}
ALONG = {"server_to_client": ("server", "wan", "client"), "client_to_server": ("client", "wan", "server")}
ENDS = {  # server's and client's end as each place shows them
    "server": ((SERVER, SERVER_PORT), (CLIENT_PUBLIC, CLIENT_PORT)),
    "wan": ((SERVER_PUBLIC, SERVER_PORT), (CLIENT_PUBLIC, CLIENT_PORT)),
    "client": ((SERVER_PUBLIC, SERVER_PORT), (CLIENT_PRIVATE, CLIENT_PORT)),
}

Rows = list[Mapping[str, Any]]


def clock(place: str, **changes: Any) -> Row:
    position = list(CAPTURES).index(place) + 1
    base = {
        "capture": CAPTURES[place],
        "reference": CAPTURES["server"],
        "place": place,
        "position": position,
        "offset_ms": 0.0,
        "drift_ppm": 0.0,
        "matched": 40,
        "residual_ms": 0.1,
        "bound_ms": 5.0,
        "certainty": 1.0,
        "drift_bound_ppm": 0.0,
    }
    return base | changes


CLOCKS = [clock(place) for place in CAPTURES]


def passage(
    origin: str,
    target: str,
    arrived: int,
    sent: int,
    direction: str = "server_to_client",
    **changes: Any,
) -> Row:
    """Packets of leg 1 between two places, the first a second after the call's beginning."""
    row: Row = {
        "call": 1,
        "leg": 1,
        "kind": "stun",
        "direction": direction,
        "capture": CAPTURES[origin],
        "frame": 40,
        "from_capture": CAPTURES[origin],
        "to_capture": CAPTURES[target],
        "time": 1.0,
        "sent": sent,
        "arrived": arrived,
        "lost": sent - arrived,
        "reordered": 0,
        "delay_ms": 5.0 if arrived else None,
    }
    if arrived < sent:
        row |= {"first_lost": 2.0, "last_lost": 17.5}
    for prefix, place in (("from", origin), ("to", target)):
        if prefix == "to" and not arrived:
            continue
        server, client = ENDS[place]
        source, destination = (server, client) if direction == "server_to_client" else (client, server)
        row |= dict(zip((f"{prefix}_src_addr", f"{prefix}_src_port"), source, strict=True))
        row |= dict(zip((f"{prefix}_dst_addr", f"{prefix}_dst_port"), destination, strict=True))
    return row | changes


def passages(
    counts: Sequence[int], direction: str = "server_to_client", kind: str = "stun", **changes: Any
) -> Rows:
    """``passages([17, 17, 0])``: so many packets of one kind seen at each place along the way."""
    places = ALONG[direction]
    return [
        passage(origin, target, arrived, sent, direction, kind=kind, **changes)
        for origin, target, sent, arrived in zip(places, places[1:], counts, counts[1:], strict=False)
        if sent
    ]


def seen_from(places: Sequence[str], *held: Rows) -> dict[str, Rows]:
    """The tables of a call with these passages, and the clocks and captures of these places."""
    return {
        "passages": [row for rows in held for row in rows],
        "clocks": [clock(place) for place in places],
        "captures": [
            {"capture": CAPTURES[place], "first_time": 0.0, "last_time": 60.0, "packets": 4000}
            for place in places
        ],
    }


EVERY_PLACE = tuple(CAPTURES)


def between_phones(one: str, proxy: str, other: str) -> dict[str, Any]:
    """A call of two phones through a proxy, captured at both: their media, lost on the way to the first, go past it."""
    ends = {"from_src_addr": other, "from_src_port": 4000, "from_dst_addr": one, "from_dst_port": 4002}
    at_first, at_other = CAPTURES["client"], CAPTURES["server"]
    hops = ((one, proxy, at_first), (proxy, other, at_other))
    invites = [
        message(1, "INVITE", 0.0, frame=3, capture=capture, src_addr=source, dst_addr=target)
        for source, target, capture in hops
    ]
    answers = [
        message(1, 200, 1.0, frame=9, capture=capture, src_addr=target, dst_addr=source)
        for source, target, capture in reversed(hops)
    ]
    held = seen_from(("server", "client"), [passage("server", "client", 0, 500, kind="rtp", **ends)])
    return foreign() | held | {"sip_messages": invites + answers}
