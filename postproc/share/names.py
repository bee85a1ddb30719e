"""Names of the files we write, made from strangers' names: harmless on every system, cut, each once."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

UNSAFE = re.compile(r"[^\w.-]+", re.ASCII)
ENDING = re.compile(r"(?:\.[A-Za-z0-9]{1,10}){1,2}\Z")  # .pcapng, .pcapng.gz: says what the file is
# Signs of a name. Folders of zips are unpacked below others, and Windows takes 260 for a whole path.
LONGEST = 60
# Devices of Windows, whatever ending they bear (Microsoft, "Naming Files, Paths, and Namespaces").
DEVICES = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d|conin|conout)_?(?:\.|\Z)", re.IGNORECASE)


def safe_name(name: str, longest: int = LONGEST) -> str:
    """A file name of letters, digits, dot, hyphen and underscore; one too long keeps its ending.

    No name is hidden, an option, a device of Windows, or ends in a dot, which Windows drops.
    """
    plain = UNSAFE.sub("_", name).lstrip(".-").rstrip(".")
    if DEVICES.match(plain):
        plain = f"_{plain}"
    return shortened(plain, longest) or "unnamed"


def shortened(name: str, longest: int) -> str:
    """The name in so many signs, with its ending."""
    if len(name) <= longest:
        return name
    found = ENDING.search(name)
    ending = found[0] if found else ""
    return name[: longest - len(ending)].rstrip(".") + ending


def distinct(names: Iterable[str], longest: int = LONGEST) -> list[str]:
    """The names, the later of those that are equal with a number; upper and lower case are one."""
    taken: set[str] = set()
    found = []
    for name in names:
        new, nth = name, 1
        while new.casefold() in taken:
            nth += 1
            new = _numbered(name, nth, longest)
        taken.add(new.casefold())
        found.append(new)
    return found


def _numbered(name: str, nth: int, longest: int) -> str:
    ending = found[0] if (found := ENDING.search(name)) else PurePosixPath(name).suffix
    added = f"-{nth}{ending}"
    return name.removesuffix(ending)[: longest - len(added)] + added
