"""The colours of the profile can be read, and told apart by people who see fewer colours."""

from itertools import combinations

import pytest
from coloraide import Color

from tests.plugins.bundle import COLOR_LINE, PROFILE

READABLE = 4.5  # WCAG 2.2, section 1.4.3
# CIEDE2000. 2.3 is just noticed side by side; rows of a list are not always beside each other.
APART = 8.0
PLAIN = "#ffffff"  # rows that no rule colours


def palette() -> dict[str, tuple[str, str]]:
    """Name of the rule -> background and text."""
    lines = (PROFILE / "colorfilters").read_text(encoding="utf-8").splitlines()
    found = [match for line in lines if (match := COLOR_LINE.fullmatch(line))]
    return {each[1]: (rgb(*each.groups()[2:5]), rgb(*each.groups()[5:8])) for each in found}


def rgb(*levels: str) -> str:
    """16 bits a channel, as Wireshark writes it, to #rrggbb."""
    return "#" + "".join(f"{int(level) >> 8:02x}" for level in levels)


def background(name: str, vision: str | None) -> Color:
    color = Color(palette()[name][0] if name else PLAIN)
    return color.filter(vision) if vision else color


@pytest.mark.parametrize("name", palette())
def test_text_is_readable_on_its_background(name: str) -> None:
    fill, text = palette()[name]
    assert Color(fill).contrast(text, method="wcag21") >= READABLE


@pytest.mark.parametrize("vision", [None, "protan", "deutan", "tritan"])
def test_backgrounds_are_told_apart(vision: str | None) -> None:
    names = [name for name, (fill, _) in palette().items() if fill != PLAIN]
    fills = {name: background(name, vision) for name in ["", *names]}
    apart = {pair: fills[pair[0]].delta_e(fills[pair[1]], method="2000") for pair in combinations(fills, 2)}
    assert len(names) == 11
    assert {pair: round(distance, 1) for pair, distance in apart.items() if distance < APART} == {}


def test_red_and_green_alone_would_not_pass() -> None:
    """The measure itself: a red and a green that are one olive to who lacks a cone."""
    red, green = Color("#b34d00"), Color("#7f7f00")
    assert red.delta_e(green, method="2000") > 3 * APART
    assert red.filter("protan").delta_e(green.filter("protan"), method="2000") < 2 * APART


def test_legs_are_red_and_pink_and_stun_is_blue() -> None:
    hues = {
        name.removeprefix("Legs: "): Color(fill).convert("oklch") for name, (fill, _) in palette().items()
    }
    assert 15 < hues["leg 1"]["hue"] < 35
    assert hues["leg 1"]["chroma"] > 0.18
    assert hues["leg 2"]["hue"] > 345 or hues["leg 2"]["hue"] < 10
    assert hues["leg 2"]["lightness"] > 0.75
    for name in ("STUN success", "STUN open", "STUN error"):
        assert 230 < hues[name]["hue"] < 285
