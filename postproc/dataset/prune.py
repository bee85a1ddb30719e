"""Remove old partitions from a dataset."""

import shutil
from pathlib import Path

import pandas as pd

from postproc.dataset.append import alone
from postproc.dataset.partitions import WALKS, partitions
from postproc.model.errors import SetupError
from postproc.model.tables import BY_NAME
from postproc.read.inputs import said


def prune(folder: Path, before: pd.Timestamp) -> int:
    """Remove the partitions that ended by ``before``; return how many. ``calls`` first: see ``append``."""
    removed = set()
    try:
        with alone(folder):
            for name in ("calls", *(each for each in (*BY_NAME, WALKS) if each != "calls")):
                for partition in [each for each in partitions(folder, name) if each.end <= before]:
                    place = folder / name / partition.path
                    shutil.rmtree(place)
                    removed.add(partition)
                    if not any(place.parent.iterdir()):
                        place.parent.rmdir()
    except OSError as error:
        raise SetupError(f"{folder}: {said(error)}") from error
    return len(removed)
