"""What the joining found, as rows of ``calls`` and ``joins``."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import exp
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd

from postproc.correlate.facts import Facts
from postproc.correlate.ice import Checks, Session
from postproc.correlate.joining import CONSIDERED, Joined, Joining
from postproc.correlate.numbering import Numbered
from postproc.correlate.records import records, timestamp
from postproc.correlate.scoring import PIECES
from postproc.tables import CALLS, JOINS

# Score at which two legs are as likely one call as not: most legs near a leg are those of other calls.
EVEN = 5.0
# What the pieces of evidence are called together; a lifetime alone joins nothing.
NAMES = {
    "log": ("log",),
    "header": ("header", "x-header"),
    "ice": ("ice", "ufrag", "media", "origin"),
    "causality": ("progress", "answer", "end"),
    "number+time": ("callee", "caller", "invite"),
    "host": ("host",),
}
TOGETHER = np.array([[piece in pieces for piece in PIECES] for pieces in NAMES.values()], dtype="float64")
WORTH_NAMING = 1.0
T = TypeVar("T")


class _Leg(NamedTuple):
    """What ``calls`` takes from a row of ``legs``."""

    call: int
    leg: int
    time: int | None
    capture: str
    frame: int
    from_user: str | None
    to_user: str | None
    invite_time: int | None
    answer_time: int | None
    end_time: int | None
    final_status: int | None


def joins(joining: Joining, facts: Facts, legs: pd.DataFrame) -> pd.DataFrame:
    """Return JOINS: the pairs of Call-IDs considered, by time of the later leg."""
    accepted = (
        joining.group[facts.node[joining.considered.pairs.a]]
        == joining.group[facts.node[joining.considered.pairs.b]]
    )
    worth = accepted | (joining.considered.score >= CONSIDERED)
    shown = joining.considered.take(worth)
    a, b = shown.pairs.a, shown.pairs.b
    a_later = facts.start[a] > facts.start[b]
    earlier, later = np.where(a_later, b, a), np.where(a_later, a, b)
    found = legs[["capture", "frame", "time"]].take(later).reset_index(drop=True)
    found["call_id_a"] = legs["call_id"].take(earlier).array
    found["call_id_b"] = legs["call_id"].take(later).array
    found["evidence"] = [_evidence(pieces) for pieces in shown.pieces.tolist()]
    found["score"] = shown.score
    found["accepted"] = accepted[worth]
    # A pair looked at again, or at two vantage points, stands once: as it tells most.
    once = found.sort_values("score", ascending=False, kind="stable").drop_duplicates(
        ["call_id_a", "call_id_b"]
    )
    return JOINS.conform(once.sort_values(["time", "call_id_b", "call_id_a"], kind="stable"))


def _evidence(pieces: list[float]) -> str:
    return ",".join(f"{name}={score:.2f}" for name, score in zip(PIECES, pieces, strict=True) if score)


def calls(
    legs: pd.DataFrame, joining: Joining, facts: Facts, numbered: Numbered, sessions: Sequence[Session]
) -> pd.DataFrame:
    """Return CALLS without verdict. ``legs`` have their numbers."""
    members: dict[int, list[_Leg]] = defaultdict(list)
    for row in records(legs, *_Leg._fields):
        members[row[0]].append(_Leg._make(row))
    number = dict(zip(facts.node.tolist(), legs["call"].tolist(), strict=True))
    links: dict[int, list[Joined]] = defaultdict(list)
    for link in joining.joined:
        links[number[link.a]].append(link)
    sure = _sureness(joining, facts, number, links)
    rows = [_call(call, held, joined_by(links[call]), *sure[call]) for call, held in sorted(members.items())]
    alone = ((call, sessions[place].checks) for place, call in numbered.without_sip.items())
    rows += [_without_sip(call, checks) for call, checks in alone if checks]
    return CALLS.rows(sorted(rows, key=lambda row: row["call"]))


def _sureness(
    joining: Joining, facts: Facts, number: Mapping[int, int], links: Mapping[int, list[Joined]]
) -> dict[int, tuple[float, bool]]:
    """Return confidence and ambiguity by call; ``number`` is the call of each node.

    A joined call is as sure as its weakest link: by its score, or by how far it is ahead of another
    choice. A single leg is sure as far as no other single leg fits. Each choice left open makes one
    more call that the legs may as well belong to.
    """
    doubts = Counter(number[node] for link in joining.doubtful for node in (link.upstream, link.downstream))
    fits = _single_fits(joining, facts)
    sure = {}
    for node, call in number.items():
        weakest = min(
            (min(link.score - EVEN, link.margin) for link in links.get(call, ())), default=-fits[node]
        )
        confidence = 1 / (1 + exp(-weakest)) if call in links or not doubts[call] else 1.0
        sure[call] = min(confidence, 1 / (1 + doubts[call])), doubts[call] > 0
    return sure


def _single_fits(joining: Joining, facts: Facts) -> list[float]:
    """Return per node how well the best other single leg would follow it, or it that one; -inf if none."""
    pairs = joining.considered.pairs
    a, b = facts.node[pairs.a], facts.node[pairs.b]
    size = np.bincount(joining.group, minlength=len(joining.group))
    open_ = (size[joining.group[a]] == 1) & (size[joining.group[b]] == 1) & ~joining.considered.siblings
    best = np.full(len(joining.group), -np.inf)
    for node in (a, b):
        np.maximum.at(best, node[open_], joining.considered.score[open_] - EVEN)
    return best.tolist()


def _call(call: int, legs: list[_Leg], joined: str, confidence: float, ambiguous: bool) -> dict[str, Any]:
    legs = sorted(legs, key=lambda leg: (leg.leg, leg.time or 0))
    first = [leg for leg in legs if leg.leg == 1]
    start = [leg.invite_time for leg in legs if leg.invite_time is not None]
    answered = [leg.answer_time for leg in first if leg.answer_time is not None]
    answered = answered or [leg.answer_time for leg in legs if leg.answer_time is not None]
    ends = [leg.end_time for leg in legs if leg.end_time is not None]
    return {
        "capture": first[0].capture,
        "frame": first[0].frame,
        "time": timestamp(first[0].time),
        "call": call,
        "legs": len({leg.leg for leg in legs}),
        "from_user": _known(leg.from_user for leg in first),
        "to_user": _known(leg.to_user for leg in first),
        "joined_by": joined,
        "confidence": confidence,
        "ambiguous": ambiguous,
        "start": timestamp(min(start, default=first[0].time)),
        "answer": timestamp(min(answered, default=None)),
        "end": timestamp(max(ends, default=None)),
        "final_status": _known(leg.final_status for leg in first),
    }


def _without_sip(call: int, told: Checks) -> dict[str, Any]:
    return {
        "capture": told.capture,
        "frame": told.frame,
        "time": timestamp(told.first),
        "call": call,
        "legs": 0,
        "joined_by": "ice",
        "confidence": 1.0,
        "ambiguous": False,
        "start": timestamp(told.first),
    }


def _known(values: Iterable[T | None]) -> T | None:
    return next((value for value in values if value is not None), None)


def joined_by(links: Sequence[Joined]) -> str:
    """Return what joins the legs, the strongest first, comma-joined; "single" without links."""
    if not links:
        return "single"
    worth = dict(
        zip(NAMES, (TOGETHER @ np.sum([link.pieces for link in links], axis=0)).tolist(), strict=True)
    )
    order = sorted(NAMES, key=lambda name: -worth[name])
    return ",".join(name for name in order if worth[name] >= WORTH_NAMING) or order[0]
