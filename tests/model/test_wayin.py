"""The first chart: each step once, with tests that there are, failed by rules that there are."""

from typing import get_args

from postproc.model import wayin
from postproc.model.wayin import CONNECTION_TESTS, FIRST_CHART, StepId


def test_each_step_stands_once_and_in_both_languages() -> None:
    assert tuple(step.id for step in FIRST_CHART) == get_args(StepId)
    assert all(step.question.en and step.question.de for step in FIRST_CHART)


def test_every_part_of_the_connection_test_has_a_name_and_steps_that_fail_it() -> None:
    assert tuple(wayin.CONNECTION_TEST_NAMES) == CONNECTION_TESTS
    assert {test for step in FIRST_CHART for test in step.tests} == set(CONNECTION_TESTS)
