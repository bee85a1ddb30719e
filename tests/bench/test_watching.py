"""What ``bench.watching`` makes of its samples and of the calls of both programs."""

from bench.watching import COMPARED, quarters, rows

CALL = dict.fromkeys(COMPARED, "x")


def test_each_sample_is_in_one_quarter():
    samples = list(range(10))
    assert [samples[part] for part in quarters(len(samples))] == [[0, 1], [2, 3, 4], [5, 6], [7, 8, 9]]


def test_missing_values_of_a_table_and_of_json_are_alike():
    table, line = (
        CALL | {"cause": float("nan"), "final_status": 486},
        CALL | {"cause": None, "final_status": 486},
    )
    assert rows([table]) == rows([line]) == [("x", "x", "", "486")]
