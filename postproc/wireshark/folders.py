"""Where a Wireshark looks for profiles and plug-ins, by its own account.

The rules differ by system (Wireshark User's Guide, appendix B, "Configuration
Files and Plugin Folders"), version and environment: so ``tshark -G folders`` is
asked, never guessed.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from postproc.model.errors import SetupError

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
        """Where we write down what was put where."""
        return self.configuration / "legshark"


def parse(told: str, moved: bool = False) -> Folders:
    """The folders in what ``tshark -G folders`` prints; SetupError when they are not in it.

    ``moved``: WIRESHARK_CONFIG_DIR names the configuration; then plug-ins are
    looked for inside it, too, and belong there.
    """
    found = paths(told)
    if CONFIGURATION not in found:
        raise SetupError(
            "tshark does not say where Wireshark's personal configuration is (tshark -G folders)"
        )
    configuration = Path(found[CONFIGURATION])
    lua = Path(found[LUA]) if LUA in found else None
    return Folders(configuration, configuration / "plugins" if moved and lua else lua)


def paths(told: str) -> dict[str, str]:
    """Name -> path of every line ``NAME: PATH``; of a name told twice the first counts."""
    lines = (re.fullmatch(r"([^:]+):\s+(\S.*?)\s*", line) for line in told.splitlines())
    found: dict[str, str] = {}
    for line in lines:
        if line:
            found.setdefault(line[1], line[2])
    return found
