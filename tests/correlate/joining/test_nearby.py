import numpy as np
import pytest

from postproc.correlate.joining.couples import NEIGHBOURS, couples, directed, once, within
from tests.correlate.scenes import facts_of

B2BUA = {"uas_addr": "10.0.0.2", "uas_port": 5060}
ONWARD = {"uac_addr": "10.0.0.2", "uac_port": 5060}


def found(*rows, **known):
    a, b = couples(facts_of(*rows, **known))
    return set(zip(a.tolist(), b.tolist(), strict=True))


def pairs(keys, times, window=10.0, neighbours=8):
    earlier, later = within(np.array(keys), np.array(times, dtype=float), window, neighbours)
    return set(zip(earlier.tolist(), later.tolist(), strict=True))


def test_events_with_one_key_are_paired_within_the_window():
    assert pairs([0, 0, 1, 0], [0, 5, 5, 12]) == {(0, 1), (1, 3)}


def test_unknown_keys_and_times_are_paired_with_nothing():
    assert pairs([-1, -1, 0, 0], [0, 0, np.nan, 0]) == set()
    assert pairs([], []) == set()


def test_each_event_meets_its_nearest_neighbours_only():
    assert pairs([0] * 4, [0, 1, 2, 3], neighbours=1) == {(0, 1), (1, 2), (2, 3)}


def test_the_upstream_leg_comes_first_or_nearly_so():
    both = np.array([3, 3])
    for gap, count in ((0.04, 2), (0.06, 1)):
        times = np.array([0.0, gap])
        some = directed((np.array([0]), np.array([1])), both, times, any_order=np.array([False]))
        assert len(some[0]) == count


@pytest.mark.parametrize("key", ["from_user", "to_user"])
def test_legs_with_one_number_meet(key):
    assert found({key: "+498984079810", "time": 0.0}, {key: "08984079810", "time": 14.0}) == {(0, 1)}
    assert found({key: "+498984079810", "time": 0.0}, {key: "08984079810", "time": 16.0}) == set()
    assert found({key: "+498984079810"}, {key: "+493012345678"}) == set()


def test_a_leg_to_a_host_meets_the_legs_from_it():
    assert found(B2BUA | {"time": 0.0}, ONWARD | {"time": 2.0}) == {(0, 1)}
    assert found(ONWARD | {"time": 0.0}, B2BUA | {"time": 2.0}) == set()


def test_legs_that_answer_or_end_together_meet_however_early_they_began():
    for event in ("answer_time", "end_time"):
        late = {"time": 40.0, event: 50.0}
        assert found(B2BUA | {"time": 0.0, event: 50.1}, ONWARD | late) == {(0, 1)}
        assert found(B2BUA | {"time": 0.0, event: 51.0}, ONWARD | late) == set()


def test_of_legs_that_precede_the_capture_either_may_be_first():
    late = {"invite_time": None, "to_user": "+498984079810"}
    assert found(late | {"time": 0.0}, late | {"time": 2.0}) == {(0, 1), (1, 0)}
    ended = late | {"end_time": 30.0}
    assert found(ended | {"time": 0.0}, ended | {"time": 20.0}) == {(0, 1), (1, 0)}


def test_a_leg_does_not_meet_itself_seen_elsewhere():
    row = {"call_id": "a", "to_user": "+498984079810"}
    assert found(row, row | {"capture": "b"}) == set()
    assert [len(side) for side in once(facts_of({}, {}), np.array([0, 0]), np.array([1, 1]))] == [1, 1]


def test_the_number_of_couples_grows_with_the_legs_not_with_their_square():
    legs = [{"to_user": "+498984079810", "from_user": "721", "time": n / 1000} for n in range(400)]
    assert len(found(*legs)) <= 3 * NEIGHBOURS * len(legs)
