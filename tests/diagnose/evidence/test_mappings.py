"""NAT mappings of a call's addresses."""

from postproc.diagnose.evidence.candidates import bases
from tests.builders import SERVER
from tests.diagnose.scenes import CLIENT_PRIVATE, CLIENT_PUBLIC, scene


def mapping(base: str, mapped: str, port: int = 30000, **changes):
    return {
        "call": 1,
        "leg": 1,
        "base_addr": base,
        "base_port": 30000,
        "mapped_addr": mapped,
        "mapped_port": port,
        "learned_from": "stun_server",
    } | changes


def test_every_base_has_its_side_and_what_it_is_seen_as():
    rows = [
        mapping(SERVER, "203.0.113.10"),
        mapping(SERVER, "203.0.113.11", 40000),
        mapping(CLIENT_PRIVATE, CLIENT_PUBLIC),
    ]
    server, client = bases(scene(nat_mappings=rows), 1)
    assert (server.side, server.outside) == ("server", {"203.0.113.10", "203.0.113.11"})
    assert server.seen == {("203.0.113.10", 30000), ("203.0.113.11", 40000)}
    assert (client.side, client.addr) == ("client", CLIENT_PRIVATE)


def test_other_legs_and_unknown_ends_are_left_out():
    rows = [mapping(SERVER, "203.0.113.10", leg=2), mapping(SERVER, "203.0.113.10", mapped_port=None)]
    assert bases(scene(nat_mappings=rows), 1) == []
