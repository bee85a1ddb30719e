"""Measures what plugins/legs.lua costs tshark, in every Wireshark there is.

    python -m bench.plugin                  100,000 packets, 99 % of them RTP
    python -m bench.plugin --rounds 9

``tshark -2 -Y frame -T fields -e frame.number`` with and without the plug-in, in
turns, so that a slow minute hits both alike: CPU time, median, and what the peak
of memory grows by for each RTP packet. Exit status 1 when a limit is missed.
"""

import argparse
import json
import os
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.captures import FOLDER, Spec, ready, truth_path
from bench.measure import Usage, measure
from tests.plugins.wiresharks import ROOT, WIRESHARKS, Wireshark

PLUGIN = ROOT / "plugins" / "legs.lua"
QUESTION = ("-n", "-2", "-Y", "frame", "-T", "fields", "-e", "frame.number")
MOST_TIME, MOST_BYTES = 2.0, 60  # times the bare run; per RTP packet


@dataclass(frozen=True)
class Cost:
    """Medians with and without the plug-in."""

    bare: float
    loaded: float
    bytes_per_packet: float

    @property
    def factor(self) -> float:
        return self.loaded / self.bare

    @property
    def kept(self) -> bool:
        return self.factor <= MOST_TIME and self.bytes_per_packet <= MOST_BYTES


def cost(wireshark: Wireshark, capture: Path, rounds: int) -> Cost:
    """What the plug-in costs on a capture."""
    bare: list[Usage] = []
    loaded: list[Usage] = []
    for _ in range(rounds):
        bare.append(_run(wireshark, capture, ()))
        loaded.append(_run(wireshark, capture, ("-X", f"lua_script:{PLUGIN}")))
    grown = statistics.median(u.peak_mb for u in loaded) - statistics.median(u.peak_mb for u in bare)
    packets = json.loads(truth_path(capture).read_text())["rtp_packets"]
    return Cost(_median(bare), _median(loaded), grown * 1e6 / packets)


def main() -> None:
    given = _arguments()
    capture = ready(Spec("rtp", given.packets), given.captures)
    print(f"{'Wireshark':<10} {'bare s':>7} {'with s':>7} {'factor':>7} {'B/packet':>9}")
    found = []
    for wireshark in WIRESHARKS:
        reason = wireshark.missing("tshark")
        if reason:
            print(f"{wireshark.name:<10} not measured: {reason}")
            continue
        found.append(cost(wireshark, capture, given.rounds))
        print(_line(wireshark.name, found[-1]), flush=True)
    sys.exit(0 if found and all(each.kept for each in found) else 1)


def _run(wireshark: Wireshark, capture: Path, more: Sequence[str]) -> Usage:
    usage = measure(wireshark.command("tshark", [*QUESTION, *more, "-r", str(capture)]), dict(os.environ))
    if usage.failure:
        sys.exit(f"{wireshark.name}: {usage.failure}")
    return usage


def _median(usages: Sequence[Usage]) -> float:
    return statistics.median(usage.cpu_s for usage in usages)


def _line(name: str, cost: Cost) -> str:
    return f"{name:<10} {cost.bare:7.2f} {cost.loaded:7.2f} {cost.factor:7.2f} {cost.bytes_per_packet:9.0f}"


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
