"""The calls of a run, each with its rows of every table: for rules, pictures and the report.

A table's rows are built on first use, once for all calls; with ``only``, for that call alone.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeAlias, TypeVar

import pandas as pd
from pandas.api.extensions import ExtensionArray

from postproc.model.loading import R, by, columns, load, made
from postproc.model.rows import (
    BindingRow,
    CallRow,
    CandidateRow,
    CaptureRow,
    ClockRow,
    ConnectionEventRow,
    DtlsMessageRow,
    DtlsRow,
    FindingRow,
    IcmpErrorRow,
    LegRow,
    LogEventRow,
    NatMappingRow,
    PairRow,
    PassageRow,
    PhaseRow,
    RtpSecondRow,
    RtpStreamRow,
    SdpMediaRow,
    SipMessageRow,
    StunMessageRow,
    TimelineRow,
    TransactionRow,
)

Counted = TypeVar("Counted", BindingRow, PairRow, DtlsRow, RtpStreamRow)
Run: TypeAlias = Any  # Tables, or an object with the same attributes: a run, a call in a notebook


Connection = tuple[str, frozenset[tuple[str, int]]]  # capture, and both ends

# The TURN requests without which nothing is relayed (RFC 8656, sections 7, 9 and 12).
TURN_TRANSACTIONS = ("allocate", "create_permission", "channel_bind")


def connection(row: ConnectionEventRow | SipMessageRow) -> Connection:
    """Return the key of a packet's connection, equal in both directions."""
    return row.capture, frozenset({(row.src_addr, row.src_port), (row.dst_addr, row.dst_port)})


def recording_name(files: Sequence[str]) -> str:
    """Return the name of a recording of several files, given in order of time."""
    return f"{files[0]} … {files[-1]}"


def recording_names(captures: pd.DataFrame) -> dict[str, str]:
    """Return the recording name by capture; captures that are a whole recording are left out."""
    return {file: recording_name(files) for files in _recordings(captures) for file in files}


def _recordings(captures: pd.DataFrame) -> list[list[str]]:
    """Return the files, in order of time, of each recording that has several."""
    rows = captures.dropna(subset=["recording"]).sort_values(["first_time", "capture"], kind="stable")
    return [files.tolist() for _, files in rows.groupby("recording")["capture"] if len(files) > 1]


class Calls:
    """The calls of a run by number.

    ``prepare`` is applied to each table before its rows are built; ``only`` restricts it to
    some call numbers, which saves building the rows of all others. ``at_once``: rows are held of so many
    calls at a time, neighbors by number; the calls themselves ``forget`` theirs.
    """

    def __init__(
        self,
        tables: Run,
        prepare: Callable[[pd.DataFrame], pd.DataFrame] | None = None,
        only: Collection[int] | None = None,
        at_once: int | None = None,
    ) -> None:
        self.tables = tables
        self._prepare = prepare
        self._at_once = at_once
        self._only = None if only is None else frozenset(only)
        self._held = self._only  # None: all
        self._rows: dict[str, Mapping[int, tuple[Any, ...]]] = {}

    @cached_property
    def many(self) -> bool:
        """Whether there are more calls than those whose rows are held at a time."""
        return self._at_once is not None and len(self._all) > self._at_once

    def around(self, number: int) -> "Calls":
        """Return the calls with rows for this one: where not all are held, of its neighbors and no others."""
        if self.many and self._at_once and not (self._held and number in self._held):
            first = bisect_left(self._all, number) // self._at_once * self._at_once
            self._held = frozenset(self._all[first : first + self._at_once])
            self._rows.clear()
            for name in ("turn_messages", "seconds"):
                vars(self).pop(name, None)
        return self

    def __iter__(self) -> "Iterator[Call]":
        return (Call(number, self) for number in self.numbers)

    def __getitem__(self, number: int) -> "Call":
        """Return the call; LookupError if the run has no such number."""
        if number not in self.numbers:
            raise LookupError(no_such(number, self._all))
        return Call(number, self)

    @cached_property
    def numbers(self) -> list[int]:
        """The numbers of the calls, in order."""
        return [number for number in self._all if self._only is None or number in self._only]

    @cached_property
    def _all(self) -> list[int]:
        return sorted(set(self.tables.calls["call"].dropna().astype("int64").tolist()))

    @cached_property
    def captures(self) -> tuple[CaptureRow, ...]:
        """All captures of the run."""
        return tuple(load(CaptureRow, self.tables.captures))

    @cached_property
    def by_capture(self) -> Mapping[str, CaptureRow]:
        return {row.capture: row for row in self.captures}

    @cached_property
    def clocks(self) -> tuple[ClockRow, ...]:
        """The clocks of all captures with common packets, with the place as ``capture``."""
        rows = load(ClockRow, self.tables.clocks)
        return tuple(row._replace(capture=self.place(row.capture)) for row in rows)

    def place(self, capture: str) -> str:
        """Return the name of a file's place in ``passages``: the file, or its recording."""
        return self._recording_of.get(capture, capture)

    @cached_property
    def _recording_of(self) -> dict[str, str]:
        return recording_names(self.tables.captures)

    def located(self, capture: str, frame: int) -> tuple[str, int]:
        """Return file and frame number of a frame that is counted from the start of ``capture`` on."""
        files, at = self._files.get(capture, ([capture], 0))
        packets = self._packets
        while frame < 1 and at > 0:
            at -= 1
            frame += packets[files[at]]
        while frame > packets.get(files[at], frame) and at + 1 < len(files):
            frame -= packets[files[at]]
            at += 1
        return files[at], frame

    @cached_property
    def _files(self) -> dict[str, tuple[list[str], int]]:
        """By file, all files of its recording, and its index among them."""
        recordings = _recordings(self.tables.captures)
        return {file: (files, number) for files in recordings for number, file in enumerate(files)}

    @cached_property
    def _packets(self) -> dict[str, int]:
        rows = self.tables.captures[["capture", "packets"]].dropna()
        return dict(zip(rows["capture"].tolist(), rows["packets"].tolist(), strict=True))

    def of(self, kind: type[R], table: str, number: int) -> tuple[R, ...]:
        """Return a call's rows of a table."""
        self.around(number)
        if table not in self._rows:
            self._rows[table] = by(load(kind, self._frame(table)), "call")
        return self._rows[table].get(number, ())

    def of_none(self, kind: type[R], table: str) -> tuple[R, ...]:
        """Return the rows of a table that belong to no call."""
        rows: pd.DataFrame = getattr(self.tables, table)
        of_none = rows["call"].isna()
        if not of_none.any():
            return ()
        beside = rows[of_none]
        return tuple(load(kind, beside if self._prepare is None else self._prepare(beside)))

    def every(self, kind: type[R], table: str) -> tuple[R, ...]:
        """Return all rows of a table."""
        rows: pd.DataFrame = getattr(self.tables, table)
        return tuple(load(kind, rows if self._prepare is None else self._prepare(rows)))

    def among(self, kind: type[R], table: str, addresses: Collection[str]) -> tuple[R, ...]:
        """Return the rows of packets from one of these addresses to another."""
        rows: pd.DataFrame = getattr(self.tables, table)
        rows = rows[rows["src_addr"].isin(addresses) & rows["dst_addr"].isin(addresses)]
        return tuple(load(kind, rows if self._prepare is None else self._prepare(rows)))

    def _frame(self, table: str) -> pd.DataFrame:
        rows: pd.DataFrame = getattr(self.tables, table)
        if self._held is not None:
            rows = rows[rows["call"].isin(self._held)]
        return rows if self._prepare is None else self._prepare(rows)

    @cached_property
    def connection_events(self) -> Mapping[Connection, tuple[ConnectionEventRow, ...]]:
        """The events of each signaling connection, which calls may share."""
        rows = self.tables.connection_events
        by_connection: dict[Connection, list[ConnectionEventRow]] = defaultdict(list)
        for row in load(ConnectionEventRow, rows if self._prepare is None else self._prepare(rows)):
            by_connection[connection(row)].append(row)
        return {key: tuple(events) for key, events in by_connection.items()}

    @cached_property
    def turn_messages(self) -> Mapping[int, tuple[StunMessageRow, ...]]:
        """Requests to TURN servers and their responses; only these few STUN messages become rows."""
        rows = self._frame("stun_messages")
        return by(load(StunMessageRow, rows[rows["method"].isin(TURN_TRANSACTIONS)]), "call")

    @cached_property
    def seconds(self) -> Mapping[int, tuple[RtpSecondRow, ...]]:
        """Rows of ``rtp_seconds`` by stream."""
        rows = self.tables.rtp_seconds
        if self._held is not None:
            rows = rows[rows["stream"].isin(self._frame("rtp_streams")["stream"])]
        return by(load(RtpSecondRow, rows), "stream")

    def seconds_of(self, stream: int) -> list[RtpSecondRow]:
        """Return the seconds of one stream; those of all are the most rows of a run."""
        places = self._seconds_at.get(stream)
        if places is None:
            return []
        stretch = slice(places[0], places[-1] + 1)  # nothing is copied
        held = {name: column[stretch] for name, column in self._seconds_columns.items()}
        return [row for row in made(RtpSecondRow, held) if row.stream == stream]

    @cached_property
    def _seconds_columns(self) -> Mapping[str, ExtensionArray]:
        return columns(RtpSecondRow, self.tables.rtp_seconds)

    @cached_property
    def _seconds_at(self) -> Mapping[int, Any]:
        """Positions in ``rtp_seconds`` by stream."""
        positions: Mapping[int, Any] = self.tables.rtp_seconds.groupby("stream").indices
        return positions


def counting(rows: Iterable[Counted]) -> list[Counted]:
    """Return the rows that count, without duplicates counted in another capture."""
    return [row for row in rows if row.counted_in is None]


class Call:
    """A call: its rows of each table (``postproc tables`` says what is in them), in the table's order."""

    def __init__(self, number: int, calls: Calls) -> None:
        self.number = number
        self._calls = calls

    @property
    def one_of_many(self) -> bool:
        """Whether the run has more calls than should be held with all their rows."""
        return self._calls.many

    def forget(self) -> None:
        """Drop the rows, and what was derived from them; they are made again if wanted."""
        for name in list(vars(self)):
            if isinstance(getattr(type(self), name, None), cached_property):
                del vars(self)[name]

    @cached_property
    def call(self) -> CallRow:
        """Its row in ``calls``."""
        return self._calls.of(CallRow, "calls", self.number)[0]

    @cached_property
    def legs(self) -> tuple[LegRow, ...]:
        """One per Call-ID and recording."""
        return self._calls.of(LegRow, "legs", self.number)

    @cached_property
    def phases(self) -> tuple[PhaseRow, ...]:
        return self._calls.of(PhaseRow, "phases", self.number)

    @cached_property
    def sip_messages(self) -> tuple[SipMessageRow, ...]:
        return self._calls.of(SipMessageRow, "sip_messages", self.number)

    @cached_property
    def connection_events(self) -> tuple[ConnectionEventRow, ...]:
        """Its rows for the TCP connections that carried its SIP, one connection after the other."""
        carrying = dict.fromkeys(connection(row) for row in self.sip_messages if row.transport != "udp")
        return tuple(event for each in carrying for event in self._calls.connection_events.get(each, ()))

    @cached_property
    def transactions(self) -> tuple[TransactionRow, ...]:
        return self._calls.of(TransactionRow, "transactions", self.number)

    @cached_property
    def sdp_media(self) -> tuple[SdpMediaRow, ...]:
        return self._calls.of(SdpMediaRow, "sdp_media", self.number)

    @cached_property
    def candidates(self) -> tuple[CandidateRow, ...]:
        return self._calls.of(CandidateRow, "candidates", self.number)

    @cached_property
    def bindings(self) -> tuple[BindingRow, ...]:
        return self._calls.of(BindingRow, "bindings", self.number)

    @cached_property
    def pairs(self) -> tuple[PairRow, ...]:
        return self._calls.of(PairRow, "pairs", self.number)

    @cached_property
    def nat_mappings(self) -> tuple[NatMappingRow, ...]:
        return self._calls.of(NatMappingRow, "nat_mappings", self.number)

    @cached_property
    def passages(self) -> tuple[PassageRow, ...]:
        return self._calls.of(PassageRow, "passages", self.number)

    @cached_property
    def clocks(self) -> tuple[ClockRow, ...]:
        """The clocks of the captures that its packets passed."""
        passed = {name for row in self.passages for name in (row.from_capture, row.to_capture)}
        return tuple(row for row in self._calls.clocks if row.capture in passed)

    def place(self, capture: str) -> str:
        """Return the name of a file's place in its passages."""
        return self._calls.place(capture)

    def located(self, capture: str, frame: int) -> tuple[str, int]:
        """Return file and frame number of a frame that is counted from the start of ``capture`` on."""
        return self._calls.located(capture, frame)

    @cached_property
    def turn_messages(self) -> tuple[StunMessageRow, ...]:
        """The TURN_TRANSACTIONS among its ``stun_messages``."""
        return self._calls.around(self.number).turn_messages.get(self.number, ())

    @cached_property
    def dtls(self) -> tuple[DtlsRow, ...]:
        return self._calls.of(DtlsRow, "dtls", self.number)

    @cached_property
    def dtls_messages(self) -> tuple[DtlsMessageRow, ...]:
        return self._calls.of(DtlsMessageRow, "dtls_messages", self.number)

    @cached_property
    def icmp_errors(self) -> tuple[IcmpErrorRow, ...]:
        return self._calls.of(IcmpErrorRow, "icmp_errors", self.number)

    @cached_property
    def rtp_streams(self) -> tuple[RtpStreamRow, ...]:
        return self._calls.of(RtpStreamRow, "rtp_streams", self.number)

    @cached_property
    def rtp_seconds(self) -> tuple[RtpSecondRow, ...]:
        """The seconds of its streams, one stream after the other."""
        streams = dict.fromkeys(stream.stream for stream in self.rtp_streams)
        seconds = self._calls.around(self.number).seconds
        return tuple(second for stream in streams for second in seconds.get(stream, ()))

    def seconds_of(self, stream: RtpStreamRow) -> list[RtpSecondRow]:
        """Return the seconds of one of its streams, without making rows of those of others."""
        return self._calls.seconds_of(stream.stream)

    @cached_property
    def timeline(self) -> tuple[TimelineRow, ...]:
        return self._calls.of(TimelineRow, "timeline", self.number)

    @cached_property
    def log_events(self) -> tuple[LogEventRow, ...]:
        return self._calls.of(LogEventRow, "log_events", self.number)

    @cached_property
    def findings(self) -> tuple[FindingRow, ...]:
        return self._calls.of(FindingRow, "findings", self.number)

    @cached_property
    def run_captures(self) -> tuple[CaptureRow, ...]:
        """All captures of the run, also those in which it was not seen."""
        return self._calls.captures


LISTED = 20  # call numbers listed in a message


def no_such(number: object, numbers: Sequence[int]) -> str:
    """Return the error message for a call number that a run does not have."""
    existing = ", ".join(map(str, numbers[:LISTED])) + ", …" * (len(numbers) > LISTED)
    return f"no call {number} in this run; it has {existing or 'none'}"
