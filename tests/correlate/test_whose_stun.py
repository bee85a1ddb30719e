import pandas as pd
import pytest

from postproc.correlate.whose import CROWD
from tests import builders as b
from tests.correlate.stun_cases import (
    ANSWER,
    CHECK,
    LOOK_UP,
    LOOKED_UP,
    NAT,
    TO_CLIENT,
    TO_SERVER,
    bound,
    one,
)


def looked_up(*spans, time):
    """Call of a look-up from PLACE, which calls 1, 2, ... name; endpoints outlive their leg by 5 s."""
    legs = [{"call": n, "leg": 1, "time": a, "end_time": e} for n, (a, e) in enumerate(spans, 1)]
    held = {"addr": b.SERVER, "port": 30000}
    places = [held | {"call": n, "start": a - 5, "end": e + 5} for n, (a, e) in enumerate(spans, 1)]
    call = one(LOOK_UP | {"time": time}, endpoints=places, legs=legs, end=500.0)["call"]
    return None if pd.isna(call) else call


def test_an_endpoint_belongs_to_its_leg_within_its_life_and_margin():
    assert [looked_up((10, 20), time=t) for t in (4.9, 5, 15, 25, 25.1)] == [None, 1, 1, 1, None]


def test_a_reused_port_belongs_to_the_life_nearest_in_time():
    lives = (10, 20), (21, 30)
    assert [looked_up(*lives, time=t) for t in (19, 20.2, 20.8, 22)] == [1, 1, 2, 2]


def test_two_calls_on_one_address_at_once_are_not_guessed():
    assert looked_up((10, 20), (15, 30), time=17) is None


def test_a_life_without_end_gives_way_to_one_with_an_end():
    held = {"addr": b.SERVER, "port": 30000}
    places = [held | {"call": 1}, held | {"call": 2, "start": 5.0, "end": 25.0}]
    legs = [{"call": 1, "leg": 1, "time": 0.0}, {"call": 2, "leg": 1, "time": 10.0, "end_time": 20.0}]
    found = bound(
        LOOK_UP | {"time": 15.0},
        LOOK_UP | {"time": 50.0, "transaction_id": "02"},
        endpoints=places,
        legs=legs,
    )
    assert found["call"].tolist() == [2, 1]


def test_of_two_legs_of_a_call_neither_is_named_but_the_call_is():
    held = {"addr": b.SERVER, "port": 30000}
    row = one(LOOK_UP, endpoints=[held | {"leg": 2}, held | {"leg": 1}])
    assert row["call"] == 1 and pd.isna(row["leg"])


def test_a_crowd_on_one_address_tells_nothing():
    assert looked_up(*[(10, 20)] * (CROWD + 1), time=15) is None


def test_a_check_shows_whose_its_ends_are_for_half_a_minute_in_its_recording():
    def call(time, **columns):
        far = {"src_addr": b.CLIENT, "src_port": 50000, "dst_addr": "192.0.2.1", "dst_port": 9}
        checks = [CHECK | {"time": 100.0}, far | {"time": time, "transaction_id": "02"} | columns]
        found = bound(*checks, sessions=[{"call": 3}], end=500.0).set_index("transaction_id")["call"]
        return found.fillna(0)["02"]

    assert [call(t) for t in (69, 71, 129, 131)] == [0, 3, 3, 0]
    assert call(100.0, capture="b.pcapng") == 0


def test_ends_that_disagree_name_nobody():
    ends = [{"addr": b.SERVER, "port": 30000, "call": 1}, {"addr": b.CLIENT, "port": 50000, "call": 2}]
    assert pd.isna(one(TO_CLIENT, endpoints=ends)["call"])


@pytest.mark.parametrize(
    ("username", "direction"), [("C:S", "server_to_client"), ("S:C", "client_to_server"), ("C:X", "other")]
)
def test_the_ufrags_tell_call_and_direction_whatever_the_addresses(username, direction):
    strange = {"src_addr": "192.0.2.1", "src_port": 1, "dst_addr": "192.0.2.2", "dst_port": 2}
    row = one(CHECK | strange | {"username": username}, sessions=[{"call": 5, "leg": 2}])
    assert row["direction"] == direction
    assert (row["call"], row["leg"]) == (5, 2) if direction != "other" else pd.isna(row["call"])


def test_a_side_that_is_neither_client_nor_server_gives_no_direction():
    row = one(CHECK, sessions=[{"side_a": "other"}])
    assert (row["call"], row["direction"]) == (1, "other")


def test_a_session_without_sip_has_a_call_and_no_leg():
    row = one(CHECK, sessions=[{"leg": None, "side_a": "other", "side_b": "other"}])
    assert row["call"] == 1 and pd.isna(row["leg"])


def test_what_is_sent_on_a_checks_tuple_belongs_to_its_call():
    found = bound(
        CHECK | {"time": 10.0},
        ANSWER | {"time": 10.5, "transaction_id": "01"},
        TO_SERVER | {"time": 11.0, "transaction_id": "02"},
        TO_SERVER | {"time": 60.0, "transaction_id": "03"},
        TO_SERVER | {"time": 11.0, "transaction_id": "04", "capture": "b.pcapng"},
        sessions=[{"call": 3}],
        legs=[{"call": 3, "leg": 1, "time": 5.0, "end_time": 40.0}],
    )
    assert found["call"].fillna(0).tolist() == [3, 3, 3, 0, 0]
    assert found["direction"].tolist()[1:4] == ["server_to_client", "client_to_server", "other"]


@pytest.mark.parametrize("end", ["src", "dst"])
def test_an_endpoint_at_either_end_tells_the_call(end):
    place = {"addr": TO_CLIENT[f"{end}_addr"], "port": TO_CLIENT[f"{end}_port"]}
    row = one(
        TO_CLIENT | {"time": 10.0}, endpoints=[place | {"call": 8, "leg": 1, "start": 5.0, "end": 60.0}]
    )
    assert (row["call"], row["leg"], row["direction"]) == (8, 1, "other")


def test_an_endpoint_outside_of_its_time_tells_nothing():
    place = {"addr": b.SERVER, "port": 30000, "start": 50.0, "end": 60.0}
    assert pd.isna(one(TO_CLIENT | {"time": 10.0}, endpoints=[place])["call"])


def test_the_far_end_tells_two_calls_on_one_media_port_apart():
    server = {"addr": b.SERVER, "port": 30000}
    row = one(
        TO_CLIENT,
        endpoints=[server, server | {"call": 2}, {"addr": b.CLIENT, "port": 50000, "call": 2}],
    )
    assert row["call"] == 2


def test_a_claimed_tuple_is_better_evidence_than_endpoints():
    stale = {"addr": b.CLIENT, "port": 50000, "call": 2}
    found = bound(CHECK, TO_SERVER | {"transaction_id": "01"}, sessions=[{}], endpoints=[stale])
    assert found["call"].tolist() == [1, 1]


def test_two_calls_that_cannot_be_told_apart_leave_it_open():
    server = {"addr": b.SERVER, "port": 30000}
    assert pd.isna(one(TO_CLIENT, endpoints=[server, server | {"call": 2}])["call"])


def test_a_look_up_belongs_to_the_call_that_offers_its_mapped_address():
    answer = LOOKED_UP | {"kind": "success", "mapped_addr": NAT, "mapped_port": 41802}
    row = one(LOOK_UP, answer, endpoints=[{"addr": NAT, "port": 41802, "call": 6}])
    assert (row["call"], row["purpose"], row["direction"]) == (6, "discovery", "other")


def test_an_unanswered_look_up_belongs_to_the_checks_that_follow_from_its_base():
    found = bound(
        LOOK_UP | {"time": 1.0},
        CHECK | {"time": 20.0, "transaction_id": "01"},
        LOOK_UP | {"time": 90.0, "transaction_id": "02"},
        sessions=[{"call": 6}],
    )
    assert found["call"].fillna(0).tolist() == [6, 6, 0]
    assert found["purpose"].tolist() == ["discovery", "check", "discovery"]


def test_many_calls_on_one_media_port_at_once_are_told_by_their_ufrags():
    calls = range(300)
    found = bound(
        *({**CHECK, "transaction_id": f"{n:02x}", "username": f"C{n}:S{n}", "time": 1.0} for n in calls),
        sessions=[{"ufrag_a": f"C{n}", "ufrag_b": f"S{n}", "call": n + 1} for n in calls],
        endpoints=[{"addr": b.SERVER, "port": 30000, "call": n + 1} for n in calls],
    )
    assert sorted(found["call"]) == [n + 1 for n in calls]


ELSEWHERE = LOOK_UP | {"src_port": 49152}  # names no address of any description
ASKED = {"call": 1, "leg": 1, "time": 10.0, "invite_time": 10.0, "answer_time": 14.0, "uas_addr": b.SERVER}


@pytest.mark.parametrize(("time", "call"), [(9.9, None), (10.1, 1), (13.9, 1), (14.1, None)])
def test_a_servers_look_up_between_its_invite_and_its_answer_is_the_calls(time, call):
    row = one(ELSEWHERE | {"time": time}, legs=[ASKED])
    assert (None if pd.isna(row["call"]) else row["call"]) == call


def test_a_look_up_while_two_calls_are_taken_is_neithers():
    assert pd.isna(one(ELSEWHERE | {"time": 12.0}, legs=[ASKED, ASKED | {"call": 2}])["call"])


def test_a_look_up_by_another_machine_or_for_no_call_is_nobodys():
    assert pd.isna(one(ELSEWHERE | {"time": 12.0}, legs=[ASKED | {"uas_addr": b.GATEWAY}])["call"])
    refused = ASKED | {"answer_time": None, "end_time": 11.0}
    assert pd.isna(one(ELSEWHERE | {"time": 12.0}, legs=[refused])["call"])
