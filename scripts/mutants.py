"""Change a rule in one place at a time, and see whether its own tests notice.

    python scripts/mutants.py [RULE ...] [--each 8] [--seed 1]

Each mutant is one rule module with one word of a sentence, one confidence, verdict, limit, number,
comparison, condition, fact or tag changed; ``tests/diagnose/test_RULE.py`` alone has to fail. Without
names five rules are drawn. Prints the mutants that survive, and how many were killed of each kind.
"""

import argparse
import ast
import contextlib
import copy
import importlib.abc
import importlib.machinery
import importlib.util
import os
import random
import re
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType
from typing import NamedTuple

import pandas as pd  # noqa: F401 - what every test imports is imported once, and forked
import pytest

ROOT = Path(__file__).parent.parent
RULES = ROOT / "postproc" / "diagnose" / "rules"
TESTS = ROOT / "tests" / "diagnose"
SECONDS = 120  # a mutant that runs longer, as in a loop without end, counts as killed
WANTED = 0.9

OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
VERDICTS = {"fault": "suspect", "suspect": "fault", "cannot_tell": "suspect", "note": "suspect"}


class Place(NamedTuple):
    """A node of the module, by its number in the walk, and what is to become of it."""

    kind: str
    number: int
    change: Callable[[ast.AST], ast.AST]


class Mutant(NamedTuple):
    rule: str
    kind: str
    line: int
    source: str
    before: str
    after: str


def places(tree: ast.Module) -> Iterator[Place]:
    numbers = {id(node): number for number, node in enumerate(ast.walk(tree))}
    for node in ast.walk(tree):
        for kind, found, change in _changes(node):
            yield Place(kind, numbers[id(found)], change)


def _changes(node: ast.AST) -> Iterator[tuple[str, ast.AST, Callable[[ast.AST], ast.AST]]]:
    match node:
        case ast.Call(func=ast.Name(id="Text" | "cause" | "remedy"), args=[english, german]):
            for lang, text in (("en", english), ("de", german)):
                if isinstance(text, ast.Constant) and " " in text.value:
                    yield f"sentence {lang}", text, _without_a_word
        case ast.Call(func=ast.Name(id="Finding"), args=[_, verdict, confidence, *_]):
            yield from (("verdict", each, _other_verdict) for each in _words(verdict, VERDICTS))
            yield from (("confidence", each, _less_sure) for each in ast.walk(confidence) if _is_number(each))
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if name.isupper():
            yield from (("limit", each, _a_third_more) for each in ast.walk(value) if _is_number(each))
        case ast.Compare():
            yield "comparison", node, _opposite
        case ast.BoolOp():
            yield "condition", node, _and_or
        case ast.UnaryOp(op=ast.Not()):
            yield "condition", node, lambda found: found.operand
        case ast.Dict(keys=keys, values=values) if len(keys) > 1 and all(map(_is_word, keys)):
            for place in range(len(values)):
                yield "fact", node, _with_its_neighbour(place)
        case ast.Call(func=ast.Name(id="frozenset")) | ast.keyword(arg="tag" | "tags"):
            yield from (("tag", each, _other_word) for each in ast.walk(node) if _is_word(each))


def _is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def _is_word(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _words(node: ast.AST, words: dict[str, str]) -> Iterator[ast.AST]:
    return (each for each in ast.walk(node) if isinstance(each, ast.Constant) and each.value in words)


def _without_a_word(node: ast.AST) -> ast.AST:
    """Its longest word is left out; what stands in braces stays."""
    text = node.value
    longest = max(re.findall(r"\w+(?![^{]*\})", text), key=len)
    return ast.Constant(re.sub(rf"\b{longest}\b ?", "", text, count=1))


def _other_verdict(node: ast.AST) -> ast.AST:
    return ast.Constant(VERDICTS[node.value])


def _less_sure(node: ast.AST) -> ast.AST:
    return ast.Constant(round(node.value - 0.05, 3))


def _a_third_more(node: ast.AST) -> ast.AST:
    value = node.value
    return ast.Constant(max(value + 1, value * 4 // 3) if isinstance(value, int) else value * 4 / 3)


def _opposite(node: ast.AST) -> ast.AST:
    assert isinstance(node, ast.Compare)
    return ast.Compare(node.left, [OPPOSITE[type(node.ops[0])](), *node.ops[1:]], node.comparators)


def _and_or(node: ast.AST) -> ast.AST:
    assert isinstance(node, ast.BoolOp)
    return ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)


def _with_its_neighbour(place: int) -> Callable[[ast.AST], ast.AST]:
    """A dict in which one key has the value of another."""

    def changed(node: ast.AST) -> ast.AST:
        assert isinstance(node, ast.Dict)
        values = list(node.values)
        values[place] = values[place - 1]
        return ast.Dict(node.keys, values)

    return changed


def _other_word(node: ast.AST) -> ast.AST:
    return ast.Constant(node.value + "x")


class _Replace(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        return self.new if node is self.old else self.generic_visit(node)


def mutants(rule: str) -> list[Mutant]:
    """Every mutant of a rule's module."""
    source = (RULES / f"{rule}.py").read_text(encoding="utf-8")
    made = []
    for place in places(ast.parse(source)):
        tree = ast.parse(source)
        node = list(ast.walk(tree))[place.number]
        new = place.change(copy.deepcopy(node))
        before, after = ast.unparse(node), ast.unparse(new)
        changed = ast.unparse(ast.fix_missing_locations(_Replace(node, new).visit(tree)))
        if before != after:
            made.append(Mutant(rule, place.kind, getattr(node, "lineno", 0), changed, before, after))
    return made


def drawn(rule: str, each: int, chance: random.Random) -> list[Mutant]:
    """So many of a rule's mutants, as many kinds of them as there are."""
    by_kind: dict[str, list[Mutant]] = {}
    for mutant in mutants(rule):
        by_kind.setdefault(mutant.kind, []).append(mutant)
    rows = [chance.sample(found, len(found)) for _, found in sorted(by_kind.items())]
    chance.shuffle(rows)
    longest = max(map(len, rows))
    return [row[place] for place in range(longest) for row in rows if place < len(row)][:each]


class _Instead(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Imports a rule's module from a changed source."""

    def __init__(self, rule: str, source: str) -> None:
        self.name, self.source = f"postproc.diagnose.rules.{rule}", source
        self.path = str(RULES / f"{rule}.py")

    def find_spec(self, fullname: str, *_: object) -> importlib.machinery.ModuleSpec | None:
        if fullname != self.name:
            return None
        return importlib.util.spec_from_file_location(fullname, self.path, loader=self)

    def get_source(self, _: str) -> str:
        return self.source

    def get_code(self, _: str) -> CodeType:
        return compile(self.source, self.path, "exec")


def passes(rule: str, source: str) -> bool:
    """Whether the rule's own tests pass with this source; in a process of their own."""
    child = os.fork()
    if child == 0:
        with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
            signal.alarm(SECONDS)
            sys.meta_path.insert(0, _Instead(rule, source))
            os.chdir(ROOT)
            options = ["-x", "-p", "no:cacheprovider", "--no-header"]
            os._exit(int(pytest.main([*options, str(TESTS / f"test_{rule}.py")])))
    return os.waitpid(child, 0)[1] == 0


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("rules", nargs="*", metavar="RULE", help="names of rules, as in ORDER")
    options.add_argument("--each", type=int, default=8, help="mutants of each rule")
    options.add_argument("--seed", type=int, default=1)
    wanted = options.parse_args()
    chance = random.Random(wanted.seed)
    every = sorted(path.stem for path in RULES.glob("*.py") if path.stem != "__init__")
    rules = [name.replace("-", "_") for name in wanted.rules] or chance.sample(every, 5)
    killed, tried = Counter[str](), Counter[str]()
    for rule in rules:
        if not passes(rule, (RULES / f"{rule}.py").read_text(encoding="utf-8")):
            print(f"{rule}: its tests fail as it is", flush=True)
            continue
        for mutant in drawn(rule, wanted.each, chance):
            survives = passes(rule, mutant.source)
            tried[mutant.kind] += 1
            killed[mutant.kind] += not survives
            if survives:
                print(
                    f"{rule}:{mutant.line} {mutant.kind}: {mutant.before[:90]} -> {mutant.after[:90]}",
                    flush=True,
                )
    for kind in sorted(tried):
        print(f"{kind:12} {killed[kind]:3} of {tried[kind]:3} killed")
    print(f"{'all':12} {killed.total():3} of {tried.total():3} killed, in {', '.join(rules)}")
    return 0 if killed.total() >= WANTED * tried.total() else 1


if __name__ == "__main__":
    sys.exit(main())
