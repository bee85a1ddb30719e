"""The bundle as it is shipped: the plug-in and the profile "Legs"."""

from pathlib import Path

from postproc.model.errors import SetupError
from postproc.wireshark.folders import Folders

PROFILE = "Legs"
PLUGIN = "legs.lua"


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
    return plugin | {target / name: content for name, content in profile().items()}
