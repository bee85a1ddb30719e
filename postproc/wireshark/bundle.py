"""The bundle (plug-in and profile "Legs") and the folders of a Wireshark where it belongs.

The folders differ by system (Wireshark User's Guide, appendix B, "Configuration Files and Plugin Folders"),
version and environment, so ``tshark -G folders`` is asked.
"""

import re
from pathlib import Path
from typing import NamedTuple

from postproc.model.errors import SetupError

PROFILE = "Legs"
PLUGIN = "legs.lua"
RECENT = "recent"
CONFIGURATION, LUA = "Personal configuration", "Personal Lua Plugins"


class Folders(NamedTuple):
    """Folders of a Wireshark: ``configuration`` has the profiles; ``lua`` is None where it has no Lua."""

    configuration: Path
    lua: Path | None

    @property
    def profiles(self) -> Path:
        return self.configuration / "profiles"

    @property
    def ledger(self) -> Path:
        """Folder of the ledger, see install.Ledger."""
        return self.configuration / "legshark"


def parse_folders(output: str, moved: bool = False) -> Folders:
    """Return the folders in the output of ``tshark -G folders``; raises SetupError when they are missing.

    ``moved`` tells that WIRESHARK_CONFIG_DIR names the configuration; plug-ins are then searched for inside
    it, too, and belong there.
    """
    by_name = paths(output)
    if CONFIGURATION not in by_name:
        raise SetupError(
            "tshark does not say where Wireshark's personal configuration is (tshark -G folders)"
        )
    configuration = Path(by_name[CONFIGURATION])
    lua = Path(by_name[LUA]) if LUA in by_name else None
    return Folders(configuration, configuration / "plugins" if moved and lua else lua)


def paths(output: str) -> dict[str, str]:
    """Return name -> path of every line ``NAME: PATH``; the first of a repeated name counts."""
    lines = (re.fullmatch(r"([^:]+):\s+(\S.*?)\s*", line) for line in output.splitlines())
    by_name: dict[str, str] = {}
    for line in lines:
        if line:
            by_name.setdefault(line[1], line[2])
    return by_name


def source() -> Path:
    """Return the folder with plug-in and profile: inside the package, or beside it in a source checkout."""
    package = Path(__file__).parents[1]
    for folder in (package / "plugins", package.parent / "plugins"):
        if (folder / PLUGIN).is_file() and (folder / "profile").is_dir():
            return folder
    raise SetupError("this installation lacks its Wireshark bundle (plugins/legs.lua, plugins/profile)")


def profile() -> dict[str, bytes]:
    """Return file name -> content of the profile."""
    files = sorted((source() / "profile").iterdir())
    return {path.name: path.read_bytes() for path in files if path.is_file() and path.name[0] != "."}


def files(folders: Folders) -> dict[Path, bytes]:
    """Return target -> content of each file of the bundle; raises SetupError where there is no Lua.

    Wireshark warns at every start about a color rule on a field of a plug-in that cannot run, so the profile
    is never installed alone.
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
    """Return target and content of ``recent``: column widths, time format, panes.

    Wireshark writes that file whenever it leaves the profile, so it is only installed with a new profile.
    """
    return folders.profiles / PROFILE / RECENT, profile()[RECENT]
