"""Which copy of a content is which at the other place: by time where that is known, else by number."""

import numpy as np
import pytest

from postproc.model.tables import Tables
from postproc.places.datagrams import DATAGRAM, STUN, Datagrams, Flow
from postproc.places.matches import matches

PHONE, SERVER = "192.0.2.10", "10.0.50.118"
OUT, BACK = Flow(SERVER, 30000, PHONE, 4000), Flow(PHONE, 4000, SERVER, 30000)
MS, HOURS = 10**6, 2 * 3600 * 10**9
FLOWS = [(0, OUT), (1, OUT), (0, BACK), (1, BACK), (1, OUT._replace(dst_port=4001))]
AGAIN = 900  # key of the check that is sent again


def checks(capture, flow, times, keys):
    """STUN of these keys at these times in ms; the second capture's clock is two hours ahead."""
    found = np.zeros(len(times), DATAGRAM)
    found["capture"], found["flow"], found["kind"] = capture, flow, STUN
    found["time"], found["key"] = np.array(times) * MS + capture * HOURS, keys
    return found


def paired(sent, arrived, *, alone=(100.0, 2000.0, 9000.0), far_flow=None):
    """Copies in ms at either place; ``alone`` are when checks go out that are sent once; all take 300 ms."""
    alone = np.array(alone)
    keys = np.arange(len(alone))
    # What goes the other way is seen 300 ms earlier there, so that no one offset fits both.
    streams = [
        checks(0, 0, alone, keys),
        checks(1, 1, alone + 300, keys),
        checks(0, 2, alone, keys + 50),
        checks(1, 3, alone - 300, keys + 50),
        checks(0, 0, sent, AGAIN),
        checks(1, 1 if far_flow is None else far_flow, arrived, AGAIN),
    ]
    packets = np.concatenate(streams)
    packets = packets[np.lexsort((packets["time"], packets["capture"]))]
    found = matches(Datagrams(["a", "b"], FLOWS, packets), Tables())
    again = packets["key"][found.one] == AGAIN
    rows = packets["time"][found.one[again]], packets["time"][found.other[again]] - HOURS
    return sorted(zip(*((times / MS).round().astype(int).tolist() for times in rows), strict=True))


@pytest.mark.parametrize(
    ("arrived", "pairs"),
    [
        ([1802, 3305], [(1500, 1802), (3000, 3305)]),
        ([1299, 3305], [(1000, 1299), (3000, 3305)]),
        ([1299, 1802], [(1000, 1299), (1500, 1802)]),
        ([1299, 1802, 3305], [(1000, 1299), (1500, 1802), (3000, 3305)]),
        ([3300], [(3000, 3300)]),
    ],
    ids=["first lost", "middle lost", "last lost", "none lost", "only the last arrives"],
)
def test_the_copy_that_arrives_is_the_one_sent_at_its_time(arrived, pairs):
    assert paired([1000, 1500, 3000], arrived) == pairs


def test_copies_that_each_capture_shows_and_the_other_does_not_are_no_pair():
    """As many at both places: the first is lost, and the last is sent after the first capture's end."""
    assert paired([1000, 1500], [1801, 6300]) == [(1500, 1801)]


def test_a_content_that_comes_again_hours_later_is_no_late_copy():
    assert paired([1000, 7_200_000], [7_200_300]) == [(7_200_000, 7_200_300)]
    assert paired([1000], [1300, 7_200_300]) == [(1000, 1300)]


def test_copies_closer_together_than_the_jitter_are_paired_by_number():
    assert paired([1000, 1005], [1311, 1313]) == [(1000, 1311), (1005, 1313)]


def test_copies_are_one_flow_s_where_nat_moves_the_port_between_them():
    assert paired([1000, 1500], [1801], far_flow=4) == [(1500, 1801)]


def test_without_another_content_the_first_is_the_first():
    assert paired([1000, 1500, 3000], [1802, 3305], alone=()) == [(1000, 1802), (1500, 3305)]
