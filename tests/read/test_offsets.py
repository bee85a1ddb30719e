"""Starts of records: found all at once, the same as followed one by one."""

import struct
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from postproc.read.arrays import PAD
from postproc.read.offsets import record_starts
from postproc.read.pcapng import ENHANCED, LAYOUT
from tests.read import wire

FOLLOWED = replace(LAYOUT, usual=None)
PACKET = wire.block(ENHANCED, bytes(20) + b"payload")


def found(content, layout=LAYOUT, position=0, end=None):
    data = np.frombuffer(content + bytes(PAD), np.uint8)
    starts, last, sound = record_starts(data, position, len(content) if end is None else end, layout)
    return starts.tolist(), last, sound


words = st.sampled_from([0, 3, ENHANCED, 12, 32, 36, 0xFFFFFFFF])
bodies = st.lists(words, max_size=16).map(lambda numbers: struct.pack(f"<{len(numbers)}I", *numbers))
blocks = st.builds(wire.block, st.sampled_from([1, 2, ENHANCED, ENHANCED, 5]), bodies)
garbage = st.binary(max_size=40)


@given(st.lists(blocks, max_size=12).map(b"".join), garbage, st.integers(0, 40))
def test_what_is_found_at_once_is_what_is_found_one_by_one(content, rest, cut):
    content = (content + rest)[: len(content + rest) - cut]
    assert found(content) == found(content, FOLLOWED)


def test_every_kind_of_block_has_its_place():
    kinds = [wire.section(), wire.interface(), PACKET, PACKET, wire.block(5, bytes(12)), PACKET]
    starts = np.cumsum([0, *map(len, kinds)]).tolist()
    assert found(b"".join(kinds)) == (starts[:-1], starts[-1], True)


def test_a_capture_sent_inside_a_packet_has_no_records_of_its_own():
    outer = wire.block(ENHANCED, bytes(20) + PACKET + PACKET)
    assert found(outer + PACKET) == ([0, len(outer)], len(outer + PACKET), True)


def test_a_window_may_begin_and_end_anywhere():
    content = PACKET * 3
    size = len(PACKET)
    assert found(content, position=size) == ([size, 2 * size], 3 * size, True)
    assert found(content, end=3 * size - 4) == ([0, size], 2 * size, True)
    assert found(b"\0" + content, position=1) == ([1, 1 + size, 1 + 2 * size], 1 + 3 * size, True)


@pytest.mark.parametrize(("length", "sound"), [(8, False), (20 << 20, False), (1 << 20, True)])
def test_the_block_behind_the_last_may_be_absurd_or_only_cut(length, sound):
    content = PACKET * 2 + struct.pack("<II", ENHANCED, length) + bytes(100)
    assert found(content) == ([0, len(PACKET)], 2 * len(PACKET), sound)


def test_nothing_counts_from_a_block_on_whose_lengths_differ():
    spoilt = PACKET[:-4] + struct.pack("<I", 99)
    assert found(PACKET + spoilt + PACKET) == ([0], len(PACKET), False)
