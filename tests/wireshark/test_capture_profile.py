"""A profile for one capture colours what it should, without the plug-in, whatever the Call-IDs."""

from dataclasses import replace
from pathlib import Path

import pytest

import postproc
from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.lab import SATELLITE
from pcaps.make.builders.product import pcapng
from pcaps.make.builders.recording import Recording
from postproc.model.tables import BINDINGS, LEGS, Tables
from postproc.pipeline import Run
from postproc.wireshark import bundle as shipped
from postproc.wireshark.capture_profile import SET_SIZE, profile, profile_name, rule_filters
from tests.plugins import bundle as bundles
from tests.plugins.bundle import Bundle, bad_filters, color_rules, named, table
from tests.plugins.dissected import ROOT

PCAPS = ROOT / "pcaps"
HOSTILE = [
    ('9f"18@10.0.0.5', "back\\slash@b2bua"),
    ("a.b*c+d?(e)[f]{g}|^$@x", "ümläut-日本@x"),
    ("${call1}$1@x", "semi;colon,comma@x#[0,0,0]"),
]


def written(folder: Path, capture: Path) -> tuple[Bundle, Run]:
    """The profile "P" made for a capture, in a configuration that knows no plug-in."""
    run = postproc.analyze(capture)
    target = folder / "profiles" / "P"
    target.mkdir(parents=True)
    for name, data in profile(run.tables, shipped.profile()).items():
        (target / name).write_bytes(data)
    return Bundle(folder), run


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> Path:
    """Three calls whose Call-IDs mean something to filters, macros, colour rules or regular expressions."""
    recording = Recording("2026-12-04T00:00:00")
    for nth, (first, second) in enumerate(HOSTILE):
        own = {"sip_server": ("10.0.50.117", 4910 + nth), "media": ("10.0.50.118", 31802 + 2 * nth)}
        lab = replace(SATELLITE, **own, trunk_media=("10.0.50.118", 31000 + 2 * nth))
        call = Call(recording, f"hostile {nth}", lab, callee=f"+4989361{nth}55{nth}")
        call.leg1.call_id, call.leg2.call_id = first, second
        call.play(0.1 + 20 * nth, talk=0.3)
    capture = tmp_path_factory.mktemp("hostile") / "hostile.pcapng"
    capture.write_bytes(pcapng(recording))
    return capture


def test_legs_of_hostile_call_ids_have_their_colours(hostile: Path, tmp_path: Path) -> None:
    made, run = written(tmp_path, hostile)
    assert set(run.legs["call_id"]) == {call_id for pair in HOSTILE for call_id in pair}
    legs = dict(zip(run.legs["call_id"], run.legs["leg"], strict=True))
    colors = made.colors(hostile, profile="P")
    messages = zip(run.sip_messages["frame"], run.sip_messages["call_id"], strict=True)
    expected = {frame: f"Legs: leg {legs[call_id]}" for frame, call_id in messages}
    assert len(expected) > 30
    assert {frame: colors[frame] for frame in expected} == expected


def test_macros_of_hostile_calls_show_each_call_alone(hostile: Path, tmp_path: Path) -> None:
    made, run = written(tmp_path, hostile)
    seen: set[int] = set()
    for call in (1, 2, 3):
        frames = set(made.frames(hostile, f"${{call{call}}}", profile="P"))
        ids = set(run.legs.loc[run.legs["call"] == call, "call_id"])
        assert frames >= set(run.sip_messages.loc[run.sip_messages["call_id"].isin(ids), "frame"])
        assert len(frames) > 50
        assert not frames & seen
        seen |= frames
    second = run.legs.loc[(run.legs["call"] == 2) & (run.legs["leg"] == 2), "call_id"].item()
    messages = run.sip_messages.loc[run.sip_messages["call_id"] == second, "frame"]
    assert made.frames(hostile, "${call2leg2}", profile="P") == sorted(messages)


@pytest.mark.parametrize("name", ["good", "no_binding_success", "made/classic_stun", "made/three_legs"])
def test_frames_are_coloured_as_with_the_plugin(name: str, tmp_path: Path) -> None:
    capture = PCAPS / f"{name}.pcapng"
    without, _ = written(tmp_path / "without", capture)
    (tmp_path / "with").mkdir()
    plugin = bundles.make(tmp_path / "with")
    assert without.colors(capture, profile="P") == plugin.colors(capture)


def test_every_filter_of_a_made_profile_compiles(hostile: Path, tmp_path: Path) -> None:
    made, _ = written(tmp_path, hostile)
    texts = {path.name: path.read_text() for path in (tmp_path / "profiles" / "P").iterdir()}
    assert not any("legs." in text for text in texts.values())
    assert "profile_settings" not in texts
    macros = {row[0]: row[1] for row in table(texts["dfilter_macros"])}
    assert macros == named(texts["dmacros"])
    filters = {f"colour {name}": body for name, body in color_rules(texts["colorfilters"]).items()}
    filters |= {f"button {row[1]}": row[2] for row in table(texts["dfilter_buttons"])}
    filters |= {f"filter {name}": body for name, body in named(texts["dfilters"]).items()}
    filters |= {f"macro {name}": f"${{{name}}}" for name in macros if name.startswith("call")}
    assert len(filters) > 20
    assert bad_filters(made, hostile, filters, profile="P") == {}


def test_rules_without_anything_to_colour_are_left_out() -> None:
    made = profile(Tables(), shipped.profile())
    names = set(color_rules(made["colorfilters"].decode()))
    assert names >= {"Legs: problem", "Legs: DTLS", "Legs: media"}
    assert not names & {"Legs: leg 1", "Legs: STUN open", "Legs: STUN error"}


def test_large_sets_are_split_and_compile(tmp_path: Path) -> None:
    count = 4 * SET_SIZE
    legs = LEGS.rows(
        {"capture": "c", "frame": n, "call": n, "leg": 1, "call_id": f"{n}@x"} for n in range(count)
    )
    ids = [{"capture": "c", "transaction_id": f"{n:024x}", "outcome": "unanswered"} for n in range(count)]
    rules = rule_filters(Tables().with_(legs=legs, bindings=BINDINGS.rows(ids)))
    assert rules["Legs: leg 1"].count("sip.Call-ID in") == 4
    made = bundles.Bundle(tmp_path)
    (tmp_path / "profiles" / "P").mkdir(parents=True)
    assert bad_filters(made, PCAPS / "good.pcapng", {"open": rules["Legs: STUN open"]}, profile="P") == {}


@pytest.mark.parametrize(
    ("capture", "name"),
    [
        ("good.pcapng", "Legs good"),
        ("../../etc/passwd", "Legs passwd"),
        ("C:\\tmp\\Büro 3.pcapng", "Legs Buro_3"),
        ("日本.pcap", "Legs capture"),
        ("..", "Legs capture"),
        ("a@b!\x1b[31m.pcap", "Legs a_b_31m"),
        ("x" * 300, "Legs " + "x" * 40),
    ],
)
def test_a_profiles_name_is_never_a_path(capture: str, name: str) -> None:
    assert profile_name(capture) == name
