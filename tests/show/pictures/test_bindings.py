"""The bindings of a call, pair by pair."""

import pytest

from postproc.model.calls import Call, Calls
from postproc.model.tables import CALLS, Tables
from postproc.show.pictures.layout import Layer
from postproc.show.pictures.timeline import MOST_PAIRS, bindings
from tests import builders as b
from tests.show.pictures.looks import assert_good
from tests.show.pictures.test_ladder import CALLS as REAL

WAY = {"src_addr": "192.0.2.1", "src_port": 1, "dst_addr": "192.0.2.2", "dst_port": 2}
BACK = {"src_addr": "192.0.2.2", "src_port": 2, "dst_addr": "192.0.2.1", "dst_port": 1}
PAIR = {
    "call": 1,
    "leg": 1,
    "local_addr": "192.0.2.1",
    "local_port": 1,
    "local_type": "host",
    "remote_addr": "192.0.2.2",
    "remote_port": 2,
    "remote_type": "srflx",
    "first_time": 0,
    "last_time": 30,
    "sent": 3,
    "answered": 1,
}


def rows(*checks: dict, pairs: tuple[dict, ...] = (PAIR,)) -> Call:
    base = {"call": 1, "leg": 1, "purpose": "check", "outcome": "success"}
    return Calls(
        Tables(calls=CALLS.rows([{"call": 1}])).with_(
            bindings=b.bindings(*(base | WAY | check for check in checks)), pairs=b.pairs(*pairs)
        )
    )[1]


def texts(tables: Call, lang: str = "en") -> list[str]:
    return [label.text for label in bindings(tables, lang).labels]


@pytest.mark.parametrize("lang", ["en", "de"])
@pytest.mark.parametrize("name", REAL)
def test_nothing_overlaps_is_cut_off_or_struck_through(name: str, lang: str):
    run, call = REAL[name]()
    assert_good(bindings(Calls(run)[call], lang))


def test_silence_between_two_answers_is_named():
    unanswered = [{"time": n, "outcome": "unanswered"} for n in range(2, 20)]
    assert "19 s silence" in texts(rows({"time": 1}, *unanswered, {"time": 20}))
    assert "19 s Stille" in texts(rows({"time": 1}, *unanswered, {"time": 20}), "de")


def test_silence_to_the_last_check_is_named():
    assert "8.0 s silence" in texts(
        rows({"time": 1}, {"time": 5, "outcome": "unanswered"}, {"time": 9, "outcome": "pending"})
    )


def test_a_pause_without_checks_is_no_silence():
    assert not [text for text in texts(rows({"time": 1}, {"time": 20})) if "silence" in text]


def test_answers_in_time_are_no_silence():
    assert not [text for text in texts(rows(*({"time": n} for n in range(20)))) if "silence" in text]


def test_checks_of_either_side_stand_on_their_side_of_the_middle():
    picture = bindings(rows({"time": 1}, {"time": 2, **BACK}))
    marks = [stroke.points for stroke in picture.strokes if stroke.layer == Layer.TOP]
    (own_top, own_bottom), (far_top, _) = ((one[0][1], one[1][1]) for one in marks[:2])
    assert own_top < own_bottom < far_top


def test_checks_of_other_pairs_and_purposes_are_not_this_pairs():
    other = {"time": 3, "dst_port": 99, "outcome": "error"}
    before = bindings(rows({"time": 1}, {"time": 5}))
    after = bindings(
        rows({"time": 1}, other, {"time": 4, "purpose": "discovery", "outcome": "error"}, {"time": 5})
    )
    assert len(after.strokes) == len(before.strokes)


def test_what_became_of_a_pair_is_written_beside_it():
    said = texts(rows({"time": 1}, pairs=(PAIR | {"nominated": True}, PAIR | {"sent": 0, "remote_port": 5})))
    assert "1 of 3 answered, nominated" in said and "never checked" in said
    assert "192.0.2.1:1 host" in said and "↔ 192.0.2.2:2 srflx" in said


def test_hundreds_of_pairs_are_bounded():
    picture = bindings(rows(pairs=tuple(PAIR | {"remote_port": n} for n in range(200))))
    assert picture.height < 1300
    assert f"{200 - MOST_PAIRS} more not drawn" in [label.text for label in picture.labels]
    assert_good(picture)


def test_a_call_without_checks_says_so():
    assert "no connectivity checks" in texts(rows(pairs=()))
    assert "keine Connectivity Checks" in texts(rows(pairs=()), "de")
