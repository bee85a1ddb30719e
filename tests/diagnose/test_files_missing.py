"""A file of a ring buffer is missing while a call goes on."""

import pytest

from postproc.diagnose.rules.files_missing import RULE
from tests.builders import at
from tests.diagnose.scenes import asked, message, stream, told_both


def gap(start: float, end: float) -> str:
    return f"{at(start).isoformat()}/{at(end).isoformat()}"


def lacking(missing: str | None) -> list:
    return asked(
        RULE,
        captures=[{"first_time": 0.0, "last_time": 60.0, "missing": missing}],
        sip_messages=[message(1, "INVITE", 0.0), message(1, "BYE", 40.0)],
        rtp_streams=[stream("client_to_server", first_time=5.0, time=5.0, last_time=45.0)],
    )


def test_what_was_not_captured_is_told():
    (found,) = lacking(gap(20.0, 26.5))
    assert (found.verdict, found.facts["seconds"]) == ("note", 6.5)
    assert "For 6.5 s of the call" in told_both(found, RULE)["en"]["title"]


def test_each_gap_is_told_by_time():
    found = lacking(f"{gap(30.0, 31.0)}; {gap(20.0, 26.5)}")
    assert [each.facts["seconds"] for each in found] == [6.5, 1.0]


@pytest.mark.parametrize(("start", "end"), [(0.0, 45.0), (44.0, 45.0), (0.0, 0.5)])
def test_it_may_be_at_either_end_of_the_call(start, end):
    assert len(lacking(gap(start, end))) == 1


@pytest.mark.parametrize("missing", [None, gap(44.0, 45.1), gap(-0.1, 3.0), gap(50.0, 55.0)])
def test_silent_where_nothing_of_the_call_is_missing(missing):
    assert lacking(missing) == []
