"""Sampling of test inputs: some of them in CI, all with `make test-thorough`."""

import os
from collections.abc import Iterable
from typing import TypeVar

Member = TypeVar("Member")
THOROUGH = os.environ.get("LEGSHARK_THOROUGH") == "1"


def some(members: Iterable[Member], one_in: int) -> list[Member]:
    """Return every ``one_in``-th member, always the same ones; all of them in a thorough run."""
    return list(members)[:: 1 if THOROUGH else one_in]
