from bench import report
from bench.bars import Bar
from bench.captures import Spec
from bench.measure import Usage
from bench.programs import BASELINE_A, BASELINE_B, OURS

RESULTS = {
    Spec("rtp", 10_000): {
        OURS: Usage(1.0, 1.25, 120.4),
        BASELINE_A: Usage(2.0, 2.0, 150.0),
        BASELINE_B: Usage(4.0, 4.0, 150.0),
    }
}


def test_ratios_are_to_tshark_on_the_same_capture():
    ours, a, _ = report.measurements(RESULTS)
    assert ours == ("10,000 packets", OURS, "1.00", "1.25", "120", "0.50", "0.25", "")
    assert a[:2] == ("", BASELINE_A)
    assert a[5:7] == ("1.00", "0.50")


def test_without_a_baseline_there_are_no_ratios():
    (row,) = report.measurements({Spec("rtp", 10_000): {OURS: Usage(1.0, 1.0, 100.0)}})
    assert row[5:] == ("", "", "")


def test_a_failure_has_no_ratio_and_its_reason_stands_below():
    spec = Spec("rtp", 10_000)
    results = {spec: {OURS: Usage(1.0, 1.0, 100.0, "exit 2: no"), BASELINE_A: Usage(2.0, 2.0, 1.0)}}
    ours, _ = report.measurements(results)
    assert ours[5:] == ("", "", "see below")
    assert report.failures(results) == [f"10,000 packets: {OURS}: exit 2: no"]


def test_bars_say_whether_they_are_met():
    rows = report.verdicts([Bar("c", "b", 1.0, 1.0, "s"), Bar("c", "b", 1.001, 1.0, "s")])
    assert rows == [("c", "b", "1.00 s", "1.00 s", "met"), ("c", "b", "1.00 s", "1.00 s", "MISSED")]


def test_words_are_aligned_to_the_left_and_figures_to_the_right():
    text = report.aligned(("program", "CPU s"), [("x", "10.00"), ("tshark", "1.00")])
    assert text == "program  CPU s\n-------  -----\nx        10.00\ntshark    1.00"


def test_markdown_escapes_what_would_end_a_cell():
    text = report.markdown(("program", "CPU s"), [("a|b", "1.00")])
    assert text == "| program | CPU s |\n| --- | ---: |\n| a\\|b | 1.00 |"
