"""Link, network and transport layers: what is taken apart, and what is left to tshark."""

import struct
from ipaddress import ip_address

import pytest

from tests.read import wire
from tests.read.wire import START

VLAN, QINQ, OLD_QINQ = 0x8100, 0x88A8, 0x9100
NUMBERS = range(65530, 65550)


def media(tmp_path, layers, link_type=1, **options):
    """Split a stream of 20 RTP packets in these layers, and a ping that must stay."""
    packets = [(START + place * 20_000_000, layers(wire.rtp(number))) for place, number in enumerate(NUMBERS)]
    ping = (START, layers(b"\x08\0ping"))
    return wire.parted(tmp_path, wire.pcap([ping, *packets], link_type=link_type), **options)


def plain(payload):
    return wire.ipv4(wire.udp(payload))


def version_6(payload):
    return wire.ipv6(wire.udp(payload))


def sll(kind):
    return struct.pack(">HHH8sH", 0, 1, 6, bytes(8), kind)


def sll2(kind):
    return struct.pack(">HHIHBB8s", kind, 0, 1, 1, 0, 6, bytes(8))


LAYERS = {
    "ethernet": (1, lambda p: wire.ethernet(plain(p))),
    "ethernet, IPv6": (1, lambda p: wire.ethernet(version_6(p))),
    "VLAN": (1, lambda p: wire.ethernet(plain(p), tags=(VLAN,))),
    "QinQ": (1, lambda p: wire.ethernet(plain(p), tags=(QINQ, VLAN))),
    "old QinQ, IPv6": (1, lambda p: wire.ethernet(version_6(p), tags=(OLD_QINQ, VLAN))),
    "three tags": (1, lambda p: wire.ethernet(plain(p), tags=(VLAN, VLAN, VLAN))),
    "padded to 60 bytes and more": (1, lambda p: wire.ethernet(plain(p)) + b"\x80" * 30),
    "NULL, little-endian": (0, lambda p: b"\2\0\0\0" + plain(p)),
    "NULL, big-endian": (0, lambda p: b"\0\0\0\2" + plain(p)),
    "NULL, IPv6 of Windows": (0, lambda p: b"\x17\0\0\0" + version_6(p)),
    "NULL, IPv6 of macOS": (0, lambda p: b"\x1e\0\0\0" + version_6(p)),
    "LOOP": (108, lambda p: b"\0\0\0\2" + plain(p)),
    "SLL": (113, lambda p: sll(0x0800) + plain(p)),
    "SLL, IPv6": (113, lambda p: sll(0x86DD) + version_6(p)),
    "SLL, VLAN": (113, lambda p: sll(VLAN) + b"\0\1\x08\0" + plain(p)),
    "SLL2": (276, lambda p: sll2(0x0800) + plain(p)),
    "SLL2, IPv6": (276, lambda p: sll2(0x86DD) + version_6(p)),
    "RAW": (101, plain),
    "RAW, IPv6": (101, version_6),
    "RAW as OpenBSD numbers it": (14, plain),
    "RAW as others number it": (12, plain),
    "IPV4": (228, plain),
    "IPV6": (229, version_6),
    "a fourth VLAN tag": (1, lambda p: wire.ethernet(plain(p), tags=(VLAN,) * 4)),
    "LLC/SNAP": (1, lambda p: wire.ethernet(b"\xaa\xaa\3\0\0\0\x08\0" + plain(p), 64)),
    "IP options": (1, lambda p: wire.ethernet(wire.ipv4(wire.udp(p), options=b"\x94\x04\0\0"))),
    "hop-by-hop options": (101, lambda p: wire.ipv6(b"\x11\0\1\4\0\0\0\0" + wire.udp(p), 0)),
    "a whole datagram as fragment": (101, lambda p: wire.ipv6(b"\x11\0\0\0\0\0\0\1" + wire.udp(p), 44)),
    "an authentication header": (
        101,
        lambda p: wire.ipv4(b"\x11\4\0\0" + bytes(20) + wire.udp(p), 51),
    ),
}


@pytest.mark.parametrize(("link_type", "layers"), LAYERS.values(), ids=LAYERS)
def test_media_is_found_under_every_link_layer(tmp_path, link_type, layers):
    found = media(tmp_path, layers, link_type)
    row = found.rtp_streams.iloc[0]
    sixth = ip_address("2001:db8::1").packed in layers(b"")
    ends = ("2001:db8::1", "2001:db8::2") if sixth else (wire.SOURCE, wire.DESTINATION)
    assert (row.src_addr, row.dst_addr, row.src_port, row.dst_port) == (*ends, 4000, 5000)
    assert (row.ssrc, row.packets, row.lost, row.bytes) == (1, 20, 0, 20 * 32)
    assert (found.media_packets, found.kept_frames.tolist()) == (20, [1])


UNCLEAR = {
    "a later fragment": lambda p: wire.ethernet(wire.ipv4(wire.udp(p), fragment=0x00B9)),
    "an IP version that is none": lambda p: wire.ethernet(b"\x55" + plain(p)[1:], 0x0800),
    "an IP header of four bytes": lambda p: wire.ethernet(b"\x41" + plain(p)[1:]),
    "an IP packet shorter than its header": lambda p: wire.ethernet(wire.ipv4(wire.udp(p), length=19)),
    "an IP packet shorter than its datagram": lambda p: wire.ethernet(wire.ipv4(wire.udp(p), length=30)),
    "an IP packet a byte shorter than its datagram": lambda p: wire.ethernet(
        wire.ipv4(wire.udp(p), length=20 + 8 + len(p) - 1)
    ),
    "a datagram shorter than its header": lambda p: wire.ethernet(wire.ipv4(wire.udp(p, length=7))),
    "a datagram shorter than RTP": lambda p: wire.ethernet(wire.ipv4(wire.udp(p, length=19))),
}


@pytest.mark.parametrize("layers", UNCLEAR.values(), ids=UNCLEAR)
def test_what_is_unclear_goes_to_tshark_whole(tmp_path, layers):
    found = media(tmp_path, layers)
    assert (found.media_packets, found.foreign_packets) == (0, 0)
    assert found.kept_frames.tolist() == list(range(1, 22))
    assert not len(found.rtp_streams)


def test_an_unknown_link_layer_keeps_everything_and_is_named(tmp_path):
    found = media(tmp_path, lambda p: wire.ethernet(plain(p)), link_type=147)
    assert (found.media_packets, found.foreign_packets, len(found.kept_frames)) == (0, 0, 21)
    assert (found.not_looked_at, found.unread) == (21, "link type 147 21")


def test_segmentation_offload_leaves_the_length_zero(tmp_path):
    found = media(tmp_path, lambda p: wire.ethernet(wire.ipv4(wire.udp(p), length=0)))
    assert found.media_packets == 20


def test_a_snapshot_length_behind_the_rtp_header_is_enough(tmp_path):
    packets = wire.stream(range(20), payload=bytes(160))
    blocks = [wire.enhanced(time, packet[:54], original=len(packet)) for time, packet in packets]
    found = wire.parted(tmp_path, wire.pcapng(wire.interface(resolution=9), *blocks))
    assert (found.media_packets, found.rtp_streams.bytes.tolist()) == (20, [20 * 172])


@pytest.mark.parametrize("captured", [53, 45, 30, 17, 13, 3])
def test_a_snapshot_length_within_the_headers_keeps_the_packet(tmp_path, captured):
    packets = wire.stream(range(20), payload=bytes(160))
    blocks = [wire.enhanced(time, packet[:captured], original=len(packet)) for time, packet in packets]
    found = wire.parted(tmp_path, wire.pcapng(wire.interface(resolution=9), *blocks))
    assert (found.media_packets, found.foreign_packets, len(found.kept_frames)) == (0, 0, 20)


@pytest.mark.parametrize(
    "frame",
    [
        wire.ethernet(bytes(28), 0x0806),
        wire.ethernet(bytes(28), 0x88CC),
        wire.ethernet(b"\x42\x42\3" + bytes(35), 38),
        wire.ethernet(bytes(28), 0x0806, tags=(VLAN,)),
    ],
    ids=["ARP", "LLDP", "spanning tree", "ARP in a VLAN"],
)
def test_what_never_carries_ip_is_left_out(tmp_path, frame):
    found = wire.parted(tmp_path, wire.pcap([(START, frame), (START, wire.datagram(b"x"))]))
    assert (found.foreign_packets, found.kept_frames.tolist()) == (1, [2])


def test_a_frame_too_short_for_an_ethertype_is_kept(tmp_path):
    """What follows it in the file, the next packet's time, looks like the ethertype of ARP."""
    packets = [(START, bytes(12)), (0x0608 * wire.SECOND, wire.datagram(b"x"))]
    assert wire.parted(tmp_path, wire.pcap(packets)).kept_frames.tolist() == [1, 2]


def test_icmp_stays(tmp_path):
    quoted = wire.ethernet(wire.ipv4(b"\x03\x03" + bytes(6) + plain(wire.rtp(1)), 1))
    found = wire.parted(tmp_path, wire.pcap([(START, quoted)]))
    assert (found.foreign_packets, found.kept_frames.tolist()) == (0, [1])
