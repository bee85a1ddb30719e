"""Keep modules, programs and settings from being loaded from the current folder.

Users start commands in folders with untrusted files, such as a ticket they have just
unpacked. Python and other programs search the current folder first.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath

SAFE_PATH = "PYTHONSAFEPATH"  # Python does not look for modules there (3.11 and later)
NO_PROGRAMS = "NoDefaultCurrentDirectoryInExePath"  # nor Windows for programs
HERE = Path(__file__).parent  # nobody but who installs puts files there


def whole_paths(value: str, flavour: type[PurePath] = PurePath, separator: str = os.pathsep) -> list[str]:
    """Return the absolute entries of a search path, without "", "." or "bin"."""
    return [entry for entry in value.split(separator) if flavour(entry).is_absolute()]


def leave_out() -> None:
    """Have this process and those it starts look for modules and programs elsewhere.

    ``python -m`` puts the folder in front of all modules. It stays where it is the
    one this very program is in.
    """
    first = Path(sys.path[0]).absolute() if sys.path else HERE.parent
    if not sys.flags.safe_path and first == _standing() != HERE.parent:
        del sys.path[0]
    os.environ[SAFE_PATH] = os.environ[NO_PROGRAMS] = "1"
    if path := os.environ.get("PATH"):
        os.environ["PATH"] = os.pathsep.join(whole_paths(path))


@contextmanager
def left_out() -> Iterator[None]:
    """Have Pythons that are started meanwhile not look there: workers, and what cleans up after them."""
    before = os.environ.get(SAFE_PATH)
    os.environ[SAFE_PATH] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[SAFE_PATH]
        else:
            os.environ[SAFE_PATH] = before


@contextmanager
def elsewhere() -> Iterator[None]:
    """Change to another folder, briefly, for imports that would read settings here; affects all threads."""
    before = _standing()
    os.chdir(HERE)
    try:
        yield
    finally:
        if before:
            os.chdir(before)


def _standing() -> Path | None:
    """Return the current folder, None if it was removed."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return None
