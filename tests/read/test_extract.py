import pytest

from postproc.model.errors import CaptureError
from postproc.read.extract import frames_of
from tests.read import wire

MESSAGE = b"OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 0\r\n\r\n"
ENDS = (wire.SOURCE, 5070, wire.DESTINATION, 5060)
SECOND = wire.SECOND


def written(folder, *packets: bytes):
    path = folder / "a.pcap"
    path.write_bytes(wire.pcap([(number * SECOND, packet) for number, packet in enumerate(packets, 1)]))
    return path


def tcp(payload: bytes = b"", *, back: bool = False, flags: int = wire.ACK, at: int = 1) -> bytes:
    packet = bytearray(wire.segment(payload, 5070, 5060, back=back, flags=flags))
    packet[14 + 20 + 4 : 14 + 20 + 8] = at.to_bytes(4)
    return bytes(packet)


def test_frames_asked_for_are_there(tmp_path):
    assert frames_of(written(tmp_path, *[wire.datagram(b"x")] * 3), {2}).tolist() == [2]


def test_a_flow_is_taken_both_ways_in_its_time(tmp_path):
    forth = wire.datagram(b"x", 4000, 5000)
    back = wire.ethernet(
        wire.ipv4(wire.udp(b"y", 5000, 4000), source=wire.DESTINATION, destination=wire.SOURCE)
    )
    path = written(tmp_path, forth, back, wire.datagram(b"x", 4001, 5000), forth, forth)
    flow = (wire.SOURCE, 4000, wire.DESTINATION, 5000, SECOND, 4 * SECOND)
    assert frames_of(path, (), [flow]).tolist() == [1, 2, 4]


def test_addresses_that_are_none_select_nothing(tmp_path):
    path = written(tmp_path, wire.datagram(b"x"))
    assert (
        frames_of(
            path, (), [("name.local", 1, "b", 2, 0, 2**62), (wire.SOURCE, 1, wire.DESTINATION, 2, 0, 0)]
        ).tolist()
        == []
    )


def test_a_connection_comes_with_its_opening_and_acknowledgements(tmp_path):
    path = written(
        tmp_path,
        tcp(flags=wire.SYN),
        tcp(back=True, flags=wire.SYN | wire.ACK),
        tcp(),
        tcp(MESSAGE, at=1),
        tcp(back=True),
        tcp(MESSAGE, at=60),
        tcp(back=True),
        tcp(b"\r\n\r\n", at=200),
        tcp(MESSAGE, at=300),
    )
    ends = {ENDS: {4, 6, 9}}
    assert frames_of(path, {6}, connections=ends).tolist() == [1, 2, 3, 6, 7]
    assert frames_of(path, {9}, connections=ends).tolist() == [1, 2, 3, 9]


def test_a_message_that_began_earlier_comes_whole(tmp_path):
    path = written(
        tmp_path, tcp(MESSAGE + MESSAGE[:10]), tcp(MESSAGE[10:20], at=60), tcp(MESSAGE[20:], at=70)
    )
    assert frames_of(path, {3}, connections={ENDS: {1, 3}}).tolist() == [1, 2, 3]


def test_what_is_sent_again_comes_too(tmp_path):
    path = written(tmp_path, tcp(MESSAGE), tcp(MESSAGE, at=60), tcp(MESSAGE))
    assert frames_of(path, {1}, connections={ENDS: {1, 2}}).tolist() == [1, 3]


def test_a_connection_asked_for_entirely_comes_from_its_opening(tmp_path):
    path = written(
        tmp_path, tcp(b"old"), tcp(flags=wire.SYN), tcp(b"abc"), tcp(b"def"), tcp(back=True), tcp(b"ghi")
    )
    assert frames_of(path, {4}, connections={ENDS: {4}}, whole={ENDS}).tolist() == [2, 3, 4, 5]


def test_fragments_of_a_datagram_come_together(tmp_path):
    first = wire.datagram(b"x" * 24, fragment=0x2000)
    last = wire.ethernet(wire.ipv4(b"rest", fragment=4))
    other = wire.ethernet(wire.ipv4(b"rest", fragment=4, source="10.9.9.9"))
    assert frames_of(written(tmp_path, first, other, last), {3}).tolist() == [1, 3]


def test_trouble_with_the_file_is_said(tmp_path):
    with pytest.raises(CaptureError):
        frames_of(tmp_path / "missing", {1})
