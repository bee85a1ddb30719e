import json
import os
import subprocess
import sys

import pytest

from bench.captures import ROOT
from bench.measure import Usage, measure, undisturbed

BURN = "import time\nwhile time.process_time() < 0.3: pass"
LEAVE_BEHIND = f"""
import subprocess, sys
subprocess.Popen([sys.executable, "-c", {BURN!r}])
"""


def python(code, **more):
    return measure([sys.executable, "-c", code], dict(os.environ), **more)


def apart(code):
    """Measured by a process of its own: a child has its parent's size until it executes its program."""
    measuring = f"""
import json, os, sys
from dataclasses import asdict
from bench.measure import adopt_orphans, measure
adopt_orphans()
print(json.dumps(asdict(measure([sys.executable, "-c", {code!r}], dict(os.environ)))))
"""
    command = [sys.executable, "-c", measuring]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


def test_cpu_and_wall_are_those_of_the_program():
    usage = python(BURN)
    assert 0.3 <= usage.cpu_s < 3
    assert usage.wall_s >= 0.3
    assert usage.failure is None


def test_waiting_costs_no_cpu():
    usage = python("import time; time.sleep(0.4)")
    assert usage.wall_s >= 0.4
    assert usage.cpu_s < 0.4


def test_children_that_were_waited_for_count():
    assert python(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BURN!r}])").cpu_s >= 0.3


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux hands orphans on to us")
def test_children_left_behind_count_too():
    assert apart(LEAVE_BEHIND)["cpu_s"] >= 0.3


def test_the_peak_is_that_of_the_largest_process_not_the_sum():
    fill = "x = b'.' * 100_000_000"
    both = f"import subprocess, sys\n{fill}\nsubprocess.run([sys.executable, '-c', {fill!r}])"
    assert 100 < apart(both)["peak_mb"] < 190


def test_a_failure_is_told_with_its_last_line():
    assert python("import sys; sys.exit('first\\nsecond\\n')").failure == "exit 1: second"


def test_a_program_that_does_not_end_is_stopped():
    usage = python("import time; time.sleep(60)", timeout=0.5)
    assert usage.failure is not None
    assert usage.wall_s < 30


def test_of_several_rounds_the_least_times_count_and_the_highest_peak():
    rounds = [Usage(1.0, 2.0, 10.0), Usage(3.0, 9.0, 30.0), Usage(2.0, 3.0, 20.0)]
    assert undisturbed(rounds) == Usage(1.0, 2.0, 30.0)


def test_one_failed_round_fails_them_all():
    assert undisturbed([Usage(1, 1, 1), Usage(1, 1, 1, "exit 1: no")]).failure == "exit 1: no"
