"""The SVG of a picture: well-formed, inert, small, the same each time."""

import re
from xml.etree import ElementTree

from postproc.model.calls import Calls
from postproc.show import pictures
from postproc.show.colors import INK
from postproc.show.pictures import svg
from postproc.show.pictures.layout import DASHED, Area, Label, Picture, Stroke, rectangle
from tests.show.pictures import scenes

SVG = "{http://www.w3.org/2000/svg}"


def simple(*labels: Label) -> Picture:
    return Picture(
        120,
        80,
        "A <title> & more",
        strokes=[Stroke(((1, 2), (3.456, 4)), "#123456", 1.5, DASHED)],
        areas=[Area(rectangle(0, 0, 10, 10), "#ff0000", INK)],
        labels=[Label(10, 20, "text"), *labels],
    )


def test_it_is_well_formed_and_says_what_it_shows():
    root = ElementTree.fromstring(svg.element(simple(), "x"))
    assert root.tag == f"{SVG}svg" and root.get("role") == "img"
    title = root.find(f"{SVG}title")
    assert title is not None and title.text == "A <title> & more"
    assert root.get("aria-labelledby") == title.get("id") == "x-title"


def test_texts_stay_texts_and_inert():
    hostile = '<script>alert(1)</script> & "]]> --> $\\frac{1}{2}$ </svg>'
    root = ElementTree.fromstring(svg.element(simple(Label(5, 50, hostile))))
    assert [text.text for text in root.iter(f"{SVG}text")] == ["text", hostile]
    assert not list(root.iter(f"{SVG}script"))


def test_inks_follow_the_page_and_colours_stay():
    text = svg.element(simple())
    assert 'stroke="var(--plot-ink,#1a1a1a)"' in text and 'fill="var(--plot-paper,#ffffff)"' in text
    assert "style=" not in text, "a page's policy forbids it"
    assert 'fill="#ff0000"' in text and 'stroke-dasharray="4 2"' in text


def test_the_same_picture_gives_the_same_bytes_and_another_one_another_id():
    one, other = svg.element(simple()), svg.element(simple(Label(1, 60, "more")))
    assert one == svg.element(simple())
    ids = [re.findall(r'id="([^"]+)"', text) for text in (one, other)]
    assert len(ids[0]) == len(ids[1]) == 1 and ids[0] != ids[1]


def test_all_pictures_of_a_call_are_small_and_bear_ids_of_their_own():
    held = pictures.svgs(Calls(scenes.run_of("good.pcapng"))[1])
    assert list(held) == ["ladder", "call_timeline", "bindings", "media"]
    assert sum(map(len, held.values())) < 50_000
    ids = re.findall(r'id="([^"]+)"', "".join(held.values()))
    assert ids == [
        "call1-ladder-title",
        "call1-call_timeline-title",
        "call1-bindings-title",
        "call1-media-title",
    ]
    for text in held.values():
        ElementTree.fromstring(text)


def test_a_call_from_several_places_has_two_more():
    held = pictures.svgs(Calls(scenes.run_of("places/ports_kept"))[1])
    assert list(held)[:3] == ["places", "route", "ladder"]


def test_nothing_is_fetched_and_nothing_runs():
    text = "".join(pictures.svgs(Calls(scenes.run_of("two_calls.pcapng"))[2]).values())
    assert not re.search(r"<(script|style|image|use|foreignObject|a)\b|\bon\w+=|url\(|href", text)
