"""All scripts, their files on disk, and registry.csv: what every capture shows and where it comes from."""

import csv
import hashlib
import importlib
import json
import pkgutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pcaps.make import places
from pcaps.make.builders.product import Files

PCAPS = Path(__file__).parent.parent
MADE = PCAPS / "made"
REGISTRY = PCAPS / "registry.csv"
COLUMNS = ("name", "sha256", "origin", "licence", "what")
LICENCE = "MIT"
RECORDED = "recorded: FreeSWITCH 1.10.12, coturn 4.6.1, aiortc"
ENDINGS = (".pcap", ".pcapng", ".pcapng.gz", ".pcap.gz")
SETS = PCAPS / "places"  # folders of captures of one call each, made by pcaps/make/places.py
WAY_IN = PCAPS / "way-in"  # recorded captures of the way in, with one file of truths
RECORDED_WAY_IN = "recorded: nginx, aiohttp; SignalR on Node, OpenSSL, Chromium, Java"
NOT_SCRIPTS = {"__main__", "registry", "places"}


def names() -> list[str]:
    """Return the names of the scripts."""
    modules = pkgutil.iter_modules([str(Path(__file__).parent)])
    return sorted(module.name for module in modules if not module.ispkg and module.name not in NOT_SCRIPTS)


def make(name: str) -> Files:
    return importlib.import_module(f"pcaps.make.{name}").make()


def made_once(name: str) -> bool:
    """Tell whether the script uses TLS, whose random numbers differ each time: its capture is kept."""
    return hasattr(importlib.import_module(f"pcaps.make.{name}"), "MADE_ONCE")


def write(selected: Iterable[str] = ()) -> None:
    """Generate the named captures and sets, or all, and update the registry."""
    everything = [name for name in names() if not made_once(name)] + list(places.SETS)
    for name in list(selected) or everything:
        folder, made = (SETS / name, places.make(name)) if name in places.SETS else (MADE, make(name))
        folder.mkdir(parents=True, exist_ok=True)
        for file, content in made.items():
            (folder / file).write_bytes(content)
    with REGISTRY.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows())


def rows() -> Iterator[tuple[str, ...]]:
    """Yield one row per capture in the folder, recorded ones first."""
    truths = {
        path: json.loads(path.read_text(encoding="utf-8")) for path in sorted(PCAPS.rglob("*.truth.json"))
    }
    made = {
        PCAPS / "made" / capture: (
            f"made: pcaps/make/{path.name.removesuffix('.truth.json')}.py",
            truth["what"],
        )
        for path, truth in truths.items()
        for capture in truth.get("captures", [])
    }
    of_sets = {
        path: ("made: pcaps/make/places.py", json.loads((folder / "truth.json").read_text())["what"])
        for folder in sorted(SETS.iterdir())
        for path in sorted(folder.iterdir())
        if path.name.endswith(ENDINGS)
    }
    recorded = {
        path.parent / truth["capture"]: _of_case(truth)
        if "what" in truth
        else (RECORDED, truth["expected_diagnosis"])
        for path, truth in truths.items()
        if "capture" in truth
    }
    way_in = {
        WAY_IN / f"{name}.pcapng": (truth.get("origin", RECORDED_WAY_IN), truth["what"])
        for name, truth in sorted(json.loads((WAY_IN / "truth.json").read_text(encoding="utf-8")).items())
    }
    for path, (origin, what) in {**recorded, **made, **of_sets, **way_in}.items():
        yield (
            path.relative_to(PCAPS).as_posix(),
            hashlib.sha256(path.read_bytes()).hexdigest(),
            origin,
            LICENCE,
            what,
        )


def _of_case(truth: dict[str, Any]) -> tuple[str, str]:
    """Return the origin of a capture in cases/, and what it shows."""
    origin = f"recorded: {truth['server']}" if truth["origin"] == "recorded" else "made"
    return f"{origin} after a report: {truth['source']}" if "source" in truth else origin, truth["what"]


def captures() -> list[Path]:
    return sorted(path for path in PCAPS.rglob("*") if path.name.endswith(ENDINGS))
