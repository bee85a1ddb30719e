import numpy as np
import pytest

from postproc.correlate.ice import Session
from postproc.correlate.joining.join import Joined
from postproc.correlate.numbering import number as numbered
from postproc.correlate.numbering import roles_of
from postproc.correlate.unreadable import Hidden
from tests import builders as b
from tests.correlate.scenes import facts_of


def number(*legs, groups, sessions=(), hidden=None):
    return numbered(b.legs(*legs), groups, sessions, hidden or {})


def test_calls_and_legs_count_by_their_first_invite():
    times = {"z": (1.0, 5.0), "y": (2.0, 2.0), "x": (3.0, 3.0)}
    legs = ({"call_id": name, "time": time, "invite_time": invite} for name, (time, invite) in times.items())
    assert number(*legs, groups={"z": 1, "y": 1, "x": 2}).legs == {"y": (1, 1), "z": (1, 2), "x": (2, 1)}


def test_a_leg_that_starts_in_mid_call_counts_by_its_first_message():
    legs = ({"call_id": "a", "time": 3.0}, {"call_id": "b", "time": 2.0, "invite_time": 2.0})
    assert number(*legs, groups={"a": 1, "b": 2}).legs == {"b": (1, 1), "a": (2, 1)}


def test_rows_of_one_call_id_are_one_leg_from_its_earliest():
    legs = ({"call_id": "a", "time": 3.0}, {"call_id": "b", "time": 2.0}, {"call_id": "a", "time": 1.0})
    assert number(*legs, groups={"a": 1, "b": 2}).legs == {"a": (1, 1), "b": (2, 1)}


@pytest.mark.parametrize(("frames", "first"), [((4, 4), "a"), ((4, 5), "b")])
def test_equally_early_legs_count_by_frame_then_call_id(frames, first):
    legs = [{"call_id": name, "time": 1.0, "frame": frame} for name, frame in zip("ba", frames, strict=True)]
    assert number(*legs, groups={"a": 1, "b": 1}).legs[first] == (1, 1)


def test_sessions_without_sip_are_calls_by_their_first_check():
    sessions = [
        Session("a", ("A", "B"), 0, None, None),
        Session(None, ("X", "Y"), b.at(1.5).value, None, None),
    ]
    legs = ({"call_id": "a", "time": 1.0}, {"call_id": "b", "time": 2.0})
    found = number(*legs, groups={"a": 1, "b": 2}, sessions=sessions)
    assert found.legs == {"a": (1, 1), "b": (3, 1)}
    assert found.without_sip == {1: (2, None)}


@pytest.mark.parametrize(("first", "of_sip", "of_session"), [(True, 2, 1), (False, 1, 2)])
def test_an_unreadable_leg_comes_before_the_leg_that_the_server_makes_else_after_it(
    first, of_sip, of_session
):
    sessions = [Session(None, ("X", "Y"), b.at(1.5).value, None, None)]
    hidden = {0: Hidden("a", "10.0.0.1", first)}
    found = number({"call_id": "a", "time": 1.0}, groups={"a": 1}, sessions=sessions, hidden=hidden)
    assert found.legs == {"a": (1, of_sip)}
    assert found.without_sip == {0: (1, of_session)}


def link(a, b_, *, siblings=False):
    return Joined(a, b_, (a, b_), np.zeros(1), 9.0, 9.0, siblings)


def roles(*links, legs=3, **columns):
    return roles_of(facts_of(*({} | columns for _ in range(legs))), links, legs)


def test_the_first_leg_is_inbound_and_all_that_follow_outbound():
    assert roles(link(0, 1), link(0, 2)).role == ["inbound", "outbound", "outbound"]
    assert roles(link(0, 1), link(1, 2)).role == ["inbound", "outbound", "outbound"]
    assert roles().role == ["single"] * 3


def test_the_b2bua_is_between_the_legs():
    assert roles(link(0, 1), link(1, 2)).shared == {(0, "uas"), (1, "uac"), (1, "uas"), (2, "uac")}


def test_forks_of_an_unseen_leg_share_the_caller_else_the_called_party():
    assert roles(link(0, 1, siblings=True), uac_addr="10.0.0.2").shared == {(0, "uac"), (1, "uac")}
    found = roles(link(0, 1, siblings=True), uas_addr="10.0.0.2")
    assert found.role == ["inbound", "inbound", "single"]
