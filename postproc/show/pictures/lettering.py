"""How wide a text will be, and how it is made fit to be drawn.

Widths are those of DejaVu Sans, which matplotlib ships: a layout can be reckoned
and tested without a font. Fonts a browser takes in its place are narrower.
Texts come from strangers: what moves the cursor or turns the writing is taken out.
"""

import unicodedata
from functools import lru_cache

# Advance widths of the characters from space to tilde, in 1/1000 of the font size.
ASCII = (
    318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, 636, 636, 636, 636, 636,
    636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632, 575, 775, 752, 295,
    295, 656, 557, 863, 748, 787, 603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390, 337, 390, 838,
    500, 500, 613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612, 635, 635, 411, 521,
    392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838,
)  # fmt: skip
OTHERS = {"×": 838, "→": 838, "…": 1000, "·": 318, "–": 500}
WIDEST = 1300  # of the characters not reckoned one by one
BOLD = 1.24  # the most any character gains by being bold
LONGEST = 300  # characters of a text that are looked at
MARKS = 2  # combining marks kept on one character
ELLIPSIS = "…"


def plain(text: str | None) -> str:
    """The text on one line, without control, format and unassigned characters, and of bounded length."""
    if not text:
        return ""
    if text.isascii() and text.isprintable() and len(text) <= LONGEST:
        return " ".join(text.split())
    held = unicodedata.normalize("NFC", text[:LONGEST])
    kept: list[str] = []
    marks = 0
    for char in held:
        kind = unicodedata.category(char)
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        if kind[0] == "Z" or char in "\t\r\n":
            kept.append(" ")
        elif kind[0] != "C" and marks <= MARKS:
            kept.append(char)
    return " ".join("".join(kept).split()) + (ELLIPSIS if len(text) > LONGEST else "")


def width(text: str, size: float, *, bold: bool = False) -> float:
    """Width in points of a text set in ``size`` points, never less than it will be."""
    return sum(map(_advance, text)) * size / 1000 * (BOLD if bold else 1.0)


@lru_cache(maxsize=4096)
def _advance(char: str) -> int:
    code = ord(char)
    if 32 <= code < 127:
        return ASCII[code - 32]
    if unicodedata.combining(char):
        return 0
    base = unicodedata.normalize("NFD", char)[0]
    return ASCII[ord(base) - 32] if 32 <= ord(base) < 127 else OTHERS.get(char, WIDEST)


def shortened(text: str, room: float, size: float, *, bold: bool = False) -> str:
    """The text cut to so many points, an ellipsis at its end; "" where not even that fits."""
    if width(text, size, bold=bold) <= room:
        return text
    room -= width(ELLIPSIS, size, bold=bold)
    used, kept = 0.0, 0
    for char in text:
        used += width(char, size, bold=bold)
        if used > room:
            break
        kept += 1
    return text[:kept].rstrip() + ELLIPSIS if room >= 0 else ""


def middle_cut(text: str, room: float, size: float) -> str:
    """The text without its middle where it is too long: addresses are told apart by their ends."""
    if width(text, size) <= room:
        return text
    half = (room - width(ELLIPSIS, size)) / 2
    head = shortened(text, half + width(ELLIPSIS, size), size)[:-1]
    tail = shortened(text[::-1], half + width(ELLIPSIS, size), size)[:-1]
    return head + ELLIPSIS + tail[::-1] if half > 0 else ""
