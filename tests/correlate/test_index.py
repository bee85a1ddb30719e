import pytest

from postproc.correlate.endpoints import ANYWHERE, pair_of, recording_of, with_handshakes
from postproc.correlate.spans import ALWAYS
from tests import builders as b
from tests.correlate.evidence_of import CHECK, at, known, leg, ns

PAIR = pair_of((b.SERVER, 30000), (b.CLIENT, 50000))


def test_a_pair_is_the_same_either_way_round():
    assert pair_of(("b", 1), ("a", 2)) == pair_of(("a", 2), ("b", 1))


def test_checks_are_held_by_recording_and_pair_in_time_order():
    found = known([leg()], [], [CHECK | {"time": 2.0}, CHECK | {"time": 1.0, "capture": "a2.pcapng"}]).checks
    assert [check.time for check in found[1, PAIR]] == [ns(1), ns(2)]


@pytest.mark.parametrize(
    "spoilt",
    [{"call": None}, {"purpose": "discovery"}, {"src_port": None}, {"time": None}, {"purpose": None}],
    ids=str,
)
def test_bindings_that_tell_nothing_are_no_evidence(spoilt):
    assert known([leg()], [], [CHECK | spoilt]).checks == {}


def test_a_capture_without_a_recording_is_its_own():
    assert recording_of(known().recordings, "other.pcap") == "other.pcap"
    assert recording_of(known().recordings, "a2.pcapng") == 1


def test_a_place_is_known_in_the_recordings_that_hold_its_leg():
    legs = [leg(), leg(capture="b.pcapng")]
    held = known(legs, [at(b.SERVER, 30000, "server")]).places
    assert set(held) == {(1, (b.SERVER, 30000)), (2, (b.SERVER, 30000))}


def test_a_place_is_known_also_where_only_copies_of_the_leg_s_messages_are():
    """Two captures of one call: the leg counts in the first, and is still up when both end."""
    copy = {"capture": "b.pcapng", "call_id": "leg 1 of 1"}
    other = {"capture": "b.pcapng", "call_id": "another"}
    ends = [at(b.SERVER, 30000, "server", start=0.0)]
    assert set(known([leg(end=None)], ends, sip=[copy]).places) == {
        (1, (b.SERVER, 30000)),
        (2, (b.SERVER, 30000)),
    }
    assert set(known([leg(end=None)], ends, sip=[other]).places) == {(1, (b.SERVER, 30000))}


def test_a_place_is_known_anywhere_only_if_its_end_is():
    assert (ANYWHERE, (b.SERVER, 1)) not in known([leg()], [at(b.SERVER, 1, "server", start=0.0)]).places
    assert (ANYWHERE, (b.SERVER, 1)) in known([leg()], [at(b.SERVER, 1, "server", end=9.0)]).places


def test_an_address_named_twice_by_a_leg_is_one_span():
    held = known(
        [leg()], [at("x", 4, "server", start=3.0, end=9.0), at("x", 4, "server", start=1.0, end=5.0)]
    )
    assert [(s.start, s.end) for s in held.places[1, ("x", 4)].spans] == [(ns(1), ns(9))]


@pytest.mark.parametrize("spoilt", [{"addr": None}, {"port": None}, {"port": 0}, {"call": None}], ids=str)
def test_endpoints_without_address_or_call_are_left_out(spoilt):
    assert known([leg()], [at("x", 4, "server") | spoilt]).places == {}


def test_a_mapping_is_known_both_ways_and_kept_once():
    told = CHECK | {"mapped_addr": "203.0.113.10", "mapped_port": 40000}
    held = known([leg()], [], [told | {"time": 1.0}, told | {"time": 2.0}]).mapped
    assert held[1, (b.SERVER, 30000)] == [(ns(1), ("203.0.113.10", 40000))]
    assert held[1, ("203.0.113.10", 40000)] == [(ns(1), (b.SERVER, 30000))]


def test_an_address_that_no_nat_changed_is_no_mapping():
    assert known([leg()], [], [CHECK | {"mapped_addr": b.SERVER, "mapped_port": 30000}]).mapped == {}
    assert known([leg()], [], [CHECK | {"mapped_addr": b.SERVER, "mapped_port": None}]).mapped == {}


def test_a_leg_lives_from_its_first_message_to_its_end():
    lives = known([leg(time=1.0, end=9.0), leg(2, time=2.0, end=None)]).lives
    assert lives == {(1, 1): (ns(1), ns(9)), (1, 2): (ns(2), ALWAYS[1]), (1, None): (ns(1), ALWAYS[1])}


def test_the_end_seen_at_one_vantage_point_is_the_end():
    assert known([leg(time=1.0, end=None), leg(time=0.5, end=9.0)]).lives[1, 1] == (ns(0.5), ns(9))


def test_a_leg_that_starts_before_the_capture_has_no_start():
    assert known([leg(state="starts_mid_call", end=9.0)]).lives[1, 1] == (ALWAYS[0], ns(9))


def test_handshakes_with_a_call_become_evidence():
    row = {
        "client_addr": b.SERVER,
        "client_port": 30000,
        "server_addr": b.CLIENT,
        "server_port": 50000,
        "call": 1,
        "leg": 1,
        "started": 3.0,
    }
    found = with_handshakes(known(), b.dtls(row, row | {"call": None}, row | {"server_port": None}))
    assert [check.leg for check in found.others[0][1, PAIR]] == [(1, 1)]
