"""A picture of the steps of many calls' walks, which shows where calls stop."""

from collections.abc import Mapping, Sequence

from postproc.model.text import Lang
from postproc.model.vocabulary import STATES
from postproc.show.colors import FAINT, INK, MUTED, PAPER
from postproc.show.pictures.layout import Area, Label, Picture, plain, rectangle, shortened
from postproc.show.pictures.wording import say
from postproc.show.store import Walks

LEFT, TOP, WIDE, HIGH = 48.0, 62.0, 96.0, 14.0  # of the cells: their corner, width and height
MOST = 200  # calls drawn; a choice: nobody reads more rows
# Fill and sign by state; the colors differ in lightness, too, and the sign makes color redundant.
SHOWN: Mapping[str, tuple[str, str]] = {
    "passed": ("#cfe8cf", "✓"),
    "failed": ("#d9534f", "✗"),
    "cannot_tell": ("#f3c67a", "?"),
    "not_needed": (PAPER, "–"),
    "not_reached": (PAPER, "·"),
}


def steps(walks: Walks, calls: Sequence[int], lang: Lang = "en") -> Picture:
    """Lay out a row for each of the ``calls``, in their order, with a cell for each step."""
    shown = [call for call in calls if walks.get(call)][:MOST]
    names = {step["step"]: step["question"] for call in shown for step in walks[call]}
    columns = {name: LEFT + n * WIDE for n, name in enumerate(names)}
    width = LEFT + WIDE * max(len(columns), 3) + 12
    picture = Picture(width, TOP + HIGH * len(shown) + 24, say("steps", lang))
    picture.write(Label(12, 16, say("steps", lang), 10.5, color=INK, bold=True))
    for name, x in columns.items():
        for line, part in enumerate(_in_two(plain(names[name]), WIDE - 6)):
            picture.write(Label(x + WIDE / 2, TOP - 18 + 10 * line, part, 7, align="center", color=MUTED))
    for n, call in enumerate(shown):
        y = TOP + n * HIGH
        picture.write(Label(LEFT - 8, y + 10, str(call), 8, align="right", color=INK))
        for step in walks[call]:
            fill, sign = SHOWN.get(step["state"], SHOWN["cannot_tell"])
            x = columns[step["step"]]
            picture.areas.append(Area(rectangle(x, y, x + WIDE - 2, y + HIGH - 2), fill, FAINT))
            picture.write(Label(x + WIDE / 2, y + 9.5, sign, 8, align="center", color=INK))
    legend = "   ".join(f"{sign} {STATES[state].of(lang)}" for state, (_, sign) in SHOWN.items())
    picture.write(Label(12, TOP + HIGH * len(shown) + 14, legend, 7.5, color=MUTED))
    return picture


def _in_two(text: str, width: float) -> tuple[str, str]:
    """Split the question into two lines, each cut to ``width`` points."""
    words = text.split()
    half = (len(words) + 1) // 2
    return shortened(" ".join(words[:half]), width, 7), shortened(" ".join(words[half:]), width, 7)
