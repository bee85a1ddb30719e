import struct

import pytest

from postproc.share.redaction import ip
from tests.read.wire import ethernet, ipv4, udp
from tests.share.redaction.parts import invite, pseudonyms

ETHERNET = 1


@pytest.mark.parametrize("more", [0, 1, 40, 400])
@pytest.mark.parametrize("cut", [True, False])
def test_a_datagram_that_would_no_longer_fit_its_length_is_nulled(more, cut):
    """Whether its header only says so, or it is as long, pseudonyms that are longer do not fit any more."""
    payload = invite("c=IN IP4 1.1.1.1\r\n" * 500)
    length = ip.LARGEST - more
    segment = udp(payload if cut else payload.ljust(length - 28), 5060, 5060, length=length)
    data = ethernet(ipv4(segment, length=min(20 + len(segment), ip.LARGEST)))
    packets = pseudonyms().packets()
    packets.note(1, ETHERNET, data)
    packets.finish()
    new, original = packets.packet(1, ETHERNET, data, len(data))
    (told,) = struct.unpack(">H", new[38:40])
    assert original >= len(new)
    assert told - length == len(new) - len(data)
    assert b"Anna" not in new
