"""One call of a run, for notebooks: its rows of every table, its pictures, its packets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from postproc.model.addresses import endpoint
from postproc.model.columns import TEXT
from postproc.model.tables import BY_NAME, Tables
from postproc.model.text import Lang
from postproc.show import selection
from postproc.show.selection import call_filters
from postproc.show.terminal import clean

if TYPE_CHECKING:
    from pyshark.packet.packet import Packet

    from postproc.show.pictures.figures import Drawing

# What a layer says of itself in a line: SIP, STUN, DTLS, ICMP, RTP.
INFO = ("request_line", "status_line", "type", "record_content_type", "handshake_type", "ssrc")
LONGEST = 120  # characters of it
STEP = ("step", "state", "question", "said", "capture", "frames", "filter")  # columns of a walk


class Packets(list["Packet"]):
    """Packets as a list; printed, each is a line: number, time, addresses, what it is."""

    @property
    def table(self) -> pd.DataFrame:
        """Columns frame, time (UTC), src, dst and info."""
        rows = [_packet(each) for each in self]
        return pd.DataFrame(rows, columns=["frame", "time", "src", "dst", "info"])

    def __repr__(self) -> str:
        lines = (
            f"{frame:6} {time:%H:%M:%S.%f} {src} -> {dst}  {info}"
            for frame, time, src, dst, info in self.table.itertuples(index=False)
        )
        return "\n".join(map(clean, lines)) or "no packets"

    def _repr_html_(self) -> str:
        return str(self.table.to_html(index=False, escape=True))


def _packet(packet: "Packet") -> tuple[int, pd.Timestamp, str, str, str]:
    """Number, time, ends and what the innermost layer that says so calls itself."""
    address = next((layer for layer in reversed(packet.layers) if layer.layer_name in ("ip", "ipv6")), None)
    port = next((layer for layer in reversed(packet.layers) if layer.layer_name in ("udp", "tcp")), None)
    src, dst = (
        endpoint(
            str(address.get_field_value(f"{side}") or "") if address else "",
            int(port.get_field_value(f"{side}port") or 0) if port else None,
        )
        for side in ("src", "dst")
    )
    last = packet.layers[-1]
    said = (last.get_field_value(name) for name in INFO)
    info = next((str(text) for text in said if text), "")
    whole, _, part = str(packet.sniff_timestamp).partition(".")
    time = pd.Timestamp(int(whole) * 10**9 + int(part[:9].ljust(9, "0")), unit="ns", tz="UTC")
    return int(packet.number), time, src, dst, f"{last.layer_name.upper()} {info}".strip()[:LONGEST]


@dataclass(frozen=True, repr=False, eq=False)
class Call:
    """A call: ``call.legs``, ``call.bindings`` and every other table hold its rows only.

    ``tables`` are those of the whole run, ``steps`` the steps of the call's walk.
    """

    number: int
    tables: Tables
    steps: Sequence[Mapping[str, Any]] = ()
    lang: Lang = "en"
    _cut: dict[str, pd.DataFrame] = field(default_factory=dict, init=False)

    def __getattr__(self, name: str) -> pd.DataFrame:
        if name not in BY_NAME:
            raise AttributeError(f"a call has no {name!r}; its tables are {', '.join(BY_NAME)}")
        if name not in self._cut:
            self._cut[name] = selection.of_call(self.tables, self.number, name)
        return self._cut[name]

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *BY_NAME]

    def __repr__(self) -> str:
        return f"<Call {self.number}: {self.verdict or 'not judged'}, {len(self.legs)} legs>"

    def _repr_html_(self) -> str:
        from postproc.show import notebook_html  # noqa: PLC0415  (jinja2 is for those who look)

        return notebook_html.call_card(self.tables, self.number, self.steps, self.lang)

    @property
    def verdict(self) -> str | None:
        """ok, fault, suspect or cannot_tell; None before diagnosis."""
        return self._said("verdict")

    @property
    def headline(self) -> str | None:
        """The verdict in one sentence."""
        return self._said("headline")

    @property
    def walk(self) -> pd.DataFrame:
        """The steps from trace to media, one row each: state, question, what was found, evidence."""
        rows = pd.DataFrame([{name: step.get(name) for name in STEP} for step in self.steps], columns=STEP)
        return rows.astype({name: TEXT for name in STEP if name != "frames"})

    @property
    def filter(self) -> str:
        """The Wireshark display filter that shows all of the call, without any plug-in."""
        return call_filters(self.tables).get(self.number, "")

    def places(self) -> "Drawing":
        """The places it was captured at, with what arrived on each stretch between them."""
        return self._drawn("places")

    def route(self) -> "Drawing":
        """Places as columns: each packet once, lost ones as broken arrows."""
        return self._drawn("route")

    def ladder(self) -> "Drawing":
        """Machines as columns; SIP, STUN, DTLS and media of all legs between them."""
        return self._drawn("ladder")

    def call_timeline(self) -> "Drawing":
        """Legs, candidates, checks, DTLS, media and log lines over time."""
        return self._drawn("call_timeline")

    def bindings_plot(self) -> "Drawing":
        """One row per candidate pair: checks by outcome, and silence."""
        return self._drawn("bindings")

    def media_plot(self) -> "Drawing":
        """Packets per second, loss and jitter of each leg and direction."""
        return self._drawn("media")

    def packets(
        self,
        display_filter: str | None = None,
        *,
        file: str | Path | None = None,
        keylog: str | Path | None = None,
        limit: int | None = None,
    ) -> "Packets":
        """The call's frames with all their layers and fields, as pyshark packets: ``packet.sip.from``.

        Without a display filter these are SIP, STUN, DTLS and ICMP; with one every
        frame of the call that it lets through, media too (``"rtp"``, ``"frame"``).
        Frames are numbered as in the capture. ``file`` is read instead of the
        captures the run has read, ``limit`` is per capture. A frame takes some
        milliseconds, and tshark dissects the whole capture. Raises CaptureError when
        the capture is gone, or tshark refuses the filter.
        """
        from postproc.read import drilling, inputs, tshark  # noqa: PLC0415  (pyshark is for those who look)

        mine = self.filter
        if not mine:
            return Packets()
        show = f"({mine}) && ({display_filter or tshark.SIGNALLING})"
        files = [Path(file)] if file else [inputs.located(path) for path in self.captures["path"]]
        keys = Path(keylog) if keylog else None
        return Packets(packet for each in files for packet in drilling.packets(each, show, keys, limit))

    def _drawn(self, name: str) -> "Drawing":
        from postproc.show.pictures import figures  # noqa: PLC0415  (matplotlib is for those who look)

        figure: Drawing = getattr(figures, name)(self.tables, self.number, self.lang)
        return figure

    def _said(self, column: str) -> str | None:
        known = self.calls[column].dropna()
        return str(known.iloc[0]) if len(known) else None


def numbers(tables: Tables) -> list[int]:
    """The numbers of a run's calls, in order."""
    return sorted(tables.calls["call"].dropna().astype("int64").unique().tolist())
