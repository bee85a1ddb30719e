"""The plug-in's modules by themselves, in plain Lua, without Wireshark: tests/plugins/lua."""

import re
from pathlib import Path

import pytest

from tests.plugins import plain

FILES = sorted(plain.TESTS.glob("test_*.lua"))


@pytest.mark.parametrize("lua", plain.interpreters())
@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_modules_in_plain_lua(file: Path, lua: str) -> None:
    declared = set(re.findall(r"^function test\.(\w+)", file.read_text(encoding="utf-8"), re.MULTILINE))
    lines = plain.run(lua, plain.TESTS / "run.lua", file).splitlines()
    assert [line for line in lines if not line.startswith("ok ")] == []
    assert {line.removeprefix("ok ") for line in lines} == declared
    assert declared
