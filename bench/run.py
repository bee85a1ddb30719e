"""Measures ``postproc run`` beside tshark and other programs.

    python -m bench.run                     10k, 100k and 1M packets, each alone and with foreign TCP
    python -m bench.run --packets 5000000   another size
    python -m bench.run --sip               many calls without media as well, and the report in a browser
    python -m bench.run --folder            200 small captures by one process and by two as well

Captures are built by bench/generate.py and kept in bench/captures/. The output
folder is new each time, the capture in the page cache, Wireshark's profile empty,
our program compiled as an installation leaves it.
Answers are compared with the truth: a fast wrong answer is no answer. Exit
status 1 when a bar is missed or an answer is wrong.
"""

import argparse
import compileall
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from bench import browser, report
from bench.bars import OPEN_S, SEARCH_MS, Bar, Results, bars
from bench.captures import FOLDER, ROOT, Spec, ready, truth_path
from bench.measure import Usage, adopt_orphans, measure, undisturbed
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
    PROGRAMS,
    TWO_PROCESSES,
    WITHOUT,
    Program,
)

PACKETS = (10_000, 100_000, 1_000_000)
CALLS = ((2000, False), (2000, True), (20_000, False))  # number of calls, all on one media port
SMALL_CAPTURES = 200
IN_BROWSER = Spec("sip", 5000)  # the capture whose report is opened in a browser
JUDGED = {
    OURS,
    WITHOUT,
    AGAIN,
    FULL,
    FULL_AGAIN,
    ONE_PROCESS,
    TWO_PROCESSES,
    BASELINE_A,
    BASELINE_B,
    EK,
}
QUICK = {"rtp": 1_000_000, "sip": 2000, "folder": 1000}  # up to this size three rounds are cheap


def main() -> None:
    arguments = _arguments()
    adopt_orphans()
    compileall.compile_dir(ROOT / "postproc", quiet=1)
    programs = [program for program in PROGRAMS if program.installed]
    results = {
        spec: measured(spec, programs, arguments.captures, arguments.repeat) for spec in specs(arguments)
    }
    every_bar = bars(results) + (report_bars(arguments.captures) if arguments.sip else [])
    _print(results, every_bar, as_markdown=arguments.markdown)
    if arguments.json:
        arguments.json.write_text(as_json(results, every_bar))
    sys.exit(0 if sound(results) and all(bar.met for bar in every_bar) else 1)


def specs(arguments: argparse.Namespace) -> list[Spec]:
    """Return the captures to measure, in the order of the table."""
    chosen = []
    for packets in arguments.packets:
        chosen.append(Spec("rtp", packets))
        chosen += [Spec("rtp", packets, foreign=packets)] if arguments.foreign else []
    chosen += [Spec("sip", calls, single_port=single) for calls, single in CALLS] if arguments.sip else []
    chosen += [Spec("folder", SMALL_CAPTURES)] if arguments.folder else []
    return chosen


def measured(
    spec: Spec, programs: Sequence[Program], folder: Path = FOLDER, repeat: int | None = None
) -> dict[str, Usage]:
    """Run every program on the capture in turns, so that a slow minute affects all alike."""
    captures = {each: ready(each.spec(spec), folder) for each in programs if each.asked(spec)}
    usages: dict[str, list[Usage]] = {}
    for _ in range(repeat or (3 if spec.size <= QUICK[spec.scenario] else 1)):
        for program, capture in captures.items():
            print(f"{spec.title}: {program.name}", file=sys.stderr)
            _into_page_cache(capture)  # each time: what ran before may have pushed it out
            for name, usage in _once(program, capture):
                usages.setdefault(name, []).append(usage)
    return {name: undisturbed(each) for name, each in usages.items()}


def sound(results: Results) -> bool:
    """Whether all answers are right and no program needed for the bars failed."""
    return not any(usages[name].failure for usages in results.values() for name in JUDGED & usages.keys())


def as_json(results: Results, every_bar: Sequence[Bar]) -> str:
    captures = [
        asdict(spec) | {"programs": {name: asdict(usage) for name, usage in usages.items()}}
        for spec, usages in results.items()
    ]
    return json.dumps(
        {"captures": captures, "bars": [asdict(bar) | {"met": bar.met} for bar in every_bar]}, indent=1
    )


def _once(program: Program, capture: Path) -> Iterator[tuple[str, Usage]]:
    """Measure one run, and if the program asks for it a second one into the same folder."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        out, profile = Path(folder, "out"), Path(folder, "profile")
        profile.mkdir()
        environment = dict(os.environ) | {"WIRESHARK_CONFIG_DIR": str(profile)}
        command = program.command(capture, out)
        usage = measure(command, environment)
        if program.checked:
            usage = replace(usage, failure=usage.failure or _wrong(out, capture))
        yield program.name, usage
        if program.again:
            yield program.again, measure(command, environment)
        if program.name == OURS:
            yield CORRELATING, _correlating(out)


def report_bars(folder: Path) -> list[Bar]:
    """Measure the report of many calls in a browser; empty if none is installed."""
    if not browser.installed():
        return []
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        out, capture = Path(place, "out"), ready(IN_BROWSER, folder)
        command = [sys.executable, "-m", "postproc", "run", str(capture), "-o", str(out), "-q"]
        subprocess.run(command, check=True)
        timing = browser.timing(out / "report.html")
    return [
        Bar(IN_BROWSER.title, "report opened in Chromium", timing.open_ms / 1000, OPEN_S, "s"),
        Bar(IN_BROWSER.title, "report searched in Chromium", timing.search_ms, SEARCH_MS, "ms"),
    ]


def _correlating(out: Path) -> Usage:
    """Measure correlation alone on the events of the run in this folder."""
    command = [sys.executable, "-m", "bench.correlating", str(out)]
    answer = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    if answer.returncode:
        return Usage(0.0, wall_s=0.0, peak_mb=0.0, failure=answer.stderr.strip().splitlines()[-1])
    return Usage(float(answer.stdout), wall_s=0.0, peak_mb=0.0)


def _into_page_cache(capture: Path) -> None:
    for path in sorted(capture.iterdir()) if capture.is_dir() else [capture]:
        with path.open("rb") as file:
            while file.read(1 << 20):
                pass


def _wrong(out: Path, capture: Path) -> str | None:
    """Return the errors in the answer as one line; None if it is right."""
    command = [sys.executable, "-m", "bench.check", str(out), str(truth_path(capture))]
    answer = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    if answer.returncode:
        return f"WRONG: answer cannot be read: {answer.stderr.strip().splitlines()[-1]}"
    faults = json.loads(answer.stdout)
    return f"WRONG: {'; '.join(faults)}" if faults else None


def _print(results: Results, every_bar: Sequence[Bar], as_markdown: bool) -> None:
    table = report.markdown if as_markdown else report.aligned
    missing = [program for program in PROGRAMS if not program.installed]
    notes = report.failures(results)
    notes += [f"{program.name}: not measured, {program.executable} is not installed" for program in missing]
    parts = [_machine(), table(report.HEAD, report.measurements(results))]
    parts += [table(report.BARS_HEAD, report.verdicts(every_bar))] if every_bar else []
    print(*parts, *notes, sep="\n\n")


def _machine() -> str:
    version = subprocess.run(["tshark", "--version"], check=True, capture_output=True, text=True).stdout
    tshark = version.splitlines()[0].partition(" (Git")[0].rstrip(".")
    return f"{tshark}, Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores"


def _arguments() -> argparse.Namespace:
    as_written = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="bench.run", description=__doc__, formatter_class=as_written)
    add = parser.add_argument
    add("--packets", type=int, nargs="*", default=PACKETS, metavar="N", help="sizes with media")
    add("--no-foreign", dest="foreign", action="store_false", help="leave foreign TCP out")
    add("--sip", action="store_true", help="2,000 and 20,000 calls without media too")
    add("--folder", action="store_true", help="200 small captures too")
    add("--repeat", type=int, help="rounds (the least counts); default 3, more than a million packets 1")
    add("--markdown", action="store_true", help="print tables for the README")
    add("--json", type=Path, metavar="FILE", help="write the figures there")
    add("--captures", type=Path, default=FOLDER, metavar="DIR", help="where captures are kept")
    return parser.parse_args()


if __name__ == "__main__":
    main()
