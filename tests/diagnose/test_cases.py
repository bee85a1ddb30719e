"""Captures with a truth of verdict and cause (pcaps/cases), judged with and without the server's log.

WRONG names those that are judged wrongly, and why; who mends one takes its line out.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from pcaps.truths import Case, cases
from postproc import pipeline
from postproc.model.findings import VERDICTS
from postproc.model.tables import Tables
from postproc.read import deployment
from tests.sample import some

CASES = cases()
WITH_LOG = [case for case in CASES if case.logs]
ALONE = [case for case in CASES if not case.needs_log]

WRONG = {
    "r_oneway_later_s2c": "lost beyond the capture: the server sends neither checks nor RTCP that would show it",
    "r_oneway_later_s2c+log": "the same",
}

Judge = Callable[..., Tables]


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Judge:
    """Reads each capture once, whatever it is judged with."""
    folders: dict[str, Path] = {}

    def judge(case: Case, *, log: bool, known: str) -> Tables:
        folder = folders.setdefault(case.name, tmp_path_factory.mktemp(case.name))
        system, logs = deployment.read(known), case.logs if log else ()
        return pipeline.run(
            [case.capture], folder, jobs=1, fs_logs=logs, deployment=system, report=False
        ).tables

    return judge


def wrong(case: Case, tables: Tables) -> list[str]:
    """What the judgement has against the truth."""
    calls = tables.calls
    causes = set(calls["cause"].astype(object).where(calls["cause"].notna(), None))
    accused = set(tables.findings.loc[tables.findings["verdict"].isin(["fault", "suspect"]), "name"])
    packets = tables.rtp_streams.loc[tables.rtp_streams["call"].notna(), "packets"].sum()
    against = []
    if case.verdicts and min(calls["verdict"], key=VERDICTS.index, default=None) not in case.verdicts:
        against.append(f"verdict {sorted(calls['verdict'])}, true is {' or '.join(case.verdicts)}")
    if case.causes and not causes & set(case.causes):
        against.append(f"cause {causes}, true is {case.causes}")
    against += [f"{name} is not found" for name in sorted(case.must - set(tables.findings["name"]))]
    against += [f"{name} is found" for name in sorted(case.never & accused)]
    if case.number_of_calls not in (None, len(calls)):
        against.append(f"{len(calls)} calls, {case.number_of_calls} in truth")
    if packets < case.rtp:
        against.append(f"{packets} RTP packets belong to calls, at least {case.rtp} in truth")
    return against


def judged_with(cases: list[Case], *, log: bool) -> list[object]:
    """Parameters, those of WRONG expected to fail."""
    return [
        pytest.param(
            case, id=name, marks=[pytest.mark.xfail(reason=WRONG[name], strict=True)] if name in WRONG else []
        )
        for case in cases
        for name in [f"{case.name}+log" if log else case.name]
    ]


@pytest.mark.parametrize("case", judged_with(ALONE, log=False))
def test_the_capture_alone_is_judged_as_is_true(judge: Judge, case: Case):
    assert wrong(case, judge(case, log=False, known="xphone")) == []


@pytest.mark.slow
@pytest.mark.parametrize("case", judged_with(WITH_LOG, log=True))
def test_with_its_log_it_is_judged_as_is_true(judge: Judge, case: Case):
    assert wrong(case, judge(case, log=True, known="xphone")) == []


@pytest.mark.slow
@pytest.mark.parametrize("case", judged_with(some(ALONE, one_in=3), log=False))
def test_nothing_need_be_known_of_the_deployment(judge: Judge, case: Case):
    assert wrong(case, judge(case, log=False, known="generic")) == []


@pytest.mark.slow
@pytest.mark.parametrize("case", judged_with(some(WITH_LOG, one_in=2), log=True))
def test_and_with_its_log(judge: Judge, case: Case):
    assert wrong(case, judge(case, log=True, known="freeswitch")) == []


def test_only_cases_are_excused():
    names = {case.name for case in CASES} | {f"{case.name}+log" for case in WITH_LOG}
    assert set(WRONG) <= names
    assert len(CASES) > 50
