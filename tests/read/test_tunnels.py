"""Calls in tunnels: what is found in them, and what is said where nothing can be."""

from pathlib import Path

import pandas as pd
import pytest

from pcaps.make.builders import tunnels
from postproc import pipeline
from postproc.diagnose import diagnose
from postproc.read import deployment
from postproc.read.capture import read
from postproc.read.option_files import Options
from tests.read import wire
from tests.read.test_layers import NUMBERS, plain, version_6
from tests.read.wire import START

GOOD = Path(__file__).parents[2] / "pcaps" / "good.pcapng"


@pytest.mark.parametrize("inside", [plain, version_6], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("tunnel", tunnels.TUNNELS.values(), ids=tunnels.TUNNELS)
def test_media_is_measured_in_every_tunnel_between_its_own_ends(tmp_path, tunnel, inside):
    packets = [(START + n * 20_000_000, tunnel.wrap(inside(wire.rtp(n)))) for n in NUMBERS]
    found = wire.parted(tmp_path, wire.pcap(packets, link_type=tunnel.link))
    row = found.rtp_streams.iloc[0]
    ends = ("2001:db8::1", "2001:db8::2") if inside is version_6 else (wire.SOURCE, wire.DESTINATION)
    assert (row.src_addr, row.dst_addr, row.packets, row.bytes) == (*ends, 20, 20 * 32)
    assert (found.media_packets, found.not_looked_at) == (20, 0)


@pytest.mark.parametrize("tunnel", tunnels.UNKNOWN.values(), ids=tunnels.UNKNOWN)
def test_what_nobody_knows_is_counted_and_named(tmp_path, tunnel):
    name = next(name for name, each in tunnels.UNKNOWN.items() if each is tunnel)
    found = wire.parted(tmp_path, wire.pcap([(START, tunnel.wrap(plain(b"x")))], link_type=tunnel.link))
    assert (found.not_looked_at, found.unread, found.kept_frames.tolist()) == (1, name, [1])
    assert found.warnings == (f"1 packet not looked at, in which media may be: {name}",)


NONE_OF_THEIRS = {
    "a check on the port of VXLAN": (b"\0\1\0\0\x21\x12\xa4\x42" + bytes(12), 4789),
    "DTLS on the port of Geneve": (b"\x16\xfe\xfd\0\0" + bytes(20), 6081),
    "SIP on the port of GTP": (b"OPTIONS sip:a@example.org SIP/2.0\r\n\r\n", 2152),
    "a check on the port of TZSP": (b"\1\1\0\x44\x21\x12\xa4\x42" + bytes(80), 37008),
    "TZSP whose list of tags has no end": (b"\1\0\0\1" + b"\x0a\0" * 40, 37008),
}


@pytest.mark.parametrize(("payload", "port"), NONE_OF_THEIRS.values(), ids=NONE_OF_THEIRS)
def test_a_port_alone_makes_no_tunnel(tmp_path, payload, port):
    found = wire.parted(tmp_path, wire.pcap([(START, wire.datagram(payload, destination=port))]))
    assert (found.not_looked_at, found.tunnel_ports, found.foreign_packets) == (0, frozenset(), 0)


NESTED = {
    "IP in IP": lambda packet: wire.ipv4(packet, protocol=4),
    "GRE": lambda packet: wire.ipv4(b"\0\0\x08\0" + packet, protocol=47),
    "authentication headers": lambda packet: wire.ipv4(b"\4\1" + bytes(10) + packet, protocol=51),
    "VXLAN": lambda packet: wire.ipv4(wire.udp(tunnels.vxlan(wire.ethernet(packet)), destination=4789)),
}


@pytest.mark.parametrize("wrap", NESTED.values(), ids=NESTED)
def test_tunnels_in_each_other_without_end_cost_only_their_packet(tmp_path, wrap):
    deep = plain(b"x")[14:]
    while len(deep) < 60_000:
        deep = wrap(deep)
    packets = [(START + n * 20_000_000, wire.datagram(wire.rtp(n))) for n in range(20)]
    found = wire.parted(tmp_path, wire.pcap([*packets, (packets[-1][0] + 1, wire.ethernet(deep))]))
    assert (found.media_packets, found.not_looked_at) == (20, int(wrap is not NESTED["VXLAN"]))


def test_media_runs_on_beside_a_tunnel_on_the_same_port(tmp_path):
    inside = tunnels.TUNNELS["VXLAN"]
    packets = [(START + n * 20_000_000, inside.wrap(plain(wire.rtp(n)))) for n in range(20)]
    packets += [(START + n * 20_000_000, wire.datagram(wire.rtp(n, ssrc=2), 4000, 4789)) for n in range(20)]
    found = wire.parted(tmp_path, wire.pcap(sorted(packets)))
    assert sorted(found.rtp_streams.dst_port) == [4789, 5000]


def fragments(datagram, size, wrap=wire.ipv4):
    """A datagram in pieces of so many bytes."""
    pieces = [datagram[at : at + size] for at in range(0, len(datagram), size)]
    last = len(pieces) - 1
    return [
        wrap(piece, fragment=0x2000 * (place != last) | place * size // 8)
        for place, piece in enumerate(pieces)
    ]


def test_media_in_fragments_counts_once_with_its_whole_size(tmp_path):
    packets = [
        (START + n * 20_000_000 + place, wire.ethernet(piece))
        for n in range(20)
        for place, piece in enumerate(fragments(wire.udp(wire.rtp(n, payload=bytes(1400))), 512))
    ]
    found = wire.parted(tmp_path, wire.pcap(packets, nano=True))
    row = found.rtp_streams.iloc[0]
    assert (row.packets, row.lost, row.bytes, found.not_looked_at) == (20, 0, 20 * 1412, 0)


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_fragments_whose_rest_is_missing_are_counted(tmp_path, missing):
    pieces = fragments(wire.udp(bytes(1400)), 512)
    del pieces[missing]
    found = wire.parted(tmp_path, wire.pcap([(START, wire.ethernet(piece)) for piece in pieces]))
    assert found.unread == "IP fragments without their rest 2"


def test_an_identity_used_again_much_later_completes_nothing(tmp_path):
    first, second, third = fragments(wire.udp(bytes(1400)), 512)
    late = START + 600 * wire.SECOND
    packets = [(START, first), (START, second), (late, third)]
    found = wire.parted(tmp_path, wire.pcap([(time, wire.ethernet(piece)) for time, piece in packets]))
    assert found.not_looked_at == 3


def call(path, tunnel, **options):
    """The tables of good.pcapng in a tunnel."""
    path.write_bytes(tunnels.wrapped(GOOD.read_bytes(), tunnel))
    return read(path, "a", Options(**options))


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    return call(
        tmp_path_factory.mktemp("bare") / "a.pcap", tunnels.Tunnel(tunnels.RAW, lambda packet: packet)
    )


@pytest.mark.parametrize("everything", [False, True], ids=["walked", "all by tshark"])
@pytest.mark.parametrize(
    "name",
    [
        "4in6",
        "ERSPAN II",
        "VXLAN as Linux had it",
        "GTP-U of 5G",
        "TZSP with 802.11",
        "MPLS pseudo-wire",
        "PPPoE",
        "802.11 with radiotap",
        "VXLAN in GRE in MPLS in a VLAN",
    ],
)
def test_walk_and_tshark_see_the_same_call_in_a_tunnel(tmp_path, bare, name, everything):
    tunnelled = call(tmp_path / "a.pcap", tunnels.TUNNELS[name], all_packets=everything)
    for table in ("sip_messages", "candidates", "stun_messages", "dtls_messages", "rtp_streams"):
        pd.testing.assert_frame_equal(getattr(tunnelled, table), getattr(bare, table), obj=table)


def hidden(packet):
    """Into ESP with the media; signalling, checks and DTLS stay outside."""
    payload = (packet[0] & 15) * 4 + 8
    is_media = packet[0] >> 4 == 4 and packet[9] == wire.UDP and packet[payload] >> 6 == 2
    return tunnels.UNKNOWN["ESP 1"].wrap(packet) if is_media else tunnels.ethernet(packet)


def test_a_call_whose_media_may_be_in_an_unknown_tunnel_is_unclear(tmp_path):
    path = tmp_path / "a.pcap"
    path.write_bytes(tunnels.wrapped(GOOD.read_bytes(), tunnels.Tunnel(tunnels.ETHERNET, hidden)))
    system = deployment.read("xphone")
    found = pipeline.run([path], deployment=system, jobs=1)
    tables, _ = diagnose(found.tables, system)
    assert tables.captures.not_looked_at.tolist() == ["ESP 1754"]
    assert tables.calls.verdict.tolist() == ["cannot_tell"]


@pytest.mark.parametrize("inside", [plain, version_6], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("word", [b"", bytes(4)], ids=["no control word", "control word"])
@pytest.mark.parametrize("first", range(0x0E, 0x100, 0x10))
def test_in_a_pseudo_wire_a_hardware_address_may_begin_with_any_bits(tmp_path, first, word, inside):
    """4 and 6 are those of IP, 0 and 1 of a control word and of alarms."""
    packets = []
    for n in NUMBERS:
        frame = bytes([first]) + tunnels.ethernet(inside(wire.rtp(n)))[1:]
        labelled = bytes(12) + b"\x88\x47" + tunnels.mpls(word + frame, 16, 17)
        packets.append((START + n * 20_000_000, labelled))
    found = wire.parted(tmp_path, wire.pcap(packets))
    assert (found.media_packets, found.not_looked_at) == (20, 0)


@pytest.mark.parametrize("addr", ["8.0.9.1", "129.0.7.7"])
def test_ip_below_labels_whose_address_looks_like_an_ethertype_is_ip(tmp_path, addr):
    packets = [
        (
            START + n * 20_000_000,
            bytes(12) + b"\x88\x47" + tunnels.mpls(wire.ipv4(wire.udp(wire.rtp(n)), source=addr), 16),
        )
        for n in NUMBERS
    ]
    found = wire.parted(tmp_path, wire.pcap(packets))
    assert found.rtp_streams.iloc[0].src_addr == addr
