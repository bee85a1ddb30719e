from postproc.correlate.spans import ALWAYS, Span, overlapping, span_of, spans


def index(*lives):
    """Spans of legs 1, 2, ... of call 1."""
    return spans(Span(start, end, (1, leg), None) for leg, (start, end) in enumerate(lives, 1))


def legs(found):
    return [span.leg[1] for span in found]


def test_spans_that_share_a_moment_overlap_ends_included():
    held = index((0, 10), (20, 30))
    assert legs(overlapping(held, 10, 20)) == [2, 1]
    assert legs(overlapping(held, 11, 19)) == []


def test_the_latest_start_comes_first():
    assert legs(overlapping(index((3, 9), (1, 9), (2, 9)), 5, 6)) == [1, 3, 2]


def test_a_span_without_ends_is_always_there():
    assert legs(overlapping(index((5, 6), ALWAYS), 100, 200)) == [2]


def test_no_spans_give_none():
    assert legs(overlapping(index(), 0, 1)) == []


def test_every_span_is_found_as_by_looking_at_all():
    lives = [(n * 7 % 50, n * 7 % 50 + n % 13) for n in range(200)]
    held = index(*lives)
    for first in range(0, 60, 3):
        expected = {leg for leg, (start, end) in enumerate(lives, 1) if start <= first + 2 and end >= first}
        assert set(legs(overlapping(held, first, first + 2))) == expected


def test_the_first_hit_is_found_without_walking_past_the_others():
    held = index(ALWAYS, *((n, n) for n in range(20_000)))
    found = overlapping(held, 19_999, 19_999)
    assert legs([next(found), next(found)]) == [20_001, 1]


def test_the_span_of_one_leg_is_found_by_time():
    held = index((0, 10), (20, 30))
    assert span_of(held, (1, 2), 25, 25) == Span(20, 30, (1, 2), None)
    assert span_of(held, (1, 2), 5, 5) is None
    assert span_of(held, (9, 9), 5, 5) is None
