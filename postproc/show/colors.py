"""Colors of legs, STUN, DTLS and media, shared by Wireshark's profile and every picture.

``fill`` and ``text`` are background and foreground of the rule of that name in plugins/profile/colorfilters
(a test keeps both equal). ``line`` is the same hue, dark enough for a thin line on white (contrast 3:1 or
more, WCAG 2.2, section 1.4.11). Color never is the only distinction: legs carry their number, the others a
dash pattern or a word.
"""

from typing import NamedTuple

HELD = "#dfe2e6"  # background of spans on hold
INK, MUTED, FAINT, PAPER = "#1a1a1a", "#5f6368", "#d5d8dc", "#ffffff"


class Color(NamedTuple):
    """A set of matching colors; ``rule`` names the color rule of the profile that uses them."""

    rule: str
    fill: str
    text: str
    line: str


LEG_1 = Color("Legs: leg 1", "#c00010", "#ffffff", "#c00010")
LEG_2 = Color("Legs: leg 2", "#f79cbc", "#000000", "#d23a78")
FURTHER_LEG = Color("Legs: further leg", "#d08a1e", "#000000", "#a86a08")
CHECK = Color("Legs: STUN open", "#2f6fe4", "#ffffff", "#2f6fe4")
ANSWERED = Color("Legs: STUN success", "#7cbfff", "#000000", "#2f6fe4")
DISCOVERY = Color("Legs: discovery", "#a6eaff", "#000000", "#0f7fa8")
REFUSED = Color("Legs: STUN error", "#120463", "#ffffff", "#120463")
DTLS = Color("Legs: DTLS", "#5c4478", "#ffffff", "#5c4478")
MEDIA = Color("Legs: media", "#cff7cc", "#000000", "#2c7a2c")
PROBLEM = Color("Legs: problem", "#1a1a1a", "#ffd740", "#1a1a1a")


def leg(number: int | None) -> Color:
    """Return the color of a leg; None gives that of a further leg."""
    return {1: LEG_1, 2: LEG_2}.get(number or 0, FURTHER_LEG)


def tint(color: str, share: float) -> str:
    """Mix the color with white; ``share`` (0 to 1) of the color remains."""
    parts = [round(255 - (255 - int(color[n : n + 2], 16)) * share) for n in (1, 3, 5)]
    return "#" + "".join(f"{part:02x}" for part in parts)
