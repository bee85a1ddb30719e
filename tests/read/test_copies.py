"""Second captures of a packet are found; retransmissions are not taken for them."""

from postproc.read.copies import copies, sighting
from tests.read.frames import frame

MS = 1_000_000


def seen(number: int, ms: float, *, interface: int = 0, ttl: int = 64, ident: int = 7, payload: bytes = b"x"):
    ip = b"\x45\0\0\x20" + ident.to_bytes(2) + b"\x40\0" + bytes([ttl]) + b"\x11" + bytes([ttl, 1]) + bytes(8)
    packet = bytes([interface]) * 14 + ip + payload
    return sighting(frame(number=number, time=int(ms * MS), interface=interface, ip=ip, packet=packet))


def test_same_packet_on_another_interface_is_a_copy_whatever_its_ttl():
    assert copies([seen(1, 0), seen(2, 1, interface=1, ttl=63)]) == {2: 1}


def test_same_packet_on_the_same_interface_needs_the_same_ttl():
    assert copies([seen(1, 0), seen(2, 1)]) == {2: 1}
    assert copies([seen(1, 0), seen(2, 1, ttl=63)]) == {}


def test_order_in_the_file_does_not_matter():
    assert copies([seen(9, 1, interface=1), seen(10, 0)]) == {9: 10}


def test_another_identification_or_payload_is_another_packet():
    assert copies([seen(1, 0), seen(2, 1, ident=8), seen(3, 1, payload=b"y")]) == {}


def test_too_late_is_a_retransmission():
    assert copies([seen(1, 0), seen(2, 6)]) == {}


def test_without_identification_only_half_a_millisecond_counts():
    assert copies([seen(1, 0, ident=0), seen(2, 0.4, ident=0)]) == {2: 1}
    assert copies([seen(1, 0, ident=0), seen(2, 1, ident=0)]) == {}


def test_third_copy_points_to_the_first():
    assert copies([seen(1, 0), seen(2, 1), seen(3, 2)]) == {2: 1, 3: 1}


def test_ipv6_hop_limit_is_not_compared_across_interfaces():
    def six(number, interface, hops):
        ip = b"\x60\0\0\0\0\x08\x11" + bytes([hops]) + bytes(32)
        return sighting(frame(number=number, interface=interface, ip=ip, packet=b"ether" + ip + b"x"))

    assert copies([six(1, 0, 64), six(2, 1, 63)]) == {2: 1}


def test_frames_without_ip_are_compared_whole():
    assert copies([sighting(frame(number=n, packet=b"abc")) for n in (1, 2)]) == {2: 1}
