"""Real captures, read and judged once per session; what rules say, compared word for word."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from postproc import pipeline
from postproc.diagnose import Told, diagnose
from postproc.model.tables import Tables
from postproc.read import deployment
from tests.diagnose.telling import HEAD, Telling, difference


class Diagnosed(NamedTuple):
    """The tables of a run with findings, and what else is said of its calls."""

    tables: Tables
    told: list[Told]


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


@pytest.fixture(scope="module")
def telling(request: pytest.FixtureRequest) -> Iterator[Telling | None]:
    """What the module's rule says in its tests, for those modules that test one: test_NAME.py."""
    rule = getattr(request.module, "RULE", None)
    if rule is None or request.path.stem != f"test_{rule.name.replace('-', '_')}":
        yield None
        return
    telling = Telling(rule)
    yield telling
    if request.config.getoption("--renew-told"):
        telling.write()
    elif changed := difference(rule, HEAD, telling.sections[HEAD]):
        pytest.fail("\n".join([f"{rule.name} declares otherwise:", *changed]), pytrace=False)


@pytest.fixture(autouse=True)
def told_as_before(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, telling: Telling | None
) -> Iterator[None]:
    """``asked`` writes down what it finds; after the test that is compared with the rule's file in told/."""
    if telling is None:
        yield
        return
    name = request.node.name
    monkeypatch.setattr(request.module, "asked", telling.recording(name))
    yield
    changed = difference(telling.rule, name, telling.sections.get(name, []))
    if changed and not request.config.getoption("--renew-told"):
        hint = "what it says changed; if that is meant, write told/ again with --renew-told"
        pytest.fail("\n".join([f"{telling.rule.name}: {hint}", *changed]), pytrace=False)
