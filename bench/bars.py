"""The bars: limits of time and memory, relative to tshark on the same file.

- 1 million packets and more: CPU at most 0.11 x baseline B and 0.25 x baseline A, with report 0.32 x A;
  350 MB in any process; at 5 million 1.15 x the memory of 1 million; with as many packets of unrelated TCP
  1.5 x the CPU.
- Repeated without a change: a quarter of the first run's CPU.
- 10,000 packets: elapsed time at most that of A + 0.6 s.
- Many calls without media: CPU at most 2.5 x ``tshark -T ek``; correlation at most half of what only a first
  run does; CPU linear in the calls within 10 %; 30 KB per call.
- Small captures: 0.12 CPU s each; with two processes 1.1 x the CPU of one and 0.6 x its time.
- A report of 5,000 calls: opens in 3 s, a search takes 0.1 s.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from bench.captures import Spec
from bench.measure import Usage
from bench.programs import (
    AGAIN,
    BASELINE_A,
    BASELINE_B,
    CORRELATING,
    EK,
    FULL,
    FULL_AGAIN,
    ONE_PROCESS,
    OURS,
    TWO_PROCESSES,
    WITHOUT,
)

Results = Mapping[Spec, Mapping[str, Usage]]
LARGE, SMALL = 1_000_000, 10_000  # packets
OF_A, OF_B, FULL_OF_A, OF_EK, WITH_FOREIGN, GROWTH, MINUTES = 0.25, 0.11, 0.32, 2.5, 1.5, 1.15, 1.1
UNCHANGED = 0.25  # of a first run
PEAK_MB, CALL_KB = 350.0, 30.0
START_S = 0.6
CAPTURE_S, TWO_CPU, TWO_WALL = 0.12, 1.1, 0.6
OPEN_S, SEARCH_MS = 3.0, 100.0


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
    """Return the bars for which everything was measured and nothing failed."""
    sound = {
        spec: {name: usage for name, usage in usages.items() if usage.failure is None}
        for spec, usages in results.items()
    }
    ours = [spec for spec, usages in sound.items() if OURS in usages]
    folders = [spec for spec, usages in sound.items() if usages.keys() >= {ONE_PROCESS, TWO_PROCESSES}]
    return [bar for spec in ours for rule in RULES for bar in rule(spec, sound)] + [
        bar for spec in folders for bar in _folder(spec, sound)
    ]


def _of_tshark(spec: Spec, results: Results) -> Iterator[Bar]:
    usages = results[spec]
    if spec.scenario != "rtp" or spec.size < LARGE or spec.foreign:
        return
    for name, share in ((BASELINE_A, OF_A), (BASELINE_B, OF_B)):
        if name in usages:
            limit = share * usages[name].cpu_s
            yield Bar(spec.title, f"CPU <= {share:.2f} x {name}", usages[OURS].cpu_s, limit, "s")
    if usages.keys() >= {FULL, BASELINE_A}:
        limit = FULL_OF_A * usages[BASELINE_A].cpu_s
        text = f"CPU with report <= {FULL_OF_A:.2f} x {BASELINE_A}"
        yield Bar(spec.title, text, usages[FULL].cpu_s, limit, "s")


def _unchanged(spec: Spec, results: Results) -> Iterator[Bar]:
    usages = results[spec]
    if spec.size >= LARGE and usages.keys() >= {FULL, FULL_AGAIN}:
        limit = UNCHANGED * usages[FULL].cpu_s
        text = f"CPU again, unchanged <= {UNCHANGED} x that of the first run"
        yield Bar(spec.title, text, usages[FULL_AGAIN].cpu_s, limit, "s")


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
        limit = usages[BASELINE_A].wall_s + START_S
        text = f"wall <= {BASELINE_A} + {START_S} s"
        yield Bar(spec.title, text, usages[OURS].wall_s, limit, "s")


def _many_calls(spec: Spec, results: Results) -> Iterator[Bar]:
    usages = results[spec]
    if spec.scenario != "sip":
        return
    ours = usages[OURS].cpu_s
    if EK in usages:
        yield Bar(spec.title, f"CPU <= {OF_EK} x {EK}", ours, OF_EK * usages[EK].cpu_s, "s")
    if AGAIN in usages and CORRELATING in usages:
        correlating, limit = usages[CORRELATING].cpu_s, (ours - usages[AGAIN].cpu_s) / 2
        yield Bar(spec.title, "CPU of correlating <= half of a first run's", correlating, limit, "s")


def _linear(spec: Spec, results: Results) -> Iterator[Bar]:
    like = [other for other in results if replace(other, size=spec.size) == spec and OURS in results[other]]
    fewest = min(like, key=lambda other: other.size)
    if spec.scenario == "sip" and fewest.size < spec.size:
        limit = MINUTES * results[fewest][OURS].cpu_s * spec.size / fewest.size
        yield Bar(spec.title, f"linear from {fewest.size:,} calls", results[spec][OURS].cpu_s, limit, "s")
        more_mb = results[spec][OURS].peak_mb - results[fewest][OURS].peak_mb
        kb = 1000 * more_mb / (spec.size - fewest.size)
        yield Bar(spec.title, f"memory a call, from {fewest.size:,}", kb, CALL_KB, "KB")


def _folder(spec: Spec, results: Results) -> Iterator[Bar]:
    one, two = results[spec][ONE_PROCESS], results[spec][TWO_PROCESSES]
    yield Bar(spec.title, "CPU of each, -j 1", one.cpu_s / spec.size, CAPTURE_S, "s")
    yield Bar(spec.title, f"CPU -j 2 <= {TWO_CPU} x -j 1", two.cpu_s, TWO_CPU * one.cpu_s, "s")
    yield Bar(spec.title, f"wall -j 2 <= {TWO_WALL} x -j 1", two.wall_s, TWO_WALL * one.wall_s, "s")


RULES = (_of_tshark, _unchanged, _memory, _foreign, _small, _many_calls, _linear)
