"""Assemble the modules in plugins/source into the one plugins/legs.lua that people copy.

    python scripts/assemble.py        (or: make plugin)

Wireshark loads every .lua below its plug-in folder by itself, each module that another
one requires a second time, and 4.0 finds no module in a folder: so there is one file.
A module is ordinary Lua: it requires others by name and returns a table of its own
name. Here each becomes a local of that name, in an order in which everything required
comes first. The module ``constants`` is made of postproc/model/constants.toml and of the
markers of a deployment, which Python reads, too.
"""

import re
import sys
import textwrap
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "plugins" / "source"
PLUGIN = ROOT / "plugins" / "legs.lua"
CONSTANTS = ROOT / "postproc" / "model" / "constants.toml"
# Nobody tells the plug-in which deployment it looks at: so it has the default one's markers.
DEPLOYMENT = ROOT / "postproc" / "deployments" / "xphone.toml"
MAIN = "dissector"  # requires all others, and is required by none
WIDTH = 110
BANNER = "-" * 99
NOTICE = "-- Assembled from plugins/source by scripts/assemble.py (make plugin): change it there, not here."

REQUIRE = re.compile(r'^local (\w+) = require\("(\w+)"\)\n', re.MULTILINE)
HEAD = re.compile(r"(?:--[^\n]*\n)+")
WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)
KEYWORDS = frozenset(
    {
        "and",
        "break",
        "do",
        "else",
        "elseif",
        "end",
        "false",
        "for",
        "function",
        "goto",
        "if",
        "in",
        "local",
        "nil",
        "not",
        "or",
        "repeat",
        "return",
        "then",
        "true",
        "until",
        "while",
    }
)
PATTERN = re.compile(r"[\\^$.|?*+()\[\]{}]")  # what a plain text that is searched for must not hold


class SourceError(Exception):
    """A source that cannot be assembled; says which and why."""


def plugin() -> str:
    """Return the whole plug-in."""
    modules = {path.stem: path.read_text(encoding="utf-8") for path in sorted(SOURCE.glob("*.lua"))}
    modules["constants"] = constants()
    order = list(_in_order(modules, MAIN, ()))
    if unused := modules.keys() - set(order):
        raise SourceError(f"required by no module: {', '.join(sorted(unused))}")
    head, main = _taken_apart(MAIN, modules[MAIN])
    parts = [_local(name, modules[name]) for name in order if name != MAIN]
    return "\n".join([f"{head}--\n{NOTICE}\n", *parts, f"{BANNER}\n-- The dissector\n\n{main}"])


def constants() -> str:
    """Return the module that has what Python and the plug-in both go by."""
    values = tomllib.loads(CONSTANTS.read_text(encoding="utf-8"))
    values["markers"] = _markers(tomllib.loads(DEPLOYMENT.read_text(encoding="utf-8"))["markers"])
    head = (
        "-- What Python goes by, too: see postproc/model/constants.toml for what each value means and why\n"
        "-- it is what it is; the markers are those of the default deployment\n"
    )
    return f"{head}\nlocal constants = {literal(values)}\n\nreturn constants\n"


def _markers(by_side: Mapping[str, Mapping[str, list[str]]]) -> dict[str, dict[str, list[str]]]:
    """Return what marks each side, by where it stands."""
    found: dict[str, dict[str, list[str]]] = {"sdp_owner": {}, "user_agent": {}, "stun_software": {}}
    for side, places in by_side.items():
        for place, expressions in places.items():
            if odd := [text for text in expressions if PATTERN.search(text)]:
                raise SourceError(
                    f"{DEPLOYMENT.name}: {odd[0]!r} is no plain text, which is all that Lua finds"
                )
            found[place][side] = expressions
    return found


def _in_order(modules: Mapping[str, str], name: str, above: tuple[str, ...]) -> Iterator[str]:
    """Yield the modules that a module requires, each once and after what it requires itself, then itself."""
    if name in above:
        raise SourceError(f"modules require each other: {' -> '.join((*above, name))}")
    if name not in modules:
        raise SourceError(f"{above[-1]}.lua requires {name}, which is not in {SOURCE.name}/")
    given: dict[str, None] = {}
    for local, required in REQUIRE.findall(modules[name]):
        if local != required:
            raise SourceError(f"{name}.lua calls {required} {local}: in one file a module has one name")
        given |= dict.fromkeys(_in_order(modules, required, (*above, name)))
    yield from given
    yield name


def _taken_apart(name: str, text: str) -> tuple[str, str]:
    """Return the comment at a module's head, and its code without what it requires."""
    head = HEAD.match(text)
    if not head:
        raise SourceError(f"{name}.lua does not begin with a comment that says what it is")
    code = REQUIRE.sub("", text[head.end() :]).strip("\n")
    if "require(" in code:
        raise SourceError(f'{name}.lua: only lines like local list = require("list") can be assembled')
    return head[0], f"{code}\n"


def _local(name: str, text: str) -> str:
    """Return a module as a local of its name."""
    head, code = _taken_apart(name, text)
    if not code.endswith(f"\nreturn {name}\n"):
        raise SourceError(f"{name}.lua does not end in: return {name}")
    return f"{BANNER}\n{head}\nlocal {name} = (function()\n\n{code}\nend)()\n"


def literal(value: object, depth: int = 0) -> str:
    """Return a value as Lua writes it; tables over several lines where they do not fit on one."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return '"' + "".join(map(_sign, value)) + '"'
    items = list(_items(value, depth + 1))
    line = "{ " + ", ".join(items) + " }" if items else "{}"
    indent = "    " * depth
    if "\n" not in line and len(line) + len(indent) < WIDTH - 30:
        return line
    if isinstance(value, list) and not any(isinstance(item, list) for item in value):
        return "{\n" + _filled(items, f"{indent}    ") + f"\n{indent}}}"
    return "{\n" + "".join(f"{indent}    {item},\n" for item in items) + indent + "}"


def _filled(items: list[str], indent: str) -> str:
    """Return words over several lines, as many on each as fit."""
    text = ", ".join(item.replace(" ", "\0") for item in items) + ","
    filled = textwrap.fill(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=False,
    )
    return filled.replace("\0", " ")


def _items(table: object, depth: int) -> Iterator[str]:
    if isinstance(table, list):
        yield from (literal(item, depth) for item in table)
        return
    assert isinstance(table, dict)
    for key, value in table.items():
        plain = WORD.fullmatch(key) and key not in KEYWORDS
        yield f"{key if plain else f'[{literal(key)}]'} = {literal(value, depth)}"


def _sign(sign: str) -> str:
    if sign in '"\\':
        return f"\\{sign}"
    return sign if " " <= sign <= "~" else "".join(f"\\{byte:03}" for byte in sign.encode())


def main() -> int:
    try:
        text = plugin()
    except SourceError as error:
        print(f"assemble: {error}", file=sys.stderr)
        return 1
    if not PLUGIN.exists() or PLUGIN.read_text(encoding="utf-8") != text:
        PLUGIN.write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
