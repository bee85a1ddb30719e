"""Plain Lua, without Wireshark, to run the plug-in's modules in."""

import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest

from scripts import assemble

TESTS = Path(__file__).parent / "lua"
VERSIONS = ("5.2", "5.3", "5.4")  # Wireshark 4.0 and 4.2 have 5.2, later ones 5.4


def interpreters() -> list[object]:
    """Parameters for a test that runs in every Lua; those missing are skipped, with the reason."""
    return [_parameter(f"lua{version}") for version in VERSIONS]


def _parameter(name: str) -> object:
    reason = f"{name} is not installed: scripts/setup lua"
    return pytest.param(name, id=name, marks=[] if shutil.which(name) else pytest.mark.skip(reason=reason))


NEWEST = "lua5.4"
needs_lua = pytest.mark.skipif(
    not shutil.which(NEWEST), reason=f"{NEWEST} is not installed: scripts/setup lua"
)


@cache
def _temporary() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="legshark-lua-")  # it goes when Python ends


@cache
def folder() -> str:
    """A folder with the module that the assembling makes."""
    Path(_temporary().name, "constants.lua").write_text(assemble.constants(), encoding="utf-8")
    return _temporary().name


def run(lua: str, script: Path, *arguments: object, given: bytes = b"", succeeds: bool = False) -> str:
    """Run a script that finds the plug-in's modules; return what it printed."""
    folders = (str(assemble.SOURCE), folder(), str(TESTS))
    environment = os.environ | {"LUA_PATH": ";".join(f"{each}/?.lua" for each in folders)}
    for version in VERSIONS:
        environment.pop(f"LUA_PATH_{version.replace('.', '_')}", None)
    command = [lua, str(script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, check=False, env=environment, input=given)
    assert not done.stderr, done.stderr.decode(errors="replace")
    assert done.returncode == 0 or not succeeds
    return done.stdout.decode(errors="replace")
