from postproc.correlate.ice import Checks, Numbered, Session, ice_sessions
from tests import builders as b
from tests.deployments import XPHONE


def alone(**software):
    return Session(
        None,
        ("A", "B"),
        b.at(1).value,
        b.at(9).value,
        Checks("a", 1, 1, 9, software, {"A": "10.0.0.1", "B": "198.51.100.7"}, {}),
    )


def sides(session, known=None, markers=XPHONE.markers):
    found = ice_sessions([session], Numbered({"a": (4, 2)}, {0: (7, None)}), known or {}, markers, {})
    return found.loc[0, ["side_a", "side_b"]].tolist()


def test_a_session_has_the_call_leg_and_sides_of_its_leg():
    session = Session("a", ("A", "B"), b.at(1).value, None, None)
    known = {("a", "uac"): ("client", "role"), ("a", "uas"): ("server", "role")}
    numbered = Numbered({"a": (4, 2)}, {})
    (row,) = ice_sessions([session], numbered, known, XPHONE.markers, {}).itertuples(index=False)
    assert row[:6] == ("A", "client", "B", "server", 4, 2)
    assert row.start == b.at(1)
    assert str(row.end) == "NaT"


def test_without_sip_there_is_no_leg():
    (row,) = ice_sessions([alone()], Numbered({}, {0: (7, None)}), {}, XPHONE.markers, {}).itertuples()
    assert row.call == 7
    assert str(row.leg) == "<NA>"
    assert row.end == b.at(9)


def test_without_sip_the_software_in_checks_tells_the_sides():
    assert sides(alone(B="FreeSWITCH (git a88d069)")) == ["client", "server"]
    assert sides(alone(A="FreeSWITCH", B="other")) == ["server", "client"]


def test_software_that_tells_nothing_or_the_same_of_both_makes_no_sides():
    assert sides(alone()) == ["other", "other"]
    assert sides(alone(A="FreeSWITCH", B="FreeSWITCH")) == ["other", "other"]


def test_an_unreadable_leg_has_a_number_and_the_server_where_both_legs_meet():
    numbered = Numbered({"a": (4, 2)}, {0: (4, 1)})
    (row,) = ice_sessions([alone()], numbered, {}, XPHONE.markers, {0: "198.51.100.7"}).itertuples(
        index=False
    )
    assert row[:6] == ("A", "client", "B", "server", 4, 1)


def test_no_sessions():
    assert len(ice_sessions([], Numbered({}, {}), {}, XPHONE.markers, {})) == 0
