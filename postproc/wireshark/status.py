"""Whether the bundle is installed in the user's folders, and whether each Wireshark sees it.

Pure but for reading files: what programs report is passed in.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from postproc.model.text import Lang, Text
from postproc.model.vocabulary import NONE
from postproc.wireshark import bundle
from postproc.wireshark.bundle import Folders
from postproc.wireshark.install import Ledger, content, read_ledger

State = Literal["installed", "edited", "outdated", "missing", "foreign", "partly"]
SWITCHED_OFF = re.compile(r"^\s*(?:enable_lua\s*=\s*false|disable_lua\s*=\s*true)\b", re.MULTILINE)
ROOT_LOADS_NONE = (4, 4)  # versions from which Wireshark loads no personal plug-in for root

INSTALLED = Text("installed", "installiert")
EDITED = Text("edited since", "seither geändert")
OUTDATED = Text(
    "of another version; run `postproc wireshark install`",
    "aus anderer Version; `postproc wireshark install` ausführen",
)
MISSING = Text("not installed", "nicht installiert")
FOREIGN = Text("there, but not from this program", "vorhanden, aber nicht von diesem Programm")
PARTLY = Text(
    "incomplete; run `postproc wireshark install`", "unvollständig; `postproc wireshark install` ausführen"
)
STATES = {
    "installed": INSTALLED,
    "edited": EDITED,
    "outdated": OUTDATED,
    "missing": MISSING,
    "foreign": FOREIGN,
    "partly": PARTLY,
}
PLUGIN_ROW = Text("plug-in", "Plug-in")
PROFILE_ROW = Text("profile", "Profil")
PROFILES_ROW = Text("capture profiles", "Mitschnittprofile")
SEES = Text("profile seen, plug-in runs", "sieht das Profil, Plug-in läuft")
PROFILE_ONLY = Text("profile seen, plug-in does NOT run", "sieht das Profil, Plug-in läuft NICHT")
PLUGIN_ONLY = Text("plug-in runs, no profile", "Plug-in läuft, kein Profil")
SEES_NOTHING = Text("sees neither", "sieht nichts davon")
LIKE_TSHARK = Text("reads the same folders", "liest dieselben Ordner")
WHY_ROOT = Text(
    "you are root: Wireshark 4.4 and later load no personal plug-ins for root",
    "Sie sind root: Für root lädt Wireshark ab 4.4 keine persönlichen Plug-ins",
)
WHY_INIT = Text("{path} says enable_lua = false", "{path} enthält enable_lua = false")
WHY_NO_LUA = Text("this Wireshark was built without Lua", "dieses Wireshark ist ohne Lua gebaut")


class Seen(NamedTuple):
    """A tshark or wireshark: path, version, its folders, and whether the plug-in runs in it.

    ``folders`` and ``runs`` are None for the graphical program, which cannot be asked.
    """

    path: Path
    version: str
    folders: Folders | None
    runs: bool | None


def state(ledger: Ledger, files: Mapping[Path, bytes]) -> State:
    """Return the state of files that should be there: the worst of them."""
    states = {_state(ledger, path, data) for path, data in files.items()}
    if states == {"installed", "missing"}:
        return "partly"
    worst: tuple[State, ...] = ("foreign", "edited", "outdated", "missing", "installed")
    return next((candidate for candidate in worst if candidate in states), "missing")


def _state(ledger: Ledger, path: Path, data: bytes) -> State:
    now = content(path)
    if now is None:
        return "missing"
    if now == data:
        return "installed"
    if ledger.is_ours(path):
        return "outdated"
    return "edited" if str(path) in ledger.entries else "foreign"


def lines(folders: Folders, programs: list[Seen], *, root: bool, lang: Lang) -> Iterator[str]:
    """Yield what is installed where, then what each program sees, and why the plug-in would not run."""
    ledger = read_ledger(folders.ledger)
    profile = folders.profiles / bundle.PROFILE
    states = {
        PROFILE_ROW: (
            profile,
            {profile / name: data for name, data in bundle.profile().items() if name != bundle.RECENT},
        )
    }
    if folders.lua:
        plugin = folders.lua / bundle.PLUGIN
        states[PLUGIN_ROW] = (plugin, {plugin: (bundle.source() / bundle.PLUGIN).read_bytes()})
    for row, (place, files) in states.items():
        yield f"{row.of(lang)}: {STATES[state(ledger, files)].of(lang)}  {place}"
    groups = sorted({entry.group for entry in ledger.entries.values()} - {bundle.PROFILE})
    yield f"{PROFILES_ROW.of(lang)}: {', '.join(groups) or NONE.of(lang)}"
    for program in programs:
        yield from _program(program, root=root, lang=lang)


def _program(program: Seen, *, root: bool, lang: Lang) -> Iterator[str]:
    yield f"{program.path.stem} {program.version or '?'} ({program.path}): {_sight(program, lang)}"
    if program.runs is False and program.folders:
        yield from (f"  -> {reason}" for reason in _reasons(program, program.folders, root=root, lang=lang))


def _sight(program: Seen, lang: Lang) -> str:
    if program.folders is None:
        return LIKE_TSHARK.of(lang)
    profile = (program.folders.profiles / bundle.PROFILE).is_dir()
    if program.runs:
        return (SEES if profile else PLUGIN_ONLY).of(lang)
    return (PROFILE_ONLY if profile else SEES_NOTHING).of(lang)


def _reasons(program: Seen, folders: Folders, *, root: bool, lang: Lang) -> Iterator[str]:
    if folders.lua is None:
        yield WHY_NO_LUA.of(lang)
    elif not (folders.lua / bundle.PLUGIN).exists():
        yield f"{folders.lua / bundle.PLUGIN}: {MISSING.of(lang)}"
    if root and _numbers(program.version) >= ROOT_LOADS_NONE:
        yield WHY_ROOT.of(lang)
    init = folders.configuration / "init.lua"
    if SWITCHED_OFF.search((content(init) or b"").decode(errors="replace")):
        yield WHY_INIT.of(lang, path=init)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])
