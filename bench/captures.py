"""The captures to measure; missing ones are generated.

They are in bench/captures/ and generated again when a generator's source changes.
Nothing heavy is imported here: the measuring process must stay small.
"""

import hashlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "bench" / "captures"
UNITS = {"rtp": "packets", "sip": "calls", "folder": "small captures"}
OPTIONS = {"rtp": "--packets", "sip": "--calls", "folder": "--captures"}
GENERATOR = (
    "batches",
    "calls",
    "certificate",
    "connectivity",
    "foreign",
    "generate",
    "handshake",
    "ice",
    "media",
    "pcapng",
    "plan",
    "signalling",
    "sip",
    "wire",
)


@dataclass(frozen=True)
class Spec:
    """A capture: ``size`` is packets in ``rtp``, calls in ``sip``, captures in ``folder``."""

    scenario: str
    size: int
    foreign: int = 0
    single_port: bool = False
    one_link_type: bool = False

    @property
    def name(self) -> str:
        extras = [f"foreign-{self.foreign}"] if self.foreign else []
        extras += ["one-port"] if self.single_port else []
        extras += ["one-link-type"] if self.one_link_type else []
        return "-".join([self.scenario, str(self.size), *extras])

    @property
    def title(self) -> str:
        unit = UNITS[self.scenario]
        extras = f" + {self.foreign:,} foreign" if self.foreign else ""
        extras += ", one media port" if self.single_port else ""
        return f"{self.size:,} {unit}{extras}"

    @property
    def arguments(self) -> list[str]:
        size = [OPTIONS[self.scenario], str(self.size)]
        foreign = ["--foreign", str(self.foreign)] if self.foreign else []
        single_port = ["--single-port"] if self.single_port else []
        one_link_type = ["--one-link-type"] if self.one_link_type else []
        return [self.scenario, *size, *foreign, *single_port, *one_link_type]


def ready(spec: Spec, folder: Path = FOLDER) -> Path:
    """Return the path of the capture or folder of captures; generate it if missing or outdated."""
    capture = folder / (spec.name if spec.scenario == "folder" else f"{spec.name}.pcapng")
    if not _is_current(capture):
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "bench.generate", *spec.arguments, str(capture.resolve())]
        subprocess.run(command, check=True, cwd=ROOT)
        _stamp(capture).write_text(generator_digest())
    return capture


def truth_path(capture: Path) -> Path:
    return capture.with_suffix(".truth.json")


def generator_digest() -> str:
    sources = (Path(__file__).with_name(f"{name}.py").read_bytes() for name in GENERATOR)
    return hashlib.sha256(b"".join(sources)).hexdigest()


def _stamp(capture: Path) -> Path:
    return capture.with_suffix(".generator")


def _is_current(capture: Path) -> bool:
    stamp = _stamp(capture)
    return capture.exists() and stamp.exists() and stamp.read_text() == generator_digest()
