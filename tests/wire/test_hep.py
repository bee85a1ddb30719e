"""HEP there and back, in its three versions, and what is none."""

import struct

import pytest

from postproc.wire import MalformedError, hep
from postproc.wire.hep import Copy, chunks, is_hep, parse
from postproc.wire.ip import packed

SIP = b"OPTIONS sip:a@example.org SIP/2.0\r\n\r\n"
TIME = 1_760_000_000_123_456_000
COPIES = {
    "IPv4": Copy(packed("192.0.2.1"), 5060, packed("192.0.2.2"), 5080, 17, hep.SIP, SIP, TIME),
    "IPv6": Copy(packed("2001:db8::1"), 5060, packed("2001:db8::2"), 5061, 6, hep.SIP, SIP, TIME),
    "without time": Copy(packed("192.0.2.1"), 1, packed("192.0.2.2"), 2, 17, hep.RTCP, b"{}"),
}


@pytest.mark.parametrize("copy", COPIES.values(), ids=COPIES)
def test_a_copy_is_the_same_again(copy):
    assert parse(bytes(copy)) == copy
    assert is_hep(bytes(copy))


def older(version: int, *, timed: bool, order: str = "<") -> bytes:
    """As siptrace and as captagent write it: the length of the header without the time, or with it."""
    time = struct.pack(order + "IIHxx", TIME // 10**9, TIME // 1000 % 10**6, 7) if version == 2 else b""
    size = 16 + (len(time) if timed else 0)
    head = struct.pack(">BBBBHH", version, size, 2, 17, 5060, 5080)
    return head + packed("192.0.2.1") + packed("192.0.2.2") + time + SIP


@pytest.mark.parametrize(
    ("message", "time"),
    [
        (older(1, timed=False), None),
        (older(2, timed=False), TIME),
        (older(2, timed=True), TIME),
        (older(2, timed=True, order=">"), TIME),
    ],
    ids=["version 1", "version 2", "with the time counted", "from a big-endian machine"],
)
def test_older_versions_say_the_same(message, time):
    found = parse(message)
    assert (found.payload, found.source_port, found.time) == (SIP, 5060, time)
    assert found.destination == packed("192.0.2.2")


@pytest.mark.parametrize("end", [5, 9, 40, -1])
def test_a_copy_cut_short_is_malformed(end):
    with pytest.raises(MalformedError):
        parse(bytes(COPIES["IPv4"])[:end])


def test_a_chunk_shorter_than_its_header_is_malformed():
    broken = hep.MAGIC + (12).to_bytes(2) + struct.pack(">HHH", 0, 1, 5)
    with pytest.raises(MalformedError):
        [*chunks(broken)]


def test_a_chunk_of_a_vendor_says_nothing_of_the_packet():
    whole = bytes(COPIES["IPv4"])
    foreign = struct.pack(">HHH", 7, hep.SOURCE_4, 10) + packed("203.0.113.9")
    longer = hep.MAGIC + (len(whole) + len(foreign)).to_bytes(2) + whole[6:] + foreign
    assert parse(longer) == COPIES["IPv4"]


@pytest.mark.parametrize("data", [b"", b"\1", b"\1\1\0\0" + bytes(16), SIP, b"\2\x1c\7" + bytes(40)])
def test_what_is_no_hep(data):
    assert not is_hep(data)
