"""A screen without a monitor, seen and used as a person would: pictures, words in them, clicks, keys."""

import csv
import io
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from PIL import Image, ImageChops, ImageGrab

PROGRAMS = ("Xvfb", "xdotool", "tesseract", "xclip")
LINE, GAP = 8, 120  # pixels between the middles of neighbouring words, down and across
ENLARGED = 3  # small letters are read better when they are larger
DONE = TypeVar("DONE")
Box = tuple[int, int, int, int]  # left, top, right, bottom


def missing() -> str | None:
    """Why there can be no screen; None if there can."""
    absent = [program for program in PROGRAMS if not shutil.which(program)]
    return f"not installed: {', '.join(absent)}" if absent else None


def until(look: Callable[[], DONE | None], seconds: float = 20, what: str = "what was waited for") -> DONE:
    """Return the first true answer; AssertionError if there is none in time."""
    found = within(seconds, look)
    assert found, f"{what} did not happen within {seconds} s"
    return found


def within(seconds: float, look: Callable[[], DONE | None]) -> DONE | None:
    """Return the first true answer; the last one if there is none in time."""
    limit = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < limit:
        time.sleep(0.2)
    return found


@dataclass(frozen=True)
class Word:
    """A word on the screen: its text and the middle of it, in pixels."""

    text: str
    x: int
    y: int


@dataclass(frozen=True)
class Screen:
    """An X display by its name."""

    display: str

    def picture(self, box: Box | None = None) -> Image.Image:
        return ImageGrab.grab(bbox=box, xdisplay=self.display).convert("RGB")

    def settled(self, box: Box | None = None) -> Image.Image:
        """A picture that has not changed for half a second."""
        last = self.picture(box)

        def still() -> Image.Image | None:
            nonlocal last
            time.sleep(0.5)
            before, last = last, self.picture(box)
            return last if before.tobytes() == last.tobytes() else None

        return until(still, what="a picture that stands still")

    def words(self, box: Box | None = None) -> list[Word]:
        """The words in a part of the screen."""
        picture = self.picture(box)
        left, top = box[:2] if box else (0, 0)
        large = picture.convert("L").resize(
            (picture.width * ENLARGED, picture.height * ENLARGED), Image.LANCZOS
        )
        return [Word(text, left + x // ENLARGED, top + y // ENLARGED) for text, x, y in _read(large)]

    def text(self, box: Box | None = None) -> str:
        return " ".join(word.text for word in self.words(box))

    def place_of(self, phrase: str, box: Box | None = None) -> tuple[int, int] | None:
        """The middle of the first word of a phrase that can be read there."""
        first, *rest = phrase.split()
        seen = self.words(box)
        for word in seen:
            if word.text == first and _goes_on(word, rest, seen):
                return word.x, word.y
        return None

    def revealed(self, phrase: str, action: Callable[[], None], seconds: float = 5) -> tuple[int, int] | None:
        """Do something, and return where a phrase is in the part of the screen that it changes."""
        before = self.settled()
        action()
        limit, place = time.monotonic() + seconds, None
        while not place and time.monotonic() < limit:
            changed = ImageChops.difference(before, self.picture()).getbbox()
            place = self.place_of(phrase, changed) if changed else None
        return place

    def wait_for(self, phrase: str, box: Box | None = None) -> tuple[int, int]:
        """The place of a phrase, as soon as it can be read there."""

        return until(lambda: self.place_of(phrase, box), what=f"{phrase!r} on the screen")

    def hover(self, x: int, y: int) -> None:
        """Move the pointer there, as a hand does: not in one jump."""
        self.act("mousemove", str(x - 4), str(y), "sleep", "0.1", "mousemove", str(x), str(y))

    def click(self, x: int, y: int, button: int = 1) -> None:
        self.act("mousemove", str(x), str(y), "click", str(button))

    def click_on(self, phrase: str, box: Box | None = None, button: int = 1) -> None:
        self.click(*self.wait_for(phrase, box), button)

    def key(self, *keys: str) -> None:
        self.act("key", "--delay", "60", *keys)

    def type(self, text: str) -> None:
        self.act("type", "--delay", "20", text)

    def windows(self) -> dict[str, str]:
        """Titles of the windows that can be seen, by their ids."""
        ids = self.act("search", "--onlyvisible", "--name", ".", check=False).split()
        return {each: self.act("getwindowname", each, check=False).strip() for each in ids}

    def box_of(self, window: str) -> Box:
        lines = self.act("getwindowgeometry", "--shell", window).splitlines()
        got = {name: int(value) for name, value in (line.split("=") for line in lines)}
        return got["X"], got["Y"], got["X"] + got["WIDTH"], got["Y"] + got["HEIGHT"]

    def clipboard(self) -> str:
        command = ["xclip", "-display", self.display, "-selection", "clipboard", "-o"]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=20).stdout

    def act(self, *words: str, check: bool = True) -> str:
        environment = os.environ | {"DISPLAY": self.display}
        done = subprocess.run(
            ["xdotool", *words], capture_output=True, text=True, check=check, env=environment
        )
        return done.stdout


def _goes_on(word: Word, rest: list[str], seen: list[Word]) -> bool:
    """Whether the rest of a phrase stands to the right of a word, each next to the one before."""
    for text in rest:
        beside = [w for w in seen if abs(w.y - word.y) <= LINE and 0 < w.x - word.x <= GAP]
        following = min(beside, key=lambda w: w.x, default=None)
        if following is None or following.text != text:
            return False
        word = following
    return True


def _read(picture: Image.Image) -> Iterator[tuple[str, int, int]]:
    file = io.BytesIO()
    picture.save(file, "PNG")
    command = ["tesseract", "stdin", "stdout", "--psm", "11", "tsv"]
    alone = os.environ | {"OMP_THREAD_LIMIT": "1"}  # its threads wait for each other more than they help
    read = subprocess.run(command, input=file.getvalue(), capture_output=True, check=True, env=alone)
    for row in csv.DictReader(io.StringIO(read.stdout.decode()), delimiter="\t", quoting=csv.QUOTE_NONE):
        if row["text"].strip():
            left, top, width, height = (int(row[name]) for name in ("left", "top", "width", "height"))
            yield row["text"].strip(), left + width // 2, top + height // 2


@contextmanager
def opened(width: int = 1400, height: int = 900) -> Iterator[Screen]:
    """A screen of so many pixels, for as long as it is needed."""
    ours, theirs = os.pipe()
    command = ["Xvfb", "-displayfd", str(theirs), "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[theirs], stderr=subprocess.DEVNULL)
    os.close(theirs)
    try:
        with os.fdopen(ours) as answer:
            number = answer.readline().strip()
        assert number, "Xvfb did not start"
        yield Screen(f":{number}")
    finally:
        server.terminate()
        server.wait()
