"""python -m tests.fuzz: a campaign, or one failing input again."""

import argparse
import sys
import time
from pathlib import Path

from tests.fuzz.campaign import Campaign, Plan, Score, neighbour
from tests.fuzz.corpus import corpus
from tests.fuzz.stages import NEIGHBOUR, Fault
from tests.fuzz.worker import Task, Worker, worker

BESIDE = ("log", "acl", "deployment", "answers")


def main() -> int:
    given = _arguments()
    with worker(neighbour()) as doing:
        if given.again:
            faults = again(given.again, doing, given.batch)
            for fault in faults:
                print(f"FAULT {fault.what}\n{fault.said}")
            return bool(faults)
        return bool(_campaign(given, doing).faults)


def _arguments() -> argparse.Namespace:
    told = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    told.add_argument("--seconds", type=float, default=600, help="how long (default: %(default)s)")
    told.add_argument("--seed", type=int, help="seed of the campaign (default: of the clock; it is printed)")
    told.add_argument("--captures", type=int, default=0, help="no more than so many (default: no limit)")
    told.add_argument("--texts", type=int, default=0, help="no more logs, lists and settings than these")
    told.add_argument("--corpus", type=Path, help="a folder with more captures to be mutated")
    told.add_argument("--found", type=Path, default=Path("fuzz-found"), help="where failing inputs go")
    told.add_argument("--again", type=Path, metavar="PLACE", help="try a failing input again: file or folder")
    told.add_argument("--batch", type=int, default=0, help="with --again: which batch it was in")
    return told.parse_args()


def _campaign(given: argparse.Namespace, doing: Worker) -> Score:
    seed = int(time.time()) % 100_000 if given.seed is None else given.seed
    print(f"seed {seed}: `python -m tests.fuzz --seed {seed}` makes the same inputs", flush=True)
    plan = Plan(seed, given.seconds, given.captures, given.texts, found=given.found)
    begun = time.monotonic()
    score = Campaign(plan, corpus(given.corpus), doing, lambda line: print(line, flush=True)).run()
    print(told(score, doing, time.monotonic() - begun))
    return score


def told(score: Score, doing: Worker, seconds: float) -> str:
    """The figures of a campaign."""
    done = score.inputs
    lines = [
        f"{done['capture']} captures, {done['texts']} texts, {len(score.kinds)} kinds in {seconds:.0f} s; "
        f"{done['whole']} files of captures through the whole program",
        f"slowest {score.slowest:.1f} s; most memory {doing.most['own'] / 1e6:.0f} MB, "
        f"tshark and others {doing.most['children'] / 1e6:.0f} MB",
        f"{len(score.faults)} kinds of faults",
        *(f"  {count} x {what}" for what, count in score.faults.most_common()),
    ]
    return "\n".join(lines)


def again(place: Path, doing: Worker, number: int) -> list[Fault]:
    """All that goes wrong with the inputs of a folder, or with one of them."""
    given = sorted(place.iterdir()) if place.is_dir() else [place]
    paths = [path for path in given if path.suffix != ".json"]
    faults: list[Fault] = []
    folder = doing.scratch / "batch"
    (folder / "in").mkdir(parents=True)
    for path in paths:
        of = next((each for each in BESIDE if path.name.startswith(each)), "capture")
        stage = "reading" if of == "capture" else "text"
        copy = doing.scratch / f"one{path.suffix}"
        copy.write_bytes(path.read_bytes())
        faults += doing.do(Task(stage, copy, of)).faults
        target = folder / "in" / path.name if of == "capture" else folder / f"{of}{path.suffix}"
        target.write_bytes(path.read_bytes())
    (folder / "in" / NEIGHBOUR).write_bytes(doing.neighbour.read_bytes())
    return faults + doing.do(Task("whole", folder, number=number, inputs=len(paths) + 1)).faults


if __name__ == "__main__":
    sys.exit(main())
