"""One line per call: what a person wants to know of it at a glance.

Pure: tables in, lines out; terminal.py draws them. Things seen by several
captures count once here, other than in the tables.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from postproc.model.tables import Tables

DTLS_STATES = ("complete", "alert", "incomplete", "client_hello_only", "none")  # best known first
TO_CLIENT, TO_SERVER, OTHER = "server_to_client", "client_to_server", "other"


@dataclass(frozen=True)
class Line:
    """A call; None is "not known" or "not seen"."""

    call: int
    start: pd.Timestamp | None
    from_user: str | None
    to_user: str | None
    legs: int
    final_status: int | None
    candidates: tuple[int, int]  # client's, server's
    checks_to_client: tuple[int, int]  # successes, all
    checks_to_server: tuple[int, int]
    checks_other: tuple[int, int]
    dtls: str | None
    packets_to_client: int | None
    packets_to_server: int | None
    packets_other: int | None
    confidence: float | None  # None where there is one leg: nothing was joined
    ambiguous: bool
    verdict: str | None = None
    headline: str | None = None


def lines(tables: Tables) -> list[Line]:
    """The calls of a run in the order of their numbers."""
    candidates = candidate_counts(tables.candidates)
    checks = check_counts(tables.bindings)
    dtls = dtls_states(tables.dtls)
    media = media_packets(tables.rtp_streams)
    calls = tables.calls.sort_values("call")
    return [
        Line(
            call=row["call"],
            start=row["start"],
            from_user=row["from_user"],
            to_user=row["to_user"],
            legs=row["legs"] or 0,
            final_status=row["final_status"],
            candidates=(candidates.get((call, "client"), 0), candidates.get((call, "server"), 0)),
            checks_to_client=checks.get((call, TO_CLIENT), (0, 0)),
            checks_to_server=checks.get((call, TO_SERVER), (0, 0)),
            checks_other=checks.get((call, OTHER), (0, 0)),
            dtls=dtls.get(call),
            packets_to_client=media.get((call, TO_CLIENT)),
            packets_to_server=media.get((call, TO_SERVER)),
            packets_other=media.get((call, OTHER)),
            confidence=row["confidence"] if (row["legs"] or 0) > 1 else None,
            ambiguous=bool(row["ambiguous"]),
            verdict=row["verdict"],
            headline=row["headline"],
        )
        for row in _records(calls)
        for call in [row["call"]]
    ]


def candidate_counts(candidates: pd.DataFrame) -> dict[Hashable, int]:
    """(call, side) -> distinct candidates of the ufrags in that side's latest message, leg by leg."""
    party = ["call", "leg", "side"]
    known = candidates.dropna(subset=["call", "side", "addr"])
    latest = known.groupby(party, dropna=False)["time"].transform("max")
    current = known.loc[known["time"] == latest, [*party, "ufrag"]].drop_duplicates()
    distinct = known.merge(current, on=[*party, "ufrag"]).drop_duplicates(
        ["call", "side", "addr", "port", "type"]
    )
    return _sizes(distinct, ["call", "side"])


def check_counts(bindings: pd.DataFrame) -> dict[Hashable, tuple[int, int]]:
    """(call, direction) -> connectivity checks answered with success, and all that were requested."""
    asked = bindings[(bindings["purpose"] == "check") & (bindings["outcome"] != "response_only")]
    key = ["call", "direction"]
    every = asked.dropna(subset=["call"]).drop_duplicates([*key, "transaction_id", "outcome"])
    good = every[every["outcome"] == "success"]
    answered = _sizes(good, key)
    requested = _sizes(every.drop_duplicates([*key, "transaction_id"]), key)
    return {place: (answered.get(place, 0), count) for place, count in requested.items()}


def dtls_states(dtls: pd.DataFrame) -> dict[int, str]:
    """call -> the state of the handshake that came farthest."""
    best: dict[int, str] = {}
    known = dtls[dtls["call"].notna() & dtls["state"].isin(DTLS_STATES)]
    for call, state in zip(known["call"], known["state"], strict=True):
        best[call] = min(best.get(call, "none"), state, key=DTLS_STATES.index)
    return best


def media_packets(rtp_streams: pd.DataFrame) -> dict[Hashable, int]:
    """(call, direction) -> RTP packets; of an SSRC seen twice at a time the fuller view counts."""
    columns = ["call", "direction", "ssrc", "first_time", "last_time", "packets"]
    known = rtp_streams.dropna(subset=["call", "first_time", "last_time", "packets"])[columns]
    known = known.fillna({"direction": OTHER})
    total: dict[Hashable, int] = {}
    views: dict[Hashable, tuple[pd.Timestamp, int]] = {}  # end and packets of the view counted last
    for call, direction, ssrc, first, last, packets in known.sort_values("first_time").itertuples(
        index=False
    ):
        end, counted = views.get((call, direction, ssrc), (first, 0))
        overlaps = counted and first < end
        more = max(0, packets - counted) if overlaps else packets
        total[call, direction] = total.get((call, direction), 0) + more
        views[call, direction, ssrc] = (max(end, last), max(counted, packets) if overlaps else packets)
    return total


def _sizes(rows: pd.DataFrame, key: list[str]) -> dict[Hashable, int]:
    return dict(rows.groupby(key).size().items())


def _records(rows: pd.DataFrame) -> Iterable[dict[str, Any]]:
    plain = rows.astype(object).where(rows.notna(), None)
    columns: list[str] = list(plain.columns)
    return (dict(zip(columns, row, strict=True)) for row in plain.itertuples(index=False, name=None))
