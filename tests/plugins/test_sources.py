"""The plug-in that people copy is assembled from its sources, and what both sides go by stands once."""

import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postproc.model import constants
from postproc.wireshark import bundle
from postproc.wireshark.bundle import Folders
from scripts import assemble
from tests.plugins import plain
from tests.plugins.dissected import PLUGIN, ROOT

MODULES = sorted(assemble.SOURCE.glob("*.lua"))
OF_WIRESHARK = {"learn", "frames", "show", "dissector", "menus"}  # all others run in plain Lua
STANDARD = {
    "ipairs",
    "math",
    "next",
    "os",
    "pairs",
    "pcall",
    "require",
    "string",
    "table",
    "tonumber",
    "tostring",
    "type",
}
API = {
    "Dissector",
    "Field",
    "MENU_TOOLS_UNSORTED",
    "Pref",
    "Proto",
    "ProtoExpert",
    "ProtoField",
    "TextWindow",
    "TreeItem",
    "Tvb",
    "_VERSION",
    "apply_filter",
    "base",
    "browser_open_url",
    "collectgarbage",
    "copy_to_clipboard",
    "expert",
    "frametype",
    "gui_enabled",
    "io",
    "new_dialog",
    "register_menu",
    "register_packet_menu",
    "register_postdissector",
    "set_filter",
}
needs_compiler = pytest.mark.skipif(
    not shutil.which("luac5.4"), reason="luac5.4 is not installed: scripts/setup lua"
)


def test_the_plug_in_is_what_the_sources_make() -> None:
    assert PLUGIN.read_text(encoding="utf-8") == assemble.plugin(), "renew it: make plugin"


def test_the_plug_in_needs_no_other_file() -> None:
    assert "require(" not in re.sub(r"--[^\n]*", "", PLUGIN.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_is_one_topic_of_readable_size(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 400
    assert [line for line in lines if len(line) > 120] == []


def test_the_readme_says_what_each_module_holds() -> None:
    page = (PLUGIN.parent / "README.md").read_text(encoding="utf-8")
    (table,) = re.findall(r"^\| modules \|.*?(?=\n\n)", page, re.MULTILINE | re.DOTALL)
    assert sorted(re.findall(r"`(\w+)`", table)) == [path.stem for path in MODULES]


def globals_of(path: Path) -> tuple[set[str], set[str]]:
    """Names that a chunk reads, and writes, outside its own locals."""
    done = subprocess.run(["luac5.4", "-l", "-p", str(path)], capture_output=True, text=True, check=True)
    return tuple(set(re.findall(rf'{verb}TABUP.*_ENV "(\w+)"', done.stdout)) for verb in ("GET", "SET"))  # type: ignore[return-value]


@needs_compiler
@pytest.mark.parametrize("path", [*MODULES, PLUGIN], ids=lambda path: path.stem)
def test_names_are_local_also_where_no_test_goes(path: Path) -> None:
    read, written = globals_of(path)
    assert written == set()
    assert read <= STANDARD | (API if path == PLUGIN or path.stem in OF_WIRESHARK else set())


def leaves(table: dict[str, Any], above: str = "") -> Iterator[str]:
    """Paths of all values; a table of words or weights by name is one."""
    for key, value in table.items():
        path = f"{above}{key}"
        if isinstance(value, dict) and path not in TABLES:
            yield from leaves(value, f"{path}.")
        else:
            yield path


TABLES = {
    "sip.compact_forms",
    "tokens.strength",
    "tokens.doubling",
    "dtls.alerts",
    "icmp.errors",
    "icmp.soft",
    "icmp.harmless",
}
VALUES = tomllib.loads(constants.FILE.read_text(encoding="utf-8"))
PYTHON = [path for path in (ROOT / "postproc").rglob("*.py") if path.name != "constants.py"]


@pytest.mark.parametrize("path", [*leaves(VALUES)])
def test_every_value_is_used_by_both(path: str) -> None:
    table, _, key = path.rpartition(".")
    asked = re.compile(rf'["\']{re.escape(path)}["\']|WEIGHTS\["{re.escape(key)}"\]')
    in_lua = re.compile(rf"\b{re.escape(key)}\b")
    sources = [
        text for source in MODULES if f"constants.{table}" in (text := source.read_text(encoding="utf-8"))
    ]
    assert any(asked.search(python.read_text(encoding="utf-8")) for python in PYTHON)
    assert any(in_lua.search(re.sub(r"--[^\n]*", "", text)) for text in sources)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_every_local_of_a_module_is_used(path: Path) -> None:
    text = re.sub(r"--[^\n]*", "", path.read_text(encoding="utf-8"))
    for line in re.findall(r"^local ([\w, ]+?) =.*$", text, re.MULTILINE):
        for name in line.split(", "):
            uses = re.findall(rf"(?<![\w.:\"]){name}\b", text)
            assert len(uses) > 1, f"{path.name}: {name}"


def aliases(text: str) -> Iterator[tuple[str, str]]:
    """Locals that stand for a table of constants, and its path."""
    for names, values in re.findall(r"^local ([\w, ]+) = ((?:constants[\w.]+|[^\n])+)$", text, re.MULTILINE):
        for name, value in zip(names.split(", "), values.split(", "), strict=False):
            if re.fullmatch(r"constants(\.\w+)+", value):
                yield name, value


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_no_module_asks_for_a_value_that_is_not_there(path: Path) -> None:
    """In Lua a misspelt one would be nil, and often nobody would notice."""
    text = re.sub(r"--[^\n]*", "", path.read_text(encoding="utf-8"))
    asked = set(re.findall(r"\bconstants(?:\.\w+)+", text))
    for name, value in aliases(text):
        asked |= {f"{value}.{key}" for key in re.findall(rf"(?<![\w.]){name}\.(\w+)", text)}
    known = VALUES | {"markers": {"sdp_owner": {}, "user_agent": {}, "stun_software": {}}}
    for question in asked:
        found: Any = known
        for key in question.split(".")[1:]:
            assert key in found, f"{path.name}: {question}"
            found = found[key]


@plain.needs_lua
@settings(max_examples=50, deadline=None)
@given(
    st.recursive(
        st.text(max_size=20)
        | st.integers(-(2**53), 2**53)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.booleans(),
        lambda inner: (
            st.lists(inner, max_size=30) | st.dictionaries(st.text(min_size=1, max_size=8), inner, max_size=5)
        ),
        max_leaves=40,
    )
)
def test_values_are_written_as_lua_reads_them(value: object) -> None:
    script = Path(plain.folder(), "written.lua")
    script.write_text(WRITER + f"print(shown({assemble.literal(value)}))\n", encoding="utf-8")
    assert plain.run(plain.NEWEST, script, succeeds=True) == shown(value) + "\n"


WRITER = r"""
local function hex(text) return (text:gsub(".", function(sign) return ("%02x"):format(sign:byte()) end)) end
function shown(value)
    if type(value) == "string" then return "'" .. hex(value) end
    if type(value) == "number" then return ("%.17g"):format(value) end
    if type(value) ~= "table" then return tostring(value) end
    local items = {}
    for key, held in pairs(value) do
        local name = type(key) == "number" and "#" .. key or "'" .. hex(key)
        items[#items + 1] = name .. "=" .. shown(held)
    end
    table.sort(items)
    return "{" .. table.concat(items, " ") .. "}"
end
"""


def shown(value: object) -> str:
    """What WRITER prints of the same value."""
    if isinstance(value, str):
        return "'" + value.encode().hex()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return format(float(value), ".17g")
    if isinstance(value, list):
        return "{" + " ".join(sorted(f"#{at}={shown(item)}" for at, item in enumerate(value, 1))) + "}"
    assert isinstance(value, dict)
    return "{" + " ".join(sorted(f"{shown(key)}={shown(held)}" for key, held in value.items())) + "}"


GOOD = {
    "dissector": '-- All.\nlocal one = require("one")\n\none.run()\n',
    "one": "-- One.\n\nlocal one = {}\n\nreturn one\n",
}


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put modules where the assembling looks for them; the first one requires ``constants``, too."""
    monkeypatch.setattr(assemble, "SOURCE", tmp_path)

    def put(**changed: str) -> None:
        for name, text in (GOOD | changed).items():
            written = text.replace("-- All.\n", '-- All.\nlocal constants = require("constants")\n', 1)
            (tmp_path / f"{name}.lua").write_text(written)

    return put


def test_modules_become_locals_and_main_comes_last(sources: Callable[..., None]) -> None:
    sources()
    made = assemble.plugin()
    assert made.startswith("-- All.\n")
    assert (
        made.index("local constants = (function()")
        < made.index("local one = (function()")
        < made.index("one.run()")
    )
    assert "require(" not in re.sub(r"--[^\n]*", "", made)


ONE_NEEDS_TWO = '-- One.\nlocal two = require("two")\n\nreturn one\n'
TWO_NEEDS_ONE = '-- Two.\nlocal one = require("one")\n\nreturn two\n'


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (
            {"one": ONE_NEEDS_TWO, "two": TWO_NEEDS_ONE},
            "modules require each other: dissector -> one -> two -> one",
        ),
        ({"one": ONE_NEEDS_TWO}, "one.lua requires two, which is not in"),
        ({"two": "-- Two.\n\nlocal two = {}\n\nreturn two\n"}, "required by no module: two"),
        ({"one": "-- One.\n\nlocal one = {}\n"}, "one.lua does not end in: return one"),
        ({"one": "local one = {}\n\nreturn one\n"}, "one.lua does not begin with a comment"),
        ({"dissector": '-- All.\nlocal first = require("one")\n'}, "dissector.lua calls one first"),
        ({"one": '-- One.\n\nlocal one = { require("two") }\n\nreturn one\n'}, "one.lua: only lines like"),
    ],
)
def test_what_cannot_be_assembled_is_named(
    sources: Callable[..., None], capsys: pytest.CaptureFixture[str], changed: dict[str, str], why: str
) -> None:
    sources(**changed)
    before = PLUGIN.read_bytes()
    assert assemble.main() == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"assemble: {why}")
    assert PLUGIN.read_bytes() == before


@pytest.mark.parametrize("expression", ["^sip", r"v4\.0", "A|B", "x+", "[Ff]ree"])
def test_a_marker_that_is_no_plain_text_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expression: str
) -> None:
    deployment = tmp_path / "own.toml"
    deployment.write_text(f"[markers.client]\nsdp_owner = ['{expression}']\n")
    monkeypatch.setattr(assemble, "DEPLOYMENT", deployment)
    with pytest.raises(assemble.SourceError, match=r"own\.toml: .* is no plain text"):
        assemble.constants()


def test_what_is_installed_has_no_sources(tmp_path: Path) -> None:
    """Wireshark would load each of them by itself."""
    folders = Folders(tmp_path, tmp_path / "lua")
    assert [path for path in bundle.files(folders) if path.suffix == ".lua"] == [
        tmp_path / "lua" / "legs.lua"
    ]


def test_the_wheel_takes_the_plug_in_and_not_its_sources() -> None:
    built = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]
    taken = built["targets"]["wheel"]["force-include"]
    assert taken["plugins/legs.lua"] == "postproc/plugins/legs.lua"
    of_sources = [path.relative_to(ROOT).as_posix() for path in MODULES]
    assert not [s for s in of_sources for folder in taken if s == folder or fnmatch(s, f"{folder}/*")]
