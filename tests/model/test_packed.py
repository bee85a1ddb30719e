"""What is packed comes back as it was, in the order it was given."""

from typing import Any

import pytest

from postproc.model.packed import Packed, packed

VALUES: dict[int, Any] = {
    2: [{"step": "trace", "frames": [1, 2], "capture": None, "said": "Gerät „A“"}],
    1: {"en": {"headline": "", "confidence": 0.5}, "de": {}},
}


def test_values_come_back_as_they_were():
    held = Packed({number: packed(value) for number, value in VALUES.items()})
    assert held == VALUES and list(held) == [2, 1] and len(held) == 2


def test_a_call_of_which_nothing_is_held():
    held = Packed({})
    assert held.get(1, ()) == () and not held
    with pytest.raises(KeyError):
        held[1]
