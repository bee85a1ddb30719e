"""The files that open calls need, and those waiting to be analysed."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from postproc.read import inputs
from postproc.read.inputs import Capture
from postproc.watch.growing import FINISHED, Growing

# Bytes of files added at a time, which limits the cost of an analysis in a full folder. Smaller, open calls
# are read again more often; larger, memory grows: 16 MB of SIP without media take 460 MB.
STEP = 16 << 20


@dataclass
class Window:
    """The captures of a folder: dropped, in the window, waiting."""

    folder: Path
    copies: Path
    files: dict[str, Growing] = field(default_factory=dict)  # in the window
    waiting: dict[str, Growing] = field(default_factory=dict)
    dropped: int = 0  # packets dropped while capturing, by the captures' statistics
    _gone: set[str] = field(default_factory=set)
    _counter: int = 0

    def look(self) -> bool:
        """Follow the files and add waiting ones, at most STEP bytes; return whether anything is new."""
        for path, name in self._unseen():
            self._counter += 1
            try:
                following = Growing.seen(path, name, self.copies / f"{self._counter}{path.suffix}")
            except OSError:  # removed meanwhile
                continue
            if following is not None:
                self.waiting[name] = following
        new = False
        for each in [*self.files.values(), *self.waiting.values()]:
            try:
                new |= each.grow() and each.name in self.files
            except OSError:  # removed: the copy is complete
                continue
            # In each file of a ring the statistics count from the start of the capture.
            self.dropped = max(self.dropped, sum(each.dropped.values()))
        return self._taken_in() or new

    def _unseen(self) -> Iterable[tuple[Path, str]]:
        # Subfolders too, like `run`; files that are no captures are checked again each time.
        for path in sorted(self.folder.rglob("*")):
            name = str(path.relative_to(self.folder))
            followed = name in self._gone or name in self.files or name in self.waiting
            if not followed and path.is_file() and not path.is_symlink() and not path.name.startswith("."):
                yield path, name

    def _taken_in(self) -> bool:
        added = 0
        by_time = sorted(self.waiting.values(), key=lambda each: (each.first_ns, each.name))
        for each in by_time:
            if each.whole == 0:
                continue
            if added and added + each.whole > STEP:
                break
            self.files[each.name] = self.waiting.pop(each.name)
            added += each.whole
        return added > 0

    @property
    def behind(self) -> int | None:
        """First packet time (ns) of the waiting files; None if none waits."""
        return min((each.first_ns for each in self.waiting.values() if each.whole), default=None)

    @property
    def signalled(self) -> bool:
        return any(each.signalled for each in self.files.values())

    def captures(self) -> list[Capture]:
        """Return the captures to read now."""
        for each in self.files.values():
            each.signalled = False
        return [Capture(each.path, inputs.readable(each.name), each.whole) for each in self.files.values()]

    def drop(self, names: Iterable[str]) -> None:
        """Drop files, deleting their copies."""
        for name in names:
            file = self.files.pop(name)
            self._gone.add(name)
            if file.path != file.source:
                file.path.unlink()

    def names(self) -> dict[str, str]:
        """Return the files of the window with their names in the tables."""
        return {name: inputs.readable(name) for name in self.files}

    def rests(self, name: str) -> bool:
        """Return whether a file has not grown for FINISHED s."""
        return time.monotonic() - self.files[name].changed > FINISHED

    def sources(self) -> dict[str, str]:
        """Return the original path of each capture by its name in the tables."""
        originals = ((each.name, each.source) for each in self.files.values())
        return {inputs.readable(name): inputs.readable(str(path)) for name, path in originals}
