"""Sign-ins that are refused again and again."""

from postproc.diagnose.rules.sign_in_refused import FEWEST, RULE
from tests.diagnose.scenes import asked, told_both
from tests.diagnose.web import API, negotiated, request
from tests.diagnose.web import asked as in_web

SIGN_IN = f"{API}/authenticate"


def found(*http):
    return in_web(asked, RULE, http=http)


def refusals(path=SIGN_IN, count=FEWEST, **more):
    return [request(path, 401, at=3.0 + n, **{"method": "POST"} | more) for n in range(count)]


def test_the_password_refused():
    (one,) = found(*refusals())
    assert (one.verdict, one.facts["times"], one.tags) == ("fault", FEWEST, {"password"})
    assert one.facts["tests"] == ("authentication",)


def test_the_token_refused_that_the_sign_in_gave():
    hub = [negotiated(401, at=3.0 + n, authorization="Bearer", challenge="Bearer") for n in range(FEWEST)]
    (one,) = found(request(SIGN_IN, method="POST"), *hub)
    assert (one.tags, one.facts["tests"]) == ({"token"}, ("hub",))
    assert "Bearer" in told_both(one, RULE)["en"]["detail"]


def test_ntlm_refused_counts_its_last_step():
    steps = {"method": "GET", "authorization": "NTLM"}
    again = refusals(f"{API}/winauth", challenge="Negotiate,NTLM", **steps)
    begun = refusals(f"{API}/winauth", challenge="NTLM", challenge_goes_on=True, **steps)
    (one,) = found(*again, *begun)
    assert one.facts["times"] == FEWEST


def test_silent_on_handshakes_and_on_what_is_accepted_then():
    assert found(*refusals(count=FEWEST - 1)) == []
    assert found(*refusals(), request(SIGN_IN, at=30.0, method="POST")) == []
    assert found(*refusals(challenge="Negotiate,NTLM")) == []
    assert found(*refusals(challenge="NTLM", challenge_goes_on=True, authorization="NTLM")) == []
    assert found(*refusals("/other")) == []
