"""The files that open calls need, and those that wait their turn."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from postproc.read import inputs
from postproc.read.inputs import Capture
from postproc.watch.growing import FINISHED, Growing

# Bytes of files taken in at a time: what a judgement costs at most where a folder is full. Smaller, the same
# open calls are read more often; larger, memory grows: with 16 MB of SIP and no media 460 MB were in use.
STEP = 16 << 20


@dataclass
class Window:
    """The captures of a folder by time: gone, in the window, waiting."""

    folder: Path
    copies: Path
    files: dict[str, Growing] = field(default_factory=dict)  # in the window
    waiting: dict[str, Growing] = field(default_factory=dict)
    dropped: int = 0  # packets that the captures say were lost
    _gone: set[str] = field(default_factory=set)
    _counter: int = 0

    def look(self) -> bool:
        """Follow the files and take in what waits, no more than a step; whether there is something new."""
        for path, name in self._unseen():
            self._counter += 1
            try:
                found = Growing.seen(path, name, self.copies / f"{self._counter}{path.suffix}")
            except OSError:  # gone already
                continue
            if found is not None:
                self.waiting[name] = found
        new = False
        for each in [*self.files.values(), *self.waiting.values()]:
            try:
                new |= each.grow() and each.name in self.files
            except OSError:  # gone: what we have is all there is
                continue
            # Statistics count from the start of the capture on, in each file of a ring.
            self.dropped = max(self.dropped, sum(each.dropped.values()))
        return self._taken_in() or new

    def _unseen(self) -> Iterable[tuple[Path, str]]:
        # Of folders in the folder, too, as `run` does; what is no capture is asked again each time.
        for path in sorted(self.folder.rglob("*")):
            name = str(path.relative_to(self.folder))
            seen = name in self._gone or name in self.files or name in self.waiting
            if not seen and path.is_file() and not path.is_symlink() and not path.name.startswith("."):
                yield path, name

    def _taken_in(self) -> bool:
        taken = 0
        by_time = sorted(self.waiting.values(), key=lambda each: (each.first_ns, each.name))
        for each in by_time:
            if each.whole == 0:
                continue
            if taken and taken + each.whole > STEP:
                break
            self.files[each.name] = self.waiting.pop(each.name)
            taken += each.whole
        return taken > 0

    @property
    def behind(self) -> int | None:
        """First time, in ns, that waits to be taken in; None if nothing does."""
        return min((each.first_ns for each in self.waiting.values() if each.whole), default=None)

    @property
    def signalled(self) -> bool:
        return any(each.signalled for each in self.files.values())

    def captures(self) -> list[Capture]:
        """What is to be read now."""
        for each in self.files.values():
            each.signalled = False
        return [Capture(each.path, inputs.readable(each.name), each.whole) for each in self.files.values()]

    def drop(self, names: Iterable[str]) -> None:
        """Let go of files that no open call needs and that have not grown for a while."""
        for name in names:
            found = self.files.pop(name)
            self._gone.add(name)
            if found.path != found.source:
                found.path.unlink()

    def names(self) -> dict[str, str]:
        """Each file of the window, and what its rows call it."""
        return {name: inputs.readable(name) for name in self.files}

    def rests(self, name: str) -> bool:
        """Whether a file has not grown for so long that it is taken for finished."""
        return time.monotonic() - self.files[name].changed > FINISHED

    def sources(self) -> dict[str, str]:
        """Where each capture was found, by what its rows call it."""
        found = ((each.name, each.source) for each in self.files.values())
        return {inputs.readable(name): inputs.readable(str(path)) for name, path in found}
