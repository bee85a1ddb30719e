"""Dataclasses made quickly are what the standard library makes of the same classes."""

import dataclasses
import inspect
import pickle
from dataclasses import FrozenInstanceError, asdict, field, replace
from itertools import product
from typing import Any

import pytest

from postproc.dataclass import quickly

OPTIONS = [
    dict(zip(("frozen", "slots", "eq", "repr"), each, strict=True))
    for each in product((False, True), (False, True), (True, False), (True, False))
]


def declared(dataclass: Any) -> Any:
    """A class with fields of every kind that is used here."""

    @dataclass
    class Point:
        """A point."""

        x: int
        y: float = float("nan")
        names: list[str] = field(default_factory=list)
        note: str = field(default="", repr=False, metadata={"doc": "beside"})
        seen: int = field(default=0, compare=False)

    return Point


def outcome(action: Any) -> Any:
    """What comes of an action, or the error it ends with."""
    try:
        return action()
    except (TypeError, AttributeError) as error:
        return type(error), str(error)


def shown(cls: Any) -> dict[str, str]:
    """All that can be told of such a class."""
    one, other = cls(1, 2.0, ["a"]), cls(1, 2.0, ["a"], seen=3)
    actions = {
        "repr": lambda: None if cls.__repr__ is object.__repr__ else repr(one),
        "equal": lambda: (one == other, one != cls(2), one == 1, one.__eq__(1)),
        "hash": lambda: len({hash(cls(1, 2.0, (), seen=each)) for each in (1, 2)}) == 1,
        "dict": lambda: asdict(one),
        "replaced": lambda: asdict(replace(one, x=4, note="b")),
        "own list": lambda: cls(1).names is cls(2).names,
        "set": lambda: setattr(one, "x", 5),
        "set what is none": lambda: isinstance(outcome(lambda: setattr(one, "z", 5)), tuple),
        "deleted": lambda: delattr(one, "y"),
        "missing": cls,
        "unknown": lambda: cls(1, z=2),
        "match": lambda: (cls.__match_args__, cls.__doc__),
        "signature": lambda: str(inspect.signature(cls)),
        "fields": lambda: [(each.name, each.default) for each in dataclasses.fields(cls)],
        "unhashable": lambda: cls.__hash__ is None,
        "slots": lambda: getattr(cls, "__slots__", None),
    }
    return {name: str(outcome(action)) for name, action in actions.items()}


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_is_what_the_standard_library_makes(options: dict[str, bool]) -> None:
    ours, theirs = (declared(each(**options)) for each in (quickly, dataclasses.dataclass))
    assert shown(ours) == shown(theirs)


@quickly(frozen=True)
class Base:
    name: str

    def __hash__(self) -> int:
        return 7


@quickly(frozen=True, slots=True)
class Slotted:
    names: tuple[str, ...] = ()


@quickly(frozen=True)
class Derived(Base):
    inside: object = None


class Undeclared(Slotted):
    """It has attributes of its own."""


def test_what_a_class_says_itself_stands_and_is_inherited_as_ever() -> None:
    assert hash(Base("a")) == 7 and Base.__doc__ == "Base"  # type: ignore[call-arg]
    derived = Derived("a", Base("b"))  # type: ignore[call-arg]
    assert repr(derived) == "Derived(name='a', inside=Base(name='b'))"
    assert derived == Derived("a", Base("b")) != Base("a")  # type: ignore[call-arg]
    assert {derived: 1}[Derived("a", Base("b"))] == 1  # type: ignore[call-arg]


def test_goes_to_other_processes_and_refuses_changes_there() -> None:
    for held in (Derived("a", 1), Slotted(("a",))):  # type: ignore[call-arg]
        there = pickle.loads(pickle.dumps(held))
        assert there == held
        with pytest.raises(FrozenInstanceError):
            there.names = ()


def test_one_that_holds_itself_is_told_once() -> None:
    held: list[object] = []
    derived = Derived("a", held)  # type: ignore[call-arg]
    held.append(derived)
    assert repr(derived) == "Derived(name='a', inside=[...])"


def test_a_subclass_that_is_none_may_have_more() -> None:
    more = Undeclared(("a",))  # type: ignore[call-arg]
    more.other = 1  # type: ignore[attr-defined]
    assert more.other == 1  # type: ignore[attr-defined]
    with pytest.raises(FrozenInstanceError):
        more.names = ()
