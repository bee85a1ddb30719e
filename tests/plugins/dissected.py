"""What tshark with ``plugins/legs.lua`` says of a capture, frame by frame."""

import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.plugins.wiresharks import ROOT, SYSTEM, Wireshark

PLUGIN = ROOT / "plugins" / "legs.lua"
# Loads the plug-in as if Wireshark's windows were there, and tries every menu entry on every call.
CLICKS = Path(__file__).with_name("clicks.lua")
# As the reader has them, so that both see the same messages.
PREFERENCES = (
    "sdp.establish_conversation:FALSE",
    "udp.try_heuristic_first:TRUE",
    "tcp.try_heuristic_first:TRUE",
    "tcp.reassemble_out_of_order:TRUE",
)
AGGREGATOR = "\x1f"
ERRORS = ("Lua Error", "Lua: Error", "Lua: syntax", "error during", "bad argument")


@dataclass(frozen=True)
class Frame:
    """Values of the asked fields by name; a field may occur several times."""

    number: int
    values: dict[str, list[str]]

    def __getitem__(self, name: str) -> list[str]:
        return self.values[name]

    def one(self, name: str) -> str | None:
        return next(iter(self.values[name]), None)

    def integer(self, name: str) -> int | None:
        value = self.one(name)
        return None if value is None else int(value)


@dataclass(frozen=True)
class Click:
    """What a menu entry did: ``what`` is window, title, clipboard, filter, button, dialog or url."""

    entry: str
    call: int | None
    what: str
    text: str


def tshark(
    capture: Path, *arguments: str, plugin: Path | None = PLUGIN, wireshark: Wireshark = SYSTEM
) -> subprocess.CompletedProcess[str]:
    """Run tshark on a capture, with the plug-in unless it is None."""
    script = ["-X", f"lua_script:{plugin}"] if plugin else []
    preferences = [word for name in PREFERENCES for word in ("-o", name)]
    words = ["-n", *script, *preferences, "-r", str(capture), *arguments]
    command = wireshark.command("tshark", words)
    return subprocess.run(command, capture_output=True, text=True, check=False, errors="replace")


def frames(
    capture: Path,
    names: Sequence[str],
    *,
    show: str = "frame",
    passes: Sequence[str] = ("-2",),
    more: Iterable[str] = (),
    wireshark: Wireshark = SYSTEM,
) -> list[Frame]:
    """The frames that a display filter lets through, with the fields named."""
    return list(_frames(_printed(capture, names, [*passes, "-Y", show, *more], PLUGIN, wireshark), names))


def watched(
    capture: Path, names: Sequence[str], *, more: Iterable[str] = (), wireshark: Wireshark = SYSTEM
) -> tuple[list[Frame], list[Click]]:
    """All frames with the fields named, and what every entry of the menus does for every call."""
    arguments = ["-2", "-Y", "frame", "-X", f"lua_script1:{PLUGIN}", *more]
    printed = _printed(capture, names, arguments, CLICKS, wireshark)
    return list(_frames(printed, names)), list(_clicks(printed))


def _printed(
    capture: Path, names: Sequence[str], arguments: Sequence[str], plugin: Path, wireshark: Wireshark
) -> str:
    fields = [word for name in ("frame.number", *names) for word in ("-e", name)]
    separators = ["-E", "separator=/t", "-E", "occurrence=a", "-E", f"aggregator={AGGREGATOR}"]
    words = ["-T", "fields", *separators, *fields, *arguments]
    done = tshark(capture, *words, plugin=plugin, wireshark=wireshark)
    complaints = [line for line in done.stderr.splitlines() if any(error in line for error in ERRORS)]
    assert not complaints, complaints
    return done.stdout


def _clicks(text: str) -> Iterator[Click]:
    for line in text.splitlines():
        if line.startswith("CLICK\t"):
            _, entry, call, what, content = line.split("\t")
            yield Click(entry.removeprefix("Legs/"), int(call) if call else None, what, _unescaped(content))


def _unescaped(text: str) -> str:
    return re.sub(r"\\x([0-9a-f]{2})", lambda found: chr(int(found[1], 16)), text)


def _frames(text: str, names: Sequence[str]) -> Iterator[Frame]:
    for line in text.splitlines():
        number, *cells = line.split("\t")
        if number.isdigit() and len(cells) == len(names):
            values = (cell.split(AGGREGATOR) if cell else [] for cell in cells)
            yield Frame(int(number), dict(zip(names, values, strict=True)))
