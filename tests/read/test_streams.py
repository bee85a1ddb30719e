"""Sequence numbers of several streams in one array: what one stream does never touches the next."""

import numpy as np

from postproc.read import streams
from postproc.read.streams import sequence_steps


def numbers(*streams):
    """Numbers of streams behind each other, where each starts, and the number before its first."""
    sizes = np.cumsum([0, *map(len, streams)])[:-1]
    flat = np.array([number for stream in streams for number in stream], np.uint16)
    return flat, sizes, flat[sizes] - np.uint16(1)


def test_steps_wrap_and_begin_anew_with_each_stream():
    assert sequence_steps(*numbers([65534, 65535, 0, 5, 3], [9, 9])).tolist() == [
        1,
        1,
        1,
        5,
        -2,
        1,
        0,
    ]


def test_a_step_of_half_the_range_is_a_jump_back():
    assert sequence_steps(*numbers([0, 32768])).tolist() == [1, -32768]


def test_jumps_are_wide_either_way():
    step = np.array([-32768, -100, -99, 0, 2999, 3000, 32767], np.int16)
    assert streams.jumps(step).tolist() == [True, True, False, False, False, True, True]


def test_a_stray_is_one_whose_neighbours_follow_each_other():
    assert np.flatnonzero(streams.out_of_line(*numbers([1, 2, 9000, 3, 4]))).tolist() == [2]
    assert not streams.out_of_line(*numbers([1, 2, 9000, 9001, 9002])).any()


def test_a_streams_last_packet_is_never_a_stray():
    assert not streams.out_of_line(*numbers([1, 2, 9000], [3, 4, 5])).any()
    assert not streams.out_of_line(*numbers([1, 2, 9000])).any()


def test_of_strays_in_a_row_the_neighbours_are_spared():
    assert np.flatnonzero(streams.out_of_line(*numbers([1, 2, 9000, 3, 9010, 4, 5]))).tolist() == [2, 4]


def test_copies_are_of_the_same_stream_and_within_a_second():
    stream = np.array([0, 0, 0, 1, 0, 0])
    number = np.array([5, 6, 5, 5, 6, 6], np.uint16)
    time = np.array([0, 10, 10**9, 10**9, 10**9 + 11, 2 * 10**9], np.int64)
    assert streams.repeats(stream, number, time).tolist() == [False, False, True, False, False, True]


def test_extended_numbers_go_on_over_wraps_and_leave_room_at_jumps():
    flat, starts, first = numbers([65535, 0, 1, 40_000, 40_001], [7, 6, 8])
    step = sequence_steps(flat, starts, first)
    extended = streams.extended(step, starts, np.array([65534 + 65536, 6]))
    assert (extended - 65536 * 2)[:3].tolist() == [-1, 0, 1]
    assert np.diff(extended[2:5]).tolist() == [streams.FRESH_RUN, 1]
    assert extended[5:].tolist() == [7, 6, 8]


def test_the_highest_number_before_belongs_to_the_stream():
    number, starts = np.array([100, 99, 103, 101, 5, 4, 7]), np.array([0, 4])
    highest = streams.highest_before(number, starts, np.array([99, 6]))
    assert highest.tolist() == [99, 100, 100, 103, 6, 6, 6]
