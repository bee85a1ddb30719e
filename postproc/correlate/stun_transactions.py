"""STUN Binding transactions: requests and responses with one transaction ID (RFC 8489, section 6).

The ID alone pairs them, within one capture: NAT and several network cards may
let the response come from another address than the request went to. Messages
are in order of time, since a file with several interfaces need not be.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from postproc.correlate.records import records

TUPLE = ("src_addr", "src_port", "dst_addr", "dst_port")

Key = tuple[str, str]  # capture and transaction ID


@dataclass(slots=True)
class Transaction:
    """Positions of its messages among those of ``messages``, in order of time."""

    requests: list[int] = field(default_factory=list)
    successes: list[int] = field(default_factory=list)
    errors: list[int] = field(default_factory=list)

    @property
    def first(self) -> int:
        """The first request; the first response where no request was captured."""
        return self.requests[0] if self.requests else min(self.successes[:1] + self.errors[:1])

    @property
    def responses(self) -> list[int]:
        """The response that decides first: any success beats errors."""
        return self.successes + self.errors

    @property
    def round_trip(self) -> tuple[int, int] | None:
        """The first response and before it the request it answers: the last one sent by then."""
        if not self.responses:
            return None
        response = min(self.responses)
        sent = bisect_left(self.requests, response)
        return (self.requests[sent - 1], response) if sent else None


Transactions = Mapping[Key, Transaction]


def messages(stun_messages: pd.DataFrame) -> pd.DataFrame:
    """Binding requests and responses by capture and time: TURN-wrapped ones and indications are left out."""
    stun = stun_messages
    wrapped = stun["relayed"].fillna(False).astype(bool)
    asks = (stun["method"] == "binding").fillna(False).astype(bool) & stun["kind"].isin(
        ("request", "success", "error")
    )
    named = stun["transaction_id"].notna() & stun["capture"].notna()
    kept = stun[asks & named & ~wrapped]
    return kept.sort_values(["capture", "time", "frame"], kind="stable", ignore_index=True)


def transactions(messages: pd.DataFrame) -> Transactions:
    """Group messages, second captures left out, by capture and transaction ID."""
    found: dict[Key, Transaction] = {}
    names = ("capture", "transaction_id", "kind", "copy_of")
    for position, (capture, identity, kind, original) in enumerate(records(messages, *names)):
        if original is None:
            known = found.get((capture, identity))
            if known is None:
                known = found[capture, identity] = Transaction()
            side = {"request": known.requests, "success": known.successes}.get(kind, known.errors)
            side.append(position)
    return found


def copies(messages: pd.DataFrame) -> Counter[Key]:
    """How many messages of a transaction were captured twice."""
    again = messages[messages["copy_of"].notna()]
    return Counter(records(again, "capture", "transaction_id"))
