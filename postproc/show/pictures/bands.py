"""Media as bands between the columns of a ladder: from the first packet to the last."""

from dataclasses import dataclass

from postproc.show.pictures.columns import Columns
from postproc.show.pictures.cut import CallRows
from postproc.show.pictures.ladder_grid import Grid
from postproc.show.pictures.records import place, records


@dataclass(frozen=True)
class Band:
    """``left`` and ``right`` are columns, ``top`` and ``bottom`` points."""

    leg: int | None
    left: int
    right: int
    top: float
    bottom: float


def bands(tables: CallRows, found: Columns, where: Grid) -> list[Band]:
    """One band per leg and two columns, over both directions; streams apart in time have bands apart."""
    spans: dict[tuple[int | None, int, int], list[tuple[int, int]]] = {}
    names = ("leg", "src_addr", "src_port", "dst_addr", "dst_port", "first_time", "last_time")
    for leg, *ends, first, last in records(
        sorted(tables.rtp_streams, key=lambda stream: stream.first_time or 0), *names
    ):
        src, dst = found.of(leg, place(*ends[:2])), found.of(leg, place(*ends[2:]))
        if src is None or dst is None or src == dst or first is None or last is None:
            continue
        held = spans.setdefault((leg, min(src, dst), max(src, dst)), [])
        if held and first <= held[-1][1]:
            held[-1] = (held[-1][0], max(held[-1][1], last))
        else:
            held.append((first, last))
    return [
        Band(*key, where.y_of(first), where.y_of(last)) for key, held in spans.items() for first, last in held
    ]
