"""Link layer, IP, UDP, TCP and ICMP of every packet of pcaps/ there and back, and made-up ones."""

from dataclasses import replace
from functools import partial
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postproc.wire import MalformedError, ip, link, transport
from postproc.wire.ip import ICMP, ICMPV6, TCP, UDP, Extension, Packet
from postproc.wire.link import IPV4, IPV6, Frame, Mpls, PointToPoint, Pppoe, Snap, Vlan
from postproc.wire.transport import Datagram, Option, Segment
from tests.wire.captured import frames

ARP = 0x0806
u8, u16, u32 = st.integers(0, 2**8 - 1), st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1)
macs = st.binary(min_size=6, max_size=6)
extensions = st.lists(
    st.builds(
        lambda kind, units, data: Extension(kind, b"\0" + data[:6] if kind == 44 else bytes([units]) + data),
        st.just(44),
        st.just(0),
        st.binary(min_size=6, max_size=6),
    )
    | st.integers(0, 2).flatmap(
        lambda units: st.builds(
            lambda kind, data: Extension(kind, bytes([units]) + data),
            st.sampled_from([0, 43, 60]),
            st.binary(min_size=units * 8 + 6, max_size=units * 8 + 6),
        )
    ),
    max_size=3,
)
packets4 = st.builds(
    Packet,
    st.binary(min_size=4, max_size=4),
    st.binary(min_size=4, max_size=4),
    u8,
    st.binary(max_size=60),
    u8,
    u8,
    u16,
    u16,
    st.integers(0, 10).map(lambda words: b"\1" * 4 * words),
    length=st.just(None),
    missing=st.integers(0, 9),
)
packets6 = st.builds(
    Packet,
    st.binary(min_size=16, max_size=16),
    st.binary(min_size=16, max_size=16),
    u8.filter(lambda kind: kind not in ip.EXTENSIONS),
    st.binary(min_size=1, max_size=60),
    u8,
    u8,
    flags=st.just(0),
    flow_label=st.integers(0, 2**20 - 1),
    extensions=extensions.map(tuple),
    missing=st.integers(0, 9),
)


def network():
    """Link layer and IP of all frames that carry it."""
    for captured in frames():
        frame = link.parse(captured.link_type, captured.data)
        if frame.is_ip:
            yield captured, frame, ip.parse(frame.payload)


def test_every_frame_and_packet_of_the_captures():
    for captured in frames():
        assert bytes(link.parse(captured.link_type, captured.data)) == captured.data
    found = list(network())
    for captured, frame, packet in found:
        assert bytes(packet) == frame.payload, captured[:2]
        assert packet.version == (4 if frame.carried == IPV4 else 6)
    packets = {captured[:2] for captured, _, _ in found}
    others = (captured for captured in frames() if captured[:2] not in packets)
    assert {link.parse(other.link_type, other.data).carried for other in others} == {ARP}


def test_every_datagram_segment_and_icmp_error_of_the_captures():
    seen = dict.fromkeys((UDP, TCP, ICMP, ICMPV6), 0)
    parsers = {UDP: transport.parse_udp, TCP: transport.parse_tcp}
    parsers |= {kind: lambda data, kind=kind: ip.parse_icmp(kind, data) for kind in (ICMP, ICMPV6)}
    for captured, _, packet in network():
        if packet.fragment and packet.fragment.offset:
            continue
        assert bytes(parsers[packet.protocol](packet.payload)) == packet.payload, captured[:2]
        seen[packet.protocol] += 1
    assert min(seen.values()) > 0


def test_what_errors_quote_is_a_packet_that_was_sent():
    sent = {
        (packet.source, packet.destination, packet.payload[:8])
        for _, _, packet in network()
        if packet.protocol in (UDP, TCP)
    }
    quotes = [
        ip.parse_icmp(packet.protocol, packet.payload).quoted()
        for _, _, packet in network()
        if packet.protocol in (ICMP, ICMPV6) and packet.payload[0] in ip.ERRORS[packet.protocol]
    ]
    assert quotes
    found = sum((quote.source, quote.destination, quote.payload[:8]) in sent for quote in quotes)
    assert found > len(quotes) * 0.9  # some quoted packets were lost before they were captured


def test_made_captures_have_right_checksums():
    assert {"icmp_quotes_stun.pcapng", "ipv6.pcapng"} <= {captured.capture for captured, _, _ in network()}
    for captured, _, packet in network():
        if captured.capture in ("icmp_quotes_stun.pcapng", "ipv6.pcapng"):
            assert packet.checksum is None
            assert (
                ip.sealed(packet.payload, packet.protocol, packet.source, packet.destination)
                == packet.payload
            )


@given(packets4 | packets6)
def test_packets_there_and_back(packet):
    assert ip.parse(bytes(packet)) == packet


@given(packets4 | packets6, st.binary(min_size=1, max_size=20))
def test_what_follows_a_packet_is_no_part_of_it(packet, trailer):
    packet = replace(packet, missing=0, trailer=trailer)
    assert ip.parse(bytes(packet)) == packet


def test_a_length_of_null_is_one_that_the_card_fills_in():
    packet = Packet(bytes(4), bytes(4), TCP, b"segment", length=0)
    assert ip.parse(bytes(packet)).payload == b"segment"
    assert bytes(ip.parse(bytes(packet))) == bytes(packet)


def test_a_wrong_checksum_is_kept():
    packet = Packet(bytes(4), bytes(4), UDP, b"", checksum=7)
    assert ip.parse(bytes(packet)).checksum == 7
    assert ip.parse(bytes(replace(packet, checksum=None))).checksum is None


def test_fragments_join_to_the_packet():
    whole = Packet(b"\n\0\0\1", b"\n\0\0\2", UDP, bytes(range(256)) * 10, identification=7, flags=0)
    parts = list(ip.fragments(whole, 1500))
    places = [part.fragment for part in parts]
    assert [(place.offset, place.more) for place in places if place] == [(0, True), (1480, False)]
    assert len({place.datagram for place in places if place}) == 1
    assert b"".join(part.payload for part in parts) == whole.payload
    assert list(ip.fragments(whole, 9000)) == [whole]


def test_a_fragment_of_ipv6_stands_in_an_extension_header():
    head = Extension(44, b"\0" + (1480 | 1).to_bytes(2) + b"iden")
    packet = Packet(bytes(16), bytes(16), UDP, b"payload", flags=0, extensions=(head,))
    assert ip.parse(bytes(packet)).fragment == ip.Fragment(b"iden\x11" + bytes(32), 1480, True)
    atomic = replace(packet, extensions=(Extension(44, b"\0\0\0iden"),))
    assert ip.parse(bytes(atomic)).fragment is None


@given(st.builds(Datagram, u16, u16, st.binary(max_size=50), st.none(), u16, st.just(b"")))
def test_datagrams_there_and_back(datagram):
    assert transport.parse_udp(bytes(datagram)) == datagram


@given(
    st.tuples(u16, u16, st.binary(max_size=50), st.integers(0, 70)).map(lambda held: Datagram(*held)),
    st.binary(max_size=9),
)
def test_datagrams_whose_length_is_another_keep_it(datagram, more):
    data = bytes(datagram) + more
    assert bytes(transport.parse_udp(data)) == data


options = st.lists(
    st.just(Option(1)) | st.builds(Option, st.integers(2, 255), st.binary(max_size=6)), max_size=5
)


@given(
    st.builds(
        Segment, u16, u16, u32, u32, u8, st.binary(max_size=50), u16, st.just(()), u16, u16, st.just(0)
    ),
    options,
)
def test_segments_there_and_back(segment, given_options):
    packed = transport.pack_options(given_options)
    if len(packed) % 4:
        given_options.append(Option(0, bytes(-len(packed) % 4 - 1)))
    segment = segment._replace(options=tuple(given_options))
    assert transport.parse_tcp(bytes(segment)[:]) == segment or len(packed) > 40


@given(st.binary(max_size=120))
def test_whatever_comes_is_parsed_or_malformed(data):
    links = [partial(link.parse, number) for number in (*link.OUTERMOST, link.RAW, 9999)]
    for parse in (ip.parse, transport.parse_udp, transport.parse_tcp, partial(ip.parse_icmp, ICMP), *links):
        try:
            found = parse(data)
        except MalformedError:
            continue
        assert bytes(found) == data


IP4 = bytes(Packet(b"\n\0\0\1", b"\n\0\0\2", UDP, bytes(Datagram(1, 2, b"x"))))
ETHERNET = bytes(12)
PPPOE_HEAD = b"\x11\0\0\7" + (2 + len(IP4)).to_bytes(2)


@pytest.mark.parametrize(
    ("link_type", "data", "layers"),
    [
        (1, ETHERNET + b"\x88\xa8\0\x64\x81\0\0\x0a\x08\0" + IP4, (Vlan(0x88A8, 100), Vlan(0x8100, 10))),
        (1, ETHERNET + b"\x88\x64" + PPPOE_HEAD + b"\0\x21" + IP4, (Pppoe(0x11, 0, 7, 2 + len(IP4)),)),
        (1, ETHERNET + b"\x88\x47\0\1\0\x40\0\2\1\x40" + IP4, (Mpls(0x8847, (0x10040, 0x20140)),)),
        (1, ETHERNET + b"\0\x30\xaa\xaa\3\0\0\0\x08\0" + IP4, (Snap(0x30),)),
        (
            1,
            ETHERNET + b"\x81\0\0\1\x88\x64" + PPPOE_HEAD + b"\0\x21" + IP4,
            (Vlan(0x8100, 1), Pppoe(0x11, 0, 7, 2 + len(IP4))),
        ),
    ],
)
def test_layers_between_ethernet_and_ip(link_type, data, layers):
    frame = link.parse(link_type, data)
    assert (frame.layers[1:], frame.carried, frame.payload) == (layers, IPV4, IP4)
    assert bytes(frame) == data


@pytest.mark.parametrize(
    "data", [b"\xff\x03\0\x21" + IP4, b"\0\x21" + IP4, b"\x21" + IP4, b"\xff\x03\x21" + IP4]
)
def test_ppp_with_and_without_framing_and_compression(data):
    frame = link.parse(link.PPP_HDLC, data)
    assert (frame.carried, frame.payload, bytes(frame)) == (IPV4, IP4, data)
    assert isinstance(frame.layers[0], PointToPoint)


@pytest.mark.parametrize("family", [b"\2\0\0\0", b"\0\0\0\2", b"\x1e\0\0\0", b"\0\0\0\x1c", b"\x18\0\0\0"])
def test_loopback_of_either_byte_order(family):
    frame = link.parse(link.NULL, family + IP4)
    assert frame.carried == (IPV4 if 2 in family else IPV6)


@given(macs, macs, u16, st.binary(max_size=40))
def test_ethernet_there_and_back(destination, source, kind, payload):
    data = bytes(Frame((link.Ethernet(destination, source),), kind, payload))
    assert bytes(link.parse(1, data)) == data


def test_written_addresses_are_read_again():
    for addr in ("10.0.0.1", "2001:db8::1", "::1"):
        assert ip.written(ip.packed(addr)) == addr == str(ip_address(addr))
