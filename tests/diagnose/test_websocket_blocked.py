"""WebSockets that are refused, closed or cut."""

import pytest

from postproc.diagnose.evidence.websockets import FEWEST_CLOSED, FEWEST_CUT
from postproc.diagnose.rules.websocket_blocked import RULE
from tests.diagnose.scenes import asked, told_both
from tests.diagnose.web import asked as in_web
from tests.diagnose.web import connection, negotiated, poll, request, upgrade


def found(http, connections=()):
    return in_web(asked, RULE, http=http, connections=connections)


@pytest.mark.parametrize("status", [200, 400, 403, 404, 426, 501, 502])
def test_an_upgrade_that_is_not_granted_though_the_hub_is_there(status):
    (one,) = found([negotiated(), upgrade(status, at=3.0)])
    assert (one.verdict, one.tags, one.facts["tests"]) == ("fault", {"refused"}, ("hub",))


def over_http2(status, **more):
    return upgrade(status, **{"method": "CONNECT"} | more)


def test_over_http_2_any_success_grants_it():
    (one,) = found([negotiated(), over_http2(501, at=3.0)])
    assert one.tags == {"refused"}
    assert found([negotiated(), over_http2(300, at=3.0)]) == []  # leads elsewhere
    for status in (200, 299):
        assert found([negotiated(), over_http2(501, at=3.0), over_http2(status, at=5.0)]) == []
    assert len(found([negotiated(), over_http2(501, at=3.0), over_http2(199, at=5.0)])) == 1
    assert len(found([negotiated(), upgrade(200, at=3.0)])) == 1


def test_silent_on_connections_of_http_2_that_are_closed_idle_and_hold_more_than_a_websocket():
    http, held = sockets(FEWEST_CLOSED)
    assert found([row | {"method": "CONNECT", "status": 200} for row in http], held) == []


def test_long_polling_that_works():
    (one,) = found([negotiated(), upgrade(400, at=3.0), poll(at=4.0), poll(at=5.0)])
    assert "2 polls" in told_both(one, RULE)["en"]["detail"]


def test_a_connection_closed_without_an_answer():
    asks = [negotiated(number=1), upgrade(None, at=3.0)]
    (one,) = found(asks, [connection(at=2.5, ended_by="server_fin")])
    assert "ohne Antwort" in told_both(one, RULE)["de"]["title"]
    assert found(asks, [connection(at=2.5)]) == []


def test_the_root_is_named_as_a_path():
    """Kamailio takes SIP over WebSocket there."""
    asks = [negotiated(number=1), upgrade(None, at=3.0, url_path="/")]
    (one,) = found(asks, [connection(at=2.5, ended_by="server_fin")])
    assert "after the upgrade to /, without an answer" in told_both(one, RULE)["en"]["title"]


def sockets(count, idle=6.0, *, each=0.0, goodbye=None, forwarded=False, **more):
    """Sockets that live one after the other, closed at the end of a pause."""
    paused = {"pause_before_end": True, "ended_by": "server_fin"} | more
    http = [upgrade(number=n, at=1.0 + 8 * n, goodbye=goodbye, forwarded=forwarded) for n in range(count)]
    held = [
        connection(number=n, at=0.9 + 8 * n, longest_pause_s=idle + each * n, **paused) for n in range(count)
    ]
    return http, held


def test_closed_after_the_same_idle_time_each_time():
    (one,) = found(*sockets(FEWEST_CLOSED))
    assert (one.tags, one.facts["idle"]) == ({"killed"}, 6.0)
    assert found(*sockets(FEWEST_CLOSED - 1)) == []


def test_closed_by_a_proxy_that_asks_the_web_server():
    assert len(found(*sockets(FEWEST_CLOSED, forwarded=True, ended_by="client_fin"))) == 1
    assert found(*sockets(FEWEST_CLOSED, ended_by="client_fin")) == []


def test_cut_without_a_word_while_others_work():
    dead = {"unheard_client": 5, "unheard_s": 6.0, "pause_before_end": False, "ended_by": None}
    http, held = sockets(FEWEST_CUT, **dead)
    held = [row | {"last_time": row["time"] + 7.0} for row in held]
    fresh = [connection(number=50 + n, at=row["time"] + 3.0) for n, row in enumerate(held)]
    (one,) = found(http, held + fresh)
    assert (one.facts["times"], one.facts["idle"]) == (FEWEST_CUT, 6.0)
    assert found(http, held) == []
    twice = [
        row | {"client_port": http[0]["client_port"], "method": "CONNECT", "status": 200} for row in http
    ]
    assert found(twice, held[:1] + fresh) == []  # one connection of HTTP/2 that goes dead is one


def test_silent_on_sockets_that_somebody_closes_or_that_end_at_different_times():
    assert found(*sockets(4, goodbye="client")) == []
    assert found(*sockets(4, each=3.0)) == []
    assert found(*sockets(4, pause_before_end=False)) == []


def test_silent_where_it_was_granted_too_or_the_hub_refuses_all():
    assert found([negotiated(), upgrade(400), upgrade(101, number=1, at=5.0)]) == []
    assert found([negotiated(401), upgrade(401, at=3.0)]) == []
    assert found([negotiated(404), upgrade(404, at=3.0)]) == []
    assert found([negotiated(502), upgrade(502, at=3.0), request("/x")]) == []
    assert found([negotiated(), poll(at=3.0)]) == []
