"""The bars: what the program may cost, relative to tshark on the same file.

At 1 million packets and more: CPU at most 0.20 x baseline B and 0.45 x baseline A,
350 MB in any process, at 5 million 1.3 x the memory of 1 million; with as many
packets of foreign TCP 1.5 x the CPU. At 10,000: wall at most 1.5 x A + 1 s. Many
calls without media: CPU at most 2.5 x ``tshark -T ek``, of correlating at most that of
reading, and linear in the calls, a quarter allowed for what minutes differ.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from bench.captures import Spec
from bench.measure import Usage
from bench.programs import AGAIN, BASELINE_A, BASELINE_B, CORRELATING, EK, OURS, WITHOUT

Results = Mapping[Spec, Mapping[str, Usage]]
LARGE, SMALL = 1_000_000, 10_000  # packets
OF_A, OF_B, OF_EK, WITH_FOREIGN, GROWTH, MINUTES = 0.45, 0.20, 2.5, 1.5, 1.3, 1.25
PEAK_MB = 350.0
SMALL_OF_A, START_S = 1.5, 1.0


@dataclass(frozen=True)
class Bar:
    """``measured`` must not exceed ``limit``."""

    capture: str
    text: str
    measured: float
    limit: float
    unit: str

    @property
    def met(self) -> bool:
        return self.measured <= self.limit


def bars(results: Results) -> list[Bar]:
    """Those bars for which everything was measured and nothing failed."""
    sound = {
        spec: {name: usage for name, usage in usages.items() if usage.failure is None}
        for spec, usages in results.items()
    }
    ours = [spec for spec, usages in sound.items() if OURS in usages]
    return [bar for spec in ours for rule in RULES for bar in rule(spec, sound)]


def _of_tshark(spec: Spec, results: Results) -> Iterator[Bar]:
    usages = results[spec]
    if spec.scenario != "rtp" or spec.size < LARGE or spec.foreign:
        return
    for name, share in ((BASELINE_A, OF_A), (BASELINE_B, OF_B)):
        if name in usages:
            limit = share * usages[name].cpu_s
            yield Bar(spec.title, f"CPU <= {share:.2f} x {name}", usages[OURS].cpu_s, limit, "s")


def _memory(spec: Spec, results: Results) -> Iterator[Bar]:
    peak = results[spec][OURS].peak_mb
    if spec.scenario == "rtp" and spec.size >= LARGE:
        yield Bar(spec.title, "peak of any process", peak, PEAK_MB, "MB")
    base = replace(spec, size=LARGE)
    if spec.size > LARGE and OURS in results.get(base, {}):
        limit = GROWTH * results[base][OURS].peak_mb
        yield Bar(spec.title, f"peak <= {GROWTH} x that of {LARGE:,} packets", peak, limit, "MB")


def _foreign(spec: Spec, results: Results) -> Iterator[Bar]:
    usages = results[spec]
    if spec.size >= LARGE and WITHOUT in usages:
        limit = WITH_FOREIGN * usages[WITHOUT].cpu_s
        text = f"CPU <= {WITH_FOREIGN} x that without foreign TCP"
        yield Bar(spec.title, text, usages[OURS].cpu_s, limit, "s")


def _small(spec: Spec, results: Results) -> Iterator[Bar]:
    usages = results[spec]
    if spec.scenario == "rtp" and spec.size <= SMALL and not spec.foreign and BASELINE_A in usages:
        limit = SMALL_OF_A * usages[BASELINE_A].wall_s + START_S
        text = f"wall <= {SMALL_OF_A} x {BASELINE_A} + {START_S:.0f} s"
        yield Bar(spec.title, text, usages[OURS].wall_s, limit, "s")


def _many_calls(spec: Spec, results: Results) -> Iterator[Bar]:
    usages = results[spec]
    if spec.scenario != "sip":
        return
    ours = usages[OURS].cpu_s
    if EK in usages:
        yield Bar(spec.title, f"CPU <= {OF_EK} x {EK}", ours, OF_EK * usages[EK].cpu_s, "s")
    if AGAIN in usages and CORRELATING in usages:
        correlating, reading = usages[CORRELATING].cpu_s, ours - usages[AGAIN].cpu_s
        yield Bar(spec.title, "CPU of correlating <= of reading", correlating, reading, "s")


def _linear(spec: Spec, results: Results) -> Iterator[Bar]:
    like = [other for other in results if replace(other, size=spec.size) == spec and OURS in results[other]]
    fewest = min(like, key=lambda other: other.size)
    if spec.scenario == "sip" and fewest.size < spec.size:
        limit = MINUTES * results[fewest][OURS].cpu_s * spec.size / fewest.size
        yield Bar(spec.title, f"linear from {fewest.size:,} calls", results[spec][OURS].cpu_s, limit, "s")


RULES = (_of_tshark, _memory, _foreign, _small, _many_calls, _linear)
