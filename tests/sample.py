"""Which of many inputs a test takes: some of them in CI, all of them with `make test-thorough`."""

import os
from collections.abc import Iterable
from typing import TypeVar

Member = TypeVar("Member")
THOROUGH = os.environ.get("LEGSHARK_THOROUGH") == "1"


def some(members: Iterable[Member], one_in: int) -> list[Member]:
    """One in so many of the members, always the same ones; all of them where it should be thorough."""
    return list(members)[:: 1 if THOROUGH else one_in]
