"""Datagrams that may be UDPTL, and ZRTP, are counted by address."""

from postproc.read.beside import by_end
from tests.read import wire
from tests.read.wire import START

UDPTL = bytes([0, 7, 1, 0x06, 0, 0])


def counted(tmp_path, *payloads):
    packets = [(START + n, wire.datagram(payload, destination=4000)) for n, payload in enumerate(payloads)]
    return by_end(wire.parted(tmp_path, wire.pcap(packets, nano=True)).beside.fax_to)


def test_they_are_counted_by_address_and_port(tmp_path):
    ((ends, count),) = counted(tmp_path, UDPTL, bytes([0x12, 0xFF, 1, 6]), UDPTL).items()
    assert (ends[1], count) == (4000, 3)


def test_so_are_their_senders(tmp_path):
    packets = wire.pcap([(START, wire.datagram(UDPTL, source=4002, destination=4000))])
    found = wire.parted(tmp_path, packets).beside.fax_from
    assert [(port, n) for (_, port), n in by_end(found).items()] == [(4002, 1)]


def test_zrtp_is_counted_by_its_sender_and_is_no_fax(tmp_path):
    hello = b"\x10\0\1\7ZRTP" + bytes(80)
    other = (b"\x10\0\1\7zrtp" + bytes(80), b"\x11\0\1\7ZRTP" + bytes(80))
    packets = [(START + n, wire.datagram(each, source=4002)) for n, each in enumerate((hello, hello, *other))]
    found = wire.parted(tmp_path, wire.pcap(packets, nano=True)).beside
    assert [(port, n) for (_, port), n in by_end(found.zrtp_from).items()] == [(4002, 2)]
    assert sum(found.fax_from.values()) == len(other)


def test_what_is_something_else_is_not(tmp_path):
    stun = bytes.fromhex("000100002112a442") + bytes(12)
    long, short = bytes([0, 7, 200, 6, 0, 0]), UDPTL[:3]
    assert counted(tmp_path, stun, wire.rtp(1), bytes([20, 0, 1, 0, 0]), long, short, bytes(8)) == {}
