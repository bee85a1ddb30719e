import pytest

from postproc.correlate.joining.identities import STRENGTH, Token, shared_tokens
from tests.correlate.scenes import facts_of


def of(tokens, legs=4, **row):
    return shared_tokens(facts_of(*({"time": float(n)} | row for n in range(legs))), tokens)


def test_two_legs_with_one_token_are_a_couple_of_full_weight_earlier_one_first():
    (found,) = of([Token(2, "header", "x"), Token(0, "header", "x"), Token(1, "header", "y")])
    assert found.kind == "header"
    assert [side.tolist() for side in found.couples] == [[0], [2]]
    assert found.weight.tolist() == [STRENGTH["header"]]


def test_a_value_weighs_less_the_more_legs_carry_it_until_nothing():
    weights = []
    for carriers in (2, 4, 8, 64):
        found = of([Token(row, "header", "x") for row in range(carriers)], legs=carriers)
        weights.append(max(found[0].weight, default=0.0))
    assert weights == [9.0, 7.0, 5.0, 0.0]


def test_an_id_in_a_private_header_weighs_less_than_others_if_more_than_two_legs_carry_it():
    four = {
        kind: of([Token(row, kind, "x") for row in range(4)])[0].weight[0] for kind in ("header", "x-header")
    }
    assert four == {"header": 7.0, "x-header": 5.0}


def test_of_several_values_the_rarest_counts():
    tokens = [
        *(Token(row, "header", "common") for row in range(4)),
        Token(0, "header", "rare"),
        Token(1, "header", "rare"),
    ]
    (found,) = of(tokens)
    weight = dict(
        zip(zip(*(side.tolist() for side in found.couples), strict=True), found.weight.tolist(), strict=True)
    )
    assert weight[0, 1] == 9.0
    assert weight[0, 2] == 7.0


def test_a_leg_at_two_vantage_points_is_one_carrier_and_no_couple():
    facts = facts_of({"call_id": "a"}, {"call_id": "a", "capture": "b"}, {"call_id": "b"})
    (found,) = shared_tokens(facts, [Token(row, "header", "x") for row in range(3)])
    assert found.weight.tolist() == pytest.approx([9.0] * len(found.weight))
    assert (facts.node[found.couples[0]] != facts.node[found.couples[1]]).all()


def test_kinds_are_kept_apart():
    found = of([Token(0, "ice", "x"), Token(1, "header", "x"), Token(1, "ice", "x")])
    assert {item.kind: len(item.weight) for item in found} == {"ice": 1, "header": 0}


def test_nothing_shared():
    assert of([]) == []
