"""Connectivity checks answered with an error."""

import pytest

from postproc.diagnose.rules.binding_error import RULE
from tests.diagnose.scenes import asked, check, told_both

BROKEN = {"pairs": [], "dtls": [], "rtp_streams": []}


def refused(code: int | None, direction: str = "server_to_client"):
    return [check(direction, time=1.0 + n, outcome="error", error_code=code) for n in range(3)]


@pytest.mark.parametrize(
    ("code", "name"), [(401, "Unauthenticated"), (403, "Forbidden"), (400, "Bad Request")]
)
def test_the_code_is_named(code, name):
    (found,) = asked(RULE, bindings=refused(code), **BROKEN)
    assert (found.verdict, found.tags) == ("fault", {str(code)})
    assert f"error {code} ({name}) (3 of 3)" in told_both(found, RULE)["en"]["title"]


def test_an_unknown_code_is_shown_as_it_is():
    (found,) = asked(RULE, bindings=refused(699), **BROKEN)
    assert "699 (3" in told_both(found, RULE)["de"]["title"].replace("beantwortet ", "")


def test_an_error_without_a_code_names_none():
    (found,) = asked(RULE, bindings=refused(None), **BROKEN)
    assert told_both(found, RULE)["en"]["title"] == "Binding Requests are answered with an error (3 of 3)."


def test_a_single_refusal_is_not_yet_certain():
    (found,) = asked(RULE, bindings=refused(401)[:1], **BROKEN)
    assert found.verdict == "suspect"


def test_checks_whose_direction_is_unknown_count_too():
    (found,) = asked(RULE, bindings=refused(401, "other"), **BROKEN)
    assert found.detail == ()


def test_silent_when_a_later_request_succeeds():
    assert asked(RULE, bindings=[*refused(401), check(time=5.0)], **BROKEN) == []


def test_silent_of_role_conflicts_which_are_a_picture_of_their_own():
    assert asked(RULE, bindings=refused(487), **BROKEN) == []


def test_silent_when_media_flows():
    assert asked(RULE, bindings=refused(401)) == []
