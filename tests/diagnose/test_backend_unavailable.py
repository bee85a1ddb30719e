"""What stands behind the web server or the proxy does not work."""

import pytest

from postproc.diagnose.rules.backend_unavailable import RULE
from tests.diagnose.scenes import asked, told_both
from tests.diagnose.web import API, negotiated, request, upgrade
from tests.diagnose.web import asked as in_web


def found(*http):
    return in_web(asked, RULE, http=http)


@pytest.mark.parametrize(("status", "tag"), [(502, "gateway"), (503, "unavailable"), (504, "late")])
def test_the_status_says_what_may_be_wrong(status, tag):
    (one,) = found(request("/xphoneconnect/mobile", status))
    assert (one.verdict, one.tags, one.facts["tests"]) == ("fault", {tag}, ("health",))


def test_the_sign_in_alone():
    (one,) = found(
        request(f"{API}/health"), *(request(f"{API}/authenticate", 503, at=3.0 + n) for n in (0, 1))
    )
    assert one.facts["tests"] == ("authentication", "reinitialise")
    assert f"{API}/health" in told_both(one, RULE)["en"]["detail"]


def test_the_hub_alone_and_no_word_of_who_says_so():
    (one,) = found(negotiated(502, software=None))
    assert one.facts["tests"] == ("hub",)


def test_silent_where_it_works_again_and_elsewhere():
    assert found(request(f"{API}/health", 503), request(f"{API}/health", at=3.0)) == []
    assert found(request("/other", 502), request(f"{API}/health", 500), upgrade(502)) == []
