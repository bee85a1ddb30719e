import pandas as pd
import pytest

from postproc.correlate.bindings import bindings
from postproc.correlate.pairs import pairs
from postproc.tables import PAIRS
from tests import builders as b

NAT = "203.0.113.10"
TO_CLIENT = {"src_addr": b.SERVER, "src_port": 30000, "dst_addr": b.CLIENT, "dst_port": 50000}
TO_SERVER = {"src_addr": b.CLIENT, "src_port": 50000, "dst_addr": b.SERVER, "dst_port": 30000}
OWN = TO_CLIENT | {"username": "C:S", "priority": 1}
THEIRS = TO_SERVER | {"username": "S:C", "priority": 1}
CLIENT_LINE = {"call": 1, "ufrag": "C", "component": 1, "transport": "udp", "mid": "audio", "time": 0.1}
SERVER_LINE = CLIENT_LINE | {"ufrag": "S", "time": 0.2}
CLIENT_HOST = CLIENT_LINE | {"addr": "192.168.178.34", "port": 50000, "type": "host"}
CLIENT_SRFLX = CLIENT_LINE | {
    "addr": b.CLIENT, "port": 50000, "type": "srflx",
    "related_addr": "192.168.178.34", "related_port": 50000,
}  # fmt: skip
SERVER_HOST = SERVER_LINE | {"addr": b.SERVER, "port": 30000, "type": "host"}
SERVER_OUTER = SERVER_LINE | {"addr": NAT, "port": 30000, "type": "host"}
OFFERED = (CLIENT_HOST, CLIENT_SRFLX, SERVER_HOST)


def answered(number, request, kind="success", **columns):
    """A request and its response, 20 ms apart; their transaction ID is ``number``."""
    back = {
        "src_addr": request["dst_addr"], "src_port": request["dst_port"],
        "dst_addr": request["src_addr"], "dst_port": request["src_port"],
    }  # fmt: skip
    response = {"capture": request.get("capture", "a.pcapng"), "kind": kind, "time": number + 0.02}
    return [asked(number, request), back | response | {"transaction_id": f"{number:02x}"} | columns]


def asked(number, request):
    return {"time": float(number)} | request | {"transaction_id": f"{number:02x}"}


EMPTY = {name: b.rows(name) for name in ("icmp_errors", "sip_messages", "rtp_streams", "dtls_messages")}


def paired(messages=(), candidates=(), sessions=({},), *, end=100.0, dtls=(), rtp_streams=()):
    stun, ice = b.stun_messages(*messages), b.ice_sessions(*sessions)
    known = bindings(
        stun,
        ice,
        b.endpoints(),
        captures=pd.DataFrame({"capture": ["a.pcapng", "b.pcapng"], "last_time": b.at(end)}),
        **EMPTY,
    )
    media = {"dtls": b.dtls(*dtls), "rtp_streams": b.rtp_streams(*rtp_streams)}
    return pairs(known, ice, b.candidates(*candidates), stun, **media)


def one(*args, **others):
    found = paired(*args, **others)
    assert len(found) == 1
    return found.iloc[0].to_dict()


def ends(found):
    """Local and remote address and the state of each pair."""
    return list(zip(found["local_addr"], found["remote_addr"], found["state"], strict=True))


def ports(found):
    return sorted(zip(found["local_port"], found["remote_port"], strict=True))


# The pair and its ends


def test_checks_of_both_sides_are_one_pair_with_the_server_local():
    row = one([*answered(1, THEIRS), *answered(2, OWN)])
    assert (row["local_addr"], row["local_port"]) == (b.SERVER, 30000)
    assert (row["remote_addr"], row["remote_port"]) == (b.CLIENT, 50000)
    assert (row["call"], row["leg"], row["sent"], row["answered"], row["errors"]) == (1, 1, 2, 2, 0)
    assert (row["frame"], row["first_time"], row["last_time"]) == (1, b.at(1), b.at(2.02))


def test_the_server_is_local_towards_a_far_end_that_is_no_client_too():
    row = one(answered(1, THEIRS), sessions=[{"side_a": "other"}])
    assert row["local_addr"] == b.SERVER


def test_without_a_server_the_first_sender_is_local():
    row = one([*answered(1, THEIRS), *answered(2, OWN)], sessions=[{"side_a": "other", "side_b": "other"}])
    assert row["local_addr"] == b.CLIENT


def test_checks_without_known_ufrags_make_a_pair_of_no_call():
    row = one(answered(1, THEIRS), sessions=[])
    assert pd.isna(row["call"]) and row["local_addr"] == b.CLIENT


def test_a_check_with_a_stale_ufrag_has_the_sides_of_the_pair():
    found = paired([*answered(1, OWN), *answered(2, THEIRS | {"username": "S:old"}, "error", error_code=401)])
    assert ends(found) == [(b.SERVER, b.CLIENT, "half"), (b.SERVER, b.CLIENT, "failed")]
    assert found["call"].tolist() == [1, 1]


def test_other_addresses_make_another_pair():
    found = paired([asked(1, OWN), asked(2, OWN | {"dst_port": 50001}), asked(3, OWN | {"src_addr": NAT})])
    assert len(found) == 3


def test_an_ice_restart_makes_a_new_pair_on_the_same_addresses():
    restarted = {"ufrag_a": "C2", "ufrag_b": "S2"}
    found = paired(
        [*answered(1, OWN), *answered(2, THEIRS), asked(9, OWN | {"username": "C2:S2"})],
        sessions=[{}, restarted],
    )
    assert found["state"].tolist() == ["succeeded", "failed"]


def test_two_captures_have_their_own_pairs():
    found = paired([asked(1, OWN), asked(1, OWN | {"capture": "b.pcapng"})])
    assert found["capture"].tolist() == ["a.pcapng", "b.pcapng"]


def test_keepalives_discoveries_and_their_answers_are_not_counted():
    look_up = TO_CLIENT | {"dst_addr": "192.0.2.53", "dst_port": 3478}
    row = one([*answered(1, OWN), *answered(2, TO_CLIENT), *answered(3, look_up)])
    assert row["sent"] == 1


# States


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


# Types


def test_types_are_those_of_the_offers_of_both_sides():
    row = paired(answered(1, OWN), OFFERED).iloc[0]
    assert (row["local_type"], row["remote_type"]) == ("host", "srflx")


def test_behind_a_nat_the_mapped_address_finds_the_servers_candidate():
    messages = answered(1, OWN | {"src_port": 31802}, mapped_addr=NAT, mapped_port=30000)
    outer = SERVER_OUTER | {"type": "relay"}  # no default of ours
    assert paired(messages, [CLIENT_SRFLX, outer]).iloc[0]["local_type"] == "relay"


def test_an_address_the_client_never_offered_is_peer_reflexive():
    moved = OWN | {"dst_port": 52539}
    assert paired([asked(1, moved)], OFFERED).iloc[0]["remote_type"] == "prflx"


def test_without_sdp_types_are_not_known():
    row = one(answered(1, OWN))
    assert pd.isna(row["local_type"]) and pd.isna(row["remote_type"])


def test_offers_of_another_call_with_the_same_ufrags_do_not_count():
    assert pd.isna(one(answered(1, OWN), [CLIENT_SRFLX | {"call": 2}])["remote_type"])


# Never checked


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


def test_a_session_seen_on_two_legs_is_listed_once():
    found = paired(candidates=[CLIENT_HOST, SERVER_HOST], sessions=[{"leg": 1}, {"leg": 2}])
    assert found["leg"].tolist() == [1]


def test_no_more_pairs_are_listed_than_a_checklist_holds():
    many = [CLIENT_HOST | {"port": 1000 + n} for n in range(300)]
    assert len(paired(candidates=[*many, SERVER_HOST, SERVER_HOST | {"port": 2}])) == 100


# DTLS and media on the pair

HANDSHAKE = {
    "client_addr": b.SERVER, "client_port": 30000, "server_addr": b.CLIENT, "server_port": 50000,
    "state": "complete",
}  # fmt: skip


def test_the_handshake_on_the_pair_is_named_whoever_began_it():
    turned = HANDSHAKE | {
        "client_addr": b.CLIENT, "client_port": 50000, "server_addr": b.SERVER, "server_port": 30000,
    }  # fmt: skip
    for handshake in (HANDSHAKE, turned):
        assert one(answered(1, OWN), dtls=[handshake])["dtls"] == "complete"


def test_a_completed_handshake_counts_before_later_ones():
    complete = HANDSHAKE | {"started": 5.0}
    again = HANDSHAKE | {"state": "incomplete", "started": 6.0}
    alert = HANDSHAKE | {"state": "alert", "started": 7.0}
    assert one(answered(1, OWN), dtls=[again, complete])["dtls"] == "complete"
    assert one(answered(1, OWN), dtls=[alert, again])["dtls"] == "alert"


@pytest.mark.parametrize("other", [{"client_port": 1}, {"capture": "b.pcapng"}, {"call": 2}])
def test_a_handshake_elsewhere_is_not_named(other):
    assert pd.isna(one(answered(1, OWN), dtls=[HANDSHAKE | other])["dtls"])


def test_media_both_ways_is_added_up():
    streams = [
        TO_CLIENT | {"packets": 50, "call": 1},
        TO_SERVER | {"packets": 7},
        TO_CLIENT | {"packets": None},
    ]
    assert one(answered(1, OWN), rtp_streams=streams)["media_packets"] == 57


@pytest.mark.parametrize("other", [{"dst_port": 1}, {"capture": "b.pcapng"}, {"call": 2}, {"relayed": True}])
def test_media_elsewhere_is_not_added(other):
    assert one(answered(1, OWN), rtp_streams=[TO_CLIENT | other])["media_packets"] == 0


def test_media_and_handshakes_belong_to_the_session_that_had_begun():
    found = paired(
        [asked(10, OWN), asked(20, OWN | {"username": "C2:S2"})],
        sessions=[{}, {"ufrag_a": "C2", "ufrag_b": "S2", "call": 2}],
        rtp_streams=[
            TO_CLIENT | {"first_time": 9.0, "packets": 1},
            TO_CLIENT | {"first_time": 12.0, "packets": 2},
            TO_CLIENT | {"first_time": 21.0, "packets": 4},
            TO_CLIENT | {"first_time": 12.0, "packets": 8, "call": 2},
        ],
        dtls=[HANDSHAKE | {"started": 22.0}],
    )
    assert found["media_packets"].tolist() == [3, 12]
    assert found["dtls"].fillna("").tolist() == ["", "complete"]


# Hostile and empty input


def test_nothing_gives_an_empty_table_of_the_declared_types():
    assert paired(sessions=[]).dtypes.to_dict() == PAIRS.empty().dtypes.to_dict()


def test_rows_full_of_na_raise_nothing():
    nothing = dict.fromkeys(("frame", "time", *TO_CLIENT))
    found = paired(
        [nothing | {"priority": 1}, nothing | {"priority": 1, "username": "C:S"}],
        [{}, CLIENT_LINE],
        dtls=[{}],
        rtp_streams=[dict.fromkeys(TO_CLIENT)],
    )
    assert len(found) == 1
