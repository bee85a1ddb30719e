"""What the joining found, as rows of ``calls`` and ``joins``."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import exp
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from postproc.correlate.arrays import Floats
from postproc.correlate.facts import Facts
from postproc.correlate.ice import Checks, Session
from postproc.correlate.joining import Joined, Joining
from postproc.correlate.numbering import Numbered
from postproc.correlate.records import records, timestamp
from postproc.correlate.scoring import PIECES
from postproc.tables import CALLS, JOINS

# Score at which two legs are as likely one call as not: most legs near a leg are those of other calls.
EVEN = 5.0
# What the pieces of evidence are called together; a lifetime alone joins nothing.
NAMES = {
    "log": ("log",),
    "header": ("header",),
    "ice": ("ice", "ufrag", "media", "origin"),
    "causality": ("progress", "answer", "end"),
    "number+time": ("callee", "caller", "invite"),
    "host": ("host",),
}
WORTH_NAMING = 1.0


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
    pairs, score = joining.considered.pairs, joining.considered.score
    a_later = facts.start[pairs.a] > facts.start[pairs.b]
    earlier, later = np.where(a_later, pairs.b, pairs.a), np.where(a_later, pairs.a, pairs.b)
    found = legs[["capture", "frame", "time"]].take(later).reset_index(drop=True)
    found["call_id_a"] = legs["call_id"].take(earlier).array
    found["call_id_b"] = legs["call_id"].take(later).array
    found["evidence"] = [_evidence(pieces) for pieces in joining.considered.pieces]
    found["score"] = score
    found["accepted"] = joining.group[facts.node[pairs.a]] == joining.group[facts.node[pairs.b]]
    # A pair looked at again, or at two vantage points, stands once: as it tells most.
    once = found.sort_values("score", ascending=False, kind="stable").drop_duplicates(
        ["call_id_a", "call_id_b"]
    )
    return JOINS.conform(once.sort_values(["time", "call_id_b", "call_id_a"], kind="stable"))


def _evidence(pieces: Floats) -> str:
    told = ((name, score) for name, score in zip(PIECES, pieces.tolist(), strict=True) if score)
    return ",".join(f"{name}={score:.2f}" for name, score in told)


def calls(
    legs: pd.DataFrame,
    joining: Joining,
    names: Sequence[str],
    numbered: Numbered,
    sessions: Sequence[Session],
) -> pd.DataFrame:
    """Return CALLS without verdict. ``legs`` have their numbers; ``names`` are the Call-IDs of the nodes."""
    members: dict[int, list[_Leg]] = defaultdict(list)
    for row in records(legs, *_Leg._fields):
        members[row[0]].append(_Leg._make(row))
    links: dict[int, list[Joined]] = defaultdict(list)
    for link in joining.joined:
        links[numbered.legs[names[link.a]][0]].append(link)
    doubts: dict[int, int] = defaultdict(int)
    for doubt in joining.doubtful:
        for node in (doubt.upstream, doubt.downstream):
            doubts[numbered.legs[names[node]][0]] += 1
    rows = [_call(call, held, links[call], doubts[call]) for call, held in members.items()]
    rows += [
        _without_sip(call, told)
        for place, call in numbered.without_sip.items()
        if (told := sessions[place].checks)
    ]
    return CALLS.rows(sorted(rows, key=lambda row: row["call"]))


def _call(call: int, legs: list[_Leg], links: list[Joined], doubts: int) -> dict[str, Any]:
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
        "joined_by": joined_by(links) if links else "single",
        "confidence": confidence(links, doubts),
        "ambiguous": doubts > 0,
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


def _known(values: Iterable[Any]) -> Any:
    return next((value for value in values if value is not None), None)


def joined_by(links: Sequence[Joined]) -> str:
    """Return what joins the legs, the strongest first, comma-joined."""
    total = dict(zip(PIECES, sum(link.pieces for link in links).tolist(), strict=True))
    worth = {name: sum(total[piece] for piece in pieces) for name, pieces in NAMES.items()}
    order = sorted(NAMES, key=lambda name: -worth[name])
    return ",".join(name for name in order if worth[name] >= WORTH_NAMING) or order[0]


def confidence(links: Sequence[Joined], doubts: int) -> float:
    """Return how sure it is that these legs, and no others, are the call: 0 to 1.

    The weakest link counts, by its score or by how far it is ahead of another choice. Each
    other choice left open makes one more call that the legs may as well belong to.
    """
    sure = min((1 / (1 + exp(-min(link.score - EVEN, link.margin))) for link in links), default=1.0)
    return min(sure, 1 / (1 + doubts))
