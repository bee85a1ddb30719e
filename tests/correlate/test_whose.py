import time as clock

import pytest

from postproc.correlate.endpoints import with_handshakes
from postproc.correlate.whose import CROWD, Owner, Traffic, owner, ufrag_at
from tests import builders as b
from tests.correlate.evidence_of import CHECK, OUTSIDE, at, known, leg, ns

SERVER, CLIENT, GATEWAY = (b.SERVER, 30000), (b.CLIENT, 50000), (b.GATEWAY, 11800)
MAPPED = CHECK | {"mapped_addr": OUTSIDE, "mapped_port": 40000}


def whose(ties, src=SERVER, dst=CLIENT, **seen):
    """Owner of packets from 10 s to 20 s."""
    when = ns(seen.get("first", 10.0)), ns(seen.get("last", 20.0))
    return owner(ties, Traffic(seen.get("capture", "a.pcapng"), src, dst, *when))


# Checks on the same addresses


def test_checks_between_the_same_addresses_say_whose_packets_these_are():
    ties = known([leg()], [], [CHECK])
    assert whose(ties) == Owner(1, 1, "server", "client")
    assert whose(ties, CLIENT, SERVER) == Owner(1, 1, "client", "server")


def test_of_two_calls_on_the_same_addresses_the_nearest_check_in_time_decides():
    legs = [leg(end=30.0), leg(call=2, time=31.0, end=60.0)]
    ties = known(legs, [], [CHECK | {"time": 1.0}, CHECK | {"time": 32.0, "call": 2}])
    assert whose(ties, first=2, last=3).call == 1
    assert whose(ties, first=33, last=34).call == 2
    assert whose(ties, first=29, last=29).call == 1


def test_packets_over_the_checks_of_two_calls_belong_to_the_one_with_most():
    legs = [leg(end=30.0), leg(call=2, time=28.0, end=90.0)]
    checks = [CHECK | {"time": 29.0}, *(CHECK | {"time": t, "call": 2} for t in (31.0, 32.0, 33.0))]
    assert whose(known(legs, [], checks), first=28.5, last=40).call == 2


def test_a_check_of_a_leg_long_over_says_nothing():
    ties = known([leg(end=30.0)], [], [CHECK])
    assert whose(ties, first=34, last=36) is not None
    assert whose(ties, first=36, last=40) is None


def test_checks_count_in_their_own_recording_only():
    ties = known([leg()], [], [CHECK])
    assert whose(ties, capture="a2.pcapng") is not None
    assert whose(ties, capture="b.pcapng") is None


def test_an_ice_session_without_sip_is_a_call_without_leg():
    ties = known([], [], [CHECK | {"leg": None}])
    assert whose(ties, first=500, last=900) == Owner(1, None, "server", "client")


def test_a_handshake_on_the_same_addresses_says_whose_packets_these_are():
    row = {
        "client_addr": b.SERVER,
        "client_port": 30000,
        "server_addr": b.CLIENT,
        "server_port": 50000,
        "call": 1,
        "leg": 1,
        "started": 3.0,
    }
    ties = with_handshakes(known([leg()], [at(*SERVER, "server"), at("x", 1, "client")]), b.dtls(row))
    assert whose(ties) == Owner(1, 1, "server", "client")
    assert whose(ties, dst=("x", 2)) == Owner(1, 1, "server", "client")


# Addresses in SDP


def test_both_ends_named_by_a_leg_are_the_leg():
    ties = known([leg(2)], [at(*SERVER, "server", 2), at(*GATEWAY, "other", 2)])
    assert whose(ties, GATEWAY, SERVER) == Owner(1, 2, "other", "server")


@pytest.mark.parametrize("ends", [(SERVER, CLIENT), (CLIENT, SERVER)], ids=["sender", "receiver"])
def test_one_end_named_is_enough_if_only_one_leg_has_it(ends):
    ties = known([leg()], [at(*SERVER, "server"), at("192.168.178.34", 4711, "client")])
    found = whose(ties, *ends)
    assert (found.call, found.leg) == (1, 1)
    assert (found.src_side, found.dst_side) == tuple("server" if e == SERVER else "client" for e in ends)


def test_an_address_nobody_named_belongs_to_nobody():
    assert whose(known([leg()], [at("192.0.2.9", 30002, "server")])) is None


def test_the_other_side_stays_unknown_where_the_leg_has_several():
    ties = known([leg()], [at(*SERVER, "server"), at("x", 1, "client"), at("y", 1, "other")])
    assert whose(ties) == Owner(1, 1, "server", None)


def test_both_ends_beat_one_end_of_another_leg():
    legs = [leg(), leg(call=2)]
    ties = known(legs, [at(*SERVER, "server"), at(*SERVER, "server", call=2), at(*CLIENT, "client", call=2)])
    assert whose(ties).call == 2


def test_the_port_of_a_hidden_server_tells_legs_to_one_client_apart():
    ends = [at(*CLIENT, "client"), at(OUTSIDE, 30000, "server")]
    others = [at(*CLIENT, "client", call=2), at(OUTSIDE, 30002, "server", call=2)]
    ties = known([leg(), leg(call=2)], [*ends, *others])
    assert whose(ties) == Owner(1, 1, "server", "client")


def test_a_port_alone_is_no_proof():
    ties = known([leg()], [at(OUTSIDE, 30000, "server"), at("192.168.178.34", 50000, "client")])
    assert whose(ties) is None


def test_a_mapped_address_stands_for_the_base():
    lookup = MAPPED | {"purpose": "discovery", "call": None, "dst_addr": "192.0.2.53", "dst_port": 3478}
    named = [at(OUTSIDE, 40000, "server"), at("192.168.178.34", 50000, "client")]
    assert whose(known([leg()], named, [lookup])) == Owner(1, 1, "server", "client")
    assert whose(known([leg()], named)) is None


def test_the_latest_mapping_before_the_packets_counts():
    lookup = MAPPED | {"purpose": "discovery", "call": None, "dst_addr": "192.0.2.53", "dst_port": 3478}
    named = [at(OUTSIDE, 40000, "server"), at(OUTSIDE, 41000, "server", call=2)]
    checks = [lookup | {"time": 1.0}, lookup | {"time": 30.0, "mapped_port": 41000}]
    ties = known([leg(end=90.0), leg(call=2, end=90.0)], named, checks)
    assert [whose(ties, first=t, last=t + 5).call for t in (10, 40)] == [1, 2]


# Ports used again


def reused(*lives):
    """Calls 1, 2, ... one after the other on the server's one port."""
    legs = [leg(call=n, time=start, end=end) for n, (start, end) in enumerate(lives, 1)]
    ends = [
        at(*SERVER, "server", call=n, start=start - 5, **({} if end is None else {"end": end + 5}))
        for n, (start, end) in enumerate(lives, 1)
    ]
    return legs, ends


def test_of_calls_on_one_port_the_one_that_lives_at_the_time_has_the_packets():
    ties = known(*reused((0.0, 30.0), (31.0, 60.0)))
    assert whose(ties, first=2, last=29.9).call == 1
    assert whose(ties, first=33, last=59).call == 2


def test_packets_between_two_calls_belong_to_the_one_much_nearer():
    ties = known(*reused((0.0, 30.0), (34.0, 60.0)))
    assert whose(ties, first=30.1, last=30.2).call == 1
    assert whose(ties, first=31.9, last=32.1) is None


def test_two_calls_at_once_on_one_port_are_not_guessed():
    assert whose(known(*reused((0.0, 30.0), (1.0, 30.0)))) is None


def test_the_other_end_tells_two_calls_at_once_apart():
    legs, ends = reused((0.0, 30.0), (0.0, 30.0))
    assert whose(known(legs, [*ends, at(*CLIENT, "client", call=2)])).call == 2


def test_a_call_that_was_not_seen_to_end_gives_way_to_one_that_was():
    assert whose(known(*reused((0.0, None), (5.0, 30.0)))).call == 2


def test_a_crowd_on_one_address_says_nothing_but_the_other_end_does():
    legs, ends = reused(*((0.0, 30.0) for _ in range(CROWD + 1)))
    assert whose(known(legs, ends)) is None
    assert whose(known(legs, [*ends, at(*CLIENT, "client", call=9)])) == Owner(9, 1, "server", "client")


def test_legs_of_one_call_that_fit_alike_give_the_call_alone():
    ties = known([leg(), leg(2)], [at(*SERVER, "server"), at(*SERVER, "server", 2)])
    assert whose(ties) == Owner(1, None, None, None)


def test_media_that_bypasses_the_server_are_on_the_client_s_leg():
    ends = [at(*CLIENT, "client", 2), at(*GATEWAY, "server", 2), at(*CLIENT, "server"), at(*GATEWAY, "other")]
    assert whose(known([leg(), leg(2)], ends), CLIENT, GATEWAY) == Owner(1, 2, "client", "server", True)


# Several recordings


def test_another_recording_s_addresses_count_only_with_both_ends_and_a_known_end():
    one = [at(*SERVER, "server", end=90.0)]
    both = [*one, at(*CLIENT, "client", end=90.0)]
    endless = [at(*SERVER, "server"), at(*CLIENT, "client")]
    found = [whose(known([leg()], ends), capture="b.pcapng") for ends in (one, both, endless)]
    assert found == [None, Owner(1, 1, "server", "client"), None]


def test_the_own_recording_s_addresses_come_first():
    ends = [at(*SERVER, "server", end=90.0), at(*CLIENT, "client", end=90.0)]
    there = [at(*SERVER, "server", call=2, end=90.0)]
    ties = known([leg(), leg(call=2, capture="b.pcapng")], [*ends, *there])
    assert whose(ties, capture="b.pcapng").call == 2


# User fragments


def test_the_username_of_a_check_tells_each_end_s_ufrag():
    ties = known([leg()], [], [CHECK])
    traffic = Traffic("a.pcapng", CLIENT, SERVER, ns(5), ns(6))
    assert ufrag_at(ties, traffic, (1, 1), CLIENT) == "C"
    assert ufrag_at(ties, traffic, (1, 1), SERVER) == "S"


@pytest.mark.parametrize(
    "check", [CHECK | {"username": None}, CHECK | {"username": "abc"}, CHECK | {"call": 2}]
)
def test_no_ufrag_is_told_by_other_checks(check):
    traffic = Traffic("a.pcapng", CLIENT, SERVER, ns(5), ns(6))
    assert ufrag_at(known([leg()], [], [check]), traffic, (1, 1), CLIENT) is None


def test_thousands_of_calls_on_one_port_are_told_apart_in_linear_time():
    def seconds(count):
        legs = [leg(call=n, time=n / 10, end=n / 10 + 20) for n in range(1, count + 1)]
        ends = [at(*SERVER, "server", call=n, start=n / 10, end=n / 10 + 20) for n in range(1, count + 1)]
        ends += [at(b.CLIENT, 1000 + n, "client", call=n) for n in range(1, count + 1)]
        ties = known([*legs, leg(call=count + 1, end=None)], [*ends, at(*SERVER, "server", call=count + 1)])
        begin = clock.process_time()
        found = [
            whose(ties, dst=(b.CLIENT, 1000 + n), first=n / 10, last=n / 10 + 9) for n in range(1, count)
        ]
        assert [f.call for f in found] == list(range(1, count))
        return clock.process_time() - begin

    assert seconds(1000) < 8 * seconds(250) + 0.1
