"""Certificates for other names."""

from postproc.diagnose.rules.certificate_name import RULE
from tests.diagnose.scenes import asked, told_both
from tests.diagnose.web import NAME, PROXY, connection, handshake, refused
from tests.diagnose.web import asked as in_web

WRONG = {"subject": "www.example.net", "names": "www.example.net,example.net", "fits_name": False}


def found(*tls, **more):
    return in_web(asked, RULE, tls=tls, **more)


def test_the_names_it_is_for_are_told():
    (one,) = found(refused(**WRONG))
    assert (one.verdict, one.facts["names"]) == ("fault", ("www.example.net", "example.net"))


def test_a_star_two_labels_above():
    (one,) = found(refused(server_name="a.b.example.com", names="*.example.com", fits_name=False))
    assert one.tags == {"deep"}
    assert "phones fail first" in told_both(one, RULE)["en"]["detail"]


def test_the_right_one_stands_on_another_machine():
    (one,) = found(refused(**WRONG), handshake(server=PROXY, server_name=None, number=1))
    assert (one.tags, one.facts["other"]) == ({"elsewhere"}, PROXY)


def test_a_client_that_finishes_and_asks_for_nothing():
    away = handshake(requested=False, **WRONG)
    (one,) = found(away, connections=[connection(ended_by="client_fin")])
    assert one.verdict == "suspect"
    assert found(away, connections=[connection(ended_by="server_fin")]) == []


def test_silent_where_it_fits_and_where_the_client_goes_on():
    assert found(refused(), handshake(number=1, **WRONG)) == []
    accepted = handshake(number=1, **WRONG)
    away = handshake(requested=False, **WRONG)
    assert found(away, accepted, connections=[connection(ended_by="client_fin")]) == []
    assert NAME in accepted["server_name"]
