"""Ports of the way in that do not answer."""

from postproc.diagnose.rules.port_filtered import FEWEST_SYNS, RULE, WATCHED_S
from tests.diagnose.scenes import asked, told_both
from tests.diagnose.web import CLIENT, PROXY, SERVER, connection
from tests.diagnose.web import asked as in_web


def found(*connections, **more):
    return in_web(asked, RULE, connections=connections, **more)


def lost(**more):
    return connection("unanswered", **{"attempts": FEWEST_SYNS} | more)


def test_syns_again_and_again_without_an_answer():
    (one,) = found(lost(attempts=6), lost(attempts=7, number=1, at=9.0))
    assert (one.verdict, one.facts["attempts"], one.facts["times"], one.tags) == ("fault", 13, 2, {"web"})


def test_others_that_get_through_point_to_the_way():
    (one,) = found(lost(), connection(client="10.20.30.77", server=PROXY, number=1))
    assert "10.20.30.77" in told_both(one, RULE)["en"]["detail"]


def test_a_firewall_that_says_so_by_icmp():
    icmp = {
        "src_addr": CLIENT,
        "src_port": 40000,
        "dst_addr": SERVER,
        "dst_port": 2231,
        "transport": "tcp",
        "reporter": "192.0.2.1",
        "type": 3,
        "code": 13,
        "version": 4,
        "frame": 7,
    }
    (one,) = found(lost(port=2231), icmp_errors=[icmp])
    assert one.tags == {"server"}
    assert "192.0.2.1" in told_both(one, RULE)["en"]["detail"]


def test_silent_where_one_syn_was_lost_or_the_capture_ends_too_soon():
    assert found(lost(attempts=1)) == []
    assert found(lost(), lasts=1.0 + WATCHED_S - 0.1) == []
    assert len(found(lost(), lasts=1.0 + WATCHED_S)) == 1


def test_silent_where_the_same_is_reached_too_and_on_other_ports():
    assert found(lost(), connection(number=1, at=5.0)) == []
    assert found(connection("one_sided", attempts=3)) == []
    assert found(lost(port=9100)) == []
