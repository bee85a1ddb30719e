"""Merge captures of one call at several places into one pcapng: one clock, an interface per place.

A packet that the next place on its path lacks has a comment about it.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from heapq import heappop, heappush
from heapq import merge as in_order
from pathlib import Path
from typing import NamedTuple

import numpy as np

from postproc import places
from postproc.model.calls import Calls
from postproc.model.clocks import by_one_clock
from postproc.model.errors import SetupError
from postproc.model.recordings import DISORDER, joined
from postproc.model.text import Lang, Text
from postproc.places.overlaps import Comparison
from postproc.read.inputs import located
from postproc.read.records import Described, Other, Piece, Record, pieces
from postproc.results import Run
from postproc.share.copying import COPIED, SECTION, replacing
from postproc.show.comparison import NONE_IN_COMMON, place_names
from postproc.wire import pcapng

NANOSECONDS = 9
Timed = tuple[int, int, int, Piece]  # time, source, place in it
NOT_SEEN = Text("not seen at {place}", "nicht gesehen bei {place}")


class Source(NamedTuple):
    """A file of a capture: name of its place, its clock relative to the reference's, comments by frame."""

    path: Path
    name: str
    clock: Comparison
    comments: Mapping[int, Sequence[str]]


class Merged(NamedTuple):
    """Numbers of captures, packets, and packets not seen at the next place."""

    captures: int
    packets: int
    lost: int


def merge(
    run: Run, target: Path, names: Mapping[str, str], lang: Lang, offsets_ms: Mapping[str, float]
) -> Merged:
    """Merge the captures of a run that show the same packets; ``names`` are those of their places.

    Raises SetupError if there are none or the target cannot be written, CaptureError if a capture
    cannot be read again.
    """
    own, recorded = joined(run.tables)
    files = {
        name: located(path) for name, path in zip(run.captures["capture"], run.captures["path"], strict=True)
    }
    by_capture = recorded.paths(files)
    overlapping = places.find(own, by_capture, recorded.by_recording(offsets_ms))
    if not overlapping.overlaps:
        raise SetupError(NONE_IN_COMMON.of(lang))
    lost = overlapping.lost(by_one_clock(own))
    called = place_names(Calls(own).clocks, recorded.by_recording(names), lang)
    sources = []
    for overlap in overlapping.overlaps:
        for number, name in enumerate(overlap.captures):
            clock = overlap.comparison(overlap.root, number)
            if clock is not None:
                comments = {
                    frame: [NOT_SEEN.of(lang, place=called.get(place, place)) for place in missing]
                    for frame, missing in lost.get(name, {}).items()
                }
                sources += [
                    Source(path, called.get(name, name), clock, _of_file(comments, before))
                    for path, before in by_capture[name]
                ]
    packets = _write(sources, target)
    return Merged(len(sources), packets, sum(len(source.comments) for source in sources))


def _of_file(comments: Mapping[int, Sequence[str]], before: int) -> dict[int, Sequence[str]]:
    """Return the comments by frame of one file of a recording, ``before`` being the frames before it."""
    return {frame - before: texts for frame, texts in comments.items() if frame > before}


def _write(sources: Sequence[Source], target: Path) -> int:
    """Write all packets in order of corrected times, each interface before its first packet."""
    packets = described = 0
    numbers: dict[tuple[int, int], int] = {}  # source and its interface -> interface in the target
    counts = [0] * len(sources)
    with ExitStack() as opened, replacing(target) as file:
        file.write(SECTION)
        streams = [
            _timed(opened.enter_context(pieces(source.path)), source, number)
            for number, source in enumerate(sources)
        ]
        for time, number, _, piece in in_order(*streams):
            match piece:
                case Described():
                    numbers[number, counts[number]] = described
                    file.write(bytes(_interface(piece, sources[number].name, counts[number])))
                    counts[number] += 1
                    described += 1
                case Record():
                    interface = numbers[number, piece.interface]
                    file.write(bytes(_packet(piece, sources[number], interface, time)))
                    packets += 1
                case Other(kind=kind) if kind in COPIED:
                    file.write(bytes(pcapng.Other(kind, piece.body)))
    return packets


def _timed(parts: Iterator[Piece], source: Source, number: int) -> Iterator[Timed]:
    """Yield a file's parts by corrected times; those that are no packets keep their place."""
    waiting: list[Timed] = []
    latest = 0
    for place, piece in enumerate(parts):
        time = int(source.clock.corrected(np.asarray(piece.time))) if isinstance(piece, Record) else latest
        latest = max(latest, time)
        heappush(waiting, (time, number, place, piece))
        while waiting[0][0] <= latest - DISORDER:
            yield heappop(waiting)
    while waiting:
        yield heappop(waiting)


def _interface(piece: Described, name: str, nth: int) -> pcapng.Interface:
    """Return the interface named after its place; further ones of a capture also have their own name."""
    options = dict(pcapng.parse_options(piece.options))
    own = options.get(pcapng.IF_NAME, str(nth + 1).encode())
    options[pcapng.IF_NAME] = name.encode() if nth == 0 else name.encode() + b" " + own
    options[pcapng.IF_TSRESOL] = bytes([NANOSECONDS])
    options.pop(pcapng.IF_TSOFFSET, None)
    written = b"".join(pcapng.option(code, value) for code, value in options.items())
    return pcapng.Interface(piece.link_type, piece.snaplen, written)


def _packet(piece: Record, source: Source, interface: int, time: int) -> pcapng.Packet:
    comments = pcapng.comments(source.comments.get(piece.frame, ()))
    return pcapng.Packet(interface, time, piece.data, piece.original, piece.options + comments)
