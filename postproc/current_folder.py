"""The folder one stands in: nothing is loaded or run from it.

People start a command where a stranger's files lie: in the ticket they have just
unpacked. Python and others look there first, for modules, programs and settings.
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
    """The entries of a search path that mean the same wherever one stands: not "", "." or "bin"."""
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
    """Stand in another folder, to import what would read settings here; not for long: all threads do."""
    before = _standing()
    os.chdir(HERE)
    try:
        yield
    finally:
        if before:
            os.chdir(before)


def _standing() -> Path | None:
    """The folder; None where it has been removed."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return None
