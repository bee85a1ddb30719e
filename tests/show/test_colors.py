"""One palette: Wireshark's profile and the pictures agree, and everything can be read."""

import pytest
from coloraide import Color as Shade

from postproc.show import colors
from postproc.show.colors import PAPER, Color, leg, tint
from tests.conftest import PCAPS

SHARED = [color for color in vars(colors).values() if isinstance(color, Color)]
PROFILE = PCAPS.parent / "plugins" / "profile" / "colorfilters"


def rules() -> dict[str, tuple[str, str]]:
    """Background and text of each rule of the profile: ``@name@filter@[bg][fg]``, 16 bit a part."""
    found = {}
    for line in PROFILE.read_text().splitlines():
        if line.startswith("@"):
            _, name, _, painted = line.split("@")
            back, text = painted.strip("[]").split("][")
            found[name] = _hex(back), _hex(text)
    return found


def _hex(parts: str) -> str:
    return "#" + "".join(f"{int(part) // 257:02x}" for part in parts.split(","))


@pytest.mark.parametrize("color", SHARED, ids=lambda color: color.rule)
def test_pictures_have_the_colours_of_the_profile(color: Color):
    assert (color.fill, color.text) == rules()[color.rule]


@pytest.mark.parametrize("color", SHARED, ids=lambda color: color.rule)
def test_texts_and_lines_can_be_read(color: Color):
    """WCAG 2.2: 4.5 for texts (1.4.3), 3 for lines (1.4.11)."""
    assert Shade(color.fill).contrast(color.text, method="wcag21") >= 4.5
    assert Shade(color.line).contrast(PAPER, method="wcag21") >= 4.3


def test_legs_have_their_colours_and_later_ones_share_one():
    assert [leg(n).rule for n in (1, 2, 3, 9, None)] == [
        "Legs: leg 1",
        "Legs: leg 2",
        "Legs: further leg",
        "Legs: further leg",
        "Legs: further leg",
    ]


def test_a_tint_is_nearer_to_white():
    assert tint("#000000", 0.5) == "#808080"
    assert tint("#cff7cc", 0) == "#ffffff" and tint("#cff7cc", 1) == "#cff7cc"
