import numpy as np
import pytest

from bench import media
from bench.media import OPUS, PCMA, Stream
from postproc.wire.ip import Endpoint

SRC, DST = Endpoint("10.0.0.1", 16384), Endpoint("10.0.1.1", 20000)
RTP = 28


def stream(codec=PCMA, seconds=20.0):
    return Stream(SRC, DST, 0xCAFE, codec, 1000.0, seconds)


def column(rows, offset, width):
    return rows[:, RTP + offset : RTP + offset + width].astype(np.int64) @ (
        256 ** np.arange(width - 1, -1, -1)
    )


@pytest.mark.parametrize("seed", range(20))
def test_the_truth_counts_what_arrives(seed):
    batch, truth = media.packets(stream(), np.random.default_rng(seed))
    assert truth["packets"] == batch.times.size == len(set(column(batch.rows(), 2, 2)))
    assert truth["packets"] + truth["lost"] == 1000


def test_some_streams_lose_packets_and_some_do_not():
    lost = [media.packets(stream(), np.random.default_rng(seed))[1]["lost"] for seed in range(20)]
    assert min(lost) == 0
    assert max(lost) > 0


@pytest.mark.parametrize("seed", range(20))
def test_packets_come_in_order_of_arrival_and_first_and_last_are_not_lost(seed):
    batch, _ = media.packets(stream(), np.random.default_rng(seed))
    sequence = column(batch.rows(), 2, 2)
    assert (np.diff(batch.times) >= 0).all()
    assert ((sequence - sequence[0]) % 2**16).max() == 999


def test_the_first_packet_is_marked_and_the_clock_steps_with_the_sequence():
    batch, _ = media.packets(stream(OPUS), np.random.default_rng(3))
    rows = batch.rows()
    assert (rows[0, RTP + 1], rows[1, RTP + 1]) == (0x80 | 111, 111)
    steps = np.diff(column(rows, 4, 4)) % 2**32
    packets = np.diff(column(rows, 2, 2)) % 2**16
    assert (steps == 960 * packets)[packets < 2**15].all()
    assert (column(rows, 8, 4) == 0xCAFE).all()


def test_rtcp_is_readable_without_encryption_and_hidden_with_it():
    plain = media.rtcp(stream(), stream(), 1005.0, bytes)
    hidden = media.rtcp(stream(OPUS), stream(OPUS), 1005.0, lambda length: b"\xee" * length)
    assert plain.count(b"client@pbx") == 1
    assert hidden[8:-14] == b"\xee" * (len(plain) - 8)
    assert hidden[:8] == plain[:8]
