import numpy as np

from bench.batches import Batch, Field, big_endian, header_checksums
from bench.wire import ipv4
from postproc.wire.ip import checksum


def batch(fields=(), **more):
    template = ipv4(17, "10.0.0.1", "10.0.1.1", bytes(16))
    return Batch(np.array([1.0, 2.0, 3.0]), 1, template, list(fields), **more)


def test_values_are_cut_to_their_width():
    assert big_endian(np.array([0x1_0203]), 2).tolist() == [[2, 3]]


def test_a_field_is_written_into_every_row():
    rows = batch([Field(30, 2, np.array([1, 2, 65537]))]).rows()
    assert rows[:, 30:32].tolist() == [[0, 1], [0, 2], [0, 1]]


def test_every_row_is_identified_and_its_header_checksum_right():
    rows = batch().rows()
    assert [checksum(row[:20].tobytes()) for row in rows] == [0, 0, 0]
    assert len({row[4:6].tobytes() for row in rows}) == 3


def test_checksums_by_column_are_those_of_single_headers():
    headers = np.random.default_rng(1).integers(0, 256, (50, 20), np.uint8)
    assert header_checksums(headers).tolist() == [checksum(row.tobytes()) for row in headers]


def test_random_bytes_begin_where_told_and_come_again_with_the_seed():
    first, second = (batch(random_from=28, seed=5).rows() for _ in range(2))
    assert not first[:, 20:28].any()
    assert first[:, 28:].any()
    assert (first == second).all()
