"""Cut captures into pieces like the files of a ring buffer, and compare runs over pieces and whole.

``python -m tests.pieces [--pieces 2,5,20] CAPTURE ...`` prints the differences for each capture.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from postproc import pipeline
from postproc.model.merged import FURTHER
from postproc.model.tables import Tables
from postproc.read import programs
from postproc.read.inputs import find
from postproc.results import Run

COMPARED = (
    "calls",
    "legs",
    "joins",
    "bindings",
    "pairs",
    "candidates",
    "dtls",
    "rtp_streams",
    "rtp_seconds",
    "phases",
    "transactions",
    "timeline",
    "nat_mappings",
    "sip_messages",
    "stun_messages",
    "dtls_messages",
    "icmp_errors",
    "connection_events",
    "findings",
)
WHERE = ("capture", "frame", "frames", "facts", *FURTHER)  # necessarily different in pieces
KINDS = {bytes.fromhex("d4c3b2a1"): "pcap", bytes.fromhex("4d3cb2a1"): "nsecpcap"}  # others become pcapng
FEWEST = 200  # packets of a capture worth cutting


def cut(capture: Path, pieces: int, folder: Path, seed: int = 0) -> list[Path]:
    """Write the pieces of a capture, with names in random order; return their paths."""
    packets = packets_of(capture)
    size = -(-packets // pieces)
    editcap = programs.companion("editcap")
    assert editcap
    making = folder / "making"
    making.mkdir(parents=True)
    kind = KINDS.get(capture.read_bytes()[:4], "pcapng")
    subprocess.run([editcap, "-F", kind, "-c", str(size), capture, making / "ring.pcap"], check=True)
    made = sorted(making.iterdir())
    names = random.Random(seed).sample(range(1000), len(made))
    ring = folder / "ring"
    ring.mkdir()
    return [piece.rename(ring / f"{name:03}{piece.suffix}") for piece, name in zip(made, names, strict=True)]


def packets_of(capture: Path) -> int:
    capinfos = programs.companion("capinfos")
    assert capinfos
    said = subprocess.run([capinfos, "-TrcM", capture], check=False, capture_output=True, text=True).stdout
    return int(said.rsplit("\t", 1)[1]) if said else 0  # a capture cut short


def run(path: Path) -> Run:
    return pipeline.run([path], report=False, jobs=1)


def differences(whole: Tables, pieces: Tables) -> list[str]:
    """Return the tables that differ for the pieces, each with the first difference."""
    return [
        f"{name}: {said}"
        for name in COMPARED
        if (said := _difference(*(_plain(getattr(each, name)) for each in (whole, pieces))))
    ]


def _plain(rows: pd.DataFrame) -> pd.DataFrame:
    kept = rows.drop(columns=[name for name in WHERE if name in rows])
    return kept.sort_values(list(kept), kind="stable", ignore_index=True)


def _difference(whole: pd.DataFrame, pieces: pd.DataFrame) -> str:
    if len(whole) != len(pieces):
        return f"{len(pieces)} rows, whole {len(whole)}"
    for column in whole:
        one, other = whole[column], pieces[column]
        same = (one == other).fillna(False) | (one.isna() & other.isna())
        if str(one.dtype) == "Float64":
            same |= ((one - other).abs() <= 1e-6 * one.abs().clip(1)).fillna(False)
        if not same.all():
            row = same.idxmin()
            return f"{int((~same).sum())} {column}, as {other[row]!r} for {one[row]!r}"
    return ""


def _cpu_seconds() -> float:
    """Return the CPU time of this process and its waited-for children, in s."""
    return sum(os.times()[:4])


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("captures", nargs="+", type=Path)
    parser.add_argument("--pieces", default="2,5,20")
    given = parser.parse_args(arguments)
    captures, _ = find(given.captures)
    failed = 0
    for capture in captures:
        if packets_of(capture.path) <= FEWEST:
            continue
        start = _cpu_seconds()
        whole = run(capture.path)
        took = _cpu_seconds() - start
        for pieces in map(int, given.pieces.split(",")):
            with tempfile.TemporaryDirectory() as folder:
                made = cut(capture.path, pieces, Path(folder))
                start = _cpu_seconds()
                in_pieces = run(made[0].parent)
                ratio = (_cpu_seconds() - start) / took
            found = differences(whole.tables, in_pieces.tables)
            failed += bool(found)
            print(
                f"{capture.name} in {len(made)}: {ratio:.2f} x CPU; {'; '.join(found) or 'the same'}",
                flush=True,
            )
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
