import pytest

from bench.bars import bars
from bench.captures import Spec
from bench.measure import Usage
from bench.programs import AGAIN, BASELINE_A, BASELINE_B, CORRELATING, EK, OURS, WITHOUT

MILLION = Spec("rtp", 1_000_000)
FIVE_MILLION = Spec("rtp", 5_000_000)
FOREIGN = Spec("rtp", 1_000_000, foreign=1_000_000)
SMALL = Spec("rtp", 10_000)
CALLS, MANY_CALLS = Spec("sip", 2000), Spec("sip", 20_000)
A, B = Usage(10.0, 10.0, 300.0), Usage(20.0, 20.0, 300.0)


def ours(cpu=3.0, wall=3.0, peak=300.0):
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
        (ours(cpu=4.2), ["CPU <= 0.20 x tshark -T fields (B)"]),
        (ours(cpu=4.6), ["CPU <= 0.45 x tshark -Y (A)", "CPU <= 0.20 x tshark -T fields (B)"]),
        (ours(peak=351), ["peak of any process"]),
    ],
)
def test_each_of_them_is_missed_by_a_little_too_much(usage, text):
    assert missed({MILLION: {OURS: usage, BASELINE_A: A, BASELINE_B: B}}) == text


def test_a_hundred_thousand_packets_have_no_bar():
    assert bars({Spec("rtp", 100_000): {OURS: ours(), BASELINE_A: A, BASELINE_B: B}}) == []


@pytest.mark.parametrize(("peak", "met"), [(129.0, True), (131.0, False)])
def test_memory_does_not_grow_with_the_file(peak, met):
    results = {MILLION: {OURS: ours(peak=100.0)}, FIVE_MILLION: {OURS: ours(peak=peak)}}
    assert verdicts(results)[FIVE_MILLION.title, "peak <= 1.3 x that of 1,000,000 packets"] is met


@pytest.mark.parametrize(("cpu", "met"), [(4.5, True), (4.6, False)])
def test_foreign_traffic_is_judged_by_the_capture_without(cpu, met):
    results = {FOREIGN: {OURS: ours(cpu=cpu), WITHOUT: ours()}}
    assert verdicts(results)[FOREIGN.title, "CPU <= 1.5 x that without foreign TCP"] is met


@pytest.mark.parametrize(("wall", "met"), [(16.0, True), (16.1, False)])
def test_a_small_capture_is_judged_by_the_time_one_waits(wall, met):
    assert verdicts({SMALL: {OURS: ours(wall=wall), BASELINE_A: A}}) == {
        (SMALL.title, "wall <= 1.5 x tshark -Y (A) + 1 s"): met
    }


@pytest.mark.parametrize(("cpu", "met"), [(25.0, True), (25.1, False)])
def test_many_calls_are_judged_by_tshark_s_json(cpu, met):
    assert verdicts({CALLS: {OURS: ours(cpu=cpu), EK: A}}) == {
        (CALLS.title, "CPU <= 2.5 x tshark -T ek"): met
    }


@pytest.mark.parametrize(("correlating", "met"), [(1.5, True), (1.6, False)])
def test_correlating_must_not_cost_more_than_reading(correlating, met):
    results = {CALLS: {OURS: ours(cpu=4.5), AGAIN: ours(cpu=3.0), CORRELATING: ours(cpu=correlating)}}
    assert verdicts(results) == {(CALLS.title, "CPU of correlating <= of reading"): met}


@pytest.mark.parametrize(("cpu", "met"), [(37.0, True), (38.0, False)])
def test_ten_times_the_calls_may_cost_ten_times_as_much_and_a_quarter_of_that(cpu, met):
    results = {CALLS: {OURS: ours(cpu=3.0)}, MANY_CALLS: {OURS: ours(cpu=cpu)}}
    assert verdicts(results) == {(MANY_CALLS.title, "linear from 2,000 calls"): met}


def test_calls_on_one_media_port_are_not_compared_with_those_on_many():
    assert bars({CALLS: {OURS: ours()}, Spec("sip", 20_000, single_port=True): {OURS: ours(cpu=900)}}) == []


@pytest.mark.parametrize("failed", [OURS, BASELINE_A])
def test_what_failed_or_is_wrong_is_no_measure(failed):
    usages = {OURS: ours(), BASELINE_A: A}
    usages[failed] = Usage(0.1, 0.1, 1.0, "WRONG: legs missing: 1 of 2")
    assert bars({SMALL: usages}) == []
