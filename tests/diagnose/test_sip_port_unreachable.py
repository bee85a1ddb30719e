"""TCP to SIP ports that does not come about."""

import pytest

from postproc.diagnose.rules.sip_port_unreachable import (
    FEWEST_SYNS,
    MOST_PORTS,
    MOST_SERVERS,
    REFUSED_SINCE,
    RULE,
    WATCHED_S,
)
from tests.diagnose.scenes import asked, told_both
from tests.diagnose.web import CLIENT, SERVER, connection

OTHER, THIRD = "203.0.113.46", "198.51.100.11"


def found(*connections, sip=(), lasts=60.0, captures=("c.pcap",), **more):
    rows = [{"capture": name, "first_time": 0.0, "last_time": lasts, "packets": 99} for name in captures]
    return asked(RULE, sip_messages=sip, captures=rows, connections=connections, **more)


def attempt(outcome="refused", *, at=1.0, **more):
    tried = FEWEST_SYNS if outcome == "unanswered" else 1
    own = {"port": 5061, "number": int(at * 10), "capture": "c.pcap", "lasted_s": 0.021, "attempts": tried}
    return connection(outcome, at=at, **own | more)


def refused(*times, **more):
    return [attempt(at=at, **more) for at in times]


def lost(**more):
    return attempt("unanswered", **more)


def sip(time, source, target, **more):
    ends = {"src_addr": source, "dst_addr": target, "capture": "c.pcap"}
    return {
        "time": time,
        "call": None,
        "leg": None,
        "call_id": "r@x",
        "cseq_method": "REGISTER",
        "cseq": 1,
    } | (ends | more)


def test_a_closed_port_is_told_once_for_all_who_try_it():
    (one,) = found(*refused(1.0, 3.0), *refused(2.0, 4.0, client=OTHER))
    assert (one.verdict, one.facts["times"], one.facts["clients"]) == ("suspect", 4, [CLIENT, OTHER])
    assert (one.call, one.tags) == (None, {"closed"})
    assert "21.00 ms after the SYN" in told_both(one, RULE)["en"]["detail"]


def test_a_client_that_speaks_sip_is_no_stranger():
    (one,) = found(*refused(1.0, 3.0), sip=[sip(0.5, CLIENT, THIRD)])
    assert one.verdict == "fault"


def test_a_port_that_does_not_answer():
    (one,) = found(lost(attempts=6, port=5060))
    assert (one.verdict, one.facts["attempts"], one.tags) == ("suspect", 6, {"filtered"})
    assert "unless the capture was taken there" in told_both(one, RULE)["en"]["detail"]


def test_a_firewall_that_says_so():
    icmp = {
        "src_addr": CLIENT,
        "src_port": 40010,
        "dst_addr": SERVER,
        "dst_port": 5061,
        "transport": "tcp",
    } | {
        "reporter": "192.0.2.1",
        "type": 3,
        "code": 13,
        "version": 4,
        "frame": 7,
        "capture": "c.pcap",
    }
    (one,) = found(lost(), icmp_errors=[icmp])
    assert one.tags == {"rejected"}
    assert found(lost(), icmp_errors=[icmp | {"dst_port": 5060}])[0].tags == {"filtered"}


def test_it_worked_before_and_works_for_others():
    good = [attempt("established", at=0.5), attempt("established", at=1.0, client=OTHER, last_time=50.0)]
    (one,) = found(*good, *refused(3.0, 4.0, 6.0))
    detail = told_both(one, RULE)["en"]["detail"]
    assert "1 connection to it succeeded" in detail
    assert OTHER in detail
    assert len(found(*good, *refused(*range(3, 3 + REFUSED_SINCE)))) == 1
    assert found(*good, *refused(*range(3, 2 + REFUSED_SINCE))) == []  # a service that restarts


def test_two_captures_of_the_same_attempts_are_told_once():
    (one,) = found(lost(), lost(capture="d.pcap"), captures=("c.pcap", "d.pcap"))
    assert (one.facts["times"], one.facts["places"]) == (1, ["c.pcap", "d.pcap"])
    assert "d.pcap" in told_both(one, RULE)["de"]["detail"]


@pytest.mark.parametrize(
    "other",
    [
        {"connections": [attempt("established", at=4.0, server=THIRD)]},
        {"sip": [sip(1.0, CLIENT, THIRD), sip(1.1, THIRD, CLIENT, status=200)]},
    ],
)
def test_a_client_that_turns_to_another_server_with_success_makes_it_a_note(other):
    (one,) = found(*refused(1.0, 3.0), *other.get("connections", ()), sip=other.get("sip", ()))
    assert one.verdict == "note"
    assert f"{CLIENT} and {THIRD}" in told_both(one, RULE)["en"]["detail"]
    # Those who have no other way are told alone.
    (one,) = found(
        *refused(1.0, 3.0),
        *refused(1.0, 3.0, client=OTHER),
        *other.get("connections", ()),
        sip=other.get("sip", ()),
    )
    assert (one.verdict == "note", one.facts["clients"]) == (False, [OTHER])


def test_silent_where_another_server_refused_the_registration_too_late_or_not_at_all():
    (one,) = found(
        *refused(1.0, 3.0), sip=[sip(0.9, THIRD, CLIENT, status=200), sip(5.0, THIRD, CLIENT, status=403)]
    )
    assert one.verdict == "suspect"


def test_silent_on_a_single_try():
    assert found(attempt()) == []
    assert found(lost(attempts=FEWEST_SYNS - 1)) == []
    assert found(lost(), lasts=1.0 + WATCHED_S - 0.1) == []
    assert len(found(lost(), lasts=1.0 + WATCHED_S)) == 1


def test_silent_where_it_succeeds_at_once_or_the_capture_shows_one_direction():
    assert found(*refused(1.0, 3.0), attempt("established", at=5.0)) == []
    assert found(attempt("one_sided", attempts=3)) == []
    assert found(lost(), attempt("midstream", at=5.0)) == []


@pytest.mark.parametrize("way", [(SERVER, CLIENT), (SERVER, CLIENT, 1)])
def test_silent_where_the_server_speaks_sip_with_the_client_meanwhile(way):
    """Over UDP, in a call (here call 1) or outside; but what it said before does not count."""
    source, target, *call = way
    more = {"call": call[0], "leg": 1} if call else {}
    assert found(*refused(1.0, 3.0), sip=[sip(2.0, source, target, status=200, **more)]) == []
    assert len(found(*refused(1.0, 3.0), sip=[sip(0.9, source, target, status=200, **more)])) == 1
    assert len(found(*refused(1.0, 3.0), sip=[sip(2.0, target, source, **more)])) == 1


def test_silent_where_another_sip_port_of_the_server_is_reached():
    assert found(*refused(1.0, 3.0), attempt("established", at=0.5, port=5060, last_time=9.0)) == []
    assert len(found(*refused(1.0, 3.0), attempt("established", at=0.5, port=5060, last_time=0.9))) == 1


def test_silent_where_the_other_ip_version_succeeds():
    fast = attempt("established", at=1.3, client="2001:db8::45", server="2001:db8::10")
    assert found(*refused(1.0, 3.0), fast) == []


def test_silent_on_those_who_search_for_open_ports():
    servers = [
        row for nth in range(MOST_SERVERS + 1) for row in refused(1.0, 3.0, server=f"198.51.100.{20 + nth}")
    ]
    ports = [row for nth in range(MOST_PORTS + 1) for row in refused(1.0, 3.0, port=5060 + nth)]
    assert found(*servers) == found(*ports) == []
    assert len(found(*servers[2:])) == MOST_SERVERS
    assert len(found(*servers, sip=[sip(0.5, CLIENT, THIRD)])) == MOST_SERVERS + 1


def test_silent_on_ports_of_the_application():
    assert found(*refused(1.0, 3.0, port=443)) == []
