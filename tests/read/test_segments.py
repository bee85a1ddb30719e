"""STUN and media in TCP, however segments split them, join them, come twice, late or not at all."""

import struct

import pytest

from postproc.read.capture import read
from postproc.read.option_files import Options
from postproc.wire import stun
from postproc.wire.framing import Framing, packed
from tests.read import wire
from tests.read.wire import START

CLIENT, TURN_SERVER, STEP = 50_000, 3478, 20_000_000


def check(number: int) -> bytes:
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, bytes([number]) * 12)
    return bytes(request.add(stun.USERNAME, f"server:{number}"))


def relayed(packet: bytes) -> bytes:
    return packed(bytes(stun.ChannelData(0x4001, packet)), Framing.TURN)


ALLOCATE = bytes(stun.Message(stun.Method.ALLOCATE, stun.Class.REQUEST, bytes(12)))
SENT = [relayed(check(n)) if n % 4 == 0 else relayed(wire.rtp(n)) for n in range(24)]  # 6 checks, 18 of media


def segment(sequence: int, payload: bytes, *, flags: int = wire.ACK, port: int = TURN_SERVER) -> bytes:
    head = struct.pack(">HHIIBBHHH", CLIENT, port, sequence % 2**32, 1, 5 << 4, flags, 1024, 0, 0)
    return wire.ethernet(wire.ipv4(head + payload, wire.TCP))


def stream(payloads: list[bytes], first: int = 1000, **changes: int) -> list[bytes]:
    """The payloads as segments, one behind the other."""
    found = []
    for payload in payloads:
        found.append(segment(first, payload, **changes))
        first += len(payload)
    return found


def told(tmp_path, segments, *, all_packets: bool = False, cut: int = 0):
    """Of these segments: transaction numbers and frames of the checks, media, what is not read."""
    path = tmp_path / "tcp.pcap"
    path.write_bytes(wire.pcap([(START + n * STEP, each[: cut or None]) for n, each in enumerate(segments)]))
    tables = read(path, path.name, Options(all_packets=all_packets))
    messages = tables.stun_messages
    checks = messages[messages.relayed]
    numbers = [int(each[:2], 16) for each in checks.transaction_id]
    capture = tables.captures.iloc[0]
    unread = capture.not_looked_at if isinstance(capture.not_looked_at, str) else ""
    return numbers, checks.frame.to_list(), int(tables.rtp_streams.packets.sum()), unread


EVERY = [0, 4, 8, 12, 16, 20]


@pytest.mark.parametrize("all_packets", [False, True], ids=["fast", "all"])
def test_checks_and_media_in_a_channel_are_those_of_the_peer(tmp_path, all_packets):
    numbers, frames, media, unread = told(tmp_path, stream([ALLOCATE, *SENT]), all_packets=all_packets)
    assert (numbers, frames, media, unread) == (EVERY, [n + 2 for n in EVERY], 18, "")


@pytest.mark.parametrize("size", [1, 7, 100, 1400])
def test_segments_may_end_anywhere(tmp_path, size):
    whole = ALLOCATE + b"".join(SENT)
    pieces = [ALLOCATE] + [whole[at : at + size] for at in range(len(ALLOCATE), len(whole), size)]
    numbers, _, media, unread = told(tmp_path, stream(pieces))
    assert (numbers, media, unread) == (EVERY, 18, "")


def test_a_message_counts_in_the_frame_of_its_last_byte(tmp_path):
    one = relayed(check(9))
    _, frames, _, _ = told(tmp_path, stream([ALLOCATE, one[:10], one[10:20], one[20:]]))
    assert frames == [4]


def test_segments_out_of_order_are_put_in_order(tmp_path):
    first, *rest = stream([ALLOCATE, *SENT])
    swapped = [each for pair in zip(rest[1::2], rest[::2], strict=True) for each in pair]
    assert told(tmp_path, [first, *swapped])[::2] == (EVERY, 18)


def test_what_comes_again_counts_once_in_other_pieces_too(tmp_path):
    segments = stream([ALLOCATE, *SENT])
    whole = segment(1000, ALLOCATE + b"".join(SENT))
    numbers, _, media, _ = told(tmp_path, [*segments[:10], *segments, whole])
    assert (numbers, media) == (EVERY, 18)


def test_behind_a_lost_segment_the_stream_goes_on_where_a_message_begins(tmp_path):
    segments = stream([ALLOCATE, *SENT])
    numbers, _, media, unread = told(tmp_path, segments[:6] + segments[7:])
    assert (numbers, media, unread) == (EVERY, 17, "")


def test_segments_in_which_nobody_knows_where_a_message_begins_are_counted(tmp_path):
    whole = b"".join(SENT)
    pieces = [whole[at : at + 30] for at in range(0, len(whole), 30)]
    segments = stream([ALLOCATE, *pieces])
    numbers, _, media, unread = told(tmp_path, segments[:3] + segments[4:])
    assert len(numbers) + media < len(SENT)
    assert unread.startswith("TURN over TCP behind a lost segment ")


def test_a_lost_segment_is_given_up_before_the_capture_ends(tmp_path):
    many = [relayed(wire.rtp(n)) for n in range(300)]
    segments = stream([ALLOCATE, *many])
    _, _, media, _ = told(tmp_path, segments[:20] + segments[21:])
    assert media == 299


def test_numbers_go_on_behind_their_highest(tmp_path):
    assert told(tmp_path, stream([ALLOCATE, *SENT], 2**32 - 200))[::2] == (EVERY, 18)


def test_another_connection_on_the_same_ports_begins_anew(tmp_path):
    before = [segment(7_000_000, b"", flags=wire.SYN), *stream([ALLOCATE, relayed(check(1))], 7_000_001)]
    after = [segment(5, b"", flags=wire.SYN), *stream([ALLOCATE, relayed(check(2))], 6)]
    assert told(tmp_path, before + after)[0] == [1, 2]


def test_of_messages_cut_in_the_capture_is_read_what_is_there(tmp_path):
    _, _, media, _ = told(tmp_path, stream([ALLOCATE, *SENT]), cut=14 + 20 + 20 + 24)
    assert media == 18


def test_channel_data_may_be_the_first_that_the_capture_shows(tmp_path):
    assert told(tmp_path, stream(SENT))[::2] == (EVERY, 18)
    assert told(tmp_path, stream(SENT, port=445))[::2] == ([], 0)


@pytest.mark.parametrize("all_packets", [False, True], ids=["fast", "all"])
def test_ice_over_tcp_is_no_relay(tmp_path, all_packets):
    path = tmp_path / "ice.pcap"
    framed = [packed(check(n) if n % 4 == 0 else wire.rtp(n), Framing.RFC4571) for n in range(24)]
    packets = [(START + n * STEP, each) for n, each in enumerate(stream(framed, port=31802))]
    path.write_bytes(wire.pcap(packets))
    tables = read(path, path.name, Options(all_packets=all_packets))
    assert [len(tables.stun_messages), tables.stun_messages.relayed.any()] == [6, False]
    assert [*tables.rtp_streams[["packets", "relayed"]].itertuples(index=False)] == [(18, False)]


def test_indications_over_tcp_carry_media_and_checks(tmp_path):
    sent = []
    for n in range(24):
        indication = stun.Message(stun.Method.SEND, stun.Class.INDICATION, bytes([n]) * 12)
        indication = indication.add(stun.XOR_PEER_ADDRESS, stun.Endpoint("203.0.113.1", 4000))
        sent.append(bytes(indication.add(stun.DATA, check(n) if n % 4 == 0 else wire.rtp(n))))
    path = tmp_path / "send.pcap"
    path.write_bytes(
        wire.pcap([(START + n * STEP, each) for n, each in enumerate(stream([ALLOCATE, *sent]))])
    )
    tables = read(path, path.name)
    checks = tables.stun_messages[tables.stun_messages.relayed]
    assert [*checks.peer_addr.unique(), len(checks), *tables.rtp_streams.packets] == ["203.0.113.1", 6, 18]
