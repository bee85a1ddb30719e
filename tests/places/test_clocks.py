"""Offset and drift against clocks that are known."""

import numpy as np
import pytest

from postproc.model.clocks import Clock
from postproc.places.clocks import clock

START, SECOND, MS = 1_700_000_000 * 10**9, 10**9, 10**6
HOURS = 2 * 3600 * SECOND
DELAYS = {
    "uniform": lambda some, size: some.uniform(9, 13, size),
    "exponential": lambda some, size: 9 + some.exponential(2, size),
    "normal": lambda some, size: some.normal(11, 0.7, size),
    "bursts": lambda some, size: 9 + some.exponential(1, size) + 60 * (some.random(size) < 0.03),
}


def seen(delay, *, drift, size=900, seconds=12.0, back=0.5, lots=0):
    """Times at one place and at another, whose clock is two hours ahead, and which went back."""
    some = np.random.default_rng((size, lots))
    time = np.sort(some.uniform(0, seconds * SECOND, size))
    is_back = some.random(size) < back
    late = np.where(is_back, -1, 1) * DELAYS[delay](some, size) * MS
    other = time + HOURS + drift * 1e-6 * time + late
    return START + time.astype(np.int64), START + other.astype(np.int64), is_back


@pytest.mark.parametrize("delay", DELAYS)
@pytest.mark.parametrize("drift", [-100, -20, 0, 100])
def test_offset_and_drift_are_found(delay, drift):
    found = clock(*seen(delay, drift=drift))
    assert found.offset / MS == pytest.approx(HOURS / MS, abs=1.5)
    assert found.drift is not None
    assert found.drift * 1e6 == pytest.approx(drift, abs=40)
    assert found.bound is not None
    assert 5 * MS < found.bound < 11 * MS


def test_packets_of_one_way_leave_the_delay_in_the_offset():
    found = clock(*seen("exponential", drift=30, back=0))
    assert found.bound is None
    assert found.offset / MS == pytest.approx(HOURS / MS + 9, abs=0.5)


def test_few_packets_tell_an_offset_and_no_drift():
    found = clock(*seen("uniform", drift=100, size=7))
    assert found.drift is None
    assert found.offset / MS == pytest.approx(HOURS / MS, abs=4)


@pytest.mark.parametrize("delay", DELAYS)
def test_the_drift_of_a_usual_call_is_told_within_40_ppm(delay):
    """20 s of RTP both ways, and any drift that quartz has."""
    for lots, drift in enumerate(np.linspace(-100, 100, 11)):
        found = clock(*seen(delay, drift=drift, size=2000, seconds=20.0, lots=lots))
        assert found.drift is not None
        assert abs(found.drift * 1e6 - drift) < 40


@pytest.mark.parametrize("delay", DELAYS)
def test_a_drift_that_few_packets_hardly_tell_is_told_with_its_bound(delay):
    """10 checks a way: it is between the likeliest of all and what they say, and rarely beyond its bound."""
    beyond = 0
    for lots, drift in enumerate(np.linspace(-100, 100, 21)):
        found = clock(*seen(delay, drift=drift, size=20, seconds=20.0, lots=lots))
        assert found.drift is not None
        assert found.drift_bound is not None
        assert abs(found.drift) <= 150e-6
        beyond += abs(found.drift - drift * 1e-6) > found.drift_bound
    assert beyond <= 3


def test_a_queue_that_grows_is_no_drift():
    """The delay of one way grows by 20 ms a second, which no clock does."""
    time, other, back = seen("uniform", drift=0, back=0)
    assert clock(time, other + (time - START) // 50, back).drift is None


def test_delays_that_packets_share_are_no_proofs_of_their_own():
    """A queue that fills and empties within seconds, which 2,000 packets show, tells little of the drift."""
    some = np.random.default_rng(5)
    for _ in range(10):
        time, other, back = seen("uniform", drift=0, size=2000, seconds=20.0, back=0)
        elapsed = (time - START) / SECOND
        phases = some.uniform(0, 2 * np.pi, 3)
        queue = sum(
            np.sin(elapsed / each + phase) for each, phase in zip((0.3, 0.7, 1.1), phases, strict=True)
        )
        found = clock(time, other + (queue * 5 * MS).astype(np.int64), back)
        assert found.drift is not None
        assert found.drift_bound is not None
        assert abs(found.drift) < 1.5 * found.drift_bound


def test_a_mismatched_packet_moves_nothing():
    time, other, back = seen("exponential", drift=50)
    other[450] -= 5 * SECOND
    found = clock(time, other, back)
    assert found.matched == len(time) - 1
    assert found.offset / MS == pytest.approx(HOURS / MS, abs=1)


def test_corrected_times_are_the_other_clocks():
    time = START + np.arange(0, 10_000 * SECOND, 100 * SECOND)
    fast = time + HOURS + np.rint((time - START) * 80e-6).astype(np.int64)
    corrected = Clock(since=START, offset=HOURS, drift=80e-6).corrected(fast)
    assert np.abs(corrected - time).max() < 10
