"""Show how the results of two versions of the program differ on the same captures.

    python -m bench.compare OLD NEW pcaps/ ../tickets/*/

OLD and NEW are checkouts in which ``make run`` was run, or the programs themselves.
Each PATH is run by both, once with and once without the logs in it. Tables
are compared cell by cell, findings by their texts; columns in only one version are
named. Exit status 1 if anything else differs; intended changes are explained in the changelog.
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
BY_RUN = {"path"}  # columns with locations of files, not their content


@dataclass(frozen=True)
class Difference:
    """The differences in one table: rows only in the old or only in the new one, and missing columns."""

    table: str
    removed: list[dict[str, str]]
    added: list[dict[str, str]]
    columns_gone: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """Yield the difference as text, with a few examples."""
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
    arguments = _arguments()
    differing = 0
    for path in arguments.paths:
        for with_logs in (False, True) if _logs(path) else (False,):
            title = f"{path}{' with logs' * with_logs}"
            lines = list(_compared(arguments, path, with_logs=with_logs))
            differing += bool(lines)
            print("\n".join([f"{title}: {'differs' if lines else 'equal'}", *lines]), flush=True)
    print(f"{differing} of the runs differ")
    sys.exit(1 if differing else 0)


def _compared(arguments: argparse.Namespace, path: Path, *, with_logs: bool) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="compare-") as folder:
        outs = [Path(folder, name) for name in ("old", "new")]
        for program, out in zip((arguments.old, arguments.new), outs, strict=True):
            if trouble := _run(program, path, out, arguments.options, with_logs=with_logs):
                yield f"  {program}: {trouble}"
        if all((out / "tables").is_dir() for out in outs):
            for difference in differences(*outs):
                yield from difference.lines()


def differences(old: Path, new: Path) -> list[Difference]:
    """Return the differences between two results, only for tables that differ."""
    names = sorted(path.stem for path in (old / "tables").glob("*.parquet"))
    every_table = (
        compared(name, *(_table(out / "tables" / f"{name}.parquet") for out in (old, new))) for name in names
    )
    return [each for each in every_table if each]


def compared(name: str, old: pd.DataFrame, new: pd.DataFrame) -> Difference | None:
    """Compare two versions of a table as text; row order and added columns do not matter; None if equal."""
    missing = tuple(column for column in old.columns if column not in new.columns)
    common = [column for column in old.columns if column in new.columns and column not in BY_RUN]
    before, after = (Counter(_rows(table, common)) for table in (old, new))
    removed, added = (
        [dict(zip(common, row, strict=True)) for row in (one - other).elements()]
        for one, other in ((before, after), (after, before))
    )
    return Difference(name, removed, added, missing) if removed or added or missing else None


def _rows(table: pd.DataFrame, columns: Sequence[str]) -> Iterable[tuple[str, ...]]:
    texts = [table[column].astype("string").fillna("").tolist() for column in columns]
    return zip(*texts, strict=True)


def _table(path: Path) -> pd.DataFrame:
    """Read a table; an empty one if the file does not exist."""
    return pq.read_table(path).to_pandas() if path.exists() else pd.DataFrame()


def _run(program: Path, path: Path, out: Path, options: str, *, with_logs: bool) -> str | None:
    """Run a program on the path; return its exit status and last error line if it failed, else None."""
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
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    return (
        f"exit {process.returncode}: {process.stderr.strip().splitlines()[-1:]}"
        if process.returncode
        else None
    )


def _program(path: Path) -> Path:
    return (path / ".venv/bin/postproc" if path.is_dir() else path).absolute()


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
