"""Real captures, read and judged once per session."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from postproc import pipeline
from postproc.diagnose import Judged, diagnose
from postproc.model.tables import Tables
from postproc.read import deployment


class Diagnosed(NamedTuple):
    """The tables of a run with findings, and what they rest on."""

    tables: Tables
    judged: list[Judged]


@pytest.fixture(scope="session")
def judged(pcaps: Path) -> Callable[..., Diagnosed]:
    """``judged("acl_403")``, with its log ``judged("acl_403", log=True)``; by a name's stem or file name."""

    @cache
    def run(name: str, *, log: bool = False, known: str = "xphone") -> Diagnosed:
        capture = pcaps / name if "." in name else pcaps / f"{name}.pcapng"
        system = deployment.read(known)
        logs = [pcaps / f"{name}.freeswitch.log"] if log else []
        found = pipeline.run([capture], fs_logs=logs, deployment=system, jobs=1)
        return Diagnosed(*diagnose(found.tables, system))

    return run
