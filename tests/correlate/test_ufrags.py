import pytest

from postproc.correlate.ice import by_ufrags, direction, halves, session_of, sides_of_check
from tests import builders as b


def nanoseconds(seconds):
    return b.at(seconds).value


@pytest.mark.parametrize("username", ["C:S", "S:C"])
def test_both_orders_of_the_ufrags_name_the_session(username):
    known = by_ufrags(b.ice_sessions({"call": 4}))
    assert session_of(known, username, nanoseconds(1)).call == 4


@pytest.mark.parametrize("username", [None, "", "C", "C:", ":S", "CS", "C:X", "X:S"])
def test_one_half_or_another_form_of_username_names_none(username):
    assert session_of(by_ufrags(b.ice_sessions({})), username, nanoseconds(1)) is None


def test_a_single_session_is_found_outside_of_its_life_too():
    known = by_ufrags(b.ice_sessions({"start": 10.0, "end": 20.0}))
    assert session_of(known, "C:S", nanoseconds(99)) is not None


@pytest.mark.parametrize(("time", "call"), [(5, 1), (15, 1), (22, 1), (28, 2), (35, 2), (99, 2)])
def test_of_sessions_with_the_same_ufrags_the_nearest_in_time_counts(time, call):
    known = by_ufrags(
        b.ice_sessions({"call": 1, "start": 10.0, "end": 20.0}, {"call": 2, "start": 30.0, "end": 40.0})
    )
    assert session_of(known, "C:S", nanoseconds(time)).call == call


def test_an_unbounded_life_holds_at_any_time():
    known = by_ufrags(b.ice_sessions({"call": 1, "end": 20.0}, {"call": 2, "start": 30.0}))
    assert [session_of(known, "S:C", nanoseconds(t)).call for t in (-1e6, 1e6)] == [1, 2]


def test_without_a_time_the_first_session_is_taken():
    known = by_ufrags(b.ice_sessions({"call": 1}, {"call": 2}))
    assert session_of(known, "S:C", None).call == 1


def test_rows_without_ufrag_are_no_sessions():
    assert not by_ufrags(b.ice_sessions({"ufrag_a": None}, {"ufrag_b": ""}))


def test_the_second_half_of_a_username_is_the_sender():
    (session,) = by_ufrags(b.ice_sessions({})).popitem()[1]
    assert sides_of_check(session, "C:S") == ("server", "client")
    assert sides_of_check(session, "S:C") == ("client", "server")


def test_equal_ufrags_on_both_sides_tell_no_side():
    (session,) = by_ufrags(b.ice_sessions({"ufrag_a": "X", "ufrag_b": "X"})).popitem()[1]
    assert sides_of_check(session, "X:X") == (None, None)
    assert sides_of_check(None, "C:S") == (None, None)


def test_a_sender_ufrag_may_hold_further_colons():
    assert halves("a:b:c") == ("a", "b:c")


def test_only_client_and_server_make_a_direction():
    assert direction("server", "client") == "server_to_client"
    assert direction("client", "server") == "client_to_server"
    assert {direction("server", "other"), direction(None, None), direction("client", "client")} == {"other"}
