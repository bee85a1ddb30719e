import struct

import pytest

from bench.wire import Connection, Wire, Write, ipv4
from postproc.wire.ip import Endpoint, checksum

CLIENT, SERVER = Endpoint("127.0.0.1", 4901), Endpoint("127.0.0.1", 4900)
FLAGS = {"SYN": 0x02, "PSH": 0x08, "ACK": 0x10}


def tcp_fields(packet):
    """sport, sequence, acknowledged, flags, payload of a packet."""
    sport, _, sequence, acknowledged, _, flags = struct.unpack(">HHIIBB", packet.data[20:34])
    return sport, sequence, acknowledged, flags, packet.data[40:]


def test_the_checksum_is_that_of_rfc_1071_s_example():
    assert checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0x220D


def test_an_odd_byte_is_padded_at_the_end():
    assert checksum(b"\x01") == checksum(b"\x01\x00") == 0xFEFF


def test_a_header_with_its_checksum_sums_up_to_nothing():
    assert checksum(ipv4(17, "10.0.0.1", "198.51.100.7", b"payload", identification=7)[:20]) == 0


def test_packets_between_loopback_addresses_are_seen_on_loopback():
    wire = Wire()
    wire.udp(1.0, CLIENT, SERVER, b"x")
    wire.udp(1.0, Endpoint("10.0.0.1", 1), Endpoint("10.0.1.1", 2), b"x")
    assert [packet.interface for packet in wire.packets] == [0, 1]


def test_every_packet_has_its_own_identification():
    wire = Wire()
    for _ in range(3):
        wire.udp(1.0, CLIENT, SERVER, b"same")
    assert len({packet.data[4:6] for packet in wire.packets}) == 3


def test_an_icmp_error_quotes_the_datagram_and_goes_back_to_its_sender():
    wire = Wire()
    wire.port_unreachable(1.0, Endpoint("10.0.0.1", 5000), Endpoint("198.51.100.7", 6000), b"check")
    data = wire.packets[0].data
    assert (data[12:16], data[16:20]) == (bytes([198, 51, 100, 7]), bytes([10, 0, 0, 1]))
    assert (data[20:22], checksum(data[20:])) == (b"\3\3", 0)
    assert data[28 + 12 : 28 + 16] == bytes([10, 0, 0, 1])
    assert data.endswith(b"check")


@pytest.fixture
def opened():
    wire = Wire()
    connection = Connection(wire, CLIENT, SERVER)
    connection.open(1.0)
    return wire, connection


def test_a_connection_opens_with_three_segments(opened):
    wire, _ = opened
    flags = [tcp_fields(packet)[3] for packet in wire.packets]
    assert flags == [FLAGS["SYN"], FLAGS["SYN"] | FLAGS["ACK"], FLAGS["ACK"]]


def test_sequence_numbers_count_what_was_sent(opened):
    wire, connection = opened
    connection.write(Write(2.0, CLIENT, [b"abc", b"de"]))
    first, second, acknowledgement = (tcp_fields(packet) for packet in wire.packets[3:])
    assert (first[4], second[4]) == (b"abc", b"de")
    assert second[1] == first[1] + 3
    assert acknowledgement[2] == second[1] + 2


def test_a_write_waits_until_the_one_before_is_through(opened):
    wire, connection = opened
    connection.write(Write(2.0, CLIENT, [b"abc"]))
    connection.write(Write(2.0, SERVER, [b"de"]))
    times = [packet.time for packet in wire.packets]
    assert times == sorted(set(times))
