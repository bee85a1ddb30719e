"""WebSockets for SIP that are refused, closed or cut."""

import pytest

from postproc.diagnose.evidence.websockets import FEWEST_CLOSED, FEWEST_CUT
from postproc.diagnose.rules import sip_websocket_blocked, websocket_blocked
from tests.diagnose.scenes import asked, told_both
from tests.diagnose.web import CLIENT, connection, upgrade
from tests.diagnose.web import asked as in_web

RULE = sip_websocket_blocked.RULE


def found(http, connections=(), rule=RULE):
    return in_web(asked, rule, http=http, connections=connections)


def sip(status=101, **more):
    return upgrade(status, **{"url_path": "/ws", "signalr": None, "subprotocols": "sip", "port": 5080} | more)


def sockets(count, idle=30.0, **more):
    http = [sip(number=n, at=1.0 + 40 * n) for n in range(count)]
    ended = {"pause_before_end": True, "ended_by": "server_fin"} | more
    held = [
        connection(number=n, at=0.9 + 40 * n, longest_pause_s=idle, port=5080, **ended) for n in range(count)
    ]
    return http, held


@pytest.mark.parametrize("status", [200, 400, 403, 404, 426, 501, 503])
def test_an_upgrade_that_is_not_granted(status):
    (one,) = found([sip(status)])
    assert (one.verdict, one.tags, one.facts["tests"]) == ("fault", {"refused"}, ())
    title = told_both(one, RULE)["en"]["title"]
    assert f"answers the upgrade of {CLIENT} to /ws with {status} (1 time)" in title


def test_a_connection_closed_without_an_answer():
    (one,) = found([sip(None)], [connection(at=1.5, port=5080, ended_by="server_fin")])
    assert "ohne Antwort" in told_both(one, RULE)["de"]["title"]


def test_sockets_closed_after_the_same_idle_time():
    (one,) = found(*sockets(FEWEST_CLOSED))
    assert (one.tags, one.facts["idle"]) == ({"idle"}, 30.0)
    assert "every 30 s" in told_both(one, RULE)["en"]["remedies"]
    assert found(*sockets(FEWEST_CLOSED - 1)) == []


def test_sockets_that_go_dead():
    http, held = sockets(FEWEST_CUT, unheard_client=5, unheard_s=6.0, pause_before_end=False, ended_by=None)
    held = [row | {"last_time": row["time"] + 37.0} for row in held]
    fresh = [connection(number=50 + n, at=row["time"] + 33.0, port=5080) for n, row in enumerate(held)]
    (one,) = found(http, held + fresh)
    assert (one.confidence, one.facts["times"]) == (0.8, FEWEST_CUT)


@pytest.mark.parametrize("asks", ["sip", "msrp, sip", "sip,xmpp"])
def test_each_protocol_has_its_rule(asks):
    mine, other = sip(404, subprotocols=asks), sip(400, subprotocols="graphql-ws", number=1)
    assert len(found([mine])) == 1
    assert found([mine], rule=websocket_blocked.RULE) == []
    assert found([other]) == []
    assert len(found([other], rule=websocket_blocked.RULE)) == 1


def test_silent():
    assert found([sip()]) == []
    assert found([sip(503), sip(101, number=1, at=9.0)]) == []
    assert found([sip(401)]) == found([sip(302)]) == []
    assert found([sip(None)]) == []  # the capture ends, or the connection goes on
