"""A manual campaign: runs are killed at random moments; nothing may be lost, mixed up or left behind.

``python -m tests.kills --moments 100`` prints its seed; the same seed gives the same moments.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import postproc
from postproc.model.errors import SetupError
from postproc.model.tables import TABLES
from postproc.results import Run

PCAPS = Path(__file__).parent.parent / "pcaps"
OLD, NEW = ("acl_403.pcapng",), ("acl_403.pcapng", "acl_488.pcapng", "codec_488.pcapng", "good.pcapng")
HOWS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
EARLY = "site.py", "runpy", "importlib", "<frozen", "<string>"  # the interpreter itself, before our code runs
GRACE = 10  # s for processes to notice that their parent is gone
EXPECTED = {".lock", "events", "findings.json", "notebooks", "report.html", "summary.json", "tables"}


@dataclass
class Stage:
    """A folder with captures, the results of an older run and those of an undisturbed new one."""

    folder: Path
    seconds: dict[int, float] = field(default_factory=dict)  # of a run, by the number of jobs
    tables: dict[str, dict[str, object]] = field(default_factory=dict)

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def temporary(self) -> Path:
        return self.folder / "t"

    def set_up(self) -> None:
        self.temporary.mkdir()
        for name, captures in (("old", OLD), ("new", NEW)):
            (self.folder / "in").mkdir(exist_ok=True)
            for capture in captures:
                shutil.copy(PCAPS / capture, self.folder / "in")
            subprocess.run(self.command(name, 1), env=self.environment(), check=True)
            self.tables[name] = tables(postproc.load(self.folder / name))
        for jobs in (1, 2):
            self.begin()
            began = time.monotonic()
            subprocess.run(self.command("out", jobs), env=self.environment(), check=True)
            self.seconds[jobs] = time.monotonic() - began

    def command(self, out: str, jobs: int) -> list[str]:
        words = ["run", "in", "-o", str(self.folder / out), "-j", str(jobs), "-q"]
        return [sys.executable, "-c", f"import os; os.chdir({str(self.folder)!r})\n" + PROGRAM, *words]

    def environment(self) -> dict[str, str]:
        return os.environ | {"TMPDIR": str(self.temporary), "PYTHONPATH": str(Path(__file__).parent.parent)}

    def begin(self) -> None:
        shutil.rmtree(self.out, ignore_errors=True)
        shutil.copytree(self.folder / "old", self.out)

    def start(self, jobs: int) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            self.command("out", jobs),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment(),
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        )

    def stored_run(self) -> str:
        """Return which run's tables are in the folder."""
        try:
            found = tables(postproc.load(self.out))
        except SetupError as error:
            return f"neither: {error}"
        return next((name for name, known in self.tables.items() if known == found), "a mixture")


PROGRAM = "from postproc.__main__ import main\nmain()"


def tables(run: Run) -> dict[str, object]:
    """Return the content of all tables, for comparison."""
    return {table.name: getattr(run, table.name).to_csv() for table in TABLES}


def processes(session: int) -> list[str]:
    """Return the processes alive in a session."""
    return [name for name, number in _alive() if number == session]


def _alive() -> Iterator[tuple[str, int]]:
    for place in Path("/proc").glob("[0-9]*"):
        try:
            name, _, rest = (place / "stat").read_text().rpartition(")")
        except OSError:  # gone
            continue
        state, _, _, session = rest.split()[:4]
        if state not in "ZX":
            yield name, int(session)


def wait_for_end(session: int) -> list[str]:
    """Return the processes still alive after GRACE s."""
    until = time.monotonic() + GRACE
    while (left := processes(session)) and time.monotonic() < until:
        time.sleep(0.02)
    return left


def end(process: "subprocess.Popen[str]", how: signal.Signals) -> None:
    """Send the signal as in practice: Ctrl-C to the terminal's whole process group, others to one process."""
    with suppress(ProcessLookupError):
        (os.killpg if how == signal.SIGINT else os.kill)(process.pid, how)


def failures(
    stage: Stage, jobs: int, how: signal.Signals, moment: float, *, twice: bool = False
) -> list[str]:
    """Kill a run at a moment; return how it ended, then what is wrong afterwards."""
    stage.begin()
    process = stage.start(jobs)
    time.sleep(moment)
    end(process, how)
    if twice:
        time.sleep(0.05)
        end(process, how)
    out, errors = process.communicate(timeout=120)
    stored = stage.stored_run()
    report = [f"{how.name} -j {jobs}: status {process.returncode}, {stored} results"]
    early = process.returncode in (-how, 1) and (not errors or any(each in errors for each in EARLY))
    if how != signal.SIGKILL and not early:
        report += [f"status {process.returncode}"] * (process.returncode not in (0, 130))
        report += [f"said {errors!r} {out!r}"] * (len(errors.splitlines()) > 1 or bool(out))
    if early and how != signal.SIGKILL:
        report[0] += ", before our code ran"
    report += [stored] * (stored not in ("old", "new"))
    if left := wait_for_end(process.pid):
        report.append(f"still there: {left}")
    if how != signal.SIGKILL:
        report += [f"left: {each}" for each in leftovers(stage)]
    again = subprocess.run(
        stage.command("out", jobs), env=stage.environment(), capture_output=True, text=True, check=False
    )
    report += [f"the next run: {again.stderr}"] * bool(again.returncode or again.stderr)
    stored = stage.stored_run()
    report += [f"after the next run: {stored}"] * (stored != "new")
    return report + [f"left by the next run: {each}" for each in leftovers(stage)]


def leftovers(stage: Stage) -> list[str]:
    """Return names of files that should not exist."""
    inside = [path for path in stage.out.iterdir() if path.name not in EXPECTED]
    return [path.name for path in (*stage.temporary.iterdir(), *inside, *stage.out.glob("*/.*"))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--twice", action="store_true", help="every signal is sent twice")
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    chance = random.Random(given.seed)
    count: Counter[str] = Counter()
    bad = 0
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        stage = Stage(Path(folder))
        stage.set_up()
        print(f"seconds of an undisturbed run by -j: {stage.seconds}", flush=True)
        for number in range(given.moments):
            how, jobs = HOWS[number % 3], 1 + number // 3 % 2
            moment = chance.uniform(0, stage.seconds[jobs] * 1.1)
            first, *rest = failures(stage, jobs, how, moment, twice=given.twice)
            count[first] += 1
            bad += bool(rest)
            for each in rest:
                print(f"moment {number} ({moment:.3f} s) {first}: {each}", flush=True)
    for told, times in sorted(count.items()):
        print(f"{times:4} {told}")
    print(f"{given.moments} moments, {bad} bad")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
