"""Places of a call in their order, and what passes from one to the next."""

import pytest

from postproc.model.calls import Calls
from postproc.model.clocks import on_one_clock
from postproc.model.transit import spots, transits
from tests.builders import at
from tests.diagnose.places import (
    CAPTURES,
    CLOCKS,
    EVERY_PLACE,
    between_phones,
    clock,
    passage,
    passages,
    seen_from,
)
from tests.diagnose.scenes import leg, message, tables


def call_of(*rows, **changes):
    return Calls(tables(**seen_from(EVERY_PLACE, *rows) | changes))[1]


def stretches(call):
    return [(each.origin.name, each.target.name, each.arrived, each.sent) for each in transits(call)]


def test_places_stand_in_the_order_of_the_way():
    call = call_of(passages([3, 3, 3]), clocks=CLOCKS[::-1])
    assert [(spot.name, spot.position) for spot in spots(call)] == [("server", 1), ("wan", 2), ("client", 3)]


def test_flows_of_a_kind_and_direction_are_summed_up_and_stand_along_their_way():
    other = passage("server", "wan", 1, 4, from_dst_addr="192.168.178.34", time=0.5)
    call = call_of(passages([17, 17, 0]), [other], passages([9, 8, 7], "client_to_server"))
    assert stretches(call) == [
        ("server", "wan", 18, 21),
        ("wan", "client", 0, 17),
        ("client", "wan", 8, 9),
        ("wan", "server", 7, 8),
    ]
    first = transits(call)[0]
    assert (first.lost, first.first_lost, first.outward, first.delay_ms) == (3, at(2.0), True, 5.0)
    assert transits(call)[-1].outward is False


def test_a_stretch_over_another_place_is_left_out_unless_the_order_is_unknown():
    rows = [passage("server", "client", 3, 3)]
    assert stretches(call_of(passages([3, 3, 3]), rows)) == [("server", "wan", 3, 3), ("wan", "client", 3, 3)]
    unknown = [row | {"position": None} for row in CLOCKS]
    assert len(stretches(call_of(passages([3, 3, 3]), rows, clocks=unknown))) == 3


def test_a_capture_without_a_clock_is_called_by_its_name():
    assert [spot.name for spot in spots(call_of(passages([3, 3]), clocks=[]))] == list(CAPTURES.values())[:2]


def test_the_clock_by_a_capture_of_the_same_call_tells_the_place():
    other = clock("client") | {"reference": "z.pcapng", "place": "wan", "position": 1}
    call = call_of(passages([3, 3, 3]), clocks=[other, *CLOCKS])
    assert [spot.name for spot in spots(call)] == ["server", "wan", "client"]


@pytest.mark.parametrize(
    ("offset", "drift", "time", "moved"), [(5000.0, None, 9.0, 4.0), (-100.0, 50.0, 1001.0, 1001.05)]
)
def test_times_are_moved_to_the_reference_s_clock(offset, drift, time, moved):
    """50 ppm are 50 ms in the 1000 s after the first packet that both show."""
    clocks = [clock("server"), clock("wan", offset_ms=offset, drift_ppm=drift, time=1.0)]
    sip = [{"capture": CAPTURES["server"], "time": 1.0}, {"capture": CAPTURES["wan"], "time": time}]
    given = tables(clocks=clocks, sip_messages=sip)
    move = on_one_clock(given)
    assert move is not None
    server, other = move(given.sip_messages)["time"]
    assert server == at(1.0)
    assert abs(other - at(moved)).total_seconds() < 1e-5


def test_of_several_references_the_first_moves_a_capture_s_times():
    """One leg of its call has a reference of its own, whose clock may be off as well."""
    other = clock("wan", offset_ms=-7000.0) | {"reference": "z.pcapng"}
    sip = [{"capture": CAPTURES["wan"], "time": 9.0}]
    given = tables(clocks=[clock("server"), clock("wan", offset_ms=5000.0), other], sip_messages=sip)
    move = on_one_clock(given)
    assert move is not None
    assert move(given.sip_messages)["time"].tolist() == [at(4.0)]


def test_nothing_is_moved_where_all_clocks_are_right():
    assert on_one_clock(tables(clocks=[clock("server")])) is None


PROXY, ONE, OTHER = "203.0.113.1", "192.0.2.10", "192.0.2.20"


def test_no_place_is_the_server_where_two_phones_send_each_other_media():
    assert names(**between_phones(ONE, PROXY, OTHER)) == ["a.pcapng", "c.pcapng"]


@pytest.mark.parametrize("kind", ["sip", "rtp"])
def test_a_server_that_takes_part_in_the_media_keeps_its_place(kind):
    held = between_phones(ONE, PROXY, OTHER)
    changes = {"kind": kind} if kind == "sip" else {"from_src_addr": PROXY}
    rows = [row | changes for row in held["passages"]]
    assert names(**held | {"passages": rows}) == ["server", "client"]


def test_a_server_behind_a_proxy_that_calls_on_keeps_its_place():
    held = between_phones(ONE, PROXY, OTHER)
    onward = message(1, "INVITE", 0.1, call_id="b@x", capture="a.pcapng", src_addr=OTHER, dst_addr=PROXY)
    both = {"sip_messages": [*held["sip_messages"], onward], "legs": [*held["legs"], leg(2)]}
    assert names(**held | both) == ["server", "client"]


def names(**changes):
    return [spot.name for spot in spots(Calls(tables(**changes))[1])]
