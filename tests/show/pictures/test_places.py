"""A call seen from several places: the map of what arrived, and the ladder with a column per place."""

import pytest

from postproc.model.calls import Call, Calls
from postproc.model.clocks import on_one_clock
from postproc.show.pictures.charts import series
from postproc.show.pictures.ladder import ladder
from postproc.show.pictures.layout import Layer, Picture
from postproc.show.pictures.places import MOST_ROWS, places, route
from postproc.show.pictures.timeline import _lanes, bindings
from tests.diagnose.places import CLOCKS, EVERY_PLACE, clock, passages, seen_from
from tests.diagnose.scenes import tables
from tests.show.pictures.looks import assert_good, outside, overlaps
from tests.show.pictures.scenes import run_of

SETS = ("large_lost", "one_way", "ports_changed", "ports_kept", "server_unheard", "site_drops")
CROSS = 2  # strokes of a cross


def built(*rows, **changes) -> Call:
    return Calls(tables(**seen_from(EVERY_PLACE, *rows) | changes))[1]


def recorded(name: str) -> Call:
    run = run_of(f"places/{name}")
    return Calls(run, on_one_clock(run))[1]


def texts(picture: Picture) -> list[str]:
    return [label.text for label in picture.labels]


@pytest.mark.parametrize("lang", ["en", "de"])
@pytest.mark.parametrize("name", SETS)
def test_nothing_overlaps_or_is_cut_off(name, lang):
    call = recorded(name)
    for picture in (places(call, lang), route(call, lang)):
        assert overlaps(picture) == [] and outside(picture) == []
    assert_good(ladder(call, lang).picture)


def test_over_time_each_thing_is_drawn_once_as_its_nearest_place_counts_it():
    call = recorded("ports_changed")
    lanes = [(lane.leg, lane.below, lane.note) for lane in _lanes(call, "en") if lane.name == "media PCMA"]
    assert [(leg, note) for leg, _, note in lanes if leg == 1] == [
        (1, "SRTP: 198 packets, 2 lost"),
        (1, "SRTP: 191 packets, 9 lost"),
    ]
    assert len(series(call)) == len(lanes) == 4
    drawn = texts(bindings(call))
    assert sum("nominated" in text for text in drawn) == 1


def test_the_map_has_what_arrived_of_what_was_sent_on_each_stretch():
    call = built(passages([17, 17, 0]), passages([14, 14, 13], "client_to_server"))
    said = texts(places(call))
    assert [text for text in said if " of " in text] == ["17 of 17", "0 of 17", "14 of 14", "13 of 14"]
    assert {"Server", "WAN", "Client", "STUN packets"} <= set(said)
    assert {"0 von 17", "STUN-Pakete"} <= set(texts(places(call, "de")))


def test_what_does_not_arrive_is_a_broken_arrow_and_what_arrives_in_part_has_a_sign():
    def counted(*counts):
        picture = places(built(passages(counts)))
        front = [stroke for stroke in picture.strokes if stroke.layer == Layer.TOP]
        signs = [area for area in picture.areas if len(area.points) == 3 and area.edge]
        return len(front), len(signs)

    assert counted(17, 17, 17) == (0, 0)
    assert counted(17, 17, 16) == (0, 1)
    assert counted(17, 17, 0) == (CROSS, 1)


def test_arrows_lead_along_the_way_of_the_packets():
    picture = places(built(passages([17, 17, 17]), passages([9, 9, 9], "client_to_server")))
    ways = [
        stroke.points[1][0] > stroke.points[0][0] for stroke in picture.strokes if stroke.layer == Layer.FRONT
    ]
    assert ways == [True, True, False, False]


@pytest.mark.parametrize(
    ("offset", "said"), [(-27620.0, "clock −28 s"), (5025000.0, "clock +1:23:45 h"), (None, "clock unknown")]
)
def test_each_place_says_how_its_clock_goes(offset, said):
    clocks = [*CLOCKS[:2], clock("client", offset_ms=offset)]
    shown = texts(places(built(passages([3, 3, 3]), clocks=clocks)))
    assert said in shown and "reference clock" in shown


def test_what_nat_makes_of_a_sender_stands_below_the_map():
    shown = texts(places(built(passages([17, 17, 17]))))
    assert "NAT between server and WAN: 10.0.50.118:30000 becomes 203.0.113.10:30000" in shown


def test_a_call_from_one_place_has_a_line_instead_and_very_many_legs_end_somewhere():
    assert "seen from one place only" in texts(places(Calls(tables())[1]))
    many = [row | {"leg": leg} for leg in range(1, 90) for row in passages([3, 3, 3])]
    picture = places(built(many))
    assert texts(picture).count("STUN packets") == MOST_ROWS


def test_the_ladder_of_places_shows_where_a_packet_is_lost():
    picture = route(recorded("server_unheard"))
    crosses = [stroke for stroke in picture.strokes if stroke.layer == Layer.TOP and len(stroke.points) == 2]
    assert len(crosses) >= CROSS
    columns = sorted({label.x for label in picture.labels if label.text in ("Server", "WAN", "Client")})
    ends = {round(stroke.points[1][0]) for stroke in picture.strokes if stroke.layer == Layer.FRONT}
    assert any(columns[1] < end < columns[2] - 5 for end in ends)  # behind the WAN, before the client


def test_dtls_that_is_lost_is_one_broken_arrow_with_the_counts():
    assert "DTLS 4 → 0" in texts(route(recorded("large_lost")))
    assert "DTLS 4 → 0" not in texts(route(recorded("ports_kept")))


def test_media_are_one_arrow_per_direction_with_what_each_place_shows():
    shown = texts(route(built(passages([543, 543, 486], kind="rtp"), timeline=[])))
    assert "RTP 543 → 543 → 486" in shown
    assert "RTP 1.543 → 1.543 → 0" in texts(
        route(built(passages([1543, 1543, 0], kind="rtp"), timeline=[]), "de")
    )


def test_the_plain_ladder_shows_what_several_places_saw_once_and_on_one_clock():
    """The client's clock is an hour ahead: nothing of it stands an hour later."""
    rows = ladder(recorded("one_way")).rows
    times = [row.event.time for row in rows if row.event]
    assert (max(times) - min(times)).total_seconds() < 60
    assert times == sorted(times)


def test_a_message_that_two_places_show_with_other_addresses_is_one_of_one_machine():
    """The phone behind NAT has another address at the server; its media reach nobody."""
    run = run_of("made/sip_alg_phone.pcapng", "made/sip_alg_server.pcapng")
    drawn = ladder(Calls(run, on_one_clock(run))[1])
    assert len(drawn.headings) == 2
    assert {"192.168.10.40", "198.51.100.94"} <= set(drawn.headings[0].hosts)
    events = [row.event for row in drawn.rows if row.event]
    assert [each.label.split()[0] for each in events if each.lane == "sip"].count("INVITE") == 1
    assert [each.arrives for each in events if each.lane == "media"] == [False, False]
