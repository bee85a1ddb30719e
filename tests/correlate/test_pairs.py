import pandas as pd
import pytest

from postproc.model.tables import PAIRS
from tests import builders as b
from tests.correlate.pair_cases import (
    CLIENT_LINE,
    CLIENT_SRFLX,
    NAT,
    OFFERED,
    OWN,
    SERVER_OUTER,
    THEIRS,
    TO_CLIENT,
    TO_SERVER,
    answered,
    asked,
    ends,
    one,
    paired,
)


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


@pytest.mark.parametrize(("last", "state"), [(12.0, "half"), (4.0, "succeeded")])
def test_a_check_repeated_with_one_id_until_the_end_is_unanswered(last, state):
    """RFC 8445, section 14.3: it is still asked at the end, and the first request is long overdue."""
    again = [asked(2, OWN) | {"time": at} for at in (2.0, last)]
    nominated = answered(1, THEIRS | {"use_candidate": True})
    assert one([*nominated, *again], end=last + 0.5)["state"] == state


HANDSHAKE = {
    "client_addr": b.SERVER,
    "client_port": 30000,
    "server_addr": b.CLIENT,
    "server_port": 50000,
    "state": "complete",
}


def test_the_handshake_on_the_pair_is_named_whoever_began_it():
    turned = HANDSHAKE | {
        "client_addr": b.CLIENT,
        "client_port": 50000,
        "server_addr": b.SERVER,
        "server_port": 30000,
    }
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
