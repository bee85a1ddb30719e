"""Takes the pictures of Wireshark that the README shows.

python -m tests.plugins.pictures docs/pictures
"""

import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from PIL import Image

from tests.plugins import screen
from tests.plugins.desktop import Desktop, started
from tests.plugins.dissected import frames
from tests.plugins.wiresharks import ROOT, SYSTEM

GOOD, TWO_CALLS = ROOT / "pcaps" / "good.pcapng", ROOT / "pcaps" / "two_calls.pcapng"
COLOURS = 128  # a screen of text needs no more, and the file is a third of the size


def overview(desktop: Desktop) -> None:
    """Both legs, discovery, checks and DTLS of one call; the details of a check."""
    desktop.go_to(20)
    desktop.open_last_details()


def this_call(desktop: Desktop) -> None:
    """One call of two, after a press of the button, and the window that lists both."""
    first = frames(TWO_CALLS, [], show="sip && legs.call == 2")[0]
    desktop.go_to(first.number)
    desktop.screen.click_on("This call", desktop.filter_bar)
    desktop.screen.settled()
    window = desktop.menu("Legs", "Calls in this file", then=lambda: desktop.window_of("Calls"))
    desktop.screen.act("windowsize", window, "620", "260", "windowmove", window, "765", "620")


PICTURES: Mapping[str, tuple[Path, Callable[[Desktop], None]]] = {
    "wireshark-legs.png": (GOOD, overview),
    "wireshark-this-call.png": (TWO_CALLS, this_call),
}


def take(name: str, folder: Path) -> Path:
    capture, steps = PICTURES[name]
    target = folder / name
    with (
        tempfile.TemporaryDirectory() as home,
        started(SYSTEM, capture, Path(home)) as desktop,
    ):
        steps(desktop)
        picture = desktop.screen.settled()
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)
    return target


def main() -> None:
    folder = Path(sys.argv[1])
    absent = screen.missing() or SYSTEM.missing("wireshark")
    if absent:
        sys.exit(f"{absent}; scripts/setup gui installs what is needed")
    folder.mkdir(parents=True, exist_ok=True)
    for name in PICTURES:
        print(take(name, folder))


if __name__ == "__main__":
    main()
