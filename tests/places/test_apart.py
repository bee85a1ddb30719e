"""Captures of one call that share no packet."""

import pytest

from postproc.places.apart import with_places_apart
from tests import builders
from tests.builders import SERVER
from tests.diagnose.places import CAPTURES, clock, passages
from tests.diagnose.scenes import CLIENT_PRIVATE, CLIENT_PUBLIC, SERVER_PUBLIC, check, tables, unanswered

AT_WAN = {"capture": CAPTURES["wan"], "src_addr": SERVER_PUBLIC, "dst_addr": CLIENT_PUBLIC}


def seen(*rows, client="wan", silent=(CAPTURES["client"],), beside=()):
    """A call at server and WAN, which is called ``client``; captures without a packet, or beside it."""
    places = [clock("server"), clock("wan") | {"place": client}]
    shown = [{"capture": name, "packets": 900} for name in (CAPTURES["server"], CAPTURES["wan"], *beside)]
    empty = [{"capture": name, "packets": 0, "first_time": None, "last_time": None} for name in silent]
    return tables(
        captures=shown + empty,
        clocks=places,
        passages=[row for held in rows for row in held],
        stun_messages=[AT_WAN | {"time": 5.0 + n, "frame": 7 + n} for n in range(3)],
    )


def test_what_passes_the_wan_is_lost_on_the_way_to_the_client():
    found = with_places_apart(seen(passages([17, 17])))
    row = found.passages.iloc[-1]
    assert (row["from_capture"], row["to_capture"], row["sent"], row["arrived"], row["lost"]) == (
        CAPTURES["wan"],
        CAPTURES["client"],
        17,
        0,
        17,
    )
    assert (row["frame"], row["first_lost"], row["last_lost"]) == (7, builders.at(5.0), builders.at(7.0))
    assert (row["from_src_addr"], row["from_dst_addr"]) == (SERVER_PUBLIC, CLIENT_PUBLIC)
    place = found.clocks.iloc[-1]
    assert (place["capture"], place["place"], place["position"], place["certainty"]) == (
        CAPTURES["client"],
        "client",
        3,
        0.0,
    )


@pytest.mark.parametrize(
    ("rows", "options"),
    [
        ([passages([17, 17]), passages([0, 4, 4], "client_to_server")], {}),
        ([passages([17, 17])], {"client": "client"}),
        ([passages([17, 17])], {"silent": ()}),
        ([passages([17, 17])], {"silent": (CAPTURES["client"], "d.pcapng")}),
        ([passages([17, 17])], {"beside": ("of another call.pcapng",)}),
        ([passages([17, 0])], {}),
        ([], {}),
    ],
    ids=[
        "the client is heard",
        "its place is known",
        "none",
        "two",
        "beside another capture",
        "nothing passes",
        "no passages",
    ],
)
def test_nothing_is_said_where_it_is_no_client_s_or_nothing_reached_the_last_place(rows, options):
    given = seen(*rows, **options)
    found = with_places_apart(given)
    assert len(found.passages) == len(given.passages) and len(found.clocks) == len(given.clocks)


def test_another_flow_at_the_wan_is_not_taken_for_it():
    given = seen(passages([17, 17]))
    other = given.stun_messages.assign(src_addr=SERVER)
    assert len(with_places_apart(given.with_(stun_messages=other)).passages) == 1


CLIENTS = {
    "capture": CAPTURES["client"],
    "src_addr": CLIENT_PRIVATE,
    "dst_addr": SERVER_PUBLIC,
    "outcome": "unanswered",
}


def both_sides(*places, clocks=(), **changes):
    """Nine checks of the server as each of these places shows them, nine of the client at its own."""
    own = [check("client_to_server", time=60.0 + n, **CLIENTS | changes) for n in range(9)]
    sent = [row | {"capture": CAPTURES[place]} for place in places for row in unanswered(9)]
    shown = [{"capture": CAPTURES[place], "packets": 900} for place in (*places, "client")]
    return tables(captures=shown, clocks=clocks, bindings=[*sent, *own])


def stretches(found):
    rows = found.passages
    return [*zip(rows["from_capture"], rows["to_capture"], rows["sent"], rows["arrived"], strict=True)]


def test_checks_of_both_sides_that_no_capture_shows_together_are_lost_between_the_two():
    found = with_places_apart(both_sides("server"))
    assert stretches(found) == [("a.pcapng", "c.pcapng", 9, 0), ("c.pcapng", "a.pcapng", 9, 0)]
    assert found.passages["last_lost"].tolist() == [builders.at(9.0), builders.at(68.0)]
    assert found.clocks["place"].tolist() == ["server", "client"]
    assert found.clocks["offset_ms"].isna().tolist() == [False, True]


def test_the_place_farthest_from_the_server_is_the_one_before_the_client():
    found = with_places_apart(both_sides("server", "wan", clocks=[clock("server"), clock("wan")]))
    assert stretches(found) == [("b.pcapng", "c.pcapng", 9, 0), ("c.pcapng", "b.pcapng", 9, 0)]
    assert found.clocks["position"].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    "given",
    [
        both_sides("server", src_addr=CLIENT_PUBLIC, dst_addr=SERVER),
        both_sides("server", capture=CAPTURES["server"]),
        both_sides("server", leg=2),
        both_sides("server", purpose="discovery"),
        both_sides("server", outcome="response_only"),
        both_sides("server", "wan"),
    ],
    ids=["the same addresses", "one capture", "another leg", "no checks", "answers only", "no order"],
)
def test_nothing_is_said_where_they_may_be_no_places_of_one_leg(given):
    assert with_places_apart(given).passages.empty
