"""Says what two versions of the program make differently of the same captures.

    python -m bench.compare OLD NEW pcaps/ ../tickets/*/

OLD and NEW are checkouts whose ``make run`` has been made, or the programs themselves.
Each PATH is one run of each of them, with the logs in it and once more without. Tables
are compared cell by cell, findings with their words; columns that only one of them has are
named. Exit status 1 where anything else differs: a change that is meant has its
reason in the changelog.
"""

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

SHOWN = 3  # rows of a table printed as examples
LONGEST = 90  # characters of a cell in an example
BY_RUN = {"path"}  # columns that say where the files were, not what is in them


@dataclass(frozen=True)
class Difference:
    """What differs in one table: rows of the old that the new has not, and the other way round."""

    table: str
    removed: list[dict[str, str]]
    added: list[dict[str, str]]
    columns_gone: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """The difference for people, with a few examples."""
        yield f"  {self.table}: {len(self.removed)} rows only old, {len(self.added)} only new"
        if self.columns_gone:
            yield f"    columns gone: {', '.join(self.columns_gone)}"
        for old, new in list(zip(self.removed, self.added, strict=False))[:SHOWN]:
            changed = [name for name in old if old[name] != new[name]]
            yield "    " + "; ".join(f"{name}: {_cut(old[name])} -> {_cut(new[name])}" for name in changed)
        paired = min(len(self.removed), len(self.added))
        for sign, rows in (("-", self.removed[paired:]), ("+", self.added[paired:])):
            for row in rows[:SHOWN]:
                yield f"    {sign} " + ", ".join(f"{k}={_cut(v)}" for k, v in row.items() if v)


def main() -> None:
    given = _arguments()
    differing = 0
    for path in given.paths:
        for with_logs in (False, True) if _logs(path) else (False,):
            title = f"{path}{' with logs' * with_logs}"
            lines = list(_compared(given, path, with_logs=with_logs))
            differing += bool(lines)
            print("\n".join([f"{title}: {'differs' if lines else 'equal'}", *lines]), flush=True)
    print(f"{differing} of the runs differ")
    sys.exit(1 if differing else 0)


def _compared(given: argparse.Namespace, path: Path, *, with_logs: bool) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="compare-") as folder:
        outs = [Path(folder, name) for name in ("old", "new")]
        for program, out in zip((given.old, given.new), outs, strict=True):
            if trouble := _run(program, path, out, given.options, with_logs=with_logs):
                yield f"  {program}: {trouble}"
        if all((out / "tables").is_dir() for out in outs):
            for difference in differences(*outs):
                yield from difference.lines()


def differences(old: Path, new: Path) -> list[Difference]:
    """What differs in the tables of two results, table by table; nothing of those that are equal."""
    names = sorted(path.stem for path in (old / "tables").glob("*.parquet"))
    found = (
        compared(name, *(_table(out / "tables" / f"{name}.parquet") for out in (old, new))) for name in names
    )
    return [each for each in found if each]


def compared(name: str, old: pd.DataFrame, new: pd.DataFrame) -> Difference | None:
    """One table of both, as text; rows in another order are the same, and columns may be added."""
    gone = tuple(column for column in old.columns if column not in new.columns)
    common = [column for column in old.columns if column in new.columns and column not in BY_RUN]
    before, after = (Counter(_rows(table, common)) for table in (old, new))
    removed, added = (
        [dict(zip(common, row, strict=True)) for row in (one - other).elements()]
        for one, other in ((before, after), (after, before))
    )
    return Difference(name, removed, added, gone) if removed or added or gone else None


def _rows(table: pd.DataFrame, columns: Sequence[str]) -> Iterable[tuple[str, ...]]:
    texts = [table[column].astype("string").fillna("").tolist() for column in columns]
    return zip(*texts, strict=True)


def _table(path: Path) -> pd.DataFrame:
    """A table as it lies there; without rows and columns where there is none."""
    return pq.read_table(path).to_pandas() if path.exists() else pd.DataFrame()


def _run(program: Path, path: Path, out: Path, options: str, *, with_logs: bool) -> str | None:
    """Have a program read the path; what went wrong, in its own last line."""
    logs = [f"--fs-log={log}" for log in _logs(path)] if with_logs else []
    command = [
        str(_program(program)),
        "run",
        str(path),
        "-o",
        str(out),
        "-q",
        "--no-report",
        *options.split(),
        *logs,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return f"exit {done.returncode}: {done.stderr.strip().splitlines()[-1:]}" if done.returncode else None


def _program(given: Path) -> Path:
    return (given / ".venv/bin/postproc" if given.is_dir() else given).absolute()


def _logs(path: Path) -> list[Path]:
    return sorted(path.rglob("*.log")) if path.is_dir() else []


def _cut(text: str) -> str:
    return repr(text if len(text) <= LONGEST else f"{text[:LONGEST]}…")


def _arguments() -> argparse.Namespace:
    as_written = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="bench.compare", description=__doc__, formatter_class=as_written)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("paths", type=Path, nargs="+", metavar="PATH")
    parser.add_argument("--options", default="", help="further options of both runs, as one text")
    return parser.parse_args()


if __name__ == "__main__":
    main()
