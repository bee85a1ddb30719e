"""Questions fit the step at which a call stopped, and their cells run on every call, an empty one too."""

import pandas as pd
import pytest

import postproc
from postproc.call import Call
from postproc.model.tables import Tables
from postproc.results import Run
from postproc.show.notebook_texts import ALWAYS, BY_STEP, questions
from tests import builders as t

EVERY = list(dict.fromkeys([*(each for held in BY_STEP.values() for each in held), *ALWAYS]))


@pytest.fixture(scope="module")
def recorded(pcaps):
    run = postproc.analyze([pcaps / "dtls_fail.pcapng", pcaps / "acl_403.pcapng"])
    return run, run.worst_first()["call"].tolist()


def answer(question, run, call):
    """The value of a cell's last line."""
    *lines, last = question.code.splitlines()
    names = {"run": run, "call": call, "pd": pd}
    exec("\n".join(lines), names)
    return eval(last, names)


@pytest.mark.parametrize("question", EVERY, ids=lambda each: each.text.en[2:25])
def test_a_question_is_answered_by_a_table(question, recorded):
    run, numbers = recorded
    for number in numbers:
        assert isinstance(answer(question, run, run.call(number)), pd.DataFrame)
    empty = Tables(calls=t.calls({"call": 1}))
    assert isinstance(answer(question, Run(empty), Call(1, empty)), pd.DataFrame)


def test_the_first_steps_that_failed_are_asked_about_first():
    steps = [{"step": name, "state": "passed"} for name in BY_STEP]
    assert questions(steps) == list(ALWAYS)
    steps[list(BY_STEP).index("answers")]["state"] = "failed"
    steps[list(BY_STEP).index("trace")]["state"] = "cannot_tell"
    asked = questions(steps)
    assert asked[: len(BY_STEP["trace"])] == list(BY_STEP["trace"])
    assert set(BY_STEP["answers"]) <= set(asked)
    assert len(asked) == len(set(asked))


def test_there_are_questions_for_every_step_of_the_walk(recorded):
    run, numbers = recorded
    assert run.call(numbers[0]).walk["step"].tolist() == list(BY_STEP)


def test_a_step_unknown_here_is_no_trouble():
    assert questions([{"step": "new", "state": "failed"}]) == list(ALWAYS)
