"""Captures read together give what each gives alone, and nothing of one is seen in another."""

import shutil
import struct
from pathlib import Path

import pytest

from pcaps.make.builders import tunnels
from postproc.model.errors import CaptureError
from postproc.model.events import tables
from postproc.model.tables import TABLES, Tables
from postproc.read import capture, together, tshark
from postproc.read.option_files import Options
from postproc.wire.pcapng import ENHANCED, block
from tests.conftest import PCAPS
from tests.read import wire
from tests.read.test_tshark import SIP
from tests.read.wire import ACK, PUSH, START, TCP, UDP
from tests.sample import some

ALL = sorted(path for path in PCAPS.rglob("*") if path.suffix in (".pcap", ".pcapng", ".gz"))
MORE_OFFSET = 0x2000  # of the first fragment: more follow
SECOND = SIP % 2
BEHIND = b"\r\n" + SIP  # a keep-alive: not plain, so tshark's
HALF = 104  # bytes of a message in the first of two pieces; a multiple of 8, as fragments need


@pytest.fixture
def asked(monkeypatch) -> list[str]:
    """The files that tshark is started for."""
    names: list[str] = []
    frames = tshark.frames

    def noted(file, *arguments, **options):
        names.append(Path(file).name)
        return frames(file, *arguments, **options)

    monkeypatch.setattr(tshark, "frames", noted)
    return names


def alone(path: Path, options: Options = Options()) -> Tables | CaptureError:  # noqa: B008  (frozen)
    try:
        return capture.read(path, path.name, options)
    except CaptureError as error:
        return error


def read(paths: list[Path], options: Options = Options()) -> list[Tables | CaptureError]:  # noqa: B008
    found = dict(together.read_each([[(path, path.name)] for path in paths], options))
    return [
        each if isinstance(each, CaptureError) else tables(each)
        for each in (found[place] for place in range(len(paths)))
    ]


def differing(paths: list[Path], options: Options = Options()) -> list[tuple[str, str]]:  # noqa: B008
    """The files and tables that are not what they are alone."""
    found = []
    for path, several in zip(paths, read(paths, options), strict=True):
        one = alone(path, options)
        if isinstance(one, CaptureError) or isinstance(several, CaptureError):
            found += [] if str(one) == str(several) else [(path.name, f"{one} / {several}")]
            continue
        for table in TABLES:
            rows = [getattr(each, table.name).reset_index(drop=True) for each in (one, several)]
            found += [] if rows[0].equals(rows[1]) else [(path.name, table.name)]
    return found


@pytest.mark.parametrize(
    "paths",
    [ALL[::6], pytest.param(some(ALL, one_in=3), marks=pytest.mark.slow)],
    ids=["some", "more"],
)
def test_captures_read_together_give_what_each_gives_alone(paths):
    assert differing(paths) == []


def test_most_captures_share_a_tshark(asked):
    read(ALL[:32])
    assert asked.count("together.pcapng") == 1
    assert len(asked) <= 8


def test_the_same_bytes_under_many_names(tmp_path, asked):
    names = [tmp_path / f"{place}.pcapng" for place in range(3)]
    for name in names:
        shutil.copy(PCAPS / "good.pcapng", name)
    read(names)
    assert asked == ["together.pcapng"]
    assert differing(names) == []


def written(folder: Path, *captures: list[bytes]) -> list[Path]:
    """Captures of these packets of IP, a second apart from the first of all on."""
    paths, time = [], START
    for number, packets in enumerate(captures):
        timed = [(time + place * wire.SECOND, wire.ethernet(packet)) for place, packet in enumerate(packets)]
        paths.append(folder / f"{number}.pcap")
        paths[-1].write_bytes(wire.pcap(timed))
        time += len(packets) * wire.SECOND
    return paths


def segment(payload: bytes, behind: int, ip=wire.ipv4) -> bytes:
    header = bytearray(wire.tcp(payload, 5070, 5060, flags=ACK | PUSH))
    header[4:8] = (1000 + behind).to_bytes(4)
    return ip(bytes(header), TCP)


def in_segments(ip) -> tuple[list[bytes], list[bytes]]:
    """A connection whose second message begins at the end of one capture and ends in another."""
    first = SIP % 1
    end = len(first) + HALF
    return (
        [segment(first, 0, ip), segment(SECOND[:HALF], len(first), ip)],
        [segment(SECOND[HALF:], end, ip), segment(SIP % 3, end + len(SECOND) - HALF, ip)],
    )


def in_fragments(_ip) -> tuple[list[bytes], list[bytes]]:
    """A datagram whose fragments are in two captures."""
    packet = wire.udp(SECOND, 5070, 5060)
    return (
        [wire.ipv4(wire.udp(SIP % 1, 5070, 5060)), wire.ipv4(packet[:HALF], UDP, fragment=MORE_OFFSET)],
        [wire.ipv4(packet[HALF:], UDP, fragment=HALF // 8), wire.ipv4(wire.udp(SIP % 3, 5070, 5060))],
    )


@pytest.mark.parametrize("ip", [wire.ipv4, wire.ipv6], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("made", [in_segments, in_fragments])
def test_what_one_capture_begins_no_other_ends(tmp_path, made, ip, asked, monkeypatch):
    paths = written(tmp_path, *made(ip))

    def whole() -> list[int]:
        """How many messages each capture has, those aside of which fragments are missing."""
        return [int((~tables.sip_messages["cut_short"]).sum()) for tables in read(paths)]

    messages = whole()
    assert (asked, messages) == (["together.pcapng"], [1, 1])
    assert differing(paths) == []
    monkeypatch.setattr(together.Reduced, "addresses", lambda *_: frozenset())
    assert whole() == [1, 2], "unmasked they do meet"


@pytest.mark.parametrize("options", [Options(), Options(all_packets=True)], ids=["walked", "tshark"])
def test_an_icmp_error_in_fragments_is_read(tmp_path, options):
    """Of fragments only those of UDP may be a message of SIP that lacks the others."""
    asking = wire.ipv4(wire.udp(bytes(400), 5070, 5060))
    error = bytes([3, 3]) + bytes(6) + asking
    (path,) = written(
        tmp_path,
        [
            wire.ipv4(error[:HALF], 1, fragment=MORE_OFFSET),
            wire.ipv4(error[HALF:], 1, fragment=HALF // 8),
        ],
    )
    (tables,) = read([path], options)
    assert (len(tables.icmp_errors), len(tables.sip_messages)) == (1, 0)


def test_an_icmp_error_quotes_the_addresses_of_its_own_capture(tmp_path, asked):
    asking = wire.ipv4(wire.udp(SECOND, 5070, 5060))
    error = bytes([3, 3]) + bytes(6) + asking[:60]
    paths = written(
        tmp_path, *[[wire.ipv4(error, 1, source=f"192.0.2.{n}"), segment(BEHIND % 1, 0)] for n in (1, 1, 2)]
    )
    errors = [tables.icmp_errors.iloc[0] for tables in read(paths)]
    assert asked == ["together.pcapng"]
    assert [(row.reporter, row.src_addr, row.dst_addr) for row in errors] == [
        (f"192.0.2.{n}", wire.SOURCE, wire.DESTINATION) for n in (1, 1, 2)
    ]
    assert differing(paths) == []


IN_IP = {name: tunnel for name, tunnel in tunnels.TUNNELS.items() if not name.startswith(("MPLS", "PPPoE"))}


@pytest.mark.parametrize("tunnel", some(IN_IP.values(), one_in=4))
def test_captures_with_tunnels_in_ip_are_read_alone(tmp_path, tunnel, asked):
    paths = [tmp_path / "0.pcap", tmp_path / "1.pcap"]
    for path, payloads in zip(paths, in_segments(wire.ipv4), strict=True):
        packets = [(START + n, tunnel.wrap(payload)) for n, payload in enumerate(payloads)]
        path.write_bytes(wire.pcap(packets, link_type=tunnel.link))
    found = read(paths)
    assert asked and "together.pcapng" not in asked
    assert not any(isinstance(each, CaptureError) for each in found)
    assert differing(paths) == []


def test_captures_with_keys_are_read_alone(tmp_path, asked):
    keys = tmp_path / "keys"
    keys.write_text("")
    read([PCAPS / "good.pcapng", PCAPS / "acl_403.pcapng"], Options(keylog=keys))
    assert asked and "together.pcapng" not in asked


@pytest.mark.parametrize("trouble", ["kill -9 $$", "exit 2", "head -c 3000; exit 1"])
def test_where_the_tshark_of_all_fails_each_is_read_alone(tmp_path, monkeypatch, trouble):
    real = tshark.executable()
    program = tmp_path / "tshark"
    ends = trouble.replace("head -c 3000", f'{real} "$@" | head -c 3000')
    program.write_text(f'#!/bin/bash\ncase "$*" in *together*) {ends};; esac\nexec {real} "$@"\n')
    program.chmod(0o755)
    paths = ALL[:6]
    monkeypatch.setattr(tshark, "executable", lambda: str(program))
    assert differing(paths) == []


def with_bad_option(content: bytes, number: int) -> bytes:
    """A pcapng file with an option longer than its block, behind a packet: the walk reads on, tshark ends."""
    at, seen = 0, 0
    while True:
        kind, length = struct.unpack_from("<II", content, at)
        seen += kind == ENHANCED
        if seen == number:
            body = content[at + 8 : at + length - 4] + struct.pack("<HHI", 1, 0x7000, 0)
            return content[:at] + block(ENHANCED, body) + content[at + length :]
        at += length


@pytest.mark.parametrize("number", [1, 7, 40])
def test_a_damaged_capture_takes_nothing_from_those_behind_it(tmp_path, number, asked):
    paths = [tmp_path / "bad.pcapng", tmp_path / "good.pcapng", PCAPS / "acl_403.pcapng"]
    content = (PCAPS / "good.pcapng").read_bytes()
    paths[0].write_bytes(with_bad_option(content, number))
    paths[1].write_bytes(content)
    assert differing(paths) == []
    assert "together.pcapng" in asked


def test_a_capture_that_cannot_be_read_loses_itself_only(tmp_path):
    bad = tmp_path / "bad.pcap"
    bad.write_bytes(b"no capture")
    found = read([PCAPS / "good.pcapng", bad, tmp_path / "gone.pcap", PCAPS / "acl_403.pcapng"])
    assert [type(each) for each in found] == [Tables, CaptureError, CaptureError, Tables]


def test_no_more_captures_together_than_there_are_masks(tmp_path, monkeypatch, asked):
    monkeypatch.setattr(together, "MASKS", 2)
    paths = written(tmp_path, *[[segment(BEHIND % n, 0)] for n in range(5)])
    assert differing(paths) == []
    assert asked[:2] == ["together.pcapng", "together.pcapng"]
