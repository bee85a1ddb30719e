"""Messages in a TCP stream: where one starts and ends, and what is none."""

import pytest

from postproc.wire import MalformedError, stun
from postproc.wire.framing import Framing, framing_of, message, packed

BINDING = bytes(stun.Message(stun.Method.BINDING, stun.Class.REQUEST, bytes(12)))
CHANNEL = bytes(stun.ChannelData(0x4001, b"\x80" * 13))
RTP = b"\x80\x08" + bytes(30)
HEP = b"HEP3\0\x0aabcd"
SENT = {
    "STUN": (Framing.TURN, BINDING),
    "ChannelData": (Framing.TURN, CHANNEL),
    "a packet behind its length": (Framing.RFC4571, RTP),
    "HEP": (Framing.HEP, HEP),
}


@pytest.mark.parametrize(("framing", "packet"), SENT.values(), ids=SENT)
def test_what_is_sent_is_found_again_behind_another(framing, packet):
    one = packed(packet, framing)
    place = message(one + one, len(one), framing)
    assert (one + one)[place.start : place.start + place.size] == packet
    assert place.end == 2 * len(one)


@pytest.mark.parametrize(("framing", "packet"), SENT.values(), ids=SENT)
def test_until_its_last_byte_a_message_is_none(framing, packet):
    one = packed(packet, framing)
    assert [message(one[:size], 0, framing) for size in range(len(one))] == [None] * len(one)


@pytest.mark.parametrize(
    ("framing", "data"),
    [
        (Framing.TURN, b"\x80" + bytes(30)),
        (Framing.TURN, BINDING[:4] + b"abcd" + BINDING[8:]),
        (Framing.TURN, BINDING[:3] + b"\1" + BINDING[4:]),
        (Framing.RFC4571, b"\0\4GET "),
        (Framing.HEP, b"HEP3\0\5abcd"),
        (Framing.HEP, b"HTTP/1.1"),
    ],
    ids=["RTP", "no cookie", "an odd length", "text", "shorter than its header", "no HEP"],
)
def test_what_no_sender_writes_is_malformed(framing, data):
    with pytest.raises(MalformedError):
        message(data, 0, framing)


@pytest.mark.parametrize(
    ("data", "turn", "framing"),
    [
        (BINDING, False, Framing.TURN),
        (packed(BINDING, Framing.RFC4571), False, Framing.RFC4571),
        (HEP, False, Framing.HEP),
        (packed(CHANNEL, Framing.TURN) * 2, True, Framing.TURN),
        (packed(CHANNEL, Framing.TURN) * 2, False, None),
        (CHANNEL, True, None),
        (RTP, True, None),
        (b"", True, None),
    ],
    ids=["STUN", "behind a length", "HEP", "channel", "another port", "not filled up", "RTP", "nothing"],
)
def test_a_framing_is_told_by_its_first_message(data, turn, framing):
    assert framing_of(data, turn=turn) == framing
