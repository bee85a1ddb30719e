"""Runs of real captures that several tests look at; each is made once."""

import pytest

from postproc import pipeline


@pytest.fixture(scope="session")
def run_of(pcaps):
    made = {}

    def of(name: str, log: str | None = None):
        if (name, log) not in made:
            made[name, log] = pipeline.run([pcaps / name], fs_logs=[pcaps / log] if log else ())
        return made[name, log]

    return of
