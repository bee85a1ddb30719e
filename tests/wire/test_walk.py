"""The vectorised walk of read, packet by packet against the codecs, over every capture of pcaps/."""

import pytest

from postproc.read.packets import segments, unwrapped
from postproc.read.records import walkable
from postproc.read.walk import open_container, windows
from postproc.wire import ip, link, transport
from postproc.wire.ip import TCP, UDP
from tests.wire.captured import PCAPS

PARSED = {UDP: transport.parse_udp, TCP: transport.parse_tcp}


def by_codecs(window, link_types):
    """Row, addresses, ports and payload of each datagram and segment that is not fragmented."""
    for row, (start, captured) in enumerate(
        zip(window.start.tolist(), window.captured.tolist(), strict=True)
    ):
        frame = link.parse(link_types[window.interface[row]], window.data[start : start + captured].tobytes())
        packet = ip.parse(frame.payload) if frame.is_ip else None
        if packet and packet.protocol in PARSED and not packet.fragment:
            found = PARSED[packet.protocol](packet.payload)
            ends = packet.source, packet.destination
            yield packet.protocol, (row, *ends, found.source_port, found.destination_port, found.payload)


def by_walk(packets, payloads):
    for at, row in enumerate(payloads.rows.tolist()):
        if packets.fragmented[row]:
            continue
        low_and_high = packets.addresses[row].tolist()
        ends = [(high << 64 | low).to_bytes(16) for high, low in (low_and_high[:2], low_and_high[2:])]
        ends = [end[12:] if end.startswith(b"\0" * 10 + b"\xff\xff") else end for end in ends]
        start, seen = int(payloads.start[at]), int(payloads.seen[at])
        ports = int(payloads.source_port[at]), int(payloads.destination_port[at])
        yield row, *ends, *ports, payloads.data[start : start + seen].tobytes()


@pytest.mark.parametrize("path", sorted(PCAPS.rglob("*.pcap*")), ids=lambda path: path.name)
def test_addresses_ports_and_payloads_are_the_same(path):
    compared = 0
    with walkable(path) as source, source.open("rb", buffering=0) as file:
        container = open_container(file)
        for window in windows(file, container):
            expected = list(by_codecs(window, [each.link_type for each in container.interfaces]))
            packets, datagrams = unwrapped(window, container.interfaces)
            for protocol, payloads in ((UDP, datagrams), (TCP, segments(packets))):
                assert list(by_walk(packets, payloads)) == [row for kind, row in expected if kind == protocol]
            compared += len(expected)
    assert compared
