import numpy as np
import pandas as pd

from postproc.correlate.joining.features import (
    UNKNOWN,
    coded,
    distinct,
    padded,
    rarity,
    shared,
    where,
)
from tests import builders as b


def test_words_are_numbered_alike_in_all_columns_and_none_is_unknown():
    one, other = coded(["a", None, "b"], ["b", "c"])
    assert one.tolist() == [0, UNKNOWN, 1]
    assert other.tolist() == [1, 2]


def test_rows_are_found_by_recording_and_call_id():
    legs = b.legs({"call_id": "x"}, {"call_id": "x", "capture": "b"}, {"call_id": "y", "capture": "unknown"})
    places = where(legs, pd.Series({"a.pcapng": 4, "a2.pcapng": 4, "b": 7}))
    assert [places.recordings[name] for name in ("a.pcapng", "b", "unknown")] == [4, 7, 8]
    assert [places.row(name, "x") for name in ("a2.pcapng", "b", "c")] == [0, 1, UNKNOWN]
    assert places.row("a.pcapng", None) == UNKNOWN


def test_values_are_spread_over_rows_in_their_order_up_to_a_width():
    table = padded(np.array([1, 0, 1, 1]), np.array([5, 6, 7, 8]), 3, 2)
    assert table.tolist() == [[6, UNKNOWN], [5, 7], [UNKNOWN, UNKNOWN]]


def test_an_array_is_no_wider_than_needed():
    assert padded(np.array([0, 1]), np.array([5, 6]), 2, 8).shape == (2, 1)
    assert padded(np.array([], dtype=int), np.array([], dtype=int), 2, 8).shape == (2, 1)


def test_unknown_words_are_not_shared():
    one = np.array([[1, UNKNOWN], [UNKNOWN, UNKNOWN], [1, 2]])
    other = np.array([[2, 1], [UNKNOWN, UNKNOWN], [3, 4]])
    assert shared(one, other).tolist() == [True, False, False]


def test_a_word_is_the_rarer_the_fewer_legs_have_it():
    common, rare = rarity(np.array([0] * 200 + [1, 1]))[[0, 200]]
    assert 0 <= common < 0.5
    assert rare > 5


def test_in_a_small_capture_a_share_says_little():
    assert rarity(np.array([0, 0]))[0] > 3.5


def test_distinct_numbers_are_sorted():
    assert distinct(np.array([3, 1, 3])).tolist() == [1, 3]
    assert distinct(np.array([], dtype=int)).tolist() == []
