"""Every set of pcaps/places against its truth: clocks, what was sent and arrived where, one call."""

import json
from itertools import pairwise

import pytest

from pcaps.make import places
from pcaps.make.registry import SETS
from postproc import pipeline

NAMES = sorted(folder.name for folder in SETS.iterdir())
WAY = ["server", "wan", "client"]
CAPTURES = {"server": "server.pcapng", "wan": "wan.pcap", "client": "client.pcap"}
OFFSET_MS, DRIFT_PPM, PACKETS = 20, 40, 2


@pytest.fixture(params=NAMES, scope="module")
def name(request):
    return request.param


@pytest.fixture(scope="module")
def truth(name):
    return json.loads((SETS / name / "truth.json").read_text())


@pytest.fixture(scope="module")
def tables(name):
    return pipeline.run([SETS / name], jobs=1).tables


def test_every_set_is_there():
    assert sorted(places.SETS) == NAMES


def test_making_again_gives_the_same_bytes(name):
    made = places.make(name)
    assert {file: (SETS / name / file).read_bytes() for file in made} == made


def test_clocks_are_told_from_the_packets(tables, truth):
    clocks = tables.clocks.set_index("capture")
    assert set(clocks["reference"]) == {CAPTURES["server"]}
    for place, offset in truth["offset_ms"].items():
        row = clocks.loc[CAPTURES[place]]
        assert row["offset_ms"] == pytest.approx(offset, abs=OFFSET_MS)
        off = abs(row["drift_ppm"] - truth["drift_ppm"][place])
        assert off < max(DRIFT_PPM, row["drift_bound_ppm"])  # calls of 5 s tell it no better
        assert place == "client" or off < DRIFT_PPM


def test_the_places_stand_in_their_order(tables):
    clocks = tables.clocks.set_index("capture")
    found = {
        place: (clocks.loc[file, "place"], clocks.loc[file, "position"]) for place, file in CAPTURES.items()
    }
    assert found == {place: (place, number) for number, place in enumerate(WAY, 1)}


def test_what_was_sent_and_arrived_is_counted_on_each_stretch(tables, truth):
    columns = ["kind", "direction", "from_capture", "to_capture"]
    rows = tables.passages.groupby(columns)[["sent", "arrived"]].sum()
    for key, seen in truth["seen"].items():
        kind, direction = key.split()
        for sender, receiver in pairwise(WAY if direction == "server_to_client" else WAY[::-1]):
            stretch = (kind, direction, CAPTURES[sender], CAPTURES[receiver])
            sent, arrived = rows.loc[stretch] if stretch in rows.index else (0, 0)
            assert abs(sent - seen[sender]) <= PACKETS, stretch
            assert abs(arrived - seen[receiver]) <= PACKETS, stretch


def test_a_call_at_three_places_is_one_call_with_its_legs_once(tables, truth):
    assert len(tables.calls) == truth["number_of_calls"]
    assert tables.legs["call_id"].is_unique
    assert set(tables.passages["call"]) == {1}
