"""Traffic through a TURN relay, with the addresses it has beyond the relay."""

import pandas as pd
import pytest

from postproc.correlate.relays import CLIENT_AND_SERVER, allocations, beyond, once
from tests import builders as b

CLIENT, TURN, RELAYED, PEER = (
    ("192.168.1.10", 40000),
    ("198.51.100.9", 3478),
    ("198.51.100.9", 50000),
    (
        "203.0.113.5",
        30000,
    ),
)
OTHER_PEER = ("10.0.50.118", 30000)
NAMES = ("src_addr", "src_port", "dst_addr", "dst_port")
UP = dict(zip(NAMES, (*CLIENT, *TURN), strict=True))
DOWN = dict(zip(NAMES, (*TURN, *CLIENT), strict=True))
GIVEN = DOWN | {"method": "allocate", "kind": "success", "relay_addr": RELAYED[0], "relay_port": RELAYED[1]}


def naming(peer=PEER, method="create_permission", **columns):
    return UP | {"method": method, "peer_addr": peer[0], "peer_port": peer[1]} | columns


BOUND = naming(method="channel_bind", channel=0x4000)
CHECK = {"relayed": True, "channel": 0x4000, "transaction_id": "aa"}


def ends(rows, names=NAMES):
    return [(tuple(row[:2]), tuple(row[2:])) for row in rows[list(names)].to_numpy().tolist()]


def stun(*rows):
    messages = b.stun_messages(*rows)
    return beyond(once(messages), allocations(messages))


def test_messages_inside_turn_go_between_relayed_address_and_peer():
    found = stun(GIVEN, BOUND, UP | CHECK, DOWN | CHECK | {"kind": "success"})
    assert ends(found[2:]) == [(RELAYED, PEER), (PEER, RELAYED)]
    assert not found["relayed"].any()
    assert ends(found[:2]) == [(TURN, CLIENT), (CLIENT, TURN)]


def test_an_indication_names_its_peer_whatever_the_channels_say():
    inside = {"relayed": True, "peer_addr": OTHER_PEER[0], "peer_port": OTHER_PEER[1], "transaction_id": "bb"}
    assert ends(stun(GIVEN, BOUND, UP | inside)[2:]) == [(RELAYED, OTHER_PEER)]


def test_each_channel_has_its_peer():
    second = naming(OTHER_PEER, "channel_bind", channel=0x4001)
    found = stun(GIVEN, BOUND, second, UP | CHECK, UP | CHECK | {"channel": 0x4001, "transaction_id": "bb"})
    assert ends(found[3:]) == [(RELAYED, PEER), (RELAYED, OTHER_PEER)]


MEDIA = {"relayed": True, "first_time": 9.0}


def test_media_goes_to_the_peer_that_has_answered():
    answered = DOWN | CHECK | {"kind": "success", "time": 5.0}
    permitted = [naming(OTHER_PEER, time=n) for n in (2.1, 2.2, 2.3)]
    known = allocations(b.stun_messages(GIVEN, *permitted, BOUND | {"time": 4.0}, answered))
    found = beyond(b.rtp_streams(UP | MEDIA, DOWN | MEDIA, UP | {"first_time": 9.0}), known, "first_time")
    assert ends(found) == [(RELAYED, PEER), (PEER, RELAYED), (CLIENT, TURN)]


def test_another_allocation_gives_another_address_from_then_on():
    again = GIVEN | {"relay_port": 50002, "time": 20.0}
    known = allocations(b.stun_messages(GIVEN, BOUND, again))
    media = b.rtp_streams(UP | MEDIA, UP | MEDIA | {"first_time": 21.0})
    assert [row[0] for row in ends(beyond(media, known, "first_time"))] == [RELAYED, (RELAYED[0], 50002)]


def test_half_of_what_should_be_known_is_better_than_nothing():
    media = b.rtp_streams(UP | MEDIA)
    assert ends(beyond(media, allocations(b.stun_messages(GIVEN)), "first_time")) == [(RELAYED, TURN)]
    assert ends(beyond(media, allocations(b.stun_messages(naming())), "first_time")) == [(CLIENT, PEER)]


@pytest.mark.parametrize("other", [{"capture": "b.pcapng"}, {"dst_port": 3479}])
def test_what_is_known_of_another_flow_says_nothing(other):
    media = b.rtp_streams(UP | MEDIA | other)
    found = beyond(media, allocations(b.stun_messages(GIVEN, BOUND)), "first_time")
    pd.testing.assert_frame_equal(found, media)


def test_a_handshake_has_client_and_server():
    told = dict(zip(CLIENT_AND_SERVER, (*TURN, *CLIENT), strict=True))
    shakes = b.dtls(told | {"relayed": True, "started": 9.0})
    found = beyond(shakes, allocations(b.stun_messages(GIVEN, BOUND)), "started", CLIENT_AND_SERVER)
    assert ends(found, CLIENT_AND_SERVER) == [(PEER, RELAYED)]


def test_a_check_seen_on_both_sides_of_the_relay_counts_beyond_it():
    outside = {
        "transaction_id": "aa",
        "src_addr": RELAYED[0],
        "src_port": RELAYED[1],
        "dst_addr": PEER[0],
        "dst_port": PEER[1],
    }
    found = stun(GIVEN, BOUND, UP | CHECK, outside)
    assert found["frame"].tolist() == [1, 2, 4]
