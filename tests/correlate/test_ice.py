import pytest

from postproc.correlate.ice import Life, Ufrags, checks, find_sessions, leg_lives, ufrags_of
from postproc.correlate.parties import descriptions, parties
from tests import builders as b
from tests.correlate.conversation import ask, invite, reply

CHECK = {"priority": 1, "role": "controlled"}


def ufrags(*messages):
    """Each message with its ``ufrags``: one per m= section."""
    sip = b.sip_messages(
        *({k: v for k, v in m.items() if k != "ufrags"} | {"has_sdp": True} for m in messages)
    )
    media = [
        {"frame": n, "call_id": m.get("call_id", "a@x"), "ufrag": u}
        for n, m in enumerate(messages, 1)
        for u in m["ufrags"]
    ]
    return ufrags_of(b.sdp_media(*media), descriptions(sip.assign(party=parties(sip))))


def seen(*rows):
    return checks(b.stun_messages(*(CHECK | row for row in rows)))


def find(known, stun=(), lives=None, calls=None):
    lives = lives or {name: Life(b.at(-5).value, b.at(60).value) for name in known}
    return find_sessions(known, lives, calls or {name: name for name in lives}, seen(*stun))


def test_offer_and_answer_make_a_pair_caller_first():
    told = ufrags(invite(0, ufrags=["A"]), reply(200, 1, ufrags=["B"]))["a@x"]
    assert told.agreed == [("A", "B")]
    assert told.author == {"A": "uac", "B": "uas"}


def test_an_answer_in_the_ack_is_the_callers():
    rows = (invite(0, ufrags=[None]), reply(200, 1, ufrags=["B"]), ask("ACK", 2, ufrags=["A"]))
    sip = b.sip_messages(*({k: v for k, v in row.items() if k != "ufrags"} for row in rows))
    sip["has_sdp"] = [False, True, True]
    media = b.sdp_media(
        {"frame": 2, "call_id": "a@x", "ufrag": "B"}, {"frame": 3, "call_id": "a@x", "ufrag": "A"}
    )
    assert ufrags_of(media, descriptions(sip.assign(party=parties(sip))))["a@x"].agreed == [("A", "B")]


def test_each_section_is_a_pair_of_its_own():
    told = ufrags(invite(0, ufrags=["A", "V"]), reply(200, 1, ufrags=["B", "W"]))["a@x"]
    assert told.agreed == [("A", "B"), ("V", "W")]


def test_183_and_200_agree_once_and_forks_each():
    rows = (
        invite(0, ufrags=["A"]),
        reply(183, 1, ufrags=["B"]),
        reply(183, 2, ufrags=["C"], to_tag="t2"),
        reply(200, 3, ufrags=["B"]),
    )
    assert ufrags(*rows)["a@x"].agreed == [("A", "B"), ("A", "C")]


def test_an_ice_restart_agrees_on_new_ufrags_only():
    rows = (
        invite(0, ufrags=["A"]),
        reply(200, 1, ufrags=["B"]),
        ask("INVITE", 5, "uas", ufrags=["B2"]),
        reply(200, 6, to="uas", ufrags=["A2"]),
    )
    assert ufrags(*rows)["a@x"].agreed == [("A", "B"), ("A2", "B2")]


def test_descriptions_without_ice_have_no_ufrags():
    assert ufrags(invite(0, ufrags=[None]), reply(200, 1, ufrags=[None])) == {}


@pytest.mark.parametrize("telling", [{"priority": 1}, {"role": "controlling"}, {"use_candidate": True}])
def test_priority_role_or_nomination_make_a_check(telling):
    rows = {"priority": None, "role": None, "username": "A:B"} | telling
    assert list(seen(rows)) == [frozenset("AB")]


@pytest.mark.parametrize(
    "odd",
    [
        {"priority": None, "role": None},
        {"relayed": True},
        {"kind": "success"},
        {"method": "allocate"},
        {"time": None},
        {"username": None},
        {"username": "nocolon"},
        {"username": ":B"},
    ],
)
def test_other_messages_are_no_checks(odd):
    assert seen({"username": "A:B"} | odd) == {}


def test_checks_remember_first_last_and_the_senders_software():
    told = seen({"username": "A:B", "software": "FS", "time": 2.0}, {"username": "B:A", "time": 1.0})[
        frozenset("AB")
    ]
    assert (told.first, told.last) == (b.at(1).value, b.at(2).value)
    assert told.frame == 2
    assert told.software == {"B": "FS"}


def test_a_life_has_margins_and_an_end_not_seen_is_open():
    found = leg_lives(
        b.legs({"call_id": "a", "time": 10.0, "end_time": 20.0}, {"call_id": "b", "time": 10.0})
    )
    assert found == {"a": Life(b.at(5).value, b.at(25).value), "b": Life(b.at(5).value, None)}


def test_a_life_spans_what_all_recordings_show():
    found = leg_lives(b.legs({"call_id": "a", "time": 10.0, "end_time": 20.0}, {"call_id": "a", "time": 9.0}))
    assert found == {"a": Life(b.at(4).value, b.at(25).value)}


KNOWN = {"a": Ufrags({"A": "uac", "B": "uas"}, [("A", "B")])}
HALF = {"a": Ufrags({"A": "uac"}, [])}


def test_an_agreed_pair_is_a_session_of_its_leg():
    (session,) = find(KNOWN)
    assert (session.call_id, session.ufrags, session.start, session.end) == (
        "a",
        ("A", "B"),
        b.at(-5).value,
        b.at(60).value,
    )


def test_a_pair_nobody_else_has_is_known_on_any_clock():
    (session,) = find(KNOWN, [{"username": "A:B", "time": 500.0}, {"username": "A:B", "time": -100.0}])
    assert (session.start, session.end) == (b.at(-100).value, b.at(500).value)


def test_a_pair_used_in_two_calls_keeps_their_lives():
    known = {"a": KNOWN["a"], "b": KNOWN["a"]}
    lives = {"a": Life(0, 10), "b": Life(b.at(0).value, None)}
    found = find(known, [{"username": "A:B", "time": 500.0}], lives)
    assert [(s.call_id, s.start, s.end) for s in found] == [("a", 0, 10), ("b", b.at(0).value, None)]


def test_legs_of_one_call_that_relay_a_pair_are_one_session_of_the_earlier():
    lives = {"a": Life(5, 10), "b": Life(0, 10)}
    (session,) = find({"a": KNOWN["a"], "b": KNOWN["a"]}, (), lives, {"a": 1, "b": 1})
    assert session.call_id == "b"


def test_checks_complete_what_the_capture_did_not_show():
    (session,) = find(HALF, [{"username": "B:A"}])
    assert (session.call_id, session.ufrags) == ("a", ("A", "B"))
    (session,) = find({"a": Ufrags({"A": "uas"}, [])}, [{"username": "B:A"}])
    assert session.ufrags == ("B", "A")


def test_one_ufrag_alone_is_not_enough_outside_the_legs_life():
    (session,) = find(HALF, [{"username": "B:A", "time": 500.0}])
    assert session.call_id is None


def test_one_ufrag_in_two_calls_at_once_tells_nothing():
    (session,) = find({"a": HALF["a"], "b": HALF["a"]}, [{"username": "B:A"}])
    assert session.call_id is None


def test_checks_of_no_leg_are_a_session_without_sip_across_captures():
    rows = [{"username": "X:Y", "time": 3.0}, {"username": "Y:X", "time": 1.0, "capture": "b.pcapng"}]
    (session,) = find({}, rows, {})
    assert (session.call_id, session.ufrags, session.start) == (None, ("X", "Y"), b.at(1).value)
    assert session.checks.capture == "b.pcapng"


def test_a_check_of_a_ufrag_with_itself_does_no_harm():
    (session,) = find({}, [{"username": "X:X"}], {})
    assert session.ufrags == ("X", "X")
