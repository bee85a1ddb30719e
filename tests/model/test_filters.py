"""Filters that are built mean what they should in tshark, whatever strangers wrote."""

import subprocess
from pathlib import Path
from shutil import which

import pytest

from postproc.model import filters
from tests.plugins import packets
from tests.plugins.bundle import TSHARK

HOSTILE = [
    "plain123",
    "a@host.example",
    'q"uote"s@x',
    "back\\slash\\x41@x",
    "a.b*c+d?(e)[f]{g}|^$@x",
    "ümläut-@x",
    "${leg:1}$1@x",
    "semi;colon,comma@x",
    "pct%20%s@x",
    "ap'os@x",
    "tab\there",
    "<b>@x",
    "\u202ertl",
    "x" * 1500,
    "trail\\",
    "\x01ctl\x1b[31m",
    "sp ace",
    "e\u0301",
    "\U0001f642 smile@x",
    "//c",
    "0x41",
    "1",
    "\\x41",
    "a@b@c",
    "{1..2}",
    '") || frame || (sip.Call-ID == "',
    "@[0,0,0]",
    "#",
    "!@",
    "-Y",
    "\u65e5\u672c@x",
]
NOT_UTF8 = [b"\xff\xfebad@x", b"lat\xe4in@x", b"cut\xe2\x82x"]


def options(call_id: bytes) -> bytes:
    head = b"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
    return (
        head + b"To: <sip:b@c>\r\nCall-ID: " + call_id + b"\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    )


@pytest.fixture(scope="module")
def capture(tmp_path_factory) -> Path:
    messages = [options(value) for value in [*(each.encode() for each in HOSTILE), *NOT_UTF8]]
    ends = ("10.0.0.1", 5060), ("10.0.0.2", 5060)
    made = [packets.udp_between(*ends, message) for message in messages]
    return packets.capture(tmp_path_factory.mktemp("filters") / "hostile.pcap", *made)


def shown(capture: Path, expression: str) -> list[int]:
    command = [*TSHARK, "-n", "-r", str(capture), "-Y", expression, "-T", "fields", "-e", "frame.number"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [int(number) for number in done.stdout.split()]


def test_every_hostile_value_finds_itself_and_nothing_else(capture: Path) -> None:
    """All in one start of tshark: a set, whose members must be as many as there are frames."""
    values = HOSTILE + [value.decode(errors="replace") for value in NOT_UTF8]
    assert shown(capture, filters.equals("sip.Call-ID", values)) == list(range(1, len(values) + 1))
    for nth in (2, 5, 7, 26):
        assert shown(capture, filters.equals("sip.Call-ID", [values[nth - 1]])) == [nth]


def test_every_second_value_is_told_from_its_neighbours(capture: Path) -> None:
    assert shown(capture, filters.equals("sip.Call-ID", HOSTILE[::2])) == list(range(1, len(HOSTILE) + 1, 2))


def test_what_files_and_macros_would_take_for_theirs_is_escaped() -> None:
    assert filters.quoted('a@b"$1\\') == r'"a\x40b\x22\x241\x5c"'
    assert filters.quoted("a\u202eb") == r'"a\xe2\x80\xaeb"'
    assert filters.quoted("ümlaut") == r'"\xc3\xbcmlaut"'
    assert filters.quoted("end\0more") == '"end"'


def test_bytes_are_written_as_wireshark_shows_them() -> None:
    assert filters.same_bytes("stun.id", ["2112a442"]) == "stun.id == 21:12:a4:42"
    assert filters.same_bytes("stun.id", ["2112", "2112", "a442"]) == "stun.id in {21:12, a4:42}"


def test_nothing_gives_nothing() -> None:
    assert filters.equals("sip.Call-ID", []) == ""
    assert filters.either(["", ""]) == ""
    assert filters.both(["", "stun"]) == "stun"


def test_alternatives_inside_are_grouped() -> None:
    assert filters.both(["a || b", "c"]) == "(a || b) && c"
    assert filters.either(["a && b", "c"]) == "(a && b) || c"


def test_between_two_ends_is_both_ways_and_no_other_port(tmp_path: Path) -> None:
    one, other = ("10.0.0.1", 30000), ("10.0.0.2", 40000)
    frames = [
        packets.udp_between(one, other, b"1"),
        packets.udp_between(other, one, b"2"),
        packets.udp_between(one, ("10.0.0.2", 40001), b"3"),
        packets.udp_between(("10.0.0.1", 30001), ("10.0.0.2", 40001), b"4"),
        packets.udp_between(one, ("10.0.0.3", 40000), b"5"),
    ]
    capture = packets.capture(tmp_path / "between.pcap", *frames)
    assert shown(capture, filters.between(one, other)) == [1, 2]
    assert shown(capture, filters.between(one, other, odd=True)) == [1, 2, 3, 4]


def test_ipv6_and_the_last_port_are_no_exception(tmp_path: Path) -> None:
    capture = packets.capture(tmp_path / "one.pcap", packets.udp(b"1"))
    expression = filters.between(("2001:db8::1", 65535), ("2001:db8::2", 65535), odd=True)
    assert expression == "ipv6.addr == 2001:db8::1 && ipv6.addr == 2001:db8::2 && udp.port == 65535"
    assert shown(capture, expression) == []


@pytest.mark.parametrize("other", [None, ("2001:db8::2", 40000)])
def test_capture_filters_compile(other: tuple[str, int] | None) -> None:
    dumpcap = which("dumpcap")
    expression = filters.capture_filter(("2001:db8::1", 30000), other)
    assert expression.startswith("udp and host 2001:db8::1 and port 30000")
    if dumpcap is None:
        pytest.skip("no dumpcap, which compiles capture filters")
    done = subprocess.run(
        [dumpcap, "-d", "-i", "lo", "-f", expression], capture_output=True, text=True, check=False
    )
    if "syntax" not in done.stderr and done.returncode:
        pytest.skip(f"dumpcap opens no interface here: {done.stderr.strip()[:80]}")
    assert "(000)" in done.stdout


def test_ports_that_only_tcp_candidates_have_are_looked_for_in_tcp_too() -> None:
    tcp = filters.tcp_ports([("tcp", 9), ("tcp", 30000), ("tcp", 40000), ("udp", 40000), ("tcp", None)])
    assert tcp == {30000}
    assert filters.ports([30000, 50000], tcp) == "udp.port in {30000, 50000} || tcp.port == 30000"
    assert filters.between(("10.0.0.1", 30000), ("10.0.0.2", 50000), over=("tcp", "udp")) == (
        "ip.addr == 10.0.0.1 && ip.addr == 10.0.0.2 && ((udp.port == 30000 && udp.port == 50000)"
        " || (tcp.port == 30000 && tcp.port == 50000))"
    )
