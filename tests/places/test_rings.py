"""Places of which each was captured into a ring buffer: one clock and one name for all of its files."""

import re

import pytest

from pcaps.make.registry import SETS
from postproc import pipeline
from postproc.model.calls import Calls
from postproc.model.clocks import on_one_clock
from postproc.model.transit import spots
from postproc.show.comparison import comparison
from postproc.show.pictures.places import places, route
from tests.pieces import cut

PIECES = 5
CAPTURES = {"server": "server.pcapng", "wan": "wan.pcap", "client": "client.pcap"}
CLOCK = [
    "place",
    "position",
    "offset_ms",
    "drift_ppm",
    "drift_bound_ppm",
    "matched",
    "residual_ms",
    "bound_ms",
]
PASSED = ["kind", "direction", "sent", "arrived", "lost", "first_lost", "last_lost", "delay_ms", "reordered"]


@pytest.fixture(params=["large_lost", "ports_changed", "site_drops"], scope="module")
def name(request):
    return request.param


@pytest.fixture(scope="module")
def whole(name):
    return pipeline.run([SETS / name], report=False, jobs=1)


@pytest.fixture(scope="module")
def rings(name, tmp_path_factory):
    folder = tmp_path_factory.mktemp(name)
    for place, file in CAPTURES.items():
        cut(SETS / name / file, PIECES, folder / place)
    return pipeline.run([folder], report=False, jobs=1)


def texts(picture):
    """What a picture says, but for captures, frames, findings (at one frame each) and what is shortened."""
    said = [label.text for label in picture.labels]
    return [text for text in said if not re.search(r"pcap|…|#|\.$|^[A-Z]+\d{3}$", text)]


def test_clocks_and_passages_are_those_of_the_whole(whole, rings):
    assert rings.captures["recording"].nunique() == len(CAPTURES)
    for table, columns in (("clocks", CLOCK), ("passages", PASSED)):
        one, other = (getattr(run.tables, table)[columns].astype(object) for run in (whole, rings))
        assert (
            other.where(other.notna(), None).values.tolist() == one.where(one.notna(), None).values.tolist()
        )


def test_what_counts_where_and_what_is_wrong_is_as_of_the_whole(whole, rings):
    assert rings.calls[["verdict", "cause"]].equals(whole.calls[["verdict", "cause"]])
    assert rings.findings["name"].tolist() == whole.findings["name"].tolist()
    for table in ("bindings", "dtls", "rtp_streams"):
        counted = [getattr(run.tables, table)["counted_in"].isna().sum() for run in (whole, rings)]
        assert counted[0] == counted[1]


def test_places_have_their_names_and_order(rings):
    call = Calls(rings)[1]
    assert [(spot.name, spot.position) for spot in spots(call)] == [
        (name, n) for n, name in enumerate(CAPTURES, 1)
    ]


def test_pictures_show_all_files_by_one_clock(whole, rings):
    one, other = (Calls(run, on_one_clock(run))[1] for run in (whole, rings))
    for picture in (places, route):
        assert texts(picture(other)) == texts(picture(one))
    assert [row.time for row in other.timeline] == [row.time for row in one.timeline]


def test_a_name_given_to_one_file_is_the_recording_s(rings):
    file = next(name for name in rings.captures["capture"] if name.startswith("client"))
    lines = comparison(rings.tables, {file: "home office"}, "en")
    assert lines[0].endswith("server → WAN → home office")
    assert sum("the others' clocks are compared with its" in line for line in lines) == 1
    passed = [line for line in lines if " of " in line]
    assert passed
    assert not [line for line in passed if "pcap" in line]
