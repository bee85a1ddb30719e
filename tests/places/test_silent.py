"""A capture that shows nothing at all, beside places that the server's packets pass."""

import pytest

from postproc.places.silent import with_silent_client
from tests import builders
from tests.builders import SERVER
from tests.diagnose.places import CAPTURES, clock, passages
from tests.diagnose.scenes import CLIENT_PUBLIC, SERVER_PUBLIC, tables

AT_WAN = {"capture": CAPTURES["wan"], "src_addr": SERVER_PUBLIC, "dst_addr": CLIENT_PUBLIC}


def seen(*rows, client="wan", silent=(CAPTURES["client"],)):
    """A call at server and WAN, which is called ``client``; and captures without a packet."""
    places = [clock("server"), clock("wan") | {"place": client}]
    shown = [{"capture": name, "packets": 900} for name in (CAPTURES["server"], CAPTURES["wan"])]
    empty = [{"capture": name, "packets": 0, "first_time": None, "last_time": None} for name in silent]
    return tables(
        captures=shown + empty,
        clocks=places,
        passages=[row for held in rows for row in held],
        stun_messages=[AT_WAN | {"time": 5.0 + n, "frame": 7 + n} for n in range(3)],
    )


def test_what_passes_the_wan_is_lost_on_the_way_to_the_client():
    found = with_silent_client(seen(passages([17, 17])))
    row = found.passages.iloc[-1]
    assert (row["from_capture"], row["to_capture"], row["sent"], row["arrived"], row["lost"]) == (
        CAPTURES["wan"], CAPTURES["client"], 17, 0, 17,
    )  # fmt: skip
    assert (row["frame"], row["first_lost"], row["last_lost"]) == (7, builders.at(5.0), builders.at(7.0))
    assert (row["from_src_addr"], row["from_dst_addr"]) == (SERVER_PUBLIC, CLIENT_PUBLIC)
    place = found.clocks.iloc[-1]
    assert (place["capture"], place["place"], place["position"], place["certainty"]) == (
        CAPTURES["client"], "client", 3, 0.0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "options"),
    [
        ([passages([17, 17]), passages([0, 4, 4], "client_to_server")], {}),
        ([passages([17, 17])], {"client": "client"}),
        ([passages([17, 17])], {"silent": ()}),
        ([passages([17, 17])], {"silent": (CAPTURES["client"], "d.pcapng")}),
        ([passages([17, 0])], {}),
        ([], {}),
    ],
    ids=["the client is heard", "its place is known", "none", "two", "nothing passes", "no passages"],
)
def test_nothing_is_said_where_it_is_no_client_s_or_nothing_reached_the_last_place(rows, options):
    given = seen(*rows, **options)
    found = with_silent_client(given)
    assert len(found.passages) == len(given.passages) and len(found.clocks) == len(given.clocks)


def test_another_flow_at_the_wan_is_not_taken_for_it():
    given = seen(passages([17, 17]))
    other = given.stun_messages.assign(src_addr=SERVER)
    assert len(with_silent_client(given.with_(stun_messages=other)).passages) == 1
