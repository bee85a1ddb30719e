"""A call seen from several places: a map with counts on each stretch, and a ladder with a column per place.

In both, packets that left one place and did not reach the next are an arrow that ends in a cross. All times
are by the reference's clock: the rows passed in were converted before.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from postproc.model.addresses import transport_address
from postproc.model.calls import Call
from postproc.model.enumerations import Lane
from postproc.model.rows import ClockRow, PassageRow, TimelineRow
from postproc.model.text import Lang
from postproc.model.transit import Spot, Transit, courses, spots, transits
from postproc.model.vocabulary import PASSING, PLACES, count, word
from postproc.show import colors
from postproc.show.colors import FAINT, INK, MUTED, PAPER, PROBLEM, Color
from postproc.show.pictures import events, wording
from postproc.show.pictures.annotations import HEADING_HEIGHT, SMALL, draw_heading, title
from postproc.show.pictures.events import Event
from postproc.show.pictures.ladder import laid_out
from postproc.show.pictures.lanes import draw_leg, triangle
from postproc.show.pictures.layout import (
    Area,
    Label,
    Layer,
    Picture,
    Stroke,
    cross,
    middle_cut,
    plain,
    rectangle,
    shortened,
)
from postproc.show.pictures.machines import Heading, Machines
from postproc.show.pictures.wording import say

MARGIN, NAMES, GAP = 14.0, 100.0, 158.0  # left edge; width of the rows' names; from place to place
BOX_HALF, BOX_HEIGHT = 56.0, 40.0  # of a place
ROW, LINE = 19.0, 11.0  # heights of a row and of a line at the foot
TEXT, NAME, SIGN = 7.0, 8.5, 9.0  # sizes of letters, width of the sign of a loss
NARROWEST = 420.0  # the heading's room
MOST_ROWS, MOST_LINES = 60, 12  # of the map, and of translations below it; the table passages has all
LANES: Mapping[str, Color] = {
    "stun": colors.CHECK,
    "dtls": colors.DTLS,
    "rtp": colors.MEDIA,
    "rtcp": colors.MEDIA,
}


def places(call: Call, lang: Lang = "en") -> Picture:
    """Lay out the map: places in a row, below them an arrow per kind, direction and stretch."""
    ordered_spots = spots(call)
    rows = courses(call)[:MOST_ROWS]
    notes = list(dict.fromkeys(_translations(call, lang)))[:MOST_LINES]
    wide = max(MARGIN + NAMES + GAP * (len(ordered_spots) - 1) + 2 * BOX_HALF + MARGIN, NARROWEST)
    top = HEADING_HEIGHT + BOX_HEIGHT + 10
    bottom = top + ROW * len(rows)
    picture = Picture(wide, bottom + 18 + LINE * len(notes), title(call, "places", lang))
    if not ordered_spots:
        picture.write(Label(MARGIN, HEADING_HEIGHT + 10, say("none_places", lang), 8, color=MUTED))
    xs = {spot.capture: MARGIN + NAMES + BOX_HALF + GAP * n for n, spot in enumerate(ordered_spots)}
    drawn = _Map(picture, xs, lang)
    for spot in ordered_spots:
        drawn.place(spot, _clock(call, spot, lang), bottom)
    for n, stretches in enumerate(rows):
        drawn.course(stretches, top + ROW * n + ROW / 2)
    for n, note in enumerate(notes):
        text = shortened(note, wide - 2 * MARGIN, TEXT)
        picture.write(Label(MARGIN, bottom + 14 + LINE * n, text, TEXT, color=MUTED))
    draw_heading(picture, call, "places", MARGIN, lang)
    return picture


def _place_name(spot: Spot, lang: Lang) -> str:
    name = word(PLACES, spot.name, lang) or spot.name
    return name[:1].upper() + name[1:] if spot.name in PLACES else plain(name)


def _clock(call: Call, spot: Spot, lang: Lang) -> str:
    """Return ``clock +1:17:04 h``, by how much the capture's clock is ahead of the reference's."""
    rows = [row for row in call.clocks if row.capture == spot.capture]
    row: ClockRow | None = min(rows, key=lambda clock: clock.offset_ms is None, default=None)
    if row is None or row.offset_ms is None:
        return say("unknown_clock", lang)
    if row.capture == row.reference:
        return say("reference_clock", lang)
    sign = "+" if row.offset_ms >= 0 else "−"
    return say("clock", lang, offset=sign + wording.duration(abs(row.offset_ms) / 1000, lang))


class _Map(NamedTuple):
    """A map being drawn; ``xs`` has x of each capture's place."""

    picture: Picture
    xs: Mapping[str, float]
    lang: Lang

    def place(self, spot: Spot, clock: str, bottom: float) -> None:
        """Draw the box of a place, and its line down to ``bottom``."""
        x, top = self.xs[spot.capture], HEADING_HEIGHT
        box = rectangle(x - BOX_HALF, top, x + BOX_HALF, top + BOX_HEIGHT)
        self.picture.areas.append(Area(box, PAPER, INK))
        name = middle_cut(_place_name(spot, self.lang), 2 * BOX_HALF - 20, NAME)
        capture = middle_cut(plain(spot.capture), 2 * BOX_HALF - 8, SMALL)
        lines = (capture, clock) if spot.name != spot.capture else (clock,)
        self.picture.write(Label(x, top + 10, name, NAME, "center", bold=True))
        for n, line in enumerate(lines):
            self.picture.write(Label(x, top + 22 + 10 * n, line, SMALL, "center", MUTED))
        rail = ((x, top + BOX_HEIGHT), (x, bottom + 2))
        self.picture.strokes.append(Stroke(rail, FAINT, 0.9, layer=Layer.RAILS))

    def course(self, stretches: Sequence[Transit], y: float) -> None:
        """Draw one row: its name, and an arrow for each stretch."""
        first = stretches[0]
        leg = colors.leg(first.leg)
        draw_leg(self.picture, MARGIN, y, first.leg, color=leg, size=6.5 if (first.leg or 0) < 10 else 5.0)
        text = word(PASSING, first.kind, self.lang) or first.kind
        self.picture.write(Label(MARGIN + 14, y, shortened(text, NAMES - 16, TEXT), TEXT))
        for transit in stretches:
            self._stretch(transit, y, LANES.get(first.kind, leg))

    def _stretch(self, transit: Transit, y: float, color: Color) -> None:
        """Draw an arrow with the count that arrived: broken where nothing did, with a sign where less did."""
        begin, end = self.xs[transit.origin.capture], self.xs[transit.target.capture]
        way, middle, low = (1 if end > begin else -1), (begin + end) / 2, y + 4
        line = color.line if transit.arrived else PROBLEM.line
        tip = end - way * 4 if transit.arrived else middle
        self.picture.strokes.append(Stroke(((begin, low), (tip, low)), line, 1.2))
        if transit.arrived:
            head = ((end, low), (end - way * 7, low - 2.8), (end - way * 7, low + 2.8))
            self.picture.areas.append(Area(head, line))
        else:
            self.picture.strokes += cross(middle, low, 3.4, line)
        arrived, sent = (count(number, self.lang) for number in (transit.arrived, transit.sent))
        lossy = bool(transit.lost)
        x = middle + (SIGN / 2 if lossy else 0)
        label = Label(
            x, y - 3.5, say("of", self.lang, arrived=arrived, sent=sent), TEXT, "center", bold=lossy
        )
        self.picture.write(label)
        if lossy:
            self.picture.areas.append(Area(triangle(label.box.left - SIGN / 2, y - 3.5), PROBLEM.text, INK))


def _translations(call: Call, lang: Lang) -> Iterator[str]:
    """Yield how NAT translates each sender's address between two places."""
    for transit in transits(call):
        for row in transit.flows:
            inside = transport_address(row.from_src_addr, row.from_src_port)
            outside = transport_address(row.to_src_addr, row.to_src_port)
            if inside and outside and inside != outside:
                origin, target = (word(PLACES, spot.name, lang) for spot in (transit.origin, transit.target))
                yield say("translation", lang, origin=origin, target=target, inside=inside, outside=outside)


class Flow(NamedTuple):
    """Packets of a kind from one address to another, as one capture shows them."""

    capture: str
    kind: str
    source: str
    destination: str


def route(call: Call, lang: Lang = "en") -> Picture:
    """Lay out a ladder with a column per place.

    Each packet once, from the first place to the last that shows it.
    """
    ordered_spots = spots(call)
    headings = [
        Heading(_place_name(spot, lang), None, (plain(spot.capture), _clock(call, spot, lang)))
        for spot in ordered_spots
    ]
    ordered = sorted(
        [*_messages(call, ordered_spots, lang), *_summed(call, ordered_spots, lang)],
        key=lambda event: event.time,
    )
    return laid_out(call, headings, events.rows(ordered, lang) if ordered_spots else [], lang).picture


def _messages(call: Call, ordered_spots: tuple[Spot, ...], lang: Lang) -> Iterator[Event]:
    """Yield the messages of flows that pass from place to place, one by one."""
    lanes = {spot.capture: n for n, spot in enumerate(ordered_spots)}
    ways = _Ways(call, lanes)
    rows: dict[tuple[str, int | None, Lane], TimelineRow] = {
        (row.capture, row.frame, row.lane): row for row in call.timeline
    }
    for event in events.events(call, Machines(call), lang):
        shown = [rows[capture, frame, event.lane] for capture, frame in event.frames]
        flows = [Flow(call.place(row.capture), row.lane, row.src or "", row.dst or "") for row in shown]
        passing = [flow for flow in flows if flow in ways.outward]
        if passing:
            yield ways.drawn(event, passing)


class _Ways:
    """The course of each flow of a call from place to place."""

    def __init__(self, call: Call, lanes: Mapping[str, int]) -> None:
        self.outward: dict[Flow, bool] = {}
        self._lanes = lanes
        self._before: dict[Flow, Flow] = {}
        # The same flow at the next place, that place's column, and whether packets were lost on the way.
        self._beyond: dict[Flow, tuple[Flow | None, int, bool]] = {}
        for transit in transits(call):
            begin, end = lanes[transit.origin.capture], lanes[transit.target.capture]
            for row in transit.flows:
                here, next_flow = _flow(row, "from", transit.origin), _flow(row, "to", transit.target)
                for flow in filter(None, (here, next_flow)):
                    self.outward[flow] = end > begin
                if here:
                    self._beyond[here] = next_flow, end, bool(row.lost)
                if here and next_flow:
                    self._before[next_flow] = here

    def drawn(self, event: Event, flows: Sequence[Flow]) -> Event:
        """Return the event from the place nearest to its sender to the last one that it reaches or should."""
        ordered = sorted(
            flows, key=lambda flow: self._lanes[flow.capture], reverse=not self.outward[flows[0]]
        )
        first, last = ordered[0], ordered[-1]
        while first in self._before:
            first = self._before[first]
        next_flow, lane, lossy = self._beyond.get(last, (None, self._lanes[last.capture], False))
        while next_flow is not None and not lossy:
            last = next_flow
            next_flow, lane, lossy = self._beyond.get(last, (None, self._lanes[last.capture], False))
        end = lane if lossy else self._lanes[last.capture]
        return replace(event, src=self._lanes[first.capture], dst=end, arrives=not lossy)


def _flow(row: PassageRow, at: str, spot: Spot) -> Flow | None:
    source, destination = (
        transport_address(getattr(row, f"{at}_{end}_addr"), getattr(row, f"{at}_{end}_port"))
        for end in ("src", "dst")
    )
    return Flow(spot.capture, row.kind, source, destination) if source and destination else None


SUMMED: Mapping[str, str] = {"dtls": "DTLS", "rtp": "RTP", "rtcp": "RTCP"}


def _summed(call: Call, ordered_spots: tuple[Spot, ...], lang: Lang) -> Iterator[Event]:
    """Yield media, and DTLS with losses, as one arrow with the count at each place: ``RTP 543 → 543 → 486``.

    DTLS without losses needs none: the timeline has its handshake as a whole, not message by message.
    """
    lanes = {spot.capture: n for n, spot in enumerate(ordered_spots)}
    for stretches in courses(call):
        first, lossy = stretches[0], [stretch for stretch in stretches if stretch.lost]
        if first.kind not in SUMMED or (first.kind == "dtls" and not lossy):
            continue
        broken = next((stretch for stretch in stretches if not stretch.arrived), None)
        counts = [first.sent, *(stretch.arrived for stretch in stretches)]
        label = f"{SUMMED[first.kind]} {' → '.join(count(stretch, lang) for stretch in counts)}"
        started = min(row.time for row in (lossy[0] if first.kind == "dtls" else first).flows)
        yield Event(
            started,
            started,
            tuple((row.capture, row.frame) for stretch in stretches for row in stretch.flows),
            first.leg,
            "dtls" if first.kind == "dtls" else "media",
            "start",
            label,
            label,
            lanes[first.origin.capture],
            lanes[(broken or stretches[-1]).target.capture],
            "error" if broken else "warning" if lossy else "normal",
            arrives=broken is None,
        )
