import struct
from collections import defaultdict

import numpy as np
import pytest

from bench import foreign

PACKETS = 4001


@pytest.fixture(scope="module")
def segments():
    """Per connection: (time, sender's port, sequence, acknowledged, length, SYN) in order of time."""
    found = defaultdict(list)
    for batch in foreign.batches(PACKETS, 100.0, 160.0, seed=1):
        for time, row in zip(batch.times, batch.rows(), strict=True):
            sport, dport, sequence, acknowledged, _, flags = struct.unpack(">HHIIBB", row[20:34].tobytes())
            segment = (time, sport, sequence, acknowledged, row.size - 40, bool(flags & 2))
            found[frozenset((sport, dport))].append(segment)
    return {ports: sorted(each) for ports, each in found.items()}


def test_exactly_as_many_packets_as_asked_for(segments):
    assert sum(map(len, segments.values())) == PACKETS


def test_fewer_packets_than_connections_are_possible():
    assert sum(batch.times.size for batch in foreign.batches(3, 0.0, 1.0, seed=1)) == 3


def test_they_lie_between_the_two_times(segments):
    times = [segment[0] for each in segments.values() for segment in each]
    assert min(times) >= 100.0
    assert max(times) < 160.0


def test_no_byte_is_missing_or_sent_twice(segments):
    for connection in segments.values():
        following = {}
        for _, sport, sequence, _, length, syn in connection:
            assert sequence == following.get(sport, sequence)
            following[sport] = sequence + length + syn


def test_nobody_acknowledges_more_than_was_sent(segments):
    for connection in segments.values():
        sent = dict.fromkeys({segment[1] for segment in connection}, 0)
        for _, sport, sequence, acknowledged, length, syn in connection:
            (other,) = sent.keys() - {sport}
            assert acknowledged <= sent[other]
            sent[sport] = sequence + length + syn


def test_most_bytes_go_one_way_in_segments_of_about_a_kilobyte(segments):
    for connection in segments.values():
        by_server = [segment[4] for segment in connection if segment[1] < 1024 or segment[1] == 5432]
        by_client = [segment[4] for segment in connection if segment[1] >= 50000]
        assert sum(by_server) > 10 * sum(by_client)
        assert 1000 <= np.median(by_server) <= 1500
