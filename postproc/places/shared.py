"""Find captures that may show the same packets, from the tables, by content and never by address.

Contents are keys, and captures with a key in common belong together, so the work grows with the messages,
not with the pairs of captures. An SSRC alone may coincide by chance or continue in the next file of a ring
buffer; whether the packets are the same is decided when they are read (places.matches).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from postproc.model.recordings import SIP_KEY, STUN_KEY, message_keys
from postproc.model.tables import Tables
from postproc.places.datagrams import host_pairs
from postproc.read.arrays import Array

KEYS = {"stun_messages": STUN_KEY, "sip_messages": SIP_KEY, "rtp_streams": ["ssrc"]}
ENDS = ["src_addr", "dst_addr"]


class Group(NamedTuple):
    """Captures that may show the same packets, and by capture hashes of the pairs of hosts of these."""

    captures: tuple[str, ...]
    pairs: Mapping[str, Array]


def groups(events: Tables, recordings: "pd.Series[int]") -> list[Group]:
    """Return groups of captures of different recordings with a key in common."""
    if recordings.nunique() < 2:
        return []
    keys = pd.concat(list(_keys(events)), ignore_index=True)
    keys["recording"] = keys["capture"].map(recordings)
    several = keys.groupby("key")["recording"].transform("nunique") > 1
    keys = keys[several]
    if keys.empty:
        return []
    group_of = _joined(keys["capture"], keys["key"])
    between = pd.concat([keys[["capture", *ENDS]], _both_ways(events.rtp_streams)], ignore_index=True)
    between = between[between["capture"].isin(group_of)]
    pairs = pd.DataFrame({"capture": between["capture"], "pair": host_pairs(between)}).drop_duplicates()
    by_capture = {str(name): rows.to_numpy(np.uint64) for name, rows in pairs.groupby("capture")["pair"]}
    members = defaultdict(list)
    for name in sorted(by_capture):
        members[group_of[name]].append(name)
    return [Group(tuple(names), {name: by_capture[name] for name in names}) for names in members.values()]


def _keys(events: Tables) -> Iterator[pd.DataFrame]:
    """Yield the keys of each table, once per key, capture and pair of hosts."""
    for table, columns in KEYS.items():
        rows = getattr(events, table)
        yield rows[["capture", *ENDS]].assign(key=message_keys(rows, columns)).drop_duplicates()


def _both_ways(streams: pd.DataFrame) -> pd.DataFrame:
    """Return captures and hosts of media between sockets that two captures show, in whichever direction.

    Where nothing gets through, each end's capture shows what it sends, and the two have no packet in common.
    """
    ports = zip(
        streams["src_addr"], streams["src_port"], streams["dst_addr"], streams["dst_port"], strict=True
    )
    sockets = [frozenset({(source, port), (target, other)}) for source, port, target, other in ports]
    several = streams["capture"].groupby(sockets).transform("nunique") > 1
    return streams.loc[several, ["capture", *ENDS]].drop_duplicates()


def _joined(captures: "pd.Series[str]", keys: "pd.Series[int]") -> dict[str, str]:
    """Return by capture the first one of its connected group."""
    first = captures.groupby(keys).transform("min")
    parents = {name: name for name in captures.unique()}

    def root(name: str) -> str:
        while parents[name] != name:
            parents[name] = name = parents[parents[name]]
        return name

    for one, other in (
        pd.DataFrame({"one": first, "other": captures}).drop_duplicates().itertuples(index=False)
    ):
        low, high = sorted((root(one), root(other)))
        parents[high] = low
    return {name: root(name) for name in parents}
