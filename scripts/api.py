"""The Python interface as Markdown, from its docstrings: ``python scripts/api.py > docs/API.md``."""

import inspect
from collections.abc import Iterator

import postproc
from postproc.call import Call, Packets
from postproc.results import Run

HEAD = """\
# Python

Made from the docstrings: `python scripts/api.py > docs/API.md`. The tables of a run and of a call,
`run.calls`, `call.bindings` and the others, are in [TABLES.md](TABLES.md).
"""


def page() -> str:
    parts = [HEAD, "## postproc\n"]
    for name in postproc.__all__:
        held = getattr(postproc, name)
        if inspect.isfunction(held):
            parts += _function(f"postproc.{name}", held)
    for kind in (Run, Call, Packets):
        parts += [f"## {kind.__name__}\n", f"{inspect.getdoc(kind)}\n", *_members(kind)]
    return "\n".join(parts)


def _members(kind: type) -> Iterator[str]:
    for name, held in vars(kind).items():
        if name.startswith("_"):
            continue
        if isinstance(held, property):
            yield from (f"### {kind.__name__.lower()}.{name}\n", f"{inspect.getdoc(held)}\n")
        elif inspect.isfunction(held):
            yield from _function(f"{kind.__name__.lower()}.{name}", held)


def _function(name: str, held: object) -> Iterator[str]:
    signature = str(inspect.signature(held)).replace("(self, ", "(").replace("(self)", "()")  # type: ignore[arg-type]
    yield f"### {name}\n"
    yield f"```python\n{name.rpartition('.')[2]}{signature}\n```\n"
    yield f"{inspect.getdoc(held)}\n"


if __name__ == "__main__":
    print(page(), end="")
