"""Plug-in and profile as one folder that a tshark takes for its configuration.

``LEGSHARK_TSHARK`` names another tshark than the system's, as words of a shell: a
program that runs one elsewhere, say. It has to see this folder and temporary
ones at their own paths.
"""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.plugins.dissected import PLUGIN, ROOT

PROFILE = ROOT / "plugins" / "profile"
TSHARK = tuple(shlex.split(os.environ.get("LEGSHARK_TSHARK", "tshark")))
COLOR_LINE = re.compile(r"!?@([^@]+)@([^@]+)@\[(\d+),(\d+),(\d+)\]\[(\d+),(\d+),(\d+)\]")
HARMLESS = re.compile(r"Running as user .* This could be dangerous\.|\s*")


@dataclass(frozen=True)
class Bundle:
    """A configuration folder with the profile "Legs", and the tshark that reads it."""

    folder: Path
    tshark: Sequence[str] = TSHARK

    def run(self, capture: Path, *arguments: str, profile: str = "Legs") -> subprocess.CompletedProcess[str]:
        command = [*self.tshark, "-n", "-C", profile, "-r", str(capture), *arguments]
        environment = os.environ | {"WIRESHARK_CONFIG_DIR": str(self.folder)}
        return subprocess.run(
            command, capture_output=True, text=True, check=False, errors="replace", env=environment
        )

    def shown(self, capture: Path, *arguments: str, profile: str = "Legs") -> list[str]:
        """The lines tshark prints; nothing else may have been said."""
        done = self.run(capture, *arguments, profile=profile)
        assert (done.returncode, complaints(done.stderr)) == (0, [])
        return done.stdout.splitlines()

    def frames(self, capture: Path, show: str, *, profile: str = "Legs") -> list[int]:
        """Numbers of the frames a display filter lets through."""
        told = self.shown(capture, "-2", "-Y", show, "-T", "fields", "-e", "frame.number", profile=profile)
        return [int(number) for number in told]

    def colors(self, capture: Path, *, profile: str = "Legs") -> dict[int, str]:
        """The colour rule of each frame; "" for none."""
        fields = ("-T", "fields", "-e", "frame.number", "-e", "frame.coloring_rule.name")
        lines = self.shown(capture, "-2", "--color", "-Y", "frame", *fields, profile=profile)
        cells = (line.split("\t") for line in lines)
        return {int(number): name for number, name in cells}


def make(folder: Path, tshark: Sequence[str] = TSHARK) -> Bundle:
    shutil.copytree(PROFILE, folder / "profiles" / "Legs")
    (folder / "plugins").mkdir()
    shutil.copy(PLUGIN, folder / "plugins")
    folder.chmod(0o755)  # seen by an ordinary user, too
    return Bundle(folder, tshark)


def complaints(stderr: str) -> list[str]:
    return [line for line in stderr.splitlines() if not HARMLESS.fullmatch(line)]


def color_rules(text: str) -> dict[str, str]:
    """Name -> filter of each colour rule; a line that Wireshark would drop is a failure."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    parsed = [COLOR_LINE.fullmatch(line) for line in lines]
    assert all(parsed), [line for line, found in zip(lines, parsed, strict=True) if not found]
    return {found[1]: found[2] for found in parsed if found}


def table(text: str) -> list[list[str]]:
    """Rows of a file of quoted cells (Wireshark's UAT format): escapes are resolved."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [[_plain(cell) for cell in re.findall(r'"((?:[^"\\]|\\.)*)"', line)] for line in lines]


def _plain(cell: str) -> str:
    r"""Escapes resolved: \xNN is a byte of UTF-8."""
    raw = re.sub(
        rb"\\(?:x([0-9A-Fa-f]{2})|(.))",
        lambda m: bytes.fromhex(m[1].decode()) if m[1] else m[2],
        cell.encode(),
    )
    return raw.decode()


def named(text: str) -> dict[str, str]:
    """Name -> expression of ``"name" expression`` lines."""
    return dict(_named(text))


def _named(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        if line and not line.startswith("#"):
            found = re.fullmatch(r'"((?:[^"\\]|\\.)*)" (.+)', line)
            assert found, line
            yield _plain(found[1]), found[2]


def bad_filters(
    bundle: Bundle, capture: Path, filters: dict[str, str], profile: str = "Legs"
) -> dict[str, str]:
    """Name -> what tshark says of it, for filters that do not compile."""
    together = " || ".join(f"({expression})" for expression in filters.values())
    if bundle.run(capture, "-c", "1", "-Y", together, profile=profile).returncode == 0:
        return {}
    done = {
        name: bundle.run(capture, "-c", "1", "-Y", expression, profile=profile)
        for name, expression in filters.items()
    }
    return {name: each.stderr for name, each in done.items() if each.returncode}
