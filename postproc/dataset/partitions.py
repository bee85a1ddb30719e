"""Partitions of a dataset: making and parsing the names of their folders."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from postproc.files.commit import regular
from postproc.model.errors import SetupError

SITE = re.compile(r"\w[\w.-]{0,63}", re.ASCII)  # without path separators and characters that Hive escapes
PLACE = re.compile(r"site=([^/]+)/date=(\d{4}-\d\d-\d\d)/hour=(\d\d)")
HOUR = pd.Timedelta(hours=1)
WALKS = "walks"  # an additional table: the walk of each call, as JSON


@dataclass(frozen=True, order=True)
class Partition:
    """An hour of a site."""

    hour: pd.Timestamp
    site: str

    @classmethod
    def of(cls, start: pd.Timestamp, site: str) -> "Partition":
        return cls(start.floor("h"), site)

    @property
    def path(self) -> str:
        return f"site={self.site}/date={self.hour:%Y-%m-%d}/hour={self.hour:%H}"

    @property
    def end(self) -> pd.Timestamp:
        return self.hour + HOUR


def site_name(text: str) -> str:
    """Return the name of a site; SetupError if it cannot be part of a folder's name."""
    if not SITE.fullmatch(text):
        raise SetupError(f"{text!r} is no name of a site: letters, digits, '_', '-' and '.', at most 64")
    return text


def partitions(folder: Path, table: str) -> Iterator[Partition]:
    """Yield the partitions of a table in order of time."""
    yield from sorted(
        Partition(pd.Timestamp(f"{match[2]}T{match[3]}:00Z"), match[1])
        for path in (folder / table).glob("site=*/date=*/hour=*")
        if (match := PLACE.fullmatch(path.relative_to(folder / table).as_posix()))
    )


def files(folder: Path, table: str, partition: Partition) -> list[Path]:
    """Return the files of a partition; OSError if one is not regular, as the folder may be a stranger's."""
    return [regular(path) for path in sorted((folder / table / partition.path).glob("*.parquet"))]
