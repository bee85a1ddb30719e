import pandas as pd
import pytest

from tests import builders as b
from tests.correlate.pair_cases import (
    CLIENT_HOST,
    CLIENT_SRFLX,
    OFFERED,
    OWN,
    SERVER_HOST,
    SERVER_OUTER,
    THEIRS,
    answered,
    asked,
    ends,
    one,
    paired,
    ports,
)


@pytest.mark.parametrize(
    ("messages", "state"),
    [
        ([*answered(1, OWN), *answered(2, THEIRS)], "succeeded"),
        ([*answered(1, OWN), asked(2, THEIRS)], "half"),
        ([asked(1, OWN), *answered(2, THEIRS)], "half"),
        (answered(1, OWN), "half"),
        ([asked(1, OWN), asked(2, THEIRS)], "failed"),
        (answered(1, OWN, "error", error_code=487), "failed"),
        (answered(1, OWN | {"use_candidate": True}), "succeeded"),
        ([*answered(1, OWN), *answered(2, THEIRS, "error", error_code=401)], "half"),
    ],
)
def test_the_answers_decide_the_state(messages, state):
    assert one(messages)["state"] == state


def test_a_nomination_does_not_hide_that_the_other_way_is_dead():
    messages = [*answered(1, THEIRS | {"use_candidate": True}), asked(2, OWN)]
    row = one(messages)
    assert row["nominated"] and row["state"] == "half"
    assert one(messages, end=3.0)["state"] == "succeeded"  # the check the other way is still pending


def test_checks_that_are_all_pending_prove_nothing():
    assert pd.isna(one([asked(1, OWN)], end=2.0)["state"])


def test_a_nomination_counts_when_it_is_acknowledged():
    assert one(answered(1, OWN | {"use_candidate": True}))["nominated"]
    assert not one([asked(1, OWN | {"use_candidate": True}), *answered(2, OWN)])["nominated"]
    assert not one(answered(1, OWN, use_candidate=True))["nominated"]


def test_errors_are_transactions_with_nothing_better():
    row = one([*answered(1, OWN, "error"), *answered(2, OWN), answered(2, OWN, "error")[1]])
    assert (row["sent"], row["answered"], row["errors"]) == (2, 1, 1)


def test_an_offered_pair_nobody_checked_is_listed():
    found = paired(answered(1, OWN), OFFERED)
    assert ends(found) == [(b.SERVER, b.CLIENT, "half"), (b.SERVER, "192.168.178.34", "never_checked")]
    row = found.iloc[1]
    assert (row["sent"], row["answered"], row["errors"], row["nominated"]) == (0, 0, 0, False)
    assert (row["call"], row["leg"], row["local_type"], row["remote_type"]) == (1, 1, "host", "host")
    assert (row["frame"], row["time"]) == (3, b.at(0.2))
    assert pd.isna(row["first_time"]) and pd.isna(row["last_time"])


def test_offers_without_any_check_are_listed_all():
    found = paired(candidates=OFFERED)
    assert [row[1:] for row in ends(found)] == [
        ("192.168.178.34", "never_checked"),
        (b.CLIENT, "never_checked"),
    ]


def test_offers_of_one_side_alone_make_no_pair():
    assert paired(candidates=[CLIENT_HOST, CLIENT_SRFLX]).empty
    assert paired(candidates=OFFERED, sessions=[]).empty


def test_a_check_seen_on_the_base_stands_for_the_reflexive_candidate():
    inside = OWN | {"dst_addr": "192.168.178.34"}
    assert ends(paired([asked(1, inside)], OFFERED)) == [(b.SERVER, "192.168.178.34", "failed")]


def test_the_servers_base_stands_for_its_public_candidate():
    outer = SERVER_OUTER | {"type": "srflx", "port": 41802, "related_addr": b.SERVER, "related_port": 30000}
    assert len(paired([asked(1, OWN)], [CLIENT_SRFLX, outer])) == 1
    assert len(paired([asked(1, OWN)], [CLIENT_SRFLX, SERVER_OUTER])) == 1
    unrelated = paired([asked(1, OWN)], [CLIENT_SRFLX, SERVER_OUTER | {"port": 41802}])
    assert len(unrelated) == 1  # a server that sends from one base sends for what it offers


def test_a_check_in_another_capture_of_the_run_is_a_check():
    found = paired([asked(1, OWN | {"capture": "b.pcapng"})], [CLIENT_SRFLX, SERVER_HOST])
    assert found["state"].tolist() == ["failed"]


def test_a_check_seen_on_both_sides_of_a_nat_stands_for_one_candidate():
    inside = {"capture": "b.pcapng", "dst_addr": "192.168.178.34"}
    one_side = paired([asked(1, OWN | inside)], OFFERED)
    both = paired([asked(1, OWN), asked(1, OWN | inside)], OFFERED)
    apart = paired([asked(1, OWN), asked(2, OWN | inside)], OFFERED)
    assert [found["state"].tolist().count("never_checked") for found in (one_side, both, apart)] == [0, 1, 0]


@pytest.mark.parametrize(
    "other",
    [
        {"component": 2},
        {"transport": "tcp"},
        {"transport": None},
        {"addr": "2001:db8::1"},
        {"addr": "abc.local"},
        {"addr": "not an address"},
        {"addr": b.SERVER, "port": 30000},
    ],
)
def test_candidates_that_do_not_fit_make_no_pair(other):
    assert paired(candidates=[CLIENT_HOST | other, SERVER_HOST]).empty


def test_candidates_of_one_family_do_fit():
    six = {"addr": "2001:db8::1"}, {"addr": "2001:db8::2"}
    assert len(paired(candidates=[CLIENT_HOST | six[0], SERVER_HOST | six[1]])) == 1


def test_sections_are_paired_by_mid():
    video = {"mid": "video", "port": 50002}
    lines = [CLIENT_HOST, CLIENT_HOST | video, SERVER_HOST, SERVER_HOST | video | {"port": 30002}]
    found = paired(candidates=lines)
    assert ports(found) == [(30000, 50000), (30002, 50002)]


def test_sections_of_an_answer_without_mid_are_paired_by_order():
    video = {"mid": "video", "port": 50002}
    answer = [SERVER_HOST | {"mid": "0"}, SERVER_HOST | {"mid": "1", "port": 30002}]
    found = paired(candidates=[CLIENT_HOST, CLIENT_HOST | video, *answer])
    assert ports(found) == [(30000, 50000), (30002, 50002)]


def test_the_server_is_local_whichever_half_it_is():
    swapped = {"ufrag_a": "S", "side_a": "server", "ufrag_b": "C", "side_b": "client"}
    assert paired(candidates=[CLIENT_HOST, SERVER_HOST], sessions=[swapped]).iloc[0]["local_addr"] == b.SERVER


def test_without_a_server_the_ends_are_told_by_their_ufrags():
    nobody = {"side_a": "other", "side_b": "other"}  # local is the sender in the check, ufrag_a in the offer
    found = paired([asked(1, OWN)], OFFERED, sessions=[nobody])
    assert ends(found) == [(b.SERVER, b.CLIENT, "failed"), ("192.168.178.34", b.SERVER, "never_checked")]


def test_an_address_offered_under_two_types_makes_one_pair():
    twice = SERVER_OUTER | {"type": "srflx", "related_addr": b.SERVER, "related_port": 30000}
    found = paired(candidates=[CLIENT_HOST, SERVER_OUTER, twice])
    assert found["local_type"].tolist() == ["host"]


def test_a_session_seen_on_two_legs_is_listed_once():
    found = paired(candidates=[CLIENT_HOST, SERVER_HOST], sessions=[{"leg": 1}, {"leg": 2}])
    assert found["leg"].tolist() == [1]


def test_no_more_pairs_are_listed_than_a_checklist_holds():
    many = [CLIENT_HOST | {"port": 1000 + n} for n in range(300)]
    assert len(paired(candidates=[*many, SERVER_HOST, SERVER_HOST | {"port": 2}])) == 100
