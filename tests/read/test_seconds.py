"""Jitter summed up in pieces is the jitter of RFC 3550, and the right clock is chosen."""

import numpy as np
import pytest

from postproc.read import seconds

EIGHT = seconds.CLOCKS.index(8000)


def summed(pieces, payload_type=8, marker=False):
    """Sums of steps given as (elapsed ms, ticks) per piece; the columns of 8 kHz."""
    group = np.repeat(np.arange(len(pieces)), [len(piece) for piece in pieces])
    steps = np.array([step for piece in pieces for step in piece], np.int64).reshape(-1, 2)
    marked = np.full(len(group), marker)
    types = np.full(len(pieces), payload_type)
    sums = seconds.jitter_sums(group, types, steps[:, 0] * 10**6, steps[:, 1], marked)
    return [column[:, EIGHT].tolist() for column in sums]


def recurrence(distances):
    level = 0.0
    for distance in distances:
        level += (distance - level) / 16
    return level


def test_distance_is_arrival_against_timestamps():
    count, distance, tail = summed([[(20, 160), (25, 160), (20, 320)]])
    assert (count, distance) == ([3], [25])
    assert tail[0] == pytest.approx(recurrence([0, 5, 20]))


def test_pieces_add_up_to_the_whole():
    steps = [(20 + n % 7, 160) for n in range(60)]
    count, _, tail = summed([steps[:13], steps[13:14], [], steps[14:]])
    level = seconds.accumulated(np.array(count), np.array(tail), np.array([0]))
    assert level[-1] == pytest.approx(recurrence([n % 7 for n in range(60)]), rel=1e-5)
    assert level[1] == level[2] == pytest.approx(recurrence([n % 7 for n in range(14)]), rel=1e-5)


def test_every_run_of_rows_starts_from_zero():
    level = seconds.accumulated(np.array([1, 1, 1]), np.array([1.0, 0.0, 0.0]), np.array([0, 2]))
    assert level.tolist() == pytest.approx([1, 15 / 16, 0])


def test_a_jump_of_the_timestamps_is_no_jitter():
    assert summed([[(20, 160), (20, 10**6), (20, -(10**6)), (9_000, 160)]])[:2] == [[2], [8_980]]


def test_a_marker_may_come_with_a_jump_of_less():
    assert summed([[(20, 160), (300, 160)]], marker=True)[:2] == [[1], [0]]
    assert summed([[(20, 160), (300, 160)]])[:2] == [[2], [280]]


def test_only_the_clock_of_a_static_payload_type_is_asked_for():
    types, one = np.array([8, 96]), np.ones(2, np.int64)
    count, *_ = seconds.jitter_sums(np.arange(2), types, one, one, np.zeros(2, bool))
    assert count[0].tolist() == [clock == 8000 for clock in seconds.CLOCKS]
    assert count[1].tolist() == [1] * len(seconds.CLOCKS)


@pytest.mark.parametrize(
    ("payload_type", "rate", "clock"),
    [(0, 16000, 8000), (96, 8100, 8000), (96, 45900, 44100), (96, 46100, 48000), (96, 92000, 90000)],
)
def test_the_clock_is_the_static_one_else_the_nearest(payload_type, rate, clock):
    column = seconds.clock_column(payload_type, rate, 10**9)
    assert seconds.CLOCKS[column] == clock


@pytest.mark.parametrize(
    ("ticks", "elapsed"), [(12_000, 10**9), (110_000, 10**9), (0, 10**9), (8000, 0), (-8000, 10**9)]
)
def test_a_rate_near_no_clock_is_none(ticks, elapsed):
    assert seconds.clock_column(96, ticks, elapsed) is None
