"""Wireshark with the plug-in and the profile, on a screen without a monitor."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.plugins.screen import DONE, Box, Screen, opened, until, within
from tests.plugins.wiresharks import ROOT, Wireshark

SIZE = (1400, 900)
# What Wireshark says of the machine it runs on: no wireless hardware, no bus, no GPU, slow interfaces;
# and of itself, as 4.6 does whenever a window made in Lua is closed.
NOT_OURS = ("nl80211", "dbus", "libEGL", "MESA", "scan mutex locked", "signal of FunnelTextDialog")


@dataclass
class Desktop:
    """A running Wireshark whose window fills the screen."""

    screen: Screen
    window: str
    log: Path

    @property
    def menu_bar(self) -> Box:
        return 0, 0, SIZE[0], 24

    @property
    def filter_bar(self) -> Box:
        return 0, 58, SIZE[0], 95

    @property
    def status_bar(self) -> Box:
        return 0, SIZE[1] - 24, SIZE[0], SIZE[1]

    def complaints(self) -> list[str]:
        """What was written to stderr, less what has nothing to do with plug-in and profile."""
        lines = self.log.read_text(errors="replace").splitlines()
        return [line for line in lines if line.strip() and not any(known in line for known in NOT_OURS)]

    def dialogs(self) -> dict[str, str]:
        """Other windows than the main one."""
        return {window: title for window, title in self.screen.windows().items() if window != self.window}

    def focus(self) -> None:
        self.screen.act("windowfocus", self.window)

    def go_to(self, frame: int) -> None:
        """Select a frame, as by Go > Go to Packet."""
        self.focus()
        self.screen.key("ctrl+g")
        self.screen.settled()
        self.screen.type(str(frame))
        self.screen.key("Return")
        self.screen.settled()

    def open_last_details(self) -> None:
        """Unfold the last branch of the selected packet's details."""
        lower_left = (0, SIZE[1] // 3, SIZE[0] // 2, SIZE[1])
        self.screen.click(*self.screen.wait_for("Ethernet", lower_left))
        self.screen.key("End", "Right")
        self.screen.settled()

    def menu(self, *entries: str, then: Callable[[], DONE | None]) -> DONE:
        """Click an entry of the Tools menu; return what ``then`` finds of its effect."""
        self.focus()
        return self._choose(lambda: self.screen.click_on("Tools", self.menu_bar), entries, then)

    def packet_menu(self, x: int, y: int, *entries: str, then: Callable[[], DONE | None]) -> DONE:
        """Click an entry of the menu that a right click on a packet opens; as ``menu``."""
        return self._choose(lambda: self.screen.click(x, y, button=3), entries, then)

    def window_of(self, title: str) -> str | None:
        """The other window whose title contains these words."""
        return next((window for window, named in self.dialogs().items() if title in named), None)

    def _choose(
        self, opens: Callable[[], None], entries: Sequence[str], then: Callable[[], DONE | None]
    ) -> DONE:
        """Go through a menu until it has an effect, as Qt 6 may lose a pointer's move, and a click."""

        def tried() -> DONE | None:
            found = None
            if place := self._last_of(opens, entries):
                self.screen.click(*place)
                found = within(20, then)
            if not found:
                self.screen.key("Escape", "Escape", "Escape")
            return found

        found = until(tried, 90, f"an effect of menu {entries}")
        self.screen.settled()
        return found

    def _last_of(self, opens: Callable[[], None], entries: Sequence[str]) -> tuple[int, int] | None:
        place: tuple[int, int] | None = None
        for entry in entries:
            place = self.screen.revealed(entry, opens)
            if not place:
                return None
            opens = partial(self.screen.hover, *place)  # opens a submenu; a click may close it again
        opens()
        return place


def install(home: Path) -> None:
    """Put plug-in and profile where Wireshark looks for them."""
    plugins = home / ".local" / "lib" / "wireshark" / "plugins"
    plugins.mkdir(parents=True)
    shutil.copy(ROOT / "plugins" / "legs.lua", plugins)
    profile = home / ".config" / "wireshark" / "profiles" / "Legs"
    shutil.copytree(ROOT / "plugins" / "profile", profile)
    geometry = zip(("x", "y", "width", "height"), (0, 0, *SIZE), strict=True)
    lines = [f"gui.geometry_main_{name}: {value}\n" for name, value in geometry]
    (profile.parents[1] / "recent_common").write_text("".join(lines))


@contextmanager
def started(wireshark: Wireshark, capture: Path, folder: Path) -> Iterator[Desktop]:
    """Wireshark on a capture, in the profile, with a home of its own inside a folder."""
    home, runtime, log = folder / "home", folder / "run", folder / "stderr"
    install(home)
    runtime.mkdir(mode=0o700)
    with opened(*SIZE) as screen, log.open("w") as errors:
        command = wireshark.command("wireshark", ["-C", "Legs", "-r", str(capture)])
        environment = os.environ | _environment(screen, home, runtime)
        program = subprocess.Popen(command, stdout=errors, stderr=errors, env=environment, cwd=ROOT)
        try:
            window = until(lambda: _main_window(screen, capture), 60, "Wireshark's window")
            yield _filling(Desktop(screen, window, log))
        finally:
            program.terminate()
            program.wait()


def _environment(screen: Screen, home: Path, runtime: Path) -> dict[str, str]:
    return {
        "DISPLAY": screen.display,
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_RUNTIME_DIR": str(runtime),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "QT_X11_NO_MITSHM": "1",  # shared memory does not reach from one user to another
    }


def _main_window(screen: Screen, capture: Path) -> str | None:
    return next((window for window, title in screen.windows().items() if capture.name in title), None)


def _filling(desktop: Desktop) -> Desktop:
    width, height = map(str, SIZE)
    desktop.screen.act("windowmove", desktop.window, "0", "0", "windowsize", desktop.window, width, height)
    desktop.focus()
    desktop.screen.settled()
    return desktop
