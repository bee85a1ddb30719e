"""Captures that are part of another: exported from it, annotated, or recorded beside it by the same clock.

They show no other place, and all that is in them would be there twice. Captures of one packet at different
places never have all times in common to the nanosecond, or their addresses differ.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from postproc.model.tables import Tables

MESSAGES = ("sip_messages", "stun_messages", "dtls_messages")
OTHERS = ("icmp_errors", "tls", "http")
ENDS = ["src_addr", "src_port", "dst_addr", "dst_port"]
LASTING = {  # what is told once from its first packet to its last: identity, first and last time
    "rtp_streams": ("ssrc", *ENDS, "first_time", "last_time"),
    "connections": ("client_addr", "client_port", "server_addr", "server_port", "time", "last_time"),
}

Keys = Mapping[str, set[tuple[Any, ...]]]


def parts(events: Tables) -> dict[str, str]:
    """Return by capture the one with all its messages and media, between the same ends at the same times."""
    if len(events.captures) < 2:
        return {}
    times = pd.concat([getattr(events, name)[["capture", "time"]] for name in MESSAGES]).drop_duplicates()
    times["shared"] = times.duplicated("time", keep=False)
    suspects = times.groupby("capture")["shared"].all()
    suspects = suspects[suspects]
    if suspects.empty:
        return {}
    seen_at = times.loc[times["capture"].isin(suspects.index), "time"]
    among = times.loc[times["time"].isin(seen_at), "capture"].unique()
    messages, spans = _keys(events, among), _spans(events, among)
    packets = events.captures.set_index("capture")["packets"].fillna(0)

    def is_part(capture: str, of: str) -> bool:
        return (
            messages[capture] <= messages[of]
            and packets[capture] <= packets[of]
            and all(_goes_on(span, spans[of].get(key)) for key, span in spans[capture].items())
        )

    found: dict[str, str] = {}
    size = {name: (packets[name], len(messages[name])) for name in among}
    largest_first = sorted(among, key=lambda name: (-size[name][0], -size[name][1], len(name), name))
    for place, capture in enumerate(largest_first):
        originals = [name for name in largest_first[:place] if name not in found]
        whole = next((name for name in originals if is_part(capture, name)), None)
        if whole is not None and capture in suspects.index:
            found[capture] = whole
    return found


def _keys(events: Tables, captures: Iterable[str]) -> Keys:
    """Return by capture table, time and ends of what is in it; a whole SIP message contains its beginning."""
    by_capture: dict[str, set[tuple[Any, ...]]] = defaultdict(set)
    for name in (*MESSAGES, *OTHERS):
        rows: pd.DataFrame = getattr(events, name)
        rows = rows[rows["capture"].isin(captures)]
        ends = [column for column in ENDS if column in rows]
        for capture, *key in zip(*(rows[column] for column in ("capture", "time", *ends)), strict=True):
            by_capture[capture].add((name, *key))
    sip = events.sip_messages
    whole = sip[sip["capture"].isin(captures) & ~sip["cut_short"].fillna(value=False)]
    for capture, *key in zip(*(whole[column] for column in ("capture", "time", *ENDS)), strict=True):
        by_capture[capture].add(("whole", *key))
    return by_capture


def _spans(events: Tables, captures: Iterable[str]) -> Mapping[str, dict[tuple[Any, ...], tuple[Any, Any]]]:
    """Return by capture its streams and connections with their first and last times."""
    by_capture: dict[str, dict[tuple[Any, ...], tuple[Any, Any]]] = defaultdict(dict)
    for name, columns in LASTING.items():
        rows: pd.DataFrame = getattr(events, name)
        rows = rows[rows["capture"].isin(captures)]
        for capture, *key, first, last in zip(
            *(rows[column] for column in ("capture", *columns)), strict=True
        ):
            by_capture[capture][name, *key] = first, last
    return by_capture


def _goes_on(span: tuple[Any, Any], whole: tuple[Any, Any] | None) -> bool:
    return whole is not None and whole[0] <= span[0] and span[1] <= whole[1]
