"""Deployment files (TOML): shipped ones by name, and files that state how they differ from a shipped one.

Every value is checked where it is read; an error is one line with file, key and what was expected.
"""

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import regex

from postproc.model.acl import AccessList, Network, network_of, of_machine
from postproc.model.acl.lists import Entry
from postproc.model.deployment import SERVER, SIDES, Deployment, Markers, Thresholds
from postproc.model.errors import SetupError
from postproc.read import option_files

T = TypeVar("T")
SHOWN = 40  # characters of a wrong value
PORTS = range(1, 65536)


class At(NamedTuple):
    """A place in a file: the file as the user named it, and the key."""

    file: str
    key: str = ""

    def __truediv__(self, name: object) -> "At":
        return At(self.file, f"{self.key}.{name}" if self.key else str(name))

    def wrong(self, expected: str, value: object) -> SetupError:
        return SetupError(f"{self.file}: {self.key}: expected {expected}, not {_abridged(value)}")


def _abridged(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def table(value: object, at: At) -> Mapping[str, Any]:
    if isinstance(value, dict):
        return value
    raise at.wrong("a table", value)


def known(value: object, names: Iterable[str], at: At) -> Mapping[str, Any]:
    """Return a table that has only known keys; SetupError suggests the nearest known one."""
    content, allowed = table(value, at), tuple(names)
    for key in content:
        if key not in allowed:
            near = difflib.get_close_matches(key, allowed, n=1, cutoff=0)
            raise SetupError(f"{at.file}: unknown key {_abridged((at / key).key)}; did you mean {near[0]!r}?")
    return content


def text(value: object, at: At) -> str:
    if isinstance(value, str) and value:
        return value
    raise at.wrong("text", value)


def choice(*names: str) -> Callable[[object, At], str]:
    def read(value: object, at: At) -> str:
        if isinstance(value, str) and value in names:
            return value
        raise at.wrong(" or ".join(map(repr, names)), value)

    return read


def each(read: Callable[[object, At], T]) -> Callable[[object, At], tuple[T, ...]]:
    """Make a reader of lists from a reader of values."""

    def read_all(value: object, at: At) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise at.wrong("a list", value)
        return tuple(read(item, At(at.file, f"{at.key}[{place}]")) for place, item in enumerate(value))

    return read_all


def pattern(value: object, at: At) -> str:
    written = text(value, at)
    try:
        regex.compile(written)
    except (regex.error, OverflowError, RecursionError) as error:
        raise SetupError(f"{at.file}: {at.key}: not a regular expression: {error}") from error
    return written


def ports(value: object, at: At) -> range:
    """Read a range like ``"30000-33000"``, both ends included, or a single port."""
    match = re.fullmatch(r"([0-9]{1,5})-([0-9]{1,5})", value) if isinstance(value, str) else None
    single = value if isinstance(value, int) and not isinstance(value, bool) else 0
    first, last = (int(match[1]), int(match[2])) if match else (single, single)
    if first in PORTS and last in PORTS and first <= last:
        return range(first, last + 1)
    raise at.wrong('a port or a range of ports like "30000-33000"', value)


def network(value: object, at: At) -> Network:
    parsed_network = network_of(value) if isinstance(value, str) else None
    if parsed_network is None:
        raise at.wrong('an address or a network like "192.168.1.0/24"', value)
    return parsed_network


def number(value: object, at: At) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf"):
        return value
    raise at.wrong("a number, zero or more", value)


def region(value: object, at: At) -> str:
    if isinstance(value, str) and re.fullmatch(r"[A-Z]{2}|", value):
        return value
    raise at.wrong('a country of ISO 3166 like "DE", or ""', value)


SHIPPED = ("xphone", "freeswitch", "generic")
DEFAULT = "xphone"
LARGEST = 1 << 20  # bytes of a file somebody wrote by hand

MARKERS = tuple(held.name for held in fields(Markers))
THRESHOLDS = tuple(held.name for held in fields(Thresholds))
LIST = ("default", "allow", "deny")
ACL = ("candidate", "signalling", "whitelist", "blacklist", "local_networks", "lists")
WHITELIST, BLACKLIST = "whitelist", "blacklist"

PLAIN: Mapping[str, Callable[[object, At], Any]] = {
    "name": text,
    "region": region,
    "public_addresses": each(network),
}
TABLES = ("markers", "products", "media_ports", "acl", "thresholds")


def read(given: Path | str) -> Deployment:
    """Read a deployment: the name of a shipped one, or a file.

    Keys that a file omits are taken from the shipped one named by its ``base``, by default xphone.
    Raises SetupError naming file, key and the expected value.
    """
    if str(given) in SHIPPED:
        return _shipped(str(given))
    hint = f"; a deployment is a TOML file or one of {', '.join(SHIPPED)}"
    return parsed(option_files.content(Path(given), LARGEST, "deployment file", hint), Path(given))


def parsed(content: bytes, path: Path, kind: str = "TOML") -> Deployment:
    """Parse the content of a deployment file; SetupError as in ``read``, naming the ``kind`` it is not."""
    at = At(str(path))
    fields_given = known(_loaded(content, at, kind), ("base", *PLAIN, *TABLES), at)
    base = choice(*SHIPPED)(fields_given.get("base", DEFAULT), at / "base")
    return _deployment({"name": path.stem} | dict(fields_given), _shipped(base), at)


def _shipped(name: str) -> Deployment:
    content = (resources.files("postproc") / "deployments" / f"{name}.toml").read_bytes()
    at = At(f"{name}.toml")
    return _deployment(known(_loaded(content, at), (*PLAIN, *TABLES), at), Deployment(name), at)


def _loaded(content: bytes, at: At, kind: str = "TOML") -> Mapping[str, Any]:
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise SetupError(f"{at.file}: not {kind}: not text in UTF-8") from error
    except RecursionError as error:
        raise SetupError(f"{at.file}: not {kind}: nested too deeply") from error
    except tomllib.TOMLDecodeError as error:
        raise SetupError(f"{at.file}: not {kind}: {error}") from error


def _deployment(settings: Mapping[str, Any], base: Deployment, at: At) -> Deployment:
    changes: dict[str, Any] = {
        key: check(settings[key], at / key) for key, check in PLAIN.items() if key in settings
    }
    for key, merged in _MERGED.items():
        if key in settings:
            changes[key] = merged(settings[key], getattr(base, key), at / key)
    changed = replace(base, **changes)
    return _with_lists(settings["acl"], changed, at / "acl") if "acl" in settings else changed


def _markers(value: object, base: Markers, at: At) -> Markers:
    patterns = {name: dict(getattr(base, name)) for name in MARKERS}
    for side, given in known(value, SIDES, at).items():
        for name, listed in known(given, MARKERS, at / side).items():
            patterns[name][side] = each(pattern)(listed, at / side / name)
    return Markers(**patterns)


def _products(value: object, base: Mapping[str, tuple[str, ...]], at: At) -> dict[str, tuple[str, ...]]:
    patterns = {name: each(pattern)(written, at / name) for name, written in table(value, at).items()}
    return dict(base) | patterns


def _media_ports(
    value: object, base: Mapping[str, tuple[range, ...]], at: At
) -> dict[str, tuple[range, ...]]:
    sides = known(value, (SERVER,), at)
    ranges = {side: each(ports)(written, at / side) for side, written in sides.items()}
    return dict(base) | ranges


def _thresholds(value: object, base: Thresholds, at: At) -> Thresholds:
    values = known(value, THRESHOLDS, at)
    return replace(base, **{name: number(written, at / name) for name, written in values.items()})


_MERGED: Mapping[str, Callable[[object, Any, At], Any]] = {
    "markers": _markers,
    "products": _products,
    "media_ports": _media_ports,
    "thresholds": _thresholds,
}


def _with_lists(value: object, base: Deployment, at: At) -> Deployment:
    acl = known(value, ACL, at)
    blocks = _blocks(acl, at)
    lists = table(acl.get("lists", {}), at / "lists")
    own = {name: _list(name, written, at / "lists" / name) for name, written in lists.items()}
    machine = each(network)(acl.get("local_networks", []), at / "local_networks")
    local = (
        {acl_list.name: acl_list for acl_list in of_machine([str(net) for net in machine])} if machine else {}
    )
    names = each(text)
    candidate = names(acl["candidate"], at / "candidate") if "candidate" in acl else tuple(blocks)
    whitelist = (WHITELIST,) if WHITELIST in blocks else ()
    signalling = names(acl["signalling"], at / "signalling") if "signalling" in acl else whitelist
    return replace(
        base,
        lists={**base.lists, **local, **blocks, **own},
        candidate_acl=candidate or base.candidate_acl,
        signalling_acl=signalling or base.signalling_acl,
    )


def _blocks(settings: Mapping[str, Any], at: At) -> dict[str, AccessList]:
    """Return XPhone's two lists in order: a whitelist denies all but its entries, a blacklist allows it."""
    blocks = {}
    for name, allow in ((WHITELIST, False), (BLACKLIST, True)):
        if name in settings:
            blocks[name] = AccessList(name, allow, _entries(settings[name], not allow, at / name))
    return blocks


def _list(name: str, value: object, at: At) -> AccessList:
    content = known(value, LIST, at)
    default = choice("allow", "deny")(content.get("default", "allow"), at / "default")
    entries = [
        entry for kind in LIST[1:] for entry in _entries(content.get(kind, []), kind == "allow", at / kind)
    ]
    return AccessList(name, default == "allow", tuple(entries))


def _entries(value: object, allow: bool, at: At) -> tuple[Entry, ...]:
    networks = each(network)(value, at)
    return tuple(Entry(network, allow, str(network)) for network in networks)


KEYS = (
    "base",
    *PLAIN,
    *(f"markers.{side}.{name}" for side in SIDES for name in MARKERS),
    "products.NAME",
    f"media_ports.{SERVER}",
    *(f"acl.{name}" for name in ACL[:-1]),
    *(f"acl.lists.NAME.{name}" for name in LIST),
    *(f"thresholds.{name}" for name in THRESHOLDS),
)
