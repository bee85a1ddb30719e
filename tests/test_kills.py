"""A short campaign of kills.py."""

import random
import sys

import pytest

from tests import kills

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")]


def test_runs_ended_at_random_moments_lose_mix_and_leave_nothing(tmp_path):
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    stage = kills.Stage(tmp_path)
    stage.set_up()
    for number in range(6):
        how, jobs = kills.HOWS[number % 3], 1 + number // 3
        moment = chance.uniform(0, 1.1 * stage.seconds[jobs])
        how_it_ended, *failures = kills.failures(stage, jobs, how, moment, twice=number > 3)
        assert not failures, (seed, number, how_it_ended)
