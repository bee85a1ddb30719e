"""What many tests share: where the captures are."""

from pathlib import Path

import pytest

PCAPS = Path(__file__).parent.parent / "pcaps"


@pytest.fixture(scope="session")
def pcaps() -> Path:
    return PCAPS
