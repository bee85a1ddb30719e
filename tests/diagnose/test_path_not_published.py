"""Paths that the application needs and nobody answers for."""

from postproc.diagnose.rules.path_not_published import RULE, area
from tests.diagnose.scenes import asked, told_both
from tests.diagnose.web import API, request, upgrade
from tests.diagnose.web import asked as in_web


def found(*http):
    return in_web(asked, RULE, http=http)


def test_the_web_api_answered_404():
    (one,) = found(request(f"{API}/health", 404), request(f"{API}/authenticate", 404, at=3.0))
    assert (one.verdict, one.facts["area"], one.tags) == ("fault", API, {"missing"})
    assert one.facts["tests"] == ("health", "authentication", "hub")


def test_the_mobile_page_forbidden_and_no_word_of_who_says_so():
    (one,) = found(request("/XPhoneConnect/mobile", 403, software=None))
    assert (one.tags, one.facts["tests"]) == ({"forbidden"}, ())


def test_upper_and_lower_case():
    (one,) = found(request(f"{API.lower()}/health", 404), request(f"{API}/health", at=3.0))
    assert (one.facts["area"], one.facts["other"]) == (API.lower(), API)
    assert "upper and lower case" in told_both(one, RULE)["en"]["detail"]


def test_the_part_of_a_path_that_is_published():
    assert area("/x/XPhoneConnect/Mobile/a/b") == "/x/XPhoneConnect/Mobile"
    assert area("/XPhoneConnect/favicon.ico") is None
    assert area("/mobile") is None


def test_silent_where_something_below_it_is_found_and_elsewhere():
    assert found(request(f"{API}/health"), request(f"{API}/favicon.ico", 404, at=3.0)) == []
    assert found(request("/favicon.ico", 404), request("/autodiscover/autodiscover.xml", 403)) == []
    assert found(request(f"{API}/devices", 401), request(f"{API}/x", None), upgrade(404)) == []
