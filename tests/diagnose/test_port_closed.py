"""Ports of the way in that answer with a reset."""

from postproc.diagnose.rules.port_closed import FALLS_BACK_S, REFUSED_SINCE, RULE
from tests.diagnose.scenes import asked, told_both
from tests.diagnose.web import PROXY, SERVER, connection
from tests.diagnose.web import asked as in_web


def found(*connections):
    return in_web(asked, RULE, connections=connections)


def test_443_refused_fails_the_first_part_of_the_connection_test():
    (one,) = found(connection("refused"), connection("refused", number=1, at=2.0))
    assert (one.verdict, one.call, one.facts["times"], one.tags) == ("fault", None, 2, {"web"})
    assert "1, URL of the Web API" in told_both(one, RULE)["en"]["detail"]


def test_the_servers_ports_are_named_with_what_needs_them():
    grpc, wcf = found(*(connection("refused", port=port, number=port) for port in (2231, 2230)))
    assert grpc.facts["tests"] == ("authentication", "reinitialise")
    assert wcf.facts["tests"] == ()


def test_a_proxy_that_cannot_reach_its_web_server():
    outside = connection(server=PROXY)
    (one,) = found(outside, connection("refused", client=PROXY, server="192.168.60.20", port=8181, number=1))
    assert one.tags == {"behind"}


def test_a_service_that_stopped_and_one_that_was_started_anew():
    down = [connection("refused", number=n, at=2.0 + n) for n in range(REFUSED_SINCE)]
    (one,) = found(connection(number=9), *down)
    assert one.facts["before"] == 1
    assert "1 connection to it succeeded" in told_both(one, RULE)["en"]["detail"]
    assert found(connection(number=9), *down[1:]) == []
    assert found(*down, connection(number=9, at=9.0)) == []


def test_silent_on_ports_that_are_not_the_way_in_and_where_the_client_takes_its_other_family():
    assert found(connection("refused", port=9100), connection("refused", port=8080, number=1)) == []
    six = connection("refused", server="2001:db8::10")
    assert found(six, connection(server=SERVER, number=1, at=1.0 + FALLS_BACK_S / 2)) == []
    assert len(found(six, connection(server=SERVER, number=1, at=1.0 + FALLS_BACK_S))) == 1
