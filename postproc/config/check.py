"""Checks files and URLs; the kind of a file is recognized by its contents."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from postproc.config import appsettings, jsonc, switch, urls, webconfig, xmlfile
from postproc.config.problems import Problem, Role
from postproc.config.source import LARGEST, BrokenFileError, Setting, Source, decoded
from postproc.config.switch import Switch
from postproc.model.errors import SetupError
from postproc.model.text import Text
from postproc.read import access, option_files
from postproc.read.access import Access

SECRET = re.compile(r"secret|passw|pwd|apikey|connectionstring", re.IGNORECASE)  # in a key, or in a section's
UNKNOWN = Text(
    "neither appsettings.json, web.config nor a file of FreeSWITCH",
    "weder appsettings.json noch web.config noch eine Datei von FreeSWITCH",
)
EMPTY = Text("empty file", "leere Datei")
# Outermost elements of FreeSWITCH's files, beside <configuration name=...>.
SWITCH = ("document", "section", "profile", "include", "X-PRE-PROCESS", "network-lists", "list", "param")


class Checked(NamedTuple):
    """A file or URL and its problems; ``broken`` where it could not be parsed."""

    source: Source
    problems: tuple[Problem, ...] = ()
    broken: BrokenFileError | None = None
    secrets: tuple[Setting, ...] = ()  # masked in all output
    switch: Switch | None = None  # of FreeSWITCH's files
    access: Access | None = None


def check_file(path: Path, role: Role | None = None, given: Sequence[str] = ()) -> Checked:
    """Check a file; raises SetupError where it cannot be opened or is larger than LARGEST."""
    content = option_files.content(path, LARGEST, "configuration file")
    try:
        source = decoded(str(path), content)
    except BrokenFileError as error:
        return Checked(Source(str(path), ""), broken=error)
    try:
        return _checked(source, role, tuple(given))
    except BrokenFileError as error:
        return Checked(source, broken=error)


def check_url(url: str) -> Checked:
    return Checked(Source(urls.PLACE, url), tuple(urls.problems(url)))


def check(
    paths: Iterable[Path], role: Role | None = None, given: Sequence[str] = ()
) -> tuple[list[Checked], list[SetupError]]:
    """Check files, then the public URLs ``given``; also return why files could not be opened."""
    checked, unread = [], []
    for path in paths:
        try:
            checked.append(check_file(path, role, given))
        except SetupError as error:
            unread.append(error)
    return [*checked, *map(check_url, given)], unread


def _checked(source: Source, role: Role | None, given: tuple[str, ...]) -> Checked:
    start = source.text.lstrip()[:1]
    if not start:
        raise BrokenFileError(EMPTY, 1, 1)
    if start != "<":
        settings = jsonc.settings(source)
        secrets = tuple(setting for key, setting in settings.items() if SECRET.search(key))
        return Checked(source, tuple(appsettings.problems(settings, role, given)), secrets=secrets)
    elements = xmlfile.elements(source)
    root = elements[0]
    if root.path[0] == "configuration" and "name" not in root.attributes:
        return Checked(source, tuple(webconfig.problems(elements, role)))
    if root.path[0] not in (*SWITCH, "configuration"):
        raise BrokenFileError(UNKNOWN, root.line, 1)
    elements = xmlfile.elements(source, named=True)
    switch_problems = tuple(switch.problems(elements, role))
    return Checked(source, switch_problems, switch=switch.facts(elements), access=_access(source))


def _access(source: Source) -> Access | None:
    """Return the access lists of a FreeSWITCH file; None where it has none."""
    try:
        return access.parse(source.text.encode(errors="replace"), source.name)
    except SetupError:
        return None
