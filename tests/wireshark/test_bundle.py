"""Folders as Linux, macOS and Windows tell them."""

from pathlib import PureWindowsPath

import pytest

from postproc.model.errors import SetupError
from postproc.wireshark.bundle import parse_folders, paths

LINUX = """\
Temp:                	/tmp
Personal configuration:	/home/anna/.config/wireshark
Global configuration:	/usr/share/wireshark
System:              	/etc
Program:             	/usr/bin
Personal Plugins:    	/home/anna/.local/lib/wireshark/plugins/4.0
Global Plugins:      	/usr/lib/x86_64-linux-gnu/wireshark/plugins/4.0
Personal Lua Plugins:	/home/anna/.local/lib/wireshark/plugins
Global Lua Plugins:  	/usr/lib/x86_64-linux-gnu/wireshark/plugins
Extcap path:         	/usr/lib/x86_64-linux-gnu/wireshark/extcap
MaxMind database path:	/usr/share/GeoIP
MaxMind database path:	/var/lib/GeoIP
"""
MACOS = """\
Temp:                	/var/folders/zz/T
Personal configuration:	/Users/anna maria/.config/wireshark
Global configuration:	/Applications/Wireshark.app/Contents/Resources/share/wireshark
System:              	/etc
Program:             	/Applications/Wireshark.app/Contents/MacOS
Personal Plugins:    	/Users/anna maria/.local/lib/wireshark/plugins/4-4
Global Plugins:      	/Applications/Wireshark.app/Contents/PlugIns/wireshark/4-4
Personal Lua Plugins:	/Users/anna maria/.local/lib/wireshark/plugins
Global Lua Plugins:  	/Applications/Wireshark.app/Contents/PlugIns/wireshark
"""
WINDOWS = (
    "Temp:                \tC:\\Users\\anna\\AppData\\Local\\Temp\r\n"
    "Personal configuration:\tC:\\Users\\anna\\AppData\\Roaming\\Wireshark\\\r\n"
    "Global configuration:\tC:\\Program Files\\Wireshark\r\n"
    "Personal Plugins:    \tC:\\Users\\anna\\AppData\\Roaming\\Wireshark\\plugins\\4.6\r\n"
    "Personal Lua Plugins:\tC:\\Users\\anna\\AppData\\Roaming\\Wireshark\\plugins\r\n"
)


@pytest.mark.parametrize(("told", "home"), [(LINUX, "/home/anna"), (MACOS, "/Users/anna maria")])
def test_linux_and_macos_keep_plugins_apart_from_the_configuration(told: str, home: str) -> None:
    found = parse_folders(told)
    assert found.configuration.as_posix() == f"{home}/.config/wireshark"
    assert found.profiles.as_posix() == f"{home}/.config/wireshark/profiles"
    assert found.lua is not None
    assert found.lua.as_posix() == f"{home}/.local/lib/wireshark/plugins"


def test_windows_keeps_plugins_in_the_configuration() -> None:
    found = paths(WINDOWS)
    configuration = PureWindowsPath(found["Personal configuration"])
    assert configuration == PureWindowsPath(r"C:\Users\anna\AppData\Roaming\Wireshark")
    assert PureWindowsPath(found["Personal Lua Plugins"]) == configuration / "plugins"


def test_a_wireshark_without_lua_has_no_folder_for_it() -> None:
    without = "\n".join(line for line in LINUX.splitlines() if "Lua" not in line)
    assert parse_folders(without).lua is None
    assert parse_folders(without, moved=True).lua is None


def test_a_moved_configuration_holds_the_plugins_too() -> None:
    found = parse_folders(LINUX, moved=True)
    assert found.lua == found.configuration / "plugins"


def test_silence_is_trouble() -> None:
    with pytest.raises(SetupError, match="tshark -G folders"):
        parse_folders("tshark: something else\n")
