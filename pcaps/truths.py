"""What truth files say of a capture as a whole: its verdict, its cause, what must not be said of it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CASES = Path(__file__).parent / "cases"


@dataclass(frozen=True)
class Case:
    """A capture, the logs of its server, and what is true of it.

    ``verdicts`` and ``causes`` are what is accepted of the worst of its calls, None among the causes for
    "no cause"; empty: nothing is said of it. Findings of ``must`` have to be there; none of ``never``
    may be a fault or a suspicion.
    """

    name: str
    capture: Path
    logs: tuple[Path, ...]
    verdicts: tuple[str, ...]
    causes: tuple[str | None, ...]
    must: frozenset[str]
    never: frozenset[str]
    number_of_calls: int | None  # None: not counted
    rtp: int  # at least so many RTP packets belong to calls
    needs_log: bool  # what is true of it stands in the log only


def cases(folder: Path = CASES) -> list[Case]:
    """The captures of a folder of which a truth file says verdict and cause, by name."""
    return sorted(_cases(folder), key=lambda case: case.name)


def _cases(folder: Path) -> Iterator[Case]:
    for path in folder.glob("*.truth.json"):
        truth = json.loads(path.read_text(encoding="utf-8"))
        if "verdict" not in truth:
            continue
        name = path.name.removesuffix(".truth.json")
        yield Case(
            name,
            folder / truth["capture"],
            tuple(sorted(folder.glob(f"{name}.*.log"))),
            tuple(truth["verdict"]),
            tuple(truth["cause"]),
            frozenset(truth.get("must", ())),
            frozenset(truth.get("never", ())),
            truth.get("number_of_calls"),
            truth.get("rtp", 0),
            truth.get("needs_log", False),
        )
