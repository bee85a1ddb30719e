"""The time picture of a call: which lanes, bars and marks there are."""

from itertools import pairwise

import pandas as pd
import pytest

from postproc.model.calls import Calls
from postproc.model.tables import FINDINGS
from postproc.show import colors
from postproc.show.pictures.annotations import TimeAxis
from postproc.show.pictures.lanes import FULL, MEDIUM, THIN, Frame, Lane, Span, Tick, draw_lanes
from postproc.show.pictures.layout import Layer, Picture
from postproc.show.pictures.timeline import _lanes, timeline
from tests.builders import at
from tests.show.pictures import scenes
from tests.show.pictures.looks import outside, overlaps
from tests.show.pictures.test_ladder import CALLS


def rows(name: str):
    run, call = CALLS[name]()
    return Calls(run)[call]


def lanes(name: str, lang: str = "en") -> dict[tuple[str, int | None, str], Lane]:
    return {(lane.name, lane.leg, lane.below): lane for lane in _lanes(rows(name), lang)}


@pytest.mark.parametrize("lang", ["en", "de"])
@pytest.mark.parametrize("name", CALLS)
def test_nothing_overlaps_or_is_cut_off(name: str, lang: str):
    picture = timeline(rows(name), lang)
    assert overlaps(picture) == [] and outside(picture) == []


def test_lanes_of_the_good_call():
    assert list(lanes("good")) == [
        ("leg 1", 1, "721 → +498984079810"),
        ("leg 2", 2, "721 → +498984079810"),
        ("media phases", 1, ""),
        ("media phases", 2, ""),
        ("candidates, client", 1, ""),
        ("candidates, server", 1, ""),
        ("checks", 1, "client → server"),
        ("checks", 1, "server → client"),
        ("STUN look-ups", 1, ""),
        ("DTLS", 1, ""),
        ("media PCMA", 1, "client → server"),
        ("media PCMA", 1, "server → client"),
        ("media PCMA", 2, "10.0.50.118 → 10.0.50.20"),
        ("media PCMA", 2, "10.0.50.20 → 10.0.50.118"),
    ]


def test_a_leg_rings_and_talks():
    leg = lanes("good")["leg 2", 2, "721 → +498984079810"]
    assert [(span.half, span.text) for span in leg.spans] == [
        (THIN, ""),
        (MEDIUM, "ringing 2.5 s"),
        (FULL, "talk 8.1 s"),
    ]
    assert leg.spans[0].end == leg.spans[1].start and leg.spans[1].end == leg.spans[2].start
    assert leg.note == "200 completed" and leg.color == colors.LEG_2 and not leg.spans[2].open


def test_phases_say_who_may_send_where_not_both_may():
    lane = lanes("re-INVITE", "de")["Medienphasen", 1, ""]
    assert [(span.text, span.short, span.fill) for span in lane.spans] == [
        ("Early Media", "Early Media", colors.PAPER),
        ("Gespräch", "Gespräch", colors.MEDIA.fill),
        ("gehalten, nur die Gegenseite darf senden", "gehalten", colors.HELD),
        ("ICE-Neustart", "ICE-Neustart", colors.MEDIA.fill),
    ]
    assert all(one.end == after.start for one, after in pairwise(lane.spans))


def test_media_that_stop_leave_a_silence_up_to_the_phases_end():
    run = scenes.run_of("good.pcapng")
    end = run.phases["ended"].max()
    half = run.rtp_streams["first_time"].min() + pd.Timedelta(seconds=4.5)
    seconds = run.rtp_seconds[run.rtp_seconds["last_time"] < half]
    streams = run.rtp_streams.assign(last_time=run.rtp_streams["last_time"].clip(upper=half))
    cut = run.tables.with_(rtp_seconds=seconds, rtp_streams=streams)
    media = [lane for lane in _lanes(Calls(cut)[1], "en") if lane.name.startswith("media PCMA")]
    assert all(lane.spans[-1].end <= half for lane in media)
    silent = [rule for lane in media for rule in lane.rules]
    assert len(silent) == 4 and all(rule.end <= end and rule.text.endswith("s silence") for rule in silent)


def test_a_leg_that_does_not_end_in_the_capture_is_open():
    run = scenes.run_of("good.pcapng")
    cut = run.tables.with_(legs=run.legs.assign(end_time=None))
    spans = [lane.spans[-1] for lane in _lanes(Calls(cut)[1], "en") if lane.name.startswith("leg")]
    assert all(span.open and span.end > span.start for span in spans)


def test_attempts_are_marked_by_outcome():
    lane = lanes("no_binding_success")["checks", 1, "server → client"]
    assert [tick.shape for tick in lane.ticks] == ["hollow"] * 15 + ["dot"] * 2
    assert lane.note == "0/17 answered"
    good = lanes("good", "de")["Checks", 1, "Server → Client"]
    assert {tick.shape for tick in good.ticks} == {"bar"} and good.note == "11/11 beantwortet"


def test_a_refused_call_has_no_ringing_and_no_talk():
    leg = lanes("acl_403")["leg 1", 1, "721 → +498984079810"]
    assert [span.half for span in leg.spans] == [THIN] and leg.note == "403 failed"


def test_a_handshake_that_does_not_complete_is_open_and_pale():
    lane = next(
        lane for lane in _lanes(Calls(scenes.run_of("dtls_fail.pcapng"))[1], "en") if lane.name == "DTLS"
    )
    assert [(span.open, span.fill) for span in lane.spans] == [(True, colors.PAPER)]


def test_log_lines_stand_in_a_lane_of_their_own():
    run = scenes.run_of("good.pcapng")
    lines = scenes.timeline(
        {"lane": "log", "time": run.timeline["time"].iloc[3]},
        {"lane": "log", "time": run.timeline["time"].iloc[9], "severity": "error"},
    )
    held = list(_lanes(Calls(run.tables.with_(timeline=lines))[1], "en"))
    assert [
        (lane.name, lane.note, [tick.shape for tick in lane.ticks]) for lane in held if lane.name == "log"
    ] == [("log", "2", ["bar", "triangle"])]


def test_findings_at_one_time_are_stacked():
    run = scenes.run_of("good.pcapng")
    found = FINDINGS.rows(
        {
            "capture": "good.pcapng",
            "frame": 4,
            "call": 1,
            "code": f"ICE00{n}",
            "severity": "error",
            "verdict": "fault",
            "title": f"finding {n}",
        }
        for n in range(4)
    )
    picture = timeline(Calls(run.tables.with_(findings=found))[1])
    assert overlaps(picture) == [] and outside(picture) == []
    texts = [label.text for label in picture.labels]
    assert texts.count("ICE002") == 2 and "finding 3" in texts


def test_words_stand_in_a_bar_beside_it_or_not_at_all():
    axis = TimeAxis(at(0), at(1000), 100, 400)
    spans = [
        Span(at(0), at(500), "#fff", "#000", text="inside"),
        Span(at(900), at(910), "#fff", "#000", text="a long text that has no room"),
    ]
    short = [Span(at(0), at(10), "#fff", "#000", text="beside")]
    picture = Picture(500, 100, "p")
    draw_lanes(picture, [Lane("a", spans=spans), Lane("b", spans=short)], Frame(10, axis, 410, 10))
    words = {label.text: label for label in picture.labels}
    assert words["inside"].align == "center" and words["beside"].align == "left"
    assert "a long text that has no room" not in words


def test_every_shape_of_mark_is_drawn_where_it_belongs():
    axis = TimeAxis(at(0), at(1000), 100, 200)
    for shape in ("bar", "cross", "hollow", "dot", "diamond", "triangle"):
        picture = Picture(300, 60, "p")
        draw_lanes(picture, [Lane("a", ticks=[Tick(at(500), shape, "#123456")])], Frame(10, axis, 210, 10))
        drawn = [point for area in picture.areas if area.layer == Layer.TOP for point in area.points]
        drawn += [point for stroke in picture.strokes for point in stroke.points]
        assert drawn and all(abs(x - 150) < 5 and abs(y - 20) < 5 for x, y in drawn)
