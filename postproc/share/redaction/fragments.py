"""Fragmented UDP datagrams: put together, replaced as a whole, and parted again at corresponding places."""

from collections.abc import Callable
from dataclasses import dataclass, field

LARGEST = 65535

Change = Callable[[bytes, bytes], bytes]  # key and datagram


@dataclass
class Datagram:
    """What is there of a datagram: fragments by offset, with the frames each is in; the end, once known."""

    key: bytes
    parts: dict[int, bytes] = field(default_factory=dict)
    frames: dict[int, list[int]] = field(default_factory=dict)
    end: int | None = None

    def whole(self) -> bytes | None:
        """The datagram if no fragment is missing, and none overlaps another."""
        data = b""
        for offset in sorted(self.parts):
            if offset != len(data):
                return None
            data += self.parts[offset]
        return data if len(data) == self.end else None


@dataclass
class Fragments:
    """All fragmented datagrams; ``places`` says by frame what a fragment becomes: offset and content."""

    open: dict[bytes, Datagram] = field(default_factory=dict)
    done: list[Datagram] = field(default_factory=list)
    places: dict[int, tuple[int, bytes]] = field(default_factory=dict)

    def note(self, frame: int, key: bytes, offset: int, more: bool, data: bytes, *, cut: bool) -> None:
        """Learn a fragment; one that was cut in the capture makes the datagram incomplete."""
        held = self.open.get(key)
        if held is None or (offset in held.parts and held.parts[offset] != data) or held.end == -1:
            held = self.open[key] = Datagram(key)
            self.done.append(held)
        held.parts[offset] = data
        held.frames.setdefault(offset, []).append(frame)
        if cut or offset + len(data) > LARGEST:
            held.parts[-1] = b""  # never whole
        if not more:
            held.end = offset + len(data)

    def finish(self, change: Change) -> None:
        """Replace; ``change`` gets a UDP datagram with its header and gives another."""
        for held in self.done:
            data = held.whole()
            if data is None:
                continue
            new = change(held.key, data)
            offsets = sorted(held.parts)
            cuts = [offset * len(new) // len(data) // 8 * 8 for offset in offsets] + [len(new)]
            for offset, start, end in zip(offsets, cuts, cuts[1:], strict=False):
                for frame in held.frames[offset]:
                    self.places[frame] = start, new[start:end]
