import pytest

from postproc.correlate.logs import HOUR, Anchor, anchored, clock

S, MS = 10**9, 10**6


def anchor(frame, packet, offset):
    return Anchor(frame, packet + offset, packet)


def test_without_anchors_there_is_no_clock():
    assert clock([]) is None


def test_the_offset_is_the_median_and_the_spread_is_told():
    found = clock(anchor(number, number * S, ms * MS) for number, ms in enumerate([-35, -9, 1]))
    assert (found.offset, found.spread, found.anchors) == (-9 * MS, 36 * MS, 3)


def test_the_log_may_be_earlier_than_the_packet():
    found = clock([Anchor(10, 17_755_102_000, 17_764_065_000)])
    assert found.offset == -8_963_000
    assert found.offset_at(11, 0) == -8_963_000


def test_a_time_zone_is_part_of_the_offset():
    assert clock([anchor(1, 0, HOUR - 9 * MS), anchor(2, S, HOUR - 5 * MS)]).offset == HOUR - 9 * MS


def test_an_anchor_far_from_the_others_is_not_counted():
    found = clock([anchor(1, 0, 3 * MS), anchor(2, S, 5 * MS), anchor(3, 2 * S, 90 * S)])
    assert (found.offset, found.anchors, found.spread) == (3 * MS, 2, 2 * MS)


@pytest.mark.parametrize(
    ("first", "then"), [(2 * HOUR, HOUR), (HOUR, 2 * HOUR)], ids=["to winter time", "to summer time"]
)
def test_a_change_by_an_hour_holds_from_where_it_was_made(first, then):
    anchors = [anchor(10, 0, first), anchor(20, 600 * S, first), anchor(40, 1200 * S, then)]
    found = clock(anchors)
    before = {5: -10, 15: 300, 25: 610}
    after = {35: 1190, 99: 2000}
    assert [found.offset_at(frame, at * S + first) for frame, at in before.items()] == [first] * 3
    assert [found.offset_at(frame, at * S + then) for frame, at in after.items()] == [then] * 2
    assert found.spread == 0


def test_another_log_of_the_machine_has_the_offset_that_most_have():
    changed = clock([anchor(1, 0, HOUR), anchor(2, S, HOUR), anchor(3, 2 * S, 2 * HOUR)])
    assert changed.offset_at(9, 0) == 2 * HOUR
    assert changed.away().offset_at(9, 0) == HOUR


def test_lines_are_matched_to_the_recording_that_shows_most_of_them():
    lines = [(1, 100, "a"), (2, 200, "b"), (3, 300, "not captured")]
    packets = [(0, "a", 1), (1, "a", 11), (1, "b", 12), (1, "b", 99), (2, "c", 5)]
    assert anchored(lines, packets) == [Anchor(1, 100, 11), Anchor(2, 200, 12)]
    assert anchored(lines, []) == []
    assert anchored([], packets) == []
