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
    """Let programs under test receive SIGINT and SIGHUP, even if the tests run in the background.

    A child inherits an ignored signal as ignored, but a handled one as default.
    """
    for name in ("SIGINT", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


@pytest.fixture(scope="session")
def pcaps() -> Path:
    return PCAPS
