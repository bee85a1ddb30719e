import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench.captures import Spec
from bench.programs import (
    BASELINE_A,
    BASELINE_B,
    EK,
    FIELDS,
    FULL,
    ONE_PROCESS,
    OURS,
    PROGRAMS,
    TWO_PROCESSES,
    WITHOUT,
    Program,
)

BY_NAME = {program.name: program for program in PROGRAMS}


def arguments(name):
    return BY_NAME[name].command(Path("a.pcapng"), Path("out"))


def test_baseline_b_asks_for_23_fields_that_tshark_knows():
    listing = subprocess.run(["tshark", "-G", "fields"], check=True, capture_output=True, text=True).stdout
    known = {line.split("\t")[2] for line in listing.splitlines() if line.startswith("F\t")}
    assert len(set(FIELDS)) == 23
    assert set(FIELDS) <= known


@pytest.mark.parametrize("name", [BASELINE_A, BASELINE_B])
def test_a_baseline_is_tshark_as_it_comes_on_captures_with_media(name):
    assert "-o" not in arguments(name)
    assert BY_NAME[name].scenarios == ("rtp",)


def test_on_many_calls_tshark_lists_no_generated_call_ids():
    assert "sdp.establish_conversation:FALSE" in arguments(EK)
    assert BY_NAME[EK].scenarios == ("sip",)


def test_ours_is_that_of_this_python_with_one_process_up_to_tables_and_findings():
    command = [sys.executable, "-m", "postproc", "run", "a.pcapng", "-o", "out", "-j", "1", "--no-report"]
    assert arguments(OURS) == command


def test_people_run_it_with_its_report_and_small_captures_with_two_processes():
    assert arguments(FULL) == arguments(OURS)[:-1]
    assert arguments(TWO_PROCESSES) == [word if word != "1" else "2" for word in arguments(ONE_PROCESS)]
    asked = [BY_NAME[FULL].asked(Spec("rtp", 10, foreign=foreign)) for foreign in (0, 10)]
    assert asked == [True, False]


def test_a_program_that_is_not_there_is_not_installed():
    assert not Program("nothing", "no-such-program", lambda *_: []).installed
    assert BY_NAME[BASELINE_A].installed


def test_what_foreign_traffic_costs_is_measured_in_the_same_rounds():
    spec = Spec("rtp", 10_000, foreign=10_000)
    assert [BY_NAME[WITHOUT].asked(each) for each in (spec, replace(spec, foreign=0))] == [True, False]
    assert BY_NAME[WITHOUT].spec(spec) == replace(spec, foreign=0)
    assert arguments(WITHOUT) == arguments(OURS)


def test_what_reads_one_link_type_only_is_given_one():
    spec = Spec("rtp", 10_000)
    assert BY_NAME["sngrep"].spec(spec).one_link_type
    assert BY_NAME[OURS].spec(spec) == spec
