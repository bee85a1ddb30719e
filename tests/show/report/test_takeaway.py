"""Filters and hand-out to take along."""

from postproc.model.tables import Tables
from postproc.show.report.calls import LINES, filters_of, hand_out, shelf
from tests import builders
from tests.show.report import scenes


def test_the_call_its_legs_and_the_plug_in_have_filters():
    held = filters_of(1, shelf(scenes.tables()), "en")
    assert [copy.label for copy in held] == ["Whole call", "With the plug-in", "Leg 1", "Leg 2"]
    assert held[0].text.startswith('sip.Call-ID in {"a1\\x40x", "b1\\x40x"} || ')
    assert [copy.text for copy in held[1:]] == [
        "legs.call == 1",
        'sip.Call-ID == "a1\\x40x"',
        'sip.Call-ID == "b1\\x40x"',
    ]


def test_in_a_run_of_several_captures_the_plug_in_counts_otherwise_and_has_no_filter():
    alone = scenes.tables()
    captures = builders.rows("captures", {"capture": "a.pcapng"}, {"capture": "b.pcapng"})
    held = shelf(alone.with_(captures=captures))
    assert [copy.label for copy in filters_of(1, held, "en")] == ["Whole call", "Leg 1", "Leg 2"]
    assert "legs.call" in hand_out(1, shelf(alone), "en").text
    assert "legs.call" not in hand_out(1, held, "en").text


def test_the_hand_out_names_the_server_s_port():
    handout = hand_out(1, shelf(scenes.tables()), "de")
    assert handout.long and "UDP-Port des Kandidaten des Servers: 30000" in handout.text


def test_a_call_id_of_60_kilobytes_makes_no_filter():
    legs = builders.legs({"call": 1, "leg": 1, "call_id": "x" * 60_000})
    taken = shelf(Tables(calls=builders.calls({"call": 1, "legs": 1}), legs=legs))
    assert [copy.label for copy in filters_of(1, taken, "en")] == ["With the plug-in"]
    assert "x" * 1000 not in hand_out(1, taken, "en").text


def test_of_very_many_flows_the_hand_out_says_how_many_lines_are_left_out():
    streams = (
        {"call": 1, "leg": 1, "dst_port": 2 * n, "first_time": 1.0, "last_time": 2.0} for n in range(100, 200)
    )
    held = Tables(calls=builders.calls({"call": 1, "legs": 1}), rtp_streams=builders.rtp_streams(*streams))
    lines = hand_out(1, shelf(held), "en").text.splitlines()
    assert len(lines) == LINES + 1 and lines[-1].endswith(" more")
