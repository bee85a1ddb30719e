"""Legs whose SIP cannot be read, and the readable leg beside them."""

import pytest

from postproc.correlate.ice import Checks, Session
from postproc.correlate.unreadable import Hidden, hidden_legs
from tests import builders as b

SERVER, GATEWAY, CLIENT, OTHER_CLIENT = "10.0.0.1", "10.0.0.9", "198.51.100.7", "198.51.100.8"


def session(time, *, capture="a.pcapng", hosts=(SERVER, CLIENT), more=()):
    first, ends = b.at(time).value, dict(zip("AB", hosts, strict=True))
    seen = Checks(capture, 1, first, first, {}, ends, {capture: ends, **dict(more)})
    return Session(None, ("A", "B"), first, first, seen)


def leg(call_id="out", **changes):
    """A leg from the server to its gateway, invited at 10 s and answered at 20 s."""
    ends = {"uac_addr": SERVER, "uas_addr": GATEWAY}
    return {"call_id": call_id, "time": 10.0, "invite_time": 10.0, "answer_time": 20.0} | ends | changes


def hidden(sessions, *legs, with_ice=(), groups=None, recordings=None):
    names = dict.fromkeys(row["call_id"] for row in legs)
    groups = groups or {name: number for number, name in enumerate(names)}
    return hidden_legs(sessions, b.legs(*legs), groups, with_ice, recordings or {})


@pytest.mark.parametrize("time", [8.5, 10.1, 21.9])
def test_a_session_that_begins_with_the_leg_or_its_answer_is_the_other_leg(time):
    assert hidden([session(time)], leg()) == {0: Hidden("out", SERVER, first=True)}


def test_a_leg_that_the_server_takes_comes_first():
    taken = leg(uac_addr=GATEWAY, uas_addr=SERVER)
    assert hidden([session(10.1)], taken) == {0: Hidden("out", SERVER, first=False)}


def test_a_session_that_another_place_shows_first_is_matched_where_the_leg_was_captured():
    """At the client its address is another than behind its NAT, and the server's may be, too."""
    at_client = {"capture": "c.pcapng", "hosts": ("203.0.113.1", "192.168.1.5")}
    here = {"a.pcapng": {"A": SERVER, "B": CLIENT}}
    places = {"recordings": {"a.pcapng": 0, "c.pcapng": 1}}
    assert hidden([session(10.1, **at_client)], leg(), **places) == {}
    joined = hidden([session(10.1, **at_client, more=here)], leg(), **places)
    assert joined == {0: Hidden("out", SERVER, first=True)}


@pytest.mark.parametrize(
    ("checks", "changes", "more"),
    [
        (session(15.0), {}, {}),
        (session(10.1, hosts=("10.0.0.2", CLIENT)), {}, {}),
        (session(10.1), {"uas_addr": CLIENT}, {}),
        (session(10.1), {}, {"with_ice": ["out"]}),
        (session(10.1, capture="b.pcapng"), {}, {"recordings": {"a.pcapng": 0, "b.pcapng": 1}}),
        (session(10.1)._replace(call_id="x"), {}, {}),
    ],
    ids=[
        "in mid call",
        "another server",
        "the leg's own machines",
        "ICE of its own",
        "another place",
        "with SIP",
    ],
)
def test_what_does_not_fit_stays_a_call_by_itself(checks, changes, more):
    assert hidden([checks], leg(**changes), **more) == {}


def test_a_call_with_both_legs_misses_none():
    inward = leg("in", uac_addr=OTHER_CLIENT, uas_addr=SERVER)
    assert hidden([session(10.1)], inward, leg(), groups={"in": 1, "out": 1}) == {}


def test_of_two_that_fit_as_well_nobody_is_taken():
    other = session(10.5, hosts=(SERVER, OTHER_CLIENT))
    assert hidden([session(10.1), other], leg()) == {}
    assert hidden([session(10.1)], leg(), leg("b", invite_time=10.4, answer_time=None)) == {}


def test_the_one_that_is_much_nearer_is_taken_among_many_calls():
    calls = [leg(f"{number}", invite_time=10.0 + 30 * number, answer_time=None) for number in range(50)]
    sessions = [session(10.05 + 30 * number) for number in range(50)]
    found = hidden(sessions, *calls)
    assert {place: each.beside for place, each in found.items()} == {n: f"{n}" for n in range(50)}
    late = leg("b", invite_time=11.6, answer_time=None)
    assert hidden([session(10.1)], leg(), late) == {0: Hidden("out", SERVER, first=True)}
