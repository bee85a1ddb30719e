"""Damaged captures: the plug-in never raises a Lua error, in one pass or in two.

Blindly damaged by editcap, and as the campaign (tests.fuzz) damages them: message by message.
"""

import subprocess
from pathlib import Path

import pytest

from tests.fuzz import mutate
from tests.fuzz.corpus import corpus
from tests.plugins import wiresharks
from tests.plugins.dissected import ROOT, tshark
from tests.plugins.wiresharks import SYSTEM, Wireshark
from tests.sample import some

PCAPS = ROOT / "pcaps"
SHOWING_ERRORS = ("-Y", "_ws.lua.error", "-T", "fields", "-e", "frame.number", "-e", "_ws.expert.message")
CAPTURES = (
    PCAPS / "acl_403.pcapng",
    PCAPS / "made" / "icmp_quotes_stun.pcapng",
    PCAPS / "made" / "ipv6.pcapng",
    PCAPS / "made" / "reinvite.pcapng",
    PCAPS / "made" / "sip_udp_fragments.pcapng",
    PCAPS / "made" / "turn_channel.pcapng",
)


def mutated(capture: Path, seed: int, folder: Path) -> Path:
    target = folder / f"{seed}.pcapng"
    subprocess.run(
        ["editcap", "-E", "0.02", "--seed", str(seed), capture, target], check=True, capture_output=True
    )
    return target


def errors(capture: Path, wireshark: Wireshark = SYSTEM) -> list[str]:
    """Errors in either pass: those of the first pass of two are seen in one pass only."""
    found = []
    for passes in ([], ["-2"]):
        done = tshark(capture, *passes, *SHOWING_ERRORS, wireshark=wireshark)
        found += done.stdout.splitlines()
        found += [line for line in done.stderr.splitlines() if "Lua" in line or "legs.lua" in line]
    return found


@pytest.mark.parametrize("seed", range(4))
def test_garbage_raises_no_lua_error(seed: int, tmp_path: Path) -> None:
    assert errors(mutated(CAPTURES[seed], seed, tmp_path)) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", some(range(4, 64), one_in=4))
def test_garbage_of_many_seeds_raises_no_lua_error(seed: int, tmp_path: Path) -> None:
    assert errors(mutated(CAPTURES[seed % len(CAPTURES)], seed, tmp_path)) == []


@pytest.mark.slow
@pytest.mark.parametrize("wireshark", wiresharks.newer())
@pytest.mark.parametrize("seed", some(range(4, 24), one_in=5))
def test_garbage_raises_no_lua_error_in_newer_ones(seed: int, wireshark: Wireshark, tmp_path: Path) -> None:
    assert errors(mutated(CAPTURES[seed % len(CAPTURES)], seed, tmp_path), wireshark) == []


@pytest.mark.slow
@pytest.mark.parametrize("wireshark", wiresharks.each())
@pytest.mark.parametrize("first", range(0, 240, 40))
def test_mutants_raise_no_lua_error(first: int, wireshark: Wireshark, tmp_path: Path) -> None:
    """Forty a file, as tshark takes longer to start than to read one."""
    seeds = corpus()
    some = [mutate.capture(seeds, number) for number in range(first, first + 40)]
    target = tmp_path / f"{first}.pcapng"
    target.write_bytes(mutate.join([each for each in some if each.joinable]))
    assert dissected(target, wireshark)
    assert errors(target, wireshark) == []


@pytest.mark.slow
@pytest.mark.parametrize("wireshark", wiresharks.each())
def test_files_that_are_damaged_themselves_raise_no_lua_error(wireshark: Wireshark, tmp_path: Path) -> None:
    seeds = corpus()
    some = [made for made in (mutate.capture(seeds, number) for number in range(30)) if not made.joinable]
    assert some
    for made in some:
        target = tmp_path / f"{made.number}.pcapng"
        target.write_bytes(made.data)
        assert errors(target, wireshark) == [], str(made)


def dissected(capture: Path, wireshark: Wireshark) -> bool:
    """Whether the plug-in says anything at all of the capture."""
    return bool(tshark(capture, "-Y", "legs", wireshark=wireshark).stdout)


@pytest.mark.parametrize("wireshark", wiresharks.each())
def test_what_is_not_worked_out_yet_raises_no_lua_error(wireshark: Wireshark, tmp_path: Path) -> None:
    """A file of many calls: while it is read, the newest transactions wait for their turn."""
    many = tmp_path / "many.pcapng"
    subprocess.run(["mergecap", "-w", many, *sorted(PCAPS.glob("*.pcapng"))], check=True, capture_output=True)
    assert dissected(many, wireshark)
    assert errors(many, wireshark) == []


@pytest.mark.parametrize("length", [20, 60, 90, 400])
def test_packets_cut_short_raise_no_lua_error(length: int, tmp_path: Path) -> None:
    target = tmp_path / "cut.pcapng"
    subprocess.run(["editcap", "-s", str(length), CAPTURES[3], target], check=True, capture_output=True)
    assert errors(target) == []


@pytest.mark.parametrize("wireshark", wiresharks.each())
def test_an_error_would_be_seen(wireshark: Wireshark, tmp_path: Path) -> None:
    script = tmp_path / "broken.lua"
    script.write_text(
        'local p = Proto("broken", "Broken")\n'
        'function p.dissector() error("broken") end\n'
        "register_postdissector(p)\n"
    )
    assert tshark(CAPTURES[0], *SHOWING_ERRORS, plugin=script, wireshark=wireshark).stdout
