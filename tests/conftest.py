"""Fixtures and paths shared by many tests."""

import signal
from pathlib import Path

import pytest

PCAPS = Path(__file__).parent.parent / "pcaps"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--renew-told",
        action="store_true",
        help="write tests/diagnose/told/ again: what the rules say in their tests",
    )


def pytest_configure() -> None:
    """Programs under test heed Ctrl-C and a hangup, though the tests may run in the background.

    A signal that is ignored stays ignored in what is started; one that is handled does not.
    """
    for name in ("SIGINT", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows knows no hangup
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


@pytest.fixture(scope="session")
def pcaps() -> Path:
    return PCAPS
