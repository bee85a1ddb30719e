from postproc.correlate.owners import CROWD, Claim, agreed, from_checks, from_sdp, nearest
from tests import builders as b

PLACE = ("10.0.0.1", 4000)
OTHER = ("10.0.0.2", 5000)


def ns(seconds):
    return b.at(seconds).value


def living(*spans):
    """PLACE in the life of calls 1, 2, ...: each span is widened by the 5 s margin of media endpoints."""
    ends = [{"call": n, "start": a - 5, "end": e + 5} for n, (a, e) in enumerate(spans, 1)]
    return from_sdp(b.endpoints(*({"addr": PLACE[0], "port": PLACE[1]} | end for end in ends)))


def test_an_endpoint_belongs_to_its_leg_within_its_life_and_margin():
    places = living((10, 20))
    assert [nearest(places, PLACE, ns(t)) for t in (4.9, 5, 15, 25, 25.1)] == [{}, {1: 1}, {1: 1}, {1: 1}, {}]


def test_a_reused_port_belongs_to_the_life_nearest_in_time():
    places = living((10, 20), (21, 30))
    assert [nearest(places, PLACE, ns(t)) for t in (19, 20.2, 20.8, 22)] == [{1: 1}, {1: 1}, {2: 1}, {2: 1}]


def test_two_calls_on_one_address_at_once_are_both_named():
    assert nearest(living((10, 20), (15, 30)), PLACE, ns(17)) == {1: 1, 2: 1}


def test_a_life_without_end_gives_way_to_one_with_an_end():
    held = {"addr": PLACE[0], "port": PLACE[1]}
    places = from_sdp(b.endpoints(held | {"call": 1}, held | {"call": 2, "start": 5.0, "end": 25.0}))
    assert nearest(places, PLACE, ns(15)) == {2: 1}
    assert nearest(places, PLACE, ns(50)) == {1: 1}


def test_of_two_legs_of_a_call_the_first_is_named():
    held = {"addr": PLACE[0], "port": PLACE[1]}
    places = from_sdp(b.endpoints(held | {"leg": 2}, held | {"leg": None}, held | {"leg": 1}))
    assert nearest(places, PLACE, ns(0)) == {1: 1}


def test_a_crowd_on_one_address_tells_nothing():
    assert nearest(living(*[(10, 20)] * CROWD), PLACE, ns(15)) == {}


def test_incomplete_endpoints_are_left_out():
    places = from_sdp(b.endpoints({"addr": None, "port": 1}, {"addr": "x", "port": None}, {"addr": "y"}))
    assert not places.held


def test_a_check_claims_its_tuple_both_ways_and_its_ends_in_its_capture_only():
    places = from_checks([Claim("a", PLACE, OTHER, ns(100), (3, 1))])
    for key in (("a", PLACE, OTHER), ("a", OTHER, PLACE), ("a", PLACE), ("a", OTHER)):
        assert nearest(places, key, ns(71)) == {3: 1}
    assert nearest(places, ("b", PLACE), ns(100)) == {}
    assert nearest(places, ("a", PLACE), ns(69)) == {}


def test_ends_agree_on_the_call_they_have_in_common():
    assert agreed([{1: 1, 2: 1}, {2: 1, 3: 1}]) == (2, 1)


def test_an_end_that_names_one_call_decides_where_the_other_does_not_know():
    assert agreed([{}, {7: 2}]) == (7, 2)
    assert agreed([{1: 1, 2: 1}, {9: 1}]) == (9, 1)


def test_ends_that_disagree_or_do_not_decide_name_nobody():
    assert agreed([{1: 1}, {2: 1}]) is None
    assert agreed([{1: 1, 2: 1}, {}]) is None
    assert agreed([]) is None
