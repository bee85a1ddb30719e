"""The campaign: mutants through the stages until time or numbers are used up, and what failed made small.

Every input is made of the campaign's seed and its number, so both are all that is told of
one. Captures that differ from sound ones only inside their packets go through the whole
program several to a file: tshark takes longer to start than to read them.
"""

import json
import re
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.lab import Lab
from pcaps.make.builders.product import pcapng
from pcaps.make.builders.recording import Recording
from tests.fuzz import mutate, shrink
from tests.fuzz.corpus import Corpus
from tests.fuzz.mutate import Mutant
from tests.fuzz.shrink import Budget
from tests.fuzz.stages import NEIGHBOUR, Fault
from tests.fuzz.worker import Answer, Task, Worker

SPACE = 10_000_000  # numbers of one seed
TRIES = 150  # for one fault to be made small
TEXTS = ("log", "acl", "deployment", "answers")
Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What is to be done: until when, how much, and how many captures in one run."""

    seed: int = 1
    seconds: float = 600
    captures: int = 0  # 0: as many as there is time for
    texts: int = 0
    batch: int = 24  # files
    merged: int = 8  # captures to a file, where they are sound outside
    shrinking: float = 30  # seconds for one fault to be made small; 0: it is kept as it is
    found: Path = Path("fuzz-found")


@dataclass
class Score:
    """What was done, and what was found."""

    inputs: Counter[str] = field(default_factory=Counter)  # by stage
    kinds: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    places: dict[str, Path] = field(default_factory=dict)  # of what failed, by fault
    slowest: float = 0.0


@dataclass
class Campaign:
    plan: Plan
    corpus: Corpus
    worker: Worker
    say: Say
    score: Score = field(default_factory=Score)
    _begun: float = field(default_factory=time.monotonic)

    def run(self) -> Score:
        """Go on until the time is over, or both numbers are reached."""
        for nth in range(SPACE):
            if self._over():
                break
            if not self._enough("capture", self.plan.captures):
                self._captures(nth)
            if not self._enough("texts", self.plan.texts):
                self._texts(nth)
        return self.score

    def _over(self) -> bool:
        late = time.monotonic() - self._begun > self.plan.seconds
        both = self._enough("capture", self.plan.captures) and self._enough("texts", self.plan.texts)
        return late or both

    def _enough(self, what: str, wanted: int) -> bool:
        return bool(wanted) and self.score.inputs[what] >= wanted

    def _captures(self, nth: int) -> None:
        """One batch of captures: each alone without tshark first, then all together through everything."""
        count = self.plan.batch * self.plan.merged // 2
        first = self.plan.seed * SPACE + nth * count
        left = self.plan.captures - self.score.inputs["capture"] if self.plan.captures else count
        made = [mutate.capture(self.corpus, number) for number in range(first, first + min(count, left))]
        for mutant in made:
            self._alone(mutant, "reading")
            if time.monotonic() - self._begun > self.plan.seconds:
                return
        self.score.inputs["capture"] += len(made)
        packed = list(merged(made, self.plan.merged))
        for start in range(0, len(packed), self.plan.batch):
            self._together(packed[start : start + self.plan.batch], nth * 97 + start)

    def _texts(self, nth: int) -> None:
        count = min(40, self.plan.texts or 40)
        first = self.plan.seed * SPACE + nth * count
        for number in range(first, first + count):
            self._alone(mutate.text(self.corpus, TEXTS[number % len(TEXTS)], number), "text")
        self.score.inputs["texts"] += count

    def _alone(self, mutant: Mutant, stage: str) -> None:
        self.score.kinds.update(mutant.kinds)
        self.score.inputs[stage] += 1
        path = self._put(mutant.data, f"one{mutant.suffix}")
        answer = self.worker.do(Task(stage, path, mutant.of))
        self.score.slowest = max(self.score.slowest, answer.seconds)
        for fault in answer.faults:
            self._note(fault, mutant, stage)

    def _together(self, made: list[Mutant], number: int) -> None:
        """A batch through the whole program, with texts beside it."""
        random = Random(number)
        texts = {of: mutate.text(self.corpus, of, random.randrange(SPACE)) for of in TEXTS}
        if number % 4:  # most runs have the settings they are used to, and one log that is sound
            del texts["deployment"]
            texts["log"] = replace(texts["log"], data=random.choice(self.corpus.texts["log"]))
        answer = self._batch(made, list(texts.values()), number)
        self.score.inputs["whole"] += len(made)
        self.score.slowest = max(self.score.slowest, answer.seconds / max(1, len(made)))
        for fault in {each.what: each for each in answer.faults}.values():
            if fault.what in self.score.faults:
                self.score.faults[fault.what] += 1
                continue
            self._blame(fault, made, list(texts.values()), number)

    def _batch(self, made: list[Mutant], texts: list[Mutant], number: int) -> Answer:
        folder = self.worker.scratch / "batch"
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "in").mkdir(parents=True)
        for mutant in made:
            (folder / "in" / f"m{mutant.number}{mutant.suffix}").write_bytes(mutant.data)
        for text in texts:
            (folder / f"{text.of}{text.suffix}").write_bytes(text.data)
        shutil.copyfile(self.worker.neighbour, folder / "in" / NEIGHBOUR)
        return self.worker.do(Task("whole", folder, number=number, inputs=len(made) + 1))

    def _blame(self, fault: Fault, made: list[Mutant], texts: list[Mutant], number: int) -> None:
        """Find out which of a batch it was: by its name, else by leaving out."""
        self.score.faults[fault.what] += 1
        budget = self._budget(2)

        def fails(some: list[Mutant]) -> bool:
            captures = [each for each in some if each.of == "capture"]
            beside = [each for each in some if each.of != "capture"]
            found = self._batch(captures, beside, number).faults
            return any(each.what == fault.what for each in found)

        named = [each for each in made if fault.path and f"m{each.number}{each.suffix}" in fault.path]
        if not named or not fails(named):
            named = shrink.least([*texts, *made], fails, budget)
        if len(named) == 1:
            data = shrink.shrink(
                named[0].data, lambda data: fails([replace(named[0], data=data)]), self._budget()
            )
            named = [replace(named[0], data=data)]
        self._keep(fault, named, number)

    def _note(self, fault: Fault, mutant: Mutant, stage: str) -> None:
        """Count a fault of one input; make it small when it is the first of its kind."""
        self.score.faults[fault.what] += 1
        if self.score.faults[fault.what] > 1:
            return

        def fails(data: bytes) -> bool:
            found = self.worker.do(Task(stage, self._put(data, f"one{mutant.suffix}"), mutant.of)).faults
            return any(each.what == fault.what for each in found)

        budget = self._budget()
        self._keep(fault, [replace(mutant, data=shrink.shrink(mutant.data, fails, budget))], 0)

    def _keep(self, fault: Fault, made: list[Mutant], number: int) -> None:
        """Write what failed, and how it is tried again."""
        place = self.plan.found / re.sub(r"[^\w.-]+", "-", fault.what)[:80]
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        for mutant in made:
            (place / f"{mutant.of}-{mutant.number}{mutant.suffix}").write_bytes(mutant.data)
        about = {
            "fault": fault.what,
            "said": fault.said,
            "made": list(map(str, made)),
            "again": f"python -m tests.fuzz --again {place} --batch {number}",
        }
        (place / "fault.json").write_text(json.dumps(about, indent=1, ensure_ascii=True) + "\n")
        self.score.places[fault.what] = place
        sizes = ", ".join(f"{len(each.data)} bytes" for each in made)
        self.say(f"FAULT {fault.what}\n  {fault.said.strip().splitlines()[-1][:300]}\n  {sizes} in {place}")

    def _budget(self, times: int = 1) -> Budget:
        """For one fault, and no more than the campaign has left."""
        now = time.monotonic()
        left = self._begun + self.plan.seconds - now
        return Budget(TRIES, now + min(times * self.plan.shrinking, left))

    def _put(self, data: bytes, name: str) -> Path:
        path = self.worker.scratch / name
        path.write_bytes(data)
        return path


def merged(made: list[Mutant], count: int) -> Iterator[Mutant]:
    """The mutants, those that are sound outside several to a file."""
    sound = [each for each in made if each.joinable]
    yield from (each for each in made if not each.joinable)
    for start in range(0, len(sound), count):
        some = sound[start : start + count]
        kinds = tuple(kind for each in some for kind in each.kinds)
        yield Mutant(
            some[0].number, "capture", "+".join(each.seed for each in some), kinds, mutate.join(some)
        )


def neighbour() -> bytes:
    """A good call that has nothing in common with any other: addresses, numbers, identifiers, year."""
    lab = Lab(
        sip_server=("10.99.0.117", 4901),
        b2bua=("10.99.0.118", 4900),
        trunk=("10.99.0.118", 5060),
        gateway=("10.99.0.20", 5060),
        media=("10.99.0.118", 32002),
        media_public=("203.0.113.99", 32002),
        client=("192.168.99.34", 43246),
        client_public=("198.51.100.199", 43246),
        trunk_media=("10.99.0.118", 32514),
        gateway_media=("10.99.0.20", 21800),
        stun_server=("192.0.2.99", 3478),
    )
    recording = Recording("2031-05-06T07:08:09")
    Call(
        recording, "good neighbour", lab, caller="311", callee="+493099887766", caller_name="N. Achbar"
    ).play()
    return pcapng(recording)
