import struct

import pytest

from postproc.share.redaction.streams import ACK, SYN, Fragments, Streams, options

DATA = b"0123456789abcdef" * 4


def swapped(_, packet: bytes, cut: bool) -> bytes:
    return packet if cut else packet.swapcase()


def noted(*parts: tuple[int, bytes, bool], **changes: bool) -> Fragments:
    fragments = Fragments()
    for frame, (offset, data, more) in enumerate(parts, 1):
        fragments.note(frame, b"key", offset, more, data, cut=changes.get("cut", False))
    fragments.finish(lambda _, data: data[::-1])
    return fragments


def test_a_datagram_is_replaced_whole_and_parted_again():
    found = noted((0, DATA[:32], True), (32, DATA[32:], False)).places
    assert found == {1: DATA[:31:-1], 2: DATA[31::-1]}


def test_a_datagram_with_a_gap_or_a_cut_is_not_known():
    assert noted((0, DATA[:24], True), (32, DATA[32:], False)).places == {}
    assert noted((0, DATA[:32], True)).places == {}
    assert noted((0, DATA[:32], True), (32, DATA[32:], False), cut=True).places == {}


def test_a_second_copy_of_a_fragment_is_the_same():
    found = noted((0, DATA[:32], True), (0, DATA[:32], True), (32, DATA[32:], False)).places
    assert found[1] == found[2]


def test_overlapping_fragments_are_not_put_together():
    assert noted((0, DATA[:40], True), (32, DATA[32:], False)).places == {}


CLIENT, SERVER = (b"\1\1\1\1", 4901), (b"\2\2\2\2", 4900)
OLD = b"OPTIONS sip:a@b SIP/2.0\r\nTo: old\r\nContent-Length: 4\r\n\r\nbody"
NEW = OLD.replace(b"old", b"new")


def segment(
    number: int, payload: bytes = b"", flags: int = ACK, acknowledged: int = 0, held: bytes = b""
) -> bytes:
    size = (20 + len(held)) // 4 << 4
    return (
        struct.pack(">HHIIBBHHH", 1, 2, number % 2**32, acknowledged % 2**32, size, flags, 1, 0, 0)
        + held
        + payload
    )


def replaced(*sent: tuple[tuple[bytes, int], bytes]) -> list[tuple[int, int, bytes]]:
    """Sequence number, acknowledgement and payload of each segment after the change."""
    streams = Streams()
    for frame, (source, each) in enumerate(sent):
        streams.note(frame, source, SERVER if source == CLIENT else CLIENT, each)
    streams.finish(lambda message: message.replace(b"old", b"new"), bytes.swapcase, swapped)
    new = [streams.segment(frame, each) for frame, (_, each) in enumerate(sent)]
    return [(*struct.unpack_from(">II", each, 4), each[(each[12] >> 4) * 4 :]) for each in new]


def test_messages_are_replaced_and_numbers_stay():
    found = replaced(
        (CLIENT, segment(99, flags=SYN)),
        (SERVER, segment(499, flags=SYN | ACK, acknowledged=100)),
        (CLIENT, segment(100, OLD, acknowledged=500)),
        (SERVER, segment(500, acknowledged=100 + len(OLD))),
        (CLIENT, segment(100 + len(OLD), OLD, acknowledged=500)),
    )
    assert found[2] == (100, 500, NEW)
    assert found[3] == (500, 100 + len(NEW), b"")
    assert found[4] == (100 + len(OLD), 500, NEW)


def test_tls_on_a_port_of_signalling_is_replaced_up_to_a_gap():
    secure = (b"\1\1\1\1", 5061)
    streams, hello = Streams(), b"\x16\3\1\0\5hello"
    sent = [(1, hello), (1 + len(hello), b"more"), (40, b"behind a gap")]
    for frame, (number, payload) in enumerate(sent):
        streams.note(frame, secure, SERVER, segment(number, payload))
    streams.finish(bytes, bytes.swapcase, swapped)
    found = [streams.segment(frame, segment(*each))[20:] for frame, each in enumerate(sent)]
    assert found == [b"\x16\3\1\0\5HELLO", b"MORE", bytes(12)]


def test_a_long_connection_of_tls_keeps_its_beginning(monkeypatch):
    monkeypatch.setattr("postproc.share.redaction.streams.LARGEST_TLS", 12)
    secure, hello = (b"\1\1\1\1", 5061), b"\x16\3\1\0\5hello"
    streams = Streams()
    for frame in range(3):
        streams.note(frame, secure, SERVER, segment(1 + 10 * frame, hello))
    streams.finish(bytes, bytes.swapcase, swapped)
    found = [streams.segment(frame, segment(1 + 10 * frame, hello))[20:] for frame in range(3)]
    assert found == [hello.swapcase(), hello.swapcase(), bytes(10)]


def test_tls_elsewhere_and_behind_other_bytes_is_null():
    streams, hello = Streams(), b"\x16\3\1\0\5hello"
    client = (b"\2\2\2\2", 50_000)
    streams.note(1, (b"\1\1\1\1", 443), client, segment(1, hello))
    streams.note(2, (b"\1\1\1\1", 5061), client, segment(1, b"x" + hello))
    streams.finish(bytes, bytes.swapcase, swapped)
    assert [streams.segment(frame, segment(1, hello))[20:] for frame in (1, 2)] == [bytes(10)] * 2


@pytest.mark.parametrize("cut", [1, 25, 30, 50, len(OLD) - 1])
def test_a_message_in_two_segments_is_whole_again(cut):
    found = replaced((CLIENT, segment(7, OLD[:cut])), (CLIENT, segment(7 + cut, OLD[cut:])))
    assert found[0][2] + found[1][2] == NEW
    assert found[1][0] == 7 + len(found[0][2])


def test_what_is_sent_again_is_the_same_and_order_does_not_matter():
    first, second = segment(7, OLD[:30]), segment(37, OLD[30:])
    found = replaced((CLIENT, first), (CLIENT, second), (CLIENT, first))
    assert found[0] == found[2]
    again = replaced((CLIENT, first), (CLIENT, first), (CLIENT, second))
    assert again[2] == found[1]


def test_sequence_numbers_may_wrap_around():
    start = 2**32 - 10
    found = replaced((CLIENT, segment(start, OLD)), (CLIENT, segment(start + len(OLD), OLD)))
    assert found[1][0] == (start + len(NEW)) % 2**32
    assert found[1][2] == NEW


def test_several_messages_and_keep_alives_in_a_segment():
    assert replaced((CLIENT, segment(1, OLD + b"\r\n\r\n" + OLD)))[0][2] == NEW + b"\r\n\r\n" + NEW


def test_what_is_before_the_first_message_is_null():
    assert replaced((CLIENT, segment(1, b"a=secret\r\n" + OLD)))[0][2] == bytes(10) + NEW


def test_what_is_behind_a_gap_is_replaced_too():
    found = replaced((CLIENT, segment(1, OLD)), (CLIENT, segment(1001, OLD)))
    assert found[1][0] == 1001


def test_connections_without_sip_lose_their_payload():
    assert replaced((CLIENT, segment(1, b"GET /anna HTTP/1.1\r\n" * 2000)))[0] == (1, 0, bytes(40000))


def test_a_new_connection_on_the_same_ports_counts_anew():
    found = replaced(
        (CLIENT, segment(99, flags=SYN)),
        (CLIENT, segment(100, OLD)),
        (CLIENT, segment(70_000, flags=SYN)),
        (CLIENT, segment(70_001, OLD)),
    )
    assert found[3] == (70_001, 0, NEW)


def test_unknown_options_are_void_and_selective_acknowledgements_stay():
    assert options(b"\1\1\x22\6abcd") == b"\1" * 8
    assert options(b"\2\4\5\xb4") == b"\2\4\5\xb4"
    selective = b"\1\1\5\x0a" + struct.pack(">II", 100, 100 + len(OLD))
    assert options(selective) == selective


def test_a_message_that_was_decrypted_fills_the_segments_of_its_records_and_all_else_is_null():
    streams = Streams(decrypted={2: (OLD,)})
    sent = [segment(1, b"\x16hello" * 9), segment(55, b"\x17" * 40), segment(95, b"\x17" * 40)]
    for frame, each in enumerate(sent):
        streams.note(frame, CLIENT, SERVER, each)
    streams.finish(lambda message: message.replace(b"old", b"new"), bytes.swapcase, swapped)
    stream = b"".join(streams.segment(frame, each)[20:] for frame, each in enumerate(sent))
    message = NEW.replace(b"To: new", b"To: new".ljust(7 + 80 - len(NEW)))
    assert stream == bytes(54) + message


def test_an_option_cut_short_ends_the_options():
    assert len(options(b"\x05\xff\1")) == 3
    assert options(b"\x08") == b"\1"
