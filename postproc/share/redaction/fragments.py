"""Fragmented UDP datagrams: put together, replaced as a whole, and parted again where they were."""

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
    """All fragmented datagrams; ``places`` says by frame what a fragment holds now."""

    open: dict[bytes, Datagram] = field(default_factory=dict)
    done: list[Datagram] = field(default_factory=list)
    places: dict[int, bytes] = field(default_factory=dict)

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
        """Replace; ``change`` gets a UDP datagram with its header and gives another of the same length."""
        for held in self.done:
            data = held.whole()
            if data is None:
                continue
            new = change(held.key, data)
            for offset, frames in held.frames.items():
                self.places |= dict.fromkeys(frames, new[offset : offset + len(held.parts[offset])])
