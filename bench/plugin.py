"""Measure the cost of plugins/legs.lua in tshark, with every Wireshark version installed.

    python -m bench.plugin                  100,000 packets, 99 % of them RTP
    python -m bench.plugin --rounds 9

Runs ``tshark -2 -Y frame -T fields -e frame.number`` alternately without the plug-in, and with it and the two
of its columns that the profile shows for every packet. Reports the median CPU time, and the additional memory
per packet of the capture's second half, which is all media. A post-dissector that does nothing is measured,
too, as the lower bound of any plug-in. Exit status 1 if a limit is exceeded.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.captures import FOLDER, Spec, ready, truth_path
from bench.measure import MEGABYTE, Usage, measure
from tests.plugins.wiresharks import ROOT, WIRESHARKS, Wireshark

PLUGIN = ROOT / "plugins" / "legs.lua"
QUESTION = ("-n", "-2", "-Y", "frame", "-T", "fields", "-e", "frame.number")
EMPTY = 'local p = Proto("empty", "Empty") function p.dissector() end register_postdissector(p)'
SHOWN = ("-e", "legs.call", "-e", "legs.leg")  # fields that the profile shows for every frame
MOST_TIME, MOST_BYTES = 2.4, 60  # limits: multiple of the bare run's CPU time; bytes per RTP packet


@dataclass(frozen=True)
class Cost:
    """Medians with and without the plug-in."""

    bare: float
    empty: float
    loaded: float
    bytes_per_packet: float

    @property
    def factor(self) -> float:
        return self.loaded / self.bare

    @property
    def kept(self) -> bool:
        return self.factor <= MOST_TIME and self.bytes_per_packet <= MOST_BYTES


def cost(wireshark: Wireshark, capture: Path, rounds: int) -> Cost:
    """Measure the plug-in's cost on a capture."""
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder, "empty.lua")
        empty.write_text(EMPTY)
        scripts = (None, empty, PLUGIN)
        usages = [[_run(wireshark, capture, script) for script in scripts] for _ in range(rounds)]
    times = [statistics.median(row[at].cpu_s for row in usages) for at in range(len(scripts))]
    half = json.loads(truth_path(capture).read_text())["packets"] // 2
    halves = [[_run(wireshark, capture, script, half) for script in (None, PLUGIN)] for _ in range(3)]
    grown = _extra(usages) - _extra(halves)
    return Cost(*times, max(grown, 0.0) * MEGABYTE / half)


def main() -> None:
    arguments = _arguments()
    capture = ready(Spec("rtp", arguments.packets), arguments.captures)
    print("| Wireshark | without, s | with, s | factor | an empty one's | bytes per RTP packet |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    costs = []
    for wireshark in WIRESHARKS:
        reason = wireshark.missing("tshark")
        if reason:
            print(f"{wireshark.name}: not measured, {reason}", file=sys.stderr)
            continue
        costs.append(cost(wireshark, capture, arguments.rounds))
        print(_line(_version(wireshark), costs[-1]), flush=True)
    sys.exit(0 if costs and all(each.kept for each in costs) else 1)


def _run(wireshark: Wireshark, capture: Path, script: Path | None, packets: int | None = None) -> Usage:
    more = ["-X", f"lua_script:{script}"] if script else []
    more += SHOWN if script == PLUGIN else []
    more += ["-c", str(packets)] if packets else []
    usage = measure(wireshark.command("tshark", [*QUESTION, *more, "-r", str(capture)]), dict(os.environ))
    if usage.failure:
        sys.exit(f"{wireshark.name}: {usage.failure}")
    return usage


def _extra(usages: list[list[Usage]]) -> float:
    """Return the median, over rows, of the MB by which the last usage exceeds the first."""
    return statistics.median(row[-1].peak_mb - row[0].peak_mb for row in usages)


def _version(wireshark: Wireshark) -> str:
    command = wireshark.command("tshark", ["--version"])
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return next(word for word in output.split() if word[0].isdigit()).rstrip(".)")


def _line(version: str, cost: Cost) -> str:
    factors = f"{cost.factor:.2f} | {cost.empty / cost.bare:.2f}"
    return f"| {version} | {cost.bare:.2f} | {cost.loaded:.2f} | {factors} | {cost.bytes_per_packet:.0f} |"


def _arguments() -> argparse.Namespace:
    as_written = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="bench.plugin", description=__doc__, formatter_class=as_written)
    parser.add_argument("--packets", type=int, default=100_000, metavar="N")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="runs of each; default 5")
    parser.add_argument(
        "--captures", type=Path, default=FOLDER, metavar="DIR", help="where captures are kept"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
