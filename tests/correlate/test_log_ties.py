import pytest

from postproc.correlate.log_channels import LogLine, channel_legs, with_channels
from postproc.correlate.rows import records
from postproc.model.tables import Tables
from tests import builders as b
from tests.correlate import logscenes as s
from tests.correlate.logscenes import A, B, C, D


def tied(*lines, sdp=(), legs=("a@x", "b@x")):
    rows = records(s.log_events(*lines), "capture", "frame", "time", "kind", "text", "uuid", "call_id")
    events = Tables(
        sip_messages=b.sip_messages(*({"call_id": call_id} for call_id in legs)), sdp_media=b.sdp_media(*sdp)
    )
    return channel_legs(with_channels(map(LogLine._make, rows)), events)


OFFER = {"call_id": "b@x", "sdp_owner": "FreeSWITCH", "session_id": "1795355615", "port": 31514}


def test_a_channel_is_the_leg_whose_call_id_the_log_names():
    found = tied(s.invite(A, "a@x"), s.sent(B, "b@x"), s.hangup(A))
    assert found.legs == found.owners == {A: "a@x", B: "b@x"}
    assert found.joins == []


def test_a_channel_sent_without_call_id_is_known_by_its_description():
    found = tied(s.sent(B), s.sdp(B, "FreeSWITCH", "1795355615", 31514), sdp=[OFFER])
    assert found.legs == {B: "b@x"}


@pytest.mark.parametrize(
    ("written", "offers"),
    [
        (("FreeSWITCH", "1795355615", 31516), [OFFER]),  # another port
        (("FreeSWITCH", "1795355616", 31514), [OFFER]),
        (("else", "1795355615", 31514), [OFFER]),
        (("-", "12345", 31514), [OFFER | {"sdp_owner": "-", "session_id": "12345"}]),  # too short to tell
        (("FreeSWITCH", "1795355615", 31514), [OFFER, OFFER | {"call_id": "a@x"}]),  # passed on by the server
        (("FreeSWITCH", "1795355615", 31514), [OFFER | {"port": None}]),
    ],
)
def test_a_description_that_is_another_s_or_of_two_legs_ties_nothing(written, offers):
    assert tied(s.sdp(B, *written), sdp=offers).legs == {}


def test_descriptions_of_two_legs_in_one_channel_tie_nothing():
    other = OFFER | {"call_id": "a@x", "session_id": "999999", "port": 4}
    lines = (s.sdp(B, "FreeSWITCH", "1795355615", 31514), s.sdp(B, "FreeSWITCH", "999999", 4))
    assert tied(*lines, sdp=[OFFER, other]).legs == {}


def test_what_the_log_names_comes_before_what_a_description_suggests():
    description = s.sdp(B, "FreeSWITCH", "1795355615", 31514)
    assert tied(s.sent(B, "a@x"), description, sdp=[OFFER]).legs == {B: "a@x"}
    assert tied(s.sent(B, "not captured"), description, sdp=[OFFER]).legs == {}


def test_a_call_id_may_be_the_uuid_itself():
    assert tied(s.hangup(C), legs=(C,)).legs == {C: C}


def test_channels_bridged_to_each_other_are_one_call():
    found = tied(s.invite(A, "a@x"), s.sent(B, "b@x"), s.peer(A, B))
    assert found.joins == [("a@x", "b@x")]


def test_a_channel_that_is_not_captured_belongs_to_the_leg_it_was_bridged_to():
    one = tied(s.invite(A, "a@x"), s.sent(B, "not captured"), s.peer(A, B))
    assert (one.legs, one.owners, one.joins) == ({A: "a@x"}, {A: "a@x", B: "a@x"}, [])
    other = tied(s.invite(A, "not captured"), s.sent(B, "b@x"), s.peer(A, B.upper()))
    assert (other.legs, other.owners) == ({B: "b@x"}, {A: "b@x", B: "b@x"})


def test_who_is_bridged_again_was_transferred_and_joins_no_third_leg():
    lines = [s.invite(A, "a@x"), s.sent(B, "b@x"), s.peer(A, B), s.sent(C, "c@x"), s.peer(A, C), s.peer(B, C)]
    assert tied(*lines, legs=("a@x", "b@x", "c@x")).joins == [("a@x", "b@x")]


def test_two_pairs_are_two_calls():
    lines = [
        s.invite(A, "a@x"),
        s.sent(B, "b@x"),
        s.invite(C, "c@x"),
        s.sent(D, "d@x"),
        s.peer(C, D),
        s.peer(A, B),
    ]
    assert tied(*lines, legs=("a@x", "b@x", "c@x", "d@x")).joins == [("c@x", "d@x"), ("a@x", "b@x")]


def test_a_bridge_to_the_same_leg_joins_nothing():
    assert tied(s.invite(A, "a@x"), s.invite(B, "a@x"), s.peer(A, B)).joins == []
