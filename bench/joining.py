"""Show how calls change when a weight of the joining is changed by a third.

    python -m bench.joining OUT...

OUT are results of ``postproc run``, whose events are correlated again: unchanged, then with each number of
MOVED, and each piece of evidence as a whole, a third less and a third more. Prints the table of
docs/JOINING.md: how many legs change their call, how many choices are left open, and the largest change of a
call's confidence.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import postproc
from postproc.correlate import correlate
from postproc.correlate.joining import choose, couples, evidence, features, identities, join
from postproc.model.deployment import Deployment
from postproc.model.tables import Tables
from postproc.read import deployment

ROOMS: tuple[ModuleType, ...] = (choose, couples, evidence, features, identities, join)
MOVED = (
    "ENOUGH",
    "MARGIN",
    "CONSIDERED",
    "WINDOW",
    "REACTION",
    "DISORDER",
    "GRAIN",
    "OUTLIVES",
    "SURE",
    "USUALLY",
    "BACKGROUND",
    "CAUTION",
    "UNSURE",
    "MANY",
    "NEIGHBOURS",
    "FEW",
    "BEST",
    "ROUNDS",
)
WEIGHTS = ("backward", "doubtful", "short")  # of constants.toml


class Result(NamedTuple):
    """Each Call-ID's call as the set of its Call-IDs, the open choices, and the confidence of each set."""

    calls: dict[str, frozenset[str]]
    open: int
    confidence: dict[frozenset[str], float]


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.joining", description=__doc__)
    parser.add_argument("out", type=Path, nargs="+", metavar="OUT")
    runs = [postproc.load(out).tables for out in parser.parse_args().out]
    used = deployment.read(deployment.DEFAULT)
    before = [_joined(run, used) for run in runs]
    print(f"{sum(len(each.calls) for each in before)} legs, {sum(each.open for each in before)} left open")
    print("| what | a third less | a third more |\n| --- | --- | --- |")
    for name, moved in (*_numbers(), *_pieces()):
        cells = []
        for factor in (2 / 3, 4 / 3):
            with moved(factor):
                cells.append(_difference(before, [_joined(run, used) for run in runs]))
        print(f"| {name} | {' | '.join(cells)} |")
        sys.stdout.flush()


def _numbers() -> Iterator[tuple[str, Callable[[float], Any]]]:
    for name in MOVED:
        yield f"`{name}`", lambda factor, name=name: _with_number(name, factor)


@contextmanager
def _with_number(name: str, factor: float) -> Iterator[None]:
    """Multiply a constant in every module that has it; integers stay integers."""
    rooms = [room for room in ROOMS if hasattr(room, name)]
    old = getattr(rooms[0], name)
    new = round(old * factor) if isinstance(old, int) else old * factor
    with _replaced({(room, name): new for room in rooms}):
        yield


def _pieces() -> Iterator[tuple[str, Callable[[float], Any]]]:
    for name in WEIGHTS:
        yield f"weight {name}", lambda factor, name=name: _in_table(evidence.WEIGHTS, name, factor)
    for name in evidence.INFERRED:
        yield f"piece {name}", lambda factor, name=name: _in_table(evidence.INFERRED, name, factor)
    for name in identities.STRENGTH:
        yield f"token {name}", lambda factor, name=name: _in_table(identities.STRENGTH, name, factor)


@contextmanager
def _in_table(table: dict[str, Any], name: str, factor: float) -> Iterator[None]:
    old = table[name]
    table[name] = (lambda *given: factor * old(*given)) if callable(old) else factor * old
    try:
        yield
    finally:
        table[name] = old


@contextmanager
def _replaced(values: Mapping[tuple[ModuleType, str], float]) -> Iterator[None]:
    before = {(room, name): getattr(room, name) for room, name in values}
    try:
        for (room, name), value in values.items():
            setattr(room, name, value)
        yield
    finally:
        for (room, name), value in before.items():
            setattr(room, name, value)


def _joined(events: Tables, known: Deployment) -> Result:
    tables = correlate(events, known)
    legs = tables.legs.dropna(subset=["call", "call_id"])
    groups = {call: frozenset(ids) for call, ids in legs.groupby("call")["call_id"]}
    calls = {call_id: group for group in groups.values() for call_id in group}
    sure = dict(zip(tables.calls["call"], tables.calls["joined_confidence"], strict=True))
    confidence = {group: float(sure[call]) for call, group in groups.items()}
    return Result(calls, int(tables.calls["ambiguous"].sum()), confidence)


def _difference(before: list[Result], after: list[Result]) -> str:
    moved = open_ = 0
    least = 0.0
    for old, new in zip(before, after, strict=True):
        moved += sum(old.calls[call_id] != new.calls.get(call_id) for call_id in old.calls)
        open_ += new.open - old.open
        both = old.confidence.keys() & new.confidence.keys()
        least = max([least, *(abs(old.confidence[group] - new.confidence[group]) for group in both)])
    calls = f"{moved} legs" if moved else "no leg"
    return f"{calls}{f', {open_:+d} open' if open_ else ''}, {least:.2f}"


if __name__ == "__main__":
    main()
