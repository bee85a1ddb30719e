"""Calls in tunnels: their copies show the same, and of the tunnels only what leads on is left."""

import re
import struct
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from pcaps.make.builders import tunnels
from postproc.read.capture import read
from postproc.read.option_files import Options
from postproc.read.records import Record, pieces
from postproc.share.redact import Source, Work, redact
from postproc.wire.ip import checksum
from tests.read import wire
from tests.read.test_tunnels import fragments
from tests.share.same import without_names
from tests.share.test_redact import CHECKED, KNOWN, SOUND

CALL = Path(__file__).parents[3] / "pcaps" / "codec_488.pcapng"
TABLES = ("sip_messages", "candidates", "stun_messages", "dtls_messages", "rtp_streams")
IP_IN_IP, GRE, AUTHENTICATION = 4, 47, 51


SLOW = sorted(set(tunnels.TUNNELS) - {"4in6", "ERSPAN III", "Geneve", "GTP-U of 5G", "802.11 in PPI"})


@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=[pytest.mark.slow] * (each in SLOW)) for each in tunnels.TUNNELS]
)
def test_the_copy_of_a_call_in_a_tunnel_shows_the_call(tmp_path, name):
    original, path = tmp_path / "a.pcap", tmp_path / "b.pcapng"
    original.write_bytes(tunnels.wrapped(CALL.read_bytes(), tunnels.TUNNELS[name]))
    redact(Work([Source(original, path)], products=KNOWN))
    before, after = (read(each, "a", Options()) for each in (original, path))
    for table in TABLES:
        pd.testing.assert_frame_equal(
            without_names(getattr(after, table)), without_names(getattr(before, table)), obj=table
        )
    assert len(before.sip_messages) and len(before.stun_messages)
    assert "10.0.50.118" not in path.read_bytes().decode("latin-1")
    command = ["tshark", "-r", path, *CHECKED, "-Y", SOUND]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == ""


def redacted(folder: Path, *packets: bytes, link_type: int = 1) -> list[bytes]:
    timed = [(number, packet) for number, packet in enumerate(packets, 1)]
    (folder / "a").write_bytes(wire.pcap(timed, link_type=link_type))
    redact(Work([Source(folder / "a", folder / "b")]))
    with pieces(folder / "b") as found:
        written = [piece.data for piece in found if isinstance(piece, Record)]
    assert [len(data) for data in written] == [len(packet) for packet in packets]
    return written


SIP = b"OPTIONS sip:b@example.org SIP/2.0\r\nCall-ID: 1\r\n\r\n"
INSIDE = wire.ipv4(wire.udp(SIP, 5060, 5060))
FRAME = wire.ethernet(INSIDE)


def in_gre(flags: int, kind: int, fields: bytes, inside: bytes) -> bytes:
    return wire.ethernet(wire.ipv4(struct.pack(">HH", flags, kind) + fields + inside, protocol=GRE))


def in_udp(port: int, payload: bytes) -> bytes:
    return wire.datagram(payload, 50_000, port)


TELLING = {
    "key of GRE": (in_gre(0x2000, 0x0800, b"Anna", INSIDE), 1),
    "routing of GRE": (in_gre(0x5000, 0x0800, b"AnnaAnna"[:4] + b"\0\0\0\1", INSIDE), 1),
    "VNI of VXLAN": (in_udp(4789, b"\x08AnnAnn\0" + FRAME), 1),
    "VNI of VXLAN-GPE": (in_udp(4790, b"\x0cAn\x01AnnA" + INSIDE), 1),
    "options of Geneve": (in_udp(6081, b"\x03\0\x08\0Anna" + b"AnnaAnnaAnna" + INSIDE), 1),
    "tunnel of GTP-U": (in_udp(2152, b"\x36\xff\0\0AnnaAnn\0" + INSIDE), 1),
    "extension of GTP-U": (in_udp(2152, b"\x34\xff\0\0Anna\0\0\0\x85\x02AnnaAn\0" + INSIDE), 1),
    "tags of TZSP": (in_udp(37008, b"\1\0\0\1\x3c\x08AnnaAnna\0\1" + FRAME), 1),
    "times of ERSPAN": (in_gre(0x1000, 0x22EB, b"\0\0\0\1\x20\0\0\0AnnaAn\0\1AnnaAnna", FRAME), 1),
    "signature of AH": (
        wire.ethernet(
            wire.ipv4(b"\x11\4\0\0Anna\0\0\0\1AnnaAnnaAnna" + wire.udp(SIP), protocol=AUTHENTICATION)
        ),
        1,
    ),
    "name of a radio": (struct.pack("<II16s", 0x44, 24, b"AnnaAnnaAnna") + tunnels.wlan(INSIDE), 119),
    "field of PPI": (
        struct.pack("<BBHIHH8s", 0, 0, 20, 105, 30002, 8, b"AnnaAnna") + tunnels.wlan(INSIDE),
        192,
    ),
    "what a radio heard": (
        struct.pack("<BBHIQBB8s", 0, 0, 26, 0x4000_0007, 5, 0, 4, b"AnnaAnna") + tunnels.wlan(INSIDE),
        127,
    ),
}


@pytest.mark.parametrize("field", TELLING)
def test_what_a_tunnel_tells_besides_is_null(tmp_path, field):
    packet, link_type = TELLING[field]
    assert b"Ann" in packet
    (written,) = redacted(tmp_path, packet, link_type=link_type)
    assert b"Ann" not in written
    assert b"OPTIONS sip:" in written and b"example" not in written


DOUBTFUL = {
    "labels of MPLS": (wire.ethernet(b"Anna" * 20, kind=0x8847), 1),
    "labels as link type": (b"Anna" * 20, 219),
    "LLC": (wire.ethernet(b"Anna" * 20, kind=80), 1),
    "ERSPAN in nothing": (wire.ethernet(b"\x10nnaAnna" * 9, kind=0x88BE), 1),
    "GRE in IPv4": (wire.ethernet(wire.ipv4(b"\0\0\x08\0Anna" * 9, protocol=GRE)), 1),
    "IP in IP": (wire.ethernet(wire.ipv4(b"Anna" * 9, protocol=IP_IN_IP)), 1),
    "a datagram to the port of VXLAN": (in_udp(4789, b"\x08nnaAnn\0" + b"Anna" * 9), 1),
    "a datagram to the port of GTP": (in_udp(2152, b"\x30\xff" + b"Anna" * 9), 1),
    "a radio's header without an end": (struct.pack("<BBHI", 0, 0, 2, 0xFFFF_FFFF) + b"Anna" * 9, 127),
    "an 802.11 beacon": (b"\x80\0" + bytes(22) + b"\0\x08AnnaAnna", 105),
}


@pytest.mark.parametrize("kind", DOUBTFUL)
def test_what_only_looks_like_a_tunnel_is_null(tmp_path, kind):
    packet, link_type = DOUBTFUL[kind]
    (written,) = redacted(tmp_path, packet, link_type=link_type)
    assert b"nn" not in written


@pytest.mark.parametrize(
    "name", ["VXLAN", "TZSP with 802.11", "802.11 with four addresses", "MPLS pseudo-wire"]
)
def test_hardware_addresses_in_tunnels_are_pseudonyms(tmp_path, name):
    tunnel = tunnels.TUNNELS[name]
    packet = tunnel.wrap(INSIDE)
    (written,) = redacted(tmp_path, packet, link_type=tunnel.link)
    macs = {found[0] for found in re.finditer(rb"\x02\0\0\0.{2}", packet, re.DOTALL)}
    macs |= {tunnels.ethernet(INSIDE)[at : at + 6] for at in (0, 6)}
    there = [mac for mac in macs if mac in packet]
    assert len(there) > 1 and not [mac for mac in there if mac in written]


def test_the_checksum_of_gre_is_right(tmp_path):
    (written,) = redacted(tmp_path, in_gre(0x8000, 0x0800, b"\0\0\0\0", INSIDE))
    packet = written[14 + 20 :]
    assert packet[4:6] != b"\0\0" and checksum(packet) == 0


def test_a_tunnel_in_fragments_is_redacted_as_a_whole(tmp_path):
    whole = struct.pack(">HH", 0, 0x0800) + INSIDE
    packets = [
        wire.ethernet(piece)
        for piece in fragments(whole, 32, lambda data, **given: wire.ipv4(data, protocol=GRE, **given))
    ]
    written = b"".join(data[34:] for data in redacted(tmp_path, *packets))
    assert b"OPTIONS sip:" in written and b"example" not in written


@pytest.mark.parametrize("protocol", [IP_IN_IP, GRE])
def test_packets_in_each_other_without_end_do_no_harm(tmp_path, protocol):
    packet = INSIDE
    while len(packet) < 60_000:
        packet = wire.ipv4(packet if protocol == IP_IN_IP else b"\0\0\x08\0" + packet, protocol=protocol)
    (written,) = redacted(tmp_path, wire.ethernet(packet))
    assert b"example" not in written
