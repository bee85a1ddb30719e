import pytest

from postproc.correlate.candidates import covered, kind_of, mapped, offered
from tests import builders as b

BASE, OUTER, OTHER = ("10.0.50.118", 31802), ("203.0.113.10", 41802), ("192.0.2.7", 7)
HOST = {"call": 1, "ufrag": "S", "type": "host"}


def candidates(*records):
    return offered(b.candidates(*(HOST | record for record in records)))[1, "S"]


def at(place, **columns):
    return {"addr": place[0], "port": place[1]} | columns


def reflexive(place, base):
    return at(place, type="srflx", related_addr=base[0], related_port=base[1])


PHONE = candidates(at(BASE), reflexive(OUTER, BASE))


@pytest.mark.parametrize(("wire", "kind"), [(BASE, "host"), (OUTER, "srflx")])
def test_a_candidates_own_address_tells_its_type(wire, kind):
    for local in (True, False):
        assert kind_of(wire, (), PHONE, local=local) == kind


def test_a_base_that_is_not_offered_is_known_by_the_related_address():
    assert kind_of(BASE, (), candidates(reflexive(OUTER, BASE)), local=True) == "srflx"


def test_the_related_address_of_a_relay_is_no_base():
    relay = candidates(at(OTHER, type="relay", related_addr=OUTER[0], related_port=OUTER[1]))
    assert kind_of(OUTER, (), relay, local=False) == "prflx"


def test_a_base_is_known_by_its_mapped_address():
    assert kind_of(BASE, {OUTER}, candidates(at(OUTER)), local=True) == "host"


def test_a_local_base_is_known_by_its_port_where_the_nat_keeps_it():
    kept = candidates(at(("203.0.113.10", BASE[1]), type="srflx"))
    assert kind_of(BASE, (), kept, local=True) == "srflx"
    assert kind_of(BASE, (), kept, local=False) == "prflx"


def test_an_mdns_name_hides_a_remote_base_with_its_port():
    assert kind_of(BASE, (), candidates(at(("abc.local", BASE[1]))), local=False) == "host"


def test_the_own_address_is_better_evidence_than_the_port():
    both = candidates(at(("198.51.100.1", BASE[1]), type="relay"), at(BASE))
    assert kind_of(BASE, (), both, local=True) == "host"


def test_an_unknown_address_is_host_here_and_peer_reflexive_there():
    assert kind_of(OTHER, (), PHONE, local=True) == "host"
    assert kind_of(OTHER, (), PHONE, local=False) == "prflx"


def test_without_an_offer_the_type_is_not_known():
    assert kind_of(BASE, (), [], local=True) is None
    assert kind_of(BASE, (), [], local=False) is None


def test_a_base_covers_all_candidates_it_stands_for():
    assert covered(BASE, (), PHONE, local=False) == {BASE, OUTER}
    assert covered(BASE, {OUTER}, candidates(at(OUTER), at(OTHER)), local=True) == {OUTER}


def test_a_reflexive_address_covers_itself_alone():
    assert covered(OUTER, (), PHONE, local=False) == {OUTER}


def test_an_unknown_address_covers_nothing_there_and_anything_here():
    assert covered(OTHER, (), PHONE, local=False) == set()
    assert covered(OTHER, (), PHONE, local=True) == {BASE, OUTER}


def test_repeated_lines_are_one_candidate_and_incomplete_ones_none():
    found = offered(
        b.candidates(
            HOST | at(BASE, time=2.0, frame=20),
            HOST | at(BASE, time=1.0, frame=10),
            HOST | at(("x", None)),
            HOST | at((None, 1)),
            HOST | at(BASE, ufrag=None),
            HOST | at(BASE, call=None),
            HOST | at(BASE, call=2),
        )
    )
    assert {owner: [c.frame for c in known] for owner, known in found.items()} == {
        (1, "S"): [10],
        (2, "S"): [7],
    }


def test_a_flood_of_candidates_is_cut():
    assert len(candidates(*(at(("10.0.0.1", port)) for port in range(1000)))) == 200


def test_only_successes_teach_mapped_addresses():
    told = {"src_addr": "x", "src_port": 1, "mapped_addr": "y", "mapped_port": 2}
    found = mapped(
        b.bindings(
            told | {"outcome": "success"},
            told | {"outcome": "response_only", "mapped_port": 3},
            told | {"outcome": None, "mapped_port": 4},
            told | {"outcome": "success", "mapped_addr": None},
        )
    )
    assert found == {("a.pcapng", ("x", 1)): {("y", 2)}}
