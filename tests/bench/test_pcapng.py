import struct

import numpy as np
import pytest

from bench import pcapng
from bench.batches import Batch
from bench.wire import ETHERNET, LOOPBACK, Packet, ipv4


def blocks(data):
    """(type, body) of every block; the length stands before and after."""
    at, found = 0, []
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        assert struct.unpack_from("<I", data, at + length - 4) == (length,)
        found.append((kind, data[at + 8 : at + length - 4]))
        at += length
    return found


def packets(data):
    """(interface, microseconds, frame) of every packet block."""
    heads = [(struct.unpack_from("<IIII", body), body) for kind, body in blocks(data) if kind == 6]
    return [(head[0], head[1] << 32 | head[2], body[20 : 20 + head[3]]) for head, body in heads]


@pytest.fixture
def written(tmp_path):
    single = Packet(2.5, LOOPBACK, b"single")
    batch = Batch(np.array([1.0, 3.0]), ETHERNET, ipv4(17, "10.0.0.1", "10.0.1.1", b"batch"))

    def write(links=pcapng.NPCAP):
        path = tmp_path / "a.pcapng"
        return pcapng.write(path, [single], [batch], links), path.read_bytes()

    return write


def test_packets_are_counted_and_laid_down_in_order_of_time(written):
    number, data = written()
    assert number == 3
    assert [(interface, time) for interface, time, _ in packets(data)] == [
        (ETHERNET, 1_000_000),
        (LOOPBACK, 2_500_000),
        (ETHERNET, 3_000_000),
    ]


def test_times_keep_their_microseconds(tmp_path):
    path = tmp_path / "a.pcapng"
    pcapng.write(path, [Packet(1_760_000_000.123456, ETHERNET, b"x")], [])
    assert packets(path.read_bytes())[0][1] == 1_760_000_000_123456


def test_loopback_has_the_null_header_and_ethernet_its_own(written):
    frames = [frame for _, _, frame in packets(written()[1])]
    assert frames[1] == b"\2\0\0\0single"
    assert frames[0][12:14] == b"\x08\x00"
    assert frames[0].endswith(b"batch")


def test_on_linux_both_interfaces_are_ethernet(written):
    _, data = written(pcapng.LINUX)
    described = [struct.unpack_from("<H", body)[0] for kind, body in blocks(data) if kind == 1]
    assert described == [1, 1]
    assert packets(data)[1][2].endswith(b"\x08\x00single")
