import pytest

from bench.bars import bars
from bench.captures import Spec
from bench.measure import Usage
from bench.programs import (
    AGAIN,
    BASELINE_A,
    BASELINE_B,
    CORRELATING,
    EK,
    FULL,
    FULL_AGAIN,
    ONE_PROCESS,
    OURS,
    TWO_PROCESSES,
    WITHOUT,
)

MILLION = Spec("rtp", 1_000_000)
FIVE_MILLION = Spec("rtp", 5_000_000)
FOREIGN = Spec("rtp", 1_000_000, foreign=1_000_000)
SMALL = Spec("rtp", 10_000)
CALLS, MANY_CALLS = Spec("sip", 2000), Spec("sip", 20_000)
FOLDER = Spec("folder", 200)
A, B = Usage(10.0, 10.0, 300.0), Usage(20.0, 20.0, 300.0)


def ours(cpu=2.0, wall=3.0, peak=300.0):
    return Usage(cpu, wall, peak)


def verdicts(results):
    return {(bar.capture, bar.text): bar.met for bar in bars(results)}


def missed(results):
    return [text for (_, text), met in verdicts(results).items() if not met]


def test_a_million_packets_are_judged_by_both_baselines_and_memory():
    results = {MILLION: {OURS: ours(), BASELINE_A: A, BASELINE_B: B}}
    assert len(verdicts(results)) == 3
    assert missed(results) == []


@pytest.mark.parametrize(
    ("usage", "text"),
    [
        (ours(cpu=2.3), ["CPU <= 0.11 x tshark -T fields (B)"]),
        (ours(cpu=2.6), ["CPU <= 0.25 x tshark -Y (A)", "CPU <= 0.11 x tshark -T fields (B)"]),
        (ours(peak=351), ["peak of any process"]),
    ],
)
def test_each_of_them_is_missed_by_a_little_too_much(usage, text):
    assert missed({MILLION: {OURS: usage, BASELINE_A: A, BASELINE_B: B}}) == text


@pytest.mark.parametrize(("cpu", "met"), [(3.2, True), (3.3, False)])
def test_a_run_with_its_report_is_judged_as_people_run_it(cpu, met):
    results = {MILLION: {OURS: ours(), FULL: ours(cpu=cpu), BASELINE_A: A}}
    assert verdicts(results)[MILLION.title, "CPU with report <= 0.32 x tshark -Y (A)"] is met


@pytest.mark.parametrize(("cpu", "met"), [(0.75, True), (0.76, False)])
def test_a_run_of_which_nothing_has_changed_costs_a_quarter(cpu, met):
    results = {MILLION: {OURS: ours(), FULL: ours(cpu=3.0), FULL_AGAIN: ours(cpu=cpu)}}
    assert verdicts(results)[MILLION.title, "CPU again, unchanged <= 0.25 x that of the first run"] is met


@pytest.mark.parametrize(
    ("one", "two", "text"),
    [
        (ours(cpu=24.0, wall=20.0), ours(cpu=26.4, wall=12.0), []),
        (ours(cpu=24.1, wall=20.0), ours(cpu=24.0, wall=12.0), ["CPU of each, -j 1"]),
        (ours(cpu=20.0, wall=20.0), ours(cpu=22.1, wall=12.0), ["CPU -j 2 <= 1.1 x -j 1"]),
        (ours(cpu=20.0, wall=20.0), ours(cpu=20.0, wall=12.1), ["wall -j 2 <= 0.6 x -j 1"]),
    ],
)
def test_small_captures_are_judged_by_the_piece_and_by_what_a_second_process_brings(one, two, text):
    assert missed({FOLDER: {ONE_PROCESS: one, TWO_PROCESSES: two}}) == text


def test_a_hundred_thousand_packets_have_no_bar():
    assert bars({Spec("rtp", 100_000): {OURS: ours(), BASELINE_A: A, BASELINE_B: B}}) == []


@pytest.mark.parametrize(("peak", "met"), [(114.0, True), (116.0, False)])
def test_memory_does_not_grow_with_the_file(peak, met):
    results = {MILLION: {OURS: ours(peak=100.0)}, FIVE_MILLION: {OURS: ours(peak=peak)}}
    assert verdicts(results)[FIVE_MILLION.title, "peak <= 1.15 x that of 1,000,000 packets"] is met


@pytest.mark.parametrize(("cpu", "met"), [(3.0, True), (3.1, False)])
def test_foreign_traffic_is_judged_by_the_capture_without(cpu, met):
    results = {FOREIGN: {OURS: ours(cpu=cpu), WITHOUT: ours()}}
    assert verdicts(results)[FOREIGN.title, "CPU <= 1.5 x that without foreign TCP"] is met


@pytest.mark.parametrize(("wall", "met"), [(10.6, True), (10.7, False)])
def test_a_small_capture_is_judged_by_the_time_one_waits(wall, met):
    assert verdicts({SMALL: {OURS: ours(wall=wall), BASELINE_A: A}}) == {
        (SMALL.title, "wall <= tshark -Y (A) + 0.6 s"): met
    }


@pytest.mark.parametrize(("cpu", "met"), [(25.0, True), (25.1, False)])
def test_many_calls_are_judged_by_tshark_s_json(cpu, met):
    assert verdicts({CALLS: {OURS: ours(cpu=cpu), EK: A}}) == {
        (CALLS.title, "CPU <= 2.5 x tshark -T ek"): met
    }


@pytest.mark.parametrize(("correlating", "met"), [(2.0, True), (2.1, False)])
def test_correlating_must_not_cost_more_than_all_else_of_a_first_run(correlating, met):
    results = {CALLS: {OURS: ours(cpu=4.5), AGAIN: ours(cpu=0.5), CORRELATING: ours(cpu=correlating)}}
    assert verdicts(results) == {(CALLS.title, "CPU of correlating <= half of a first run's"): met}


@pytest.mark.parametrize(("cpu", "met"), [(32.9, True), (33.1, False)])
def test_ten_times_the_calls_may_cost_ten_times_as_much_and_a_tenth_of_that(cpu, met):
    results = {CALLS: {OURS: ours(cpu=3.0)}, MANY_CALLS: {OURS: ours(cpu=cpu)}}
    assert verdicts(results)[MANY_CALLS.title, "linear from 2,000 calls"] is met


@pytest.mark.parametrize(("peak", "met"), [(840.0, True), (842.0, False)])
def test_a_call_may_take_so_much_memory(peak, met):
    results = {CALLS: {OURS: ours(peak=300.0)}, MANY_CALLS: {OURS: ours(peak=peak)}}
    assert verdicts(results)[MANY_CALLS.title, "memory a call, from 2,000"] is met


def test_calls_on_one_media_port_are_not_compared_with_those_on_many():
    assert bars({CALLS: {OURS: ours()}, Spec("sip", 20_000, single_port=True): {OURS: ours(cpu=900)}}) == []


@pytest.mark.parametrize("failed", [OURS, BASELINE_A])
def test_what_failed_or_is_wrong_is_no_measure(failed):
    usages = {OURS: ours(), BASELINE_A: A}
    usages[failed] = Usage(0.1, 0.1, 1.0, "WRONG: legs missing: 1 of 2")
    assert bars({SMALL: usages}) == []
