"""The bundle, plug-in and profile "Legs", and the folders of a Wireshark where it belongs.

The folders differ by system (Wireshark User's Guide, appendix B, "Configuration Files and Plugin
Folders"), version and environment: so ``tshark -G folders`` is asked, never guessed.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from postproc.model.errors import SetupError

PROFILE = "Legs"
PLUGIN = "legs.lua"
RECENT = "recent"
CONFIGURATION, LUA = "Personal configuration", "Personal Lua Plugins"


@dataclass(frozen=True)
class Folders:
    """``configuration`` holds profiles; ``lua`` is None where Wireshark was built without Lua."""

    configuration: Path
    lua: Path | None

    @property
    def profiles(self) -> Path:
        return self.configuration / "profiles"

    @property
    def ledger(self) -> Path:
        """The folder of the ledger, see install.Ledger."""
        return self.configuration / "legshark"


def parse_folders(printed: str, moved: bool = False) -> Folders:
    """The folders in what ``tshark -G folders`` prints; SetupError when they are not in it.

    ``moved``: WIRESHARK_CONFIG_DIR names the configuration; then plug-ins are
    looked for inside it, too, and belong there.
    """
    found = paths(printed)
    if CONFIGURATION not in found:
        raise SetupError(
            "tshark does not say where Wireshark's personal configuration is (tshark -G folders)"
        )
    configuration = Path(found[CONFIGURATION])
    lua = Path(found[LUA]) if LUA in found else None
    return Folders(configuration, configuration / "plugins" if moved and lua else lua)


def paths(printed: str) -> dict[str, str]:
    """Name -> path of every line ``NAME: PATH``; of a name printed twice the first counts."""
    lines = (re.fullmatch(r"([^:]+):\s+(\S.*?)\s*", line) for line in printed.splitlines())
    found: dict[str, str] = {}
    for line in lines:
        if line:
            found.setdefault(line[1], line[2])
    return found


def source() -> Path:
    """The folder with plug-in and profile: inside the package, or beside it in a source checkout."""
    package = Path(__file__).parents[1]
    for folder in (package / "plugins", package.parent / "plugins"):
        if (folder / PLUGIN).is_file() and (folder / "profile").is_dir():
            return folder
    raise SetupError("this installation lacks its Wireshark bundle (plugins/legs.lua, plugins/profile)")


def profile() -> dict[str, bytes]:
    """File name -> content of the profile."""
    files = sorted((source() / "profile").iterdir())
    return {path.name: path.read_bytes() for path in files if path.is_file() and path.name[0] != "."}


def files(folders: Folders) -> dict[Path, bytes]:
    """Where each file of the bundle goes -> its content; SetupError where there is no Lua.

    A colour rule on a field of a plug-in that cannot run makes Wireshark warn at
    every start, so the profile never comes alone.
    """
    if folders.lua is None:
        raise SetupError(
            "this Wireshark was built without Lua, which the plug-in needs; "
            "`postproc wireshark color CAPTURE` makes a profile that works without"
        )
    target = folders.profiles / PROFILE
    plugin = {folders.lua / PLUGIN: (source() / PLUGIN).read_bytes()}
    return plugin | {target / name: content for name, content in profile().items() if name != RECENT}


def first_look(folders: Folders) -> tuple[Path, bytes]:
    """Widths of columns, format of times, panes: where they belong and how they are meant to be seen.

    Wireshark writes that file whenever the profile is left, so it is handed over once, with a new profile.
    """
    return folders.profiles / PROFILE / RECENT, profile()[RECENT]
