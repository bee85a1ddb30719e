"""``postproc compare`` and ``postproc merge``."""

import subprocess

import pytest
from click.testing import CliRunner

from pcaps.make.registry import SETS
from postproc.cli import cli

CHANGED = SETS / "ports_changed"
CAPTURES = [str(CHANGED / name) for name in ("server.pcapng", "wan.pcap", "client.pcap")]


def said(*arguments, status=0):
    done = CliRunner().invoke(cli, list(arguments))
    assert done.exit_code == status, done.output
    return done.output


def shown(path, *fields):
    """The fields of each packet, by tshark."""
    command = [
        "tshark",
        "-r",
        str(path),
        "-T",
        "fields",
        *(each for field in fields for each in ("-e", field)),
    ]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return [tuple(line.split("\t")) for line in lines]


@pytest.fixture(scope="module")
def merged(tmp_path_factory):
    target = tmp_path_factory.mktemp("merged") / "all.pcapng"
    told = said("merge", *CAPTURES, "-o", str(target), "--name", f"branch={CAPTURES[2]}", "--lang", "en")
    fields = ("frame.time_epoch", "frame.interface_name", "frame.comment", "rtp.ssrc", "ip.src")
    return told, shown(target, *fields)


def test_a_comparison_says_order_clocks_and_what_passed():
    lines = said("compare", *CAPTURES, "--lang", "en").splitlines()
    assert lines[0] == "From the server on: server → WAN → client"
    assert lines[1] == "  server (server.pcapng): the others' clocks are compared with its"
    assert lines[2].startswith("  WAN (wan.pcap): its clock is 27620.0 ms behind ± 0.2 ms, drift 1")
    assert lines[3].startswith("  client (client.pcap): its clock is 7199")
    assert any(
        line.startswith("  RTP packets, leg 1: server → WAN 200 of 200 · WAN → client 191 of 200; delay ")
        for line in lines
    )


def test_a_comparison_in_german_with_names_of_ones_own():
    names = ("--name", f"Zentrale={CAPTURES[0]}", "--name", f"Homeoffice={CAPTURES[2]}")
    lines = said("compare", CAPTURES[1], *names, "--lang", "de").splitlines()
    assert lines[0] == "Vom Server aus: Zentrale → WAN → Homeoffice"
    assert "  WAN (wan.pcap): ihre Uhr geht 27620,0 ms nach ± 0,2 ms, Drift 1" in "\n".join(lines)
    assert any("Zentrale → WAN 200 von 200 · WAN → Homeoffice 191 von 200" in line for line in lines)


def test_an_offset_given_by_hand_counts():
    lines = said("compare", *CAPTURES, "--offset", f"{CAPTURES[1]}=-27500", "--lang", "en").splitlines()
    assert lines[2].startswith("  WAN (wan.pcap): its clock is 27500.0 ms behind")


def test_captures_of_different_calls_are_said_to_have_nothing_in_common(pcaps, tmp_path):
    two = [str(pcaps / name) for name in ("good.pcapng", "no_binding_success.pcapng")]
    assert "no packet in common" in said("compare", *two, "--lang", "en")
    target = tmp_path / "no.pcapng"
    assert "no packet in common" in said("merge", *two, "-o", str(target), "--lang", "en", status=2)
    assert not target.exists()


def test_one_capture_is_none_too_many():
    assert "two places" in said("compare", CAPTURES[0], "--lang", "en", status=2)


def test_merged_packets_are_on_one_clock_and_bear_their_place(merged):
    told, packets = merged
    count = sum(len(shown(path, "frame.number")) for path in CAPTURES)
    assert len(packets) == count
    assert f"{count} packets of 3 captures, 11 of them not seen" in told
    assert {place for _, place, *_ in packets} == {"server", "WAN", "branch"}
    times = [float(time) for time, *_ in packets]
    assert times == sorted(times)
    assert times[-1] - times[0] < 10  # s: the clocks are two hours apart


def test_merged_packets_that_get_lost_say_so(merged):
    _, packets = merged
    lost = [(place, comment) for _, place, comment, *_ in packets if comment]
    assert sorted(set(lost)) == [("WAN", "not seen at branch"), ("branch", "not seen at WAN")]
    assert len(lost) == 11
