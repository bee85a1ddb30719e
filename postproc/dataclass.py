"""Dataclasses that are made quickly: a run begins with some 200 of them.

The standard library compiles six functions for each class, two of them to refuse changes. Here ``__init__``
alone is compiled; what else it would add is one function for all classes, told their fields.
"""

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, TypeVar

__all__ = ["dataclass", "quickly"]
T = TypeVar("T")
Field = dataclasses.Field[Any]


class _Unset:
    def __repr__(self) -> str:
        return "<factory>"


UNSET = _Unset()  # what a field with a factory is given by default


def quickly(
    cls: type[T] | None = None,
    /,
    *,
    frozen: bool = False,
    eq: bool = True,
    repr: bool = True,
    slots: bool = False,
) -> object:
    """As ``dataclasses.dataclass``, whose other options it does not know, nor fields' ``init=False``."""
    if cls is None:
        return partial(quickly, frozen=frozen, eq=eq, repr=repr, slots=slots)
    own = dict(vars(cls))
    if own.get("__doc__") is None:
        cls.__doc__ = cls.__name__  # else it is made of the signature, which takes longest of all
    made: Any = dataclasses.dataclass(init=not frozen, repr=False, eq=False, slots=slots)(cls)
    fields = dataclasses.fields(made)
    added: dict[str, Any] = {}
    if frozen:
        added |= {"__init__": _init(fields), "__setattr__": _set, "__delattr__": _delete}
        added |= {"__getstate__": _state, "__setstate__": _set_state} if slots else {}
    if repr:
        added["__repr__"] = _repr([each.name for each in fields if each.repr])
    if eq:
        values = _values([each.name for each in fields if each.compare])
        added["__eq__"] = _eq(values)
        if own.get("__hash__") is None:  # not its own: a class with an __eq__ has None
            made.__hash__ = _hash(values) if frozen else None
    for name in added.keys() - own.keys():
        setattr(made, name, added[name])
    made.__init__.__qualname__ = f"{made.__qualname__}.__init__"
    return made


def _init(fields: Sequence[Field]) -> Callable[..., None]:
    """One that sets what may not be set afterwards."""
    known: dict[str, Any] = {"_set": object.__setattr__, "UNSET": UNSET}
    asked, body = ["self"], []
    for each in fields:
        name = value = each.name
        if each.default_factory is not dataclasses.MISSING:
            known[f"_make_{name}"] = each.default_factory
            asked.append(f"{name}=UNSET")
            value = f"_make_{name}() if {name} is UNSET else {name}"
        elif each.default is not dataclasses.MISSING:
            known[f"_default_{name}"] = each.default
            asked.append(f"{name}=_default_{name}")
        else:
            asked.append(name)
        body.append(f"    _set(self, {name!r}, {value})\n")
    exec(f"def __init__({', '.join(asked)}):\n{''.join(body) or '    pass'}", known)
    made: Callable[..., None] = known["__init__"]
    made.__annotations__ = {each.name: each.type for each in fields} | {"return": None}
    return made


def _set(instance: object, name: str, value: object) -> None:
    _refuse(instance, name, "assign to")
    object.__setattr__(instance, name, value)


def _delete(instance: object, name: str) -> None:
    _refuse(instance, name, "delete")
    object.__delattr__(instance, name)


def _refuse(instance: object, name: str, what: str) -> None:
    """But a subclass that is no dataclass itself may have further attributes."""
    declared = "__dataclass_fields__" in vars(type(instance))
    if declared or any(each.name == name for each in _fields(instance)):
        raise dataclasses.FrozenInstanceError(f"cannot {what} field {name!r}")


def _fields(instance: object) -> tuple[Field, ...]:
    held: Any = instance
    return dataclasses.fields(held)


def _state(instance: object) -> list[object]:
    return [getattr(instance, each.name) for each in _fields(instance)]


def _set_state(instance: object, state: Sequence[object]) -> None:
    for each, value in zip(_fields(instance), state, strict=True):
        object.__setattr__(instance, each.name, value)


def _repr(names: Sequence[str]) -> Callable[[object], str]:
    @recursive_repr()
    def told(instance: object) -> str:
        held = ", ".join(f"{name}={getattr(instance, name)!r}" for name in names)
        return f"{type(instance).__qualname__}({held})"

    return told


def _values(names: Sequence[str]) -> Callable[[object], tuple[object, ...]]:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda instance: tuple(getattr(instance, name) for name in names)


def _eq(values: Callable[[object], tuple[object, ...]]) -> Callable[[object, object], bool]:
    def equal(one: object, other: object) -> bool:
        return values(one) == values(other) if other.__class__ is one.__class__ else NotImplemented

    return equal


def _hash(values: Callable[[object], tuple[object, ...]]) -> Callable[[object], int]:
    return lambda instance: hash(values(instance))


if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    dataclass = quickly
