import pandas as pd
import pytest

from postproc.correlate.candidates import nat_mappings
from tests import builders as b

BASE = {"src_addr": "10.0.0.1", "src_port": 4000}
SERVER = {"dst_addr": "192.0.2.53", "dst_port": 3478}
MAPPED = {"mapped_addr": "203.0.113.10", "mapped_port": 4000}
LOOK_UP = BASE | SERVER | MAPPED | {"purpose": "discovery", "outcome": "success", "call": 1, "leg": 1}
CHECK = LOOK_UP | {"purpose": "check", "dst_addr": b.CLIENT, "dst_port": 50000}
REFLEXIVE = {
    "call": 1,
    "leg": 1,
    "type": "srflx",
    "addr": "203.0.113.10",
    "port": 4000,
    "related_addr": "10.0.0.1",
    "related_port": 4000,
}


def learned(bindings=(), candidates=()):
    found = nat_mappings(b.bindings(*bindings), b.candidates(*candidates))
    return found.to_dict("records")


def test_a_look_up_teaches_the_mapping_towards_the_stun_server():
    (row,) = learned([LOOK_UP | {"frame": 7}])
    assert (row["frame"], row["call"], row["leg"], row["learned_from"]) == (7, 1, 1, "stun_server")
    assert (row["base_addr"], row["base_port"]) == ("10.0.0.1", 4000)
    assert (row["mapped_addr"], row["mapped_port"]) == ("203.0.113.10", 4000)
    assert (row["seen_by_addr"], row["seen_by_port"]) == ("192.0.2.53", 3478)


@pytest.mark.parametrize(("port", "preserved"), [(4000, True), (4001, False)])
def test_the_ports_tell_whether_the_nat_kept_them(port, preserved):
    rows = learned([CHECK | {"mapped_port": port}], [REFLEXIVE | {"port": port}])
    assert [row["port_preserved"] for row in rows] == [preserved, preserved]


def test_a_check_that_saw_the_address_of_the_wire_teaches_nothing():
    assert learned([CHECK | {"mapped_addr": "10.0.0.1"}]) == []


def test_a_look_up_that_saw_no_change_says_there_is_no_nat():
    assert [row["mapped_addr"] for row in learned([LOOK_UP | {"mapped_addr": "10.0.0.1"}])] == ["10.0.0.1"]


def test_a_check_teaches_its_mapping_towards_the_peer():
    (row,) = learned([CHECK])
    assert (row["learned_from"], row["seen_by_addr"], row["seen_by_port"]) == ("check", b.CLIENT, 50000)


@pytest.mark.parametrize("other", [{"purpose": "keepalive"}, {"purpose": None}, {"mapped_addr": None}])
def test_keepalives_and_bindings_without_mapped_address_teach_nothing(other):
    assert learned([LOOK_UP | other]) == []


def test_a_reflexive_candidate_teaches_the_mapping_of_its_related_address():
    (row,) = learned(candidates=[REFLEXIVE])
    assert (row["base_addr"], row["mapped_addr"], row["learned_from"]) == (
        "10.0.0.1",
        "203.0.113.10",
        "candidate",
    )
    assert pd.isna(row["seen_by_addr"]) and pd.isna(row["seen_by_port"])


@pytest.mark.parametrize(
    "other",
    [
        {"type": "host"},
        {"type": "relay"},
        {"type": None},
        {"related_addr": None},
        {"related_addr": "0.0.0.0"},
        {"related_addr": "::"},
        {"addr": None},
    ],
)
def test_other_candidates_and_hidden_bases_teach_nothing(other):
    assert learned(candidates=[REFLEXIVE | other]) == []


def test_a_mapping_is_told_once_where_it_was_first_seen():
    rows = learned(
        [LOOK_UP | {"time": 5.0, "frame": 50}, LOOK_UP | {"time": 2.0, "frame": 20}],
        [REFLEXIVE | {"time": 4.0, "frame": 40}, REFLEXIVE | {"time": 3.0, "frame": 30}],
    )
    assert [row["frame"] for row in rows] == [20, 30]


def test_mappings_towards_two_servers_stay_two():
    assert len(learned([LOOK_UP, LOOK_UP | {"dst_addr": "192.0.2.54", "mapped_port": 4001}])) == 2
    assert len(learned([LOOK_UP, LOOK_UP | {"dst_addr": "192.0.2.54"}])) == 2


def test_the_same_mapping_in_two_calls_stays_two():
    assert len(learned([LOOK_UP, LOOK_UP | {"call": 2}])) == 2


def test_an_unknown_port_leaves_the_preservation_unknown():
    (row,) = learned(candidates=[REFLEXIVE | {"related_port": None}])
    assert pd.isna(row["port_preserved"])


def test_nothing_gives_an_empty_table():
    assert learned() == []
