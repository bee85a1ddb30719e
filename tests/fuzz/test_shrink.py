"""What failed is made small, and still fails."""

import time

import pytest

from tests.conftest import PCAPS
from tests.fuzz import trace as traces
from tests.fuzz.shrink import Budget, least, pieces, shrink

CAPTURES = ("acl_403.pcapng", "made/big_endian.pcap", "made/nanosecond.pcap", "acl_403.freeswitch.log")


def budget(tries: int = 10_000) -> Budget:
    return Budget(tries, time.monotonic() + 60)


def test_as_few_pieces_as_still_fail_are_left():
    assert least(range(100), lambda some: {7, 63, 64} <= set(some), budget()) == [7, 63, 64]
    assert least(range(100), lambda some: 99 in some, budget()) == [99]


def test_a_budget_that_is_spent_ends_it_with_what_fails():
    for tries in range(12):
        left = least(range(64), lambda some: {3, 60} <= set(some), budget(tries))
        assert {3, 60} <= set(left)
    assert least(range(64), lambda some: True, Budget(99, time.monotonic() - 1)) == list(range(64))  # noqa: ARG005


@pytest.mark.parametrize("name", CAPTURES)
def test_pieces_are_the_whole(name):
    data = (PCAPS / name).read_bytes()
    for spoiled in (data, data[:-3], data + b"\0\0\0\1\0", data[:60] + b"\xff" * 9 + data[60:]):
        assert b"".join(pieces(spoiled)) == spoiled
    assert len(pieces(data)) > 10


def test_of_a_capture_the_packet_is_left_that_fails(tmp_path):
    data = (PCAPS / "acl_403.pcapng").read_bytes()

    def fails(some: bytes) -> bool:
        path = tmp_path / "some.pcapng"
        path.write_bytes(some)
        return some[:4] == data[:4] and b"CSeq: 1" in some and b"SIP/2.0 403" in some

    small = shrink(data, fails, budget())
    assert fails(small) and len(small) < 60
    assert traces.SIP_START.search(small)
