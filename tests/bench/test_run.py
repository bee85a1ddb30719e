import argparse
import json
import os
import subprocess
import sys

import pytest

from bench import run
from bench.bars import Bar
from bench.captures import ROOT, Spec
from bench.measure import Usage
from bench.programs import AGAIN, BASELINE_A, CORRELATING, OURS, Program


def given(**changed):
    return argparse.Namespace(
        **({"packets": [10_000], "foreign": True, "sip": False, "folder": False} | changed)
    )


def test_each_size_is_measured_alone_and_with_as_many_foreign_packets():
    assert run.specs(given()) == [Spec("rtp", 10_000), Spec("rtp", 10_000, foreign=10_000)]


def test_foreign_traffic_can_be_left_out():
    assert run.specs(given(foreign=False)) == [Spec("rtp", 10_000)]


def test_many_calls_come_on_wish():
    many = run.specs(given(packets=[], sip=True))
    assert [(spec.size, spec.single_port) for spec in many] == [(2000, False), (2000, True), (20_000, False)]


def test_small_captures_come_on_wish():
    assert run.specs(given(packets=[], folder=True)) == [Spec("folder", 200)]


def test_programs_take_turns(tmp_path):
    log = tmp_path / "log"

    def noting(name):
        return Program(name, "sh", lambda *_: ["sh", "-c", f"echo {name} >> {log}"])

    usages = run.measured(Spec("rtp", 800), [noting("a"), noting("b")], tmp_path, repeat=2)
    assert log.read_text().split() == ["a", "b", "a", "b"]
    assert usages.keys() == {"a", "b"}


def test_a_program_is_not_measured_where_it_does_not_belong(tmp_path):
    other = Program("other", "true", lambda *_: ["true"], scenarios=("sip",))
    assert run.measured(Spec("rtp", 800), [other], tmp_path, repeat=1) == {}


def test_our_answer_is_checked_and_a_missing_one_is_wrong(tmp_path):
    silent = Program(OURS, "true", lambda *_: ["true"], again=AGAIN, checked=True)
    usages = run.measured(Spec("rtp", 800), [silent], tmp_path, repeat=1)
    assert usages.keys() == {OURS, AGAIN, CORRELATING}
    assert "no results here" in usages[CORRELATING].failure
    assert usages[OURS].failure.startswith("WRONG: answer cannot be read: FileNotFoundError")


@pytest.mark.parametrize(("failing", "good"), [(OURS, False), (BASELINE_A, False), ("sngrep", True)])
def test_a_failure_of_another_program_is_no_failure_of_ours(failing, good):
    usages = {OURS: Usage(1, 1, 1), BASELINE_A: Usage(1, 1, 1)} | {failing: Usage(1, 1, 1, "exit 1: no")}
    assert run.sound({Spec("rtp", 1): usages}) is good


def test_figures_are_written_as_json():
    written = json.loads(
        run.as_json({Spec("rtp", 1): {OURS: Usage(1.0, 2.0, 3.0)}}, [Bar("c", "text", 1.0, 2.0, "s")])
    )
    assert written["captures"][0]["programs"][OURS]["wall_s"] == 2.0
    assert written["bars"] == [
        {"capture": "c", "text": "text", "measured": 1.0, "limit": 2.0, "unit": "s", "met": True}
    ]


@pytest.mark.slow
def test_a_small_run_from_end_to_end(tmp_path):
    arguments = [
        "--packets",
        "2000",
        "--repeat",
        "1",
        "--captures",
        str(tmp_path),
        "--json",
        str(tmp_path / "j"),
    ]
    command = [sys.executable, "-m", "bench.run", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, check=False, capture_output=True, text=True)
    captures = json.loads((tmp_path / "j").read_text())["captures"]
    assert [capture["programs"][OURS]["failure"] for capture in captures] == [None, None], done.stdout
    assert "wall <= tshark -Y (A) + 0.6 s" in done.stdout
