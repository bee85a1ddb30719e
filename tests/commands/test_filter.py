"""``postproc filter``: one call's display filter and the firewall hand-out."""

import re
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from postproc import load
from postproc.cli import cli
from tests.plugins import bundle as bundles


def shown(*arguments: object) -> list[str]:
    done = CliRunner().invoke(cli, ["filter", *map(str, arguments), "--lang", "en"])
    assert done.exit_code == 0, done.output
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def good(pcaps) -> list[str]:
    return shown(pcaps / "good.pcapng")


def test_the_port_of_the_servers_candidate_comes_first(good):
    firewall = good[good.index("For the firewall (times in UTC):") + 1 :]
    assert firewall[0] == (
        "  UDP port of the server's candidate: 31802 (10.0.50.118:31802, offered as 203.0.113.10:41802)"
    )
    assert firewall[1:3] == [
        "    Wireshark: udp.port in {31802, 41802}",
        "    tcpdump:   udp port 31802 or udp port 41802",
    ]
    flows = [line.split("  ")[1] for line in firewall if line.startswith("  UDP 1")]
    assert flows == [
        "UDP 10.0.50.118:31802 <-> 198.51.100.77:33246",
        "UDP 10.0.50.118:31802 <-> 192.0.2.53:3478",
        "UDP 10.0.50.118:5060 <-> 10.0.50.20:5060",
        "UDP 10.0.50.118:31514 <-> 10.0.50.20:11800",
    ]


def test_words_times_and_counts_are_those_of_the_capture(good):
    text = "\n".join(good)
    assert "2026-11-22 22:38:49.516 - 22:39:00.519" in text
    assert "checks 11/3 sent/received, 14 answered; DTLS handshakes 1, 1 complete" in text
    assert "Allow UDP from 10.0.50.118:31802 to the STUN server 192.0.2.53:3478" in text


def test_every_filter_that_is_printed_compiles(good, pcaps, tmp_path):
    printed = [line.split(": ", 1)[1] for line in good if line.startswith("    Wireshark: ")]
    bundle = bundles.make(tmp_path / "bundle")
    filters = {text: text for text in [*printed, good[good.index("Display filter:") + 1].strip()]}
    assert len(filters) == 6
    assert bundles.bad_filters(bundle, pcaps / "good.pcapng", filters) == {}


@pytest.mark.parametrize("name", ["two_calls", "made/stun_ports", "made/ipv6", "made/turn_channel"])
def test_the_display_filter_shows_what_the_plugin_says_is_the_call(name, pcaps, tmp_path):
    capture = pcaps / f"{name}.pcapng"
    bundle = bundles.make(tmp_path / "bundle")
    lines = shown(capture)
    filters = [lines[at + 1].strip() for at, line in enumerate(lines) if line == "Display filter:"]
    calls = [int(found[1]) for line in lines if (found := re.match(r"call (\d+)  ", line))]
    assert calls
    for call, expression in zip(calls, filters, strict=True):
        # A connection's own segments are the call's for the plug-in; no display filter can tell without it.
        of_call = f"legs.call == {call} && (sip || !tcp)"
        assert bundle.frames(capture, expression) == bundle.frames(capture, of_call)


def test_one_call_of_several_is_chosen_by_its_number(pcaps):
    lines = shown(pcaps / "two_calls.pcapng", "--call", "2")
    assert [line for line in lines if line.startswith("call ")] == [lines[0]]
    assert lines[0].startswith("call 2  ")


def test_a_number_without_a_call_is_one_line_of_trouble(pcaps):
    done = CliRunner().invoke(cli, ["filter", str(pcaps / "good.pcapng"), "--call", "7"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == "postproc: no call 7 in this run; it has 1\n"


def test_numbers_of_an_earlier_run_are_those_of_its_results(pcaps, tmp_path):
    """Alone, the call has another number in its capture, which the plug-in shows."""
    captures = [str(pcaps / name) for name in ("good.pcapng", "two_calls.pcapng")]
    out = tmp_path / "out"
    assert CliRunner().invoke(cli, ["run", *captures, "-o", str(out), "-q", "--no-report"]).exit_code == 0
    of_run = load(out).calls
    last = int(of_run["call"].max())
    lines = shown(out, "--call", str(last))
    assert lines[0].startswith(f"call {last}  ")
    alone = shown(pcaps / "two_calls.pcapng", "--call", "2")
    assert lines[1:3] == alone[1:3]
    assert "With the plug-in:" in alone and "With the plug-in:" not in lines


def test_what_is_no_capture_is_one_line_of_trouble(tmp_path: Path):
    (tmp_path / "x\x1b[31m.txt").write_text("no capture")
    done = CliRunner().invoke(cli, ["filter", str(tmp_path / "x\x1b[31m.txt")])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "\x1b" not in done.stderr


def test_german_is_german(pcaps):
    done = CliRunner().invoke(cli, ["filter", str(pcaps / "good.pcapng"), "--lang", "de"])
    assert "UDP-Port des Kandidaten des Servers: 31802" in done.stdout
    assert "in beiden Richtungen erlauben" in done.stdout
    assert "Allow" not in done.stdout


def test_a_capture_without_calls_says_so(tmp_path):
    capture = tmp_path / "empty.pcap"
    subprocess.run(["text2pcap", "-q", "-", capture], input="0000 00 01 02\n", text=True, check=True)
    done = CliRunner().invoke(cli, ["filter", str(capture), "--lang", "en"])
    assert (done.exit_code, done.stderr) == (0, "postproc: no calls in this capture\n")
