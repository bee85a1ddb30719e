"""SIP transactions (RFC 3261, section 17): requests and the responses that belong to them.

A transaction is told by the branch of its topmost Via (17.1.3, 17.2.3) and, as one file may hold
the same message on both sides of a proxy or NAT, by the hop. A branch without the magic cookie
(RFC 2543) proves nothing: there Call-ID, CSeq, From tag and hop must do. CANCEL shares the branch of its
INVITE and is a transaction of its own (9.1). ACK belongs to the INVITE unless that had a 2xx (13.2.2.4).
"""

from collections.abc import Hashable
from typing import Any, NamedTuple

import pandas as pd

from postproc.correlate.messages import in_order
from postproc.correlate.records import records
from postproc.tables import TRANSACTIONS

MAGIC_COOKIE = "z9hg4bk"  # RFC 3261, section 8.1.1.7, in lower case
KEPT = (
    "capture", "frame", "time", "call_id", "src_addr", "src_port", "dst_addr", "dst_port", "branch", "cseq",
)  # fmt: skip
ENDS = {"src_addr": "dst_addr", "src_port": "dst_port", "dst_addr": "src_addr", "dst_port": "src_port"}
EVER = 1 << 63

Key = tuple[Hashable, ...]
Keys = list[Key]


class Message(NamedTuple):
    """A row of sip_messages, None where it is NA; time in ns since 1970."""

    capture: str
    frame: int
    time: int | None
    call_id: str | None
    src_addr: str | None
    src_port: int | None
    dst_addr: str | None
    dst_port: int | None
    method: str | None  # None in a response
    status: int | None
    reason: str | None
    branch: str | None
    from_tag: str | None
    to_tag: str | None
    cseq: int | None
    cseq_method: str | None

    @property
    def kind(self) -> str | None:
        return self.cseq_method or self.method

    @property
    def modern(self) -> bool:
        return self.branch is not None and self.branch.lower().startswith(MAGIC_COOKIE)

    @property
    def exchange(self) -> tuple[Hashable, ...]:
        """What requests and responses share, ACK and CANCEL included, on every hop."""
        told_by = (self.branch, None) if self.modern else (None, self.from_tag)
        return self.capture, self.call_id, self.cseq, *told_by

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(sorted((self.src_addr or "", self.dst_addr or "")))

    @property
    def hop(self) -> tuple[tuple[str, int], ...]:
        """The way between two ends, the same in both directions."""
        ends = (self.src_addr or "", self.src_port or 0), (self.dst_addr or "", self.dst_port or 0)
        return tuple(sorted(ends))


def transactions(sip_messages: pd.DataFrame) -> pd.DataFrame:
    """Return TRANSACTIONS, by time: one row per capture, transaction and hop.

    A response whose request is not in the capture gives a row with requests = 0.
    """
    messages = [Message(*row) for row in records(in_order(sip_messages), *Message._fields)]
    own: Keys = [(message.exchange, message.kind, message.hop) for message in messages]
    keys = _of_requests(messages, own)
    left_out = _acknowledges_failure(messages, own, keys)
    held: dict[Hashable, list[Message]] = {}
    for message, key, acknowledges in zip(messages, keys, left_out, strict=True):
        if not acknowledges:
            held.setdefault(key, []).append(message)
    rows: list[dict[str, Any]] = sorted(map(_row, held.values()), key=_place)
    return TRANSACTIONS.rows(rows)


def _of_requests(messages: list[Message], own: Keys) -> Keys:
    """What tells the transaction of each message: a response goes by its request."""
    requests = [pair for pair in zip(messages, own, strict=True) if pair[0].method is not None]
    asked = {key for _, key in requests}
    ways: dict[Hashable, Key] = {}
    for message, key in requests:
        ways[key[:2]] = ways[*key[:2], message.hosts] = key
    return [
        key if key in asked else _way(message, key, ways) or key
        for message, key in zip(messages, own, strict=True)
    ]


def _way(stray: Message, key: Key, ways: dict[Hashable, Key]) -> Key | None:
    """A response goes to the port in Via, or over a new connection (18.2.2): not always back the same way."""
    near = ways.get((*key[:2], stray.hosts))
    return near or (ways.get(key[:2]) if stray.modern else None)


def _acknowledges_failure(messages: list[Message], own: Keys, keys: Keys) -> list[bool]:
    """Tell the ACKs that belong to an INVITE of the same branch and hop: it had no 2xx."""
    accepted = {key for message, key in zip(messages, keys, strict=True) if _successful(message)}
    refused = {
        (exchange, hop)
        for (exchange, kind, hop), key in zip(own, keys, strict=True)
        if kind == "INVITE" and key not in accepted
    }
    return [kind == "ACK" and (exchange, hop) in refused for exchange, kind, hop in own]


def _successful(message: Message) -> bool:
    return message.status is not None and 200 <= message.status < 300


def _row(messages: list[Message]) -> dict[str, Any]:
    """The row of a transaction: its first request, else its first response turned round, and what came."""
    asked = [message for message in messages if message.method is not None]
    first = (asked or messages)[0]
    progress = [message.time for message in messages if 100 < (message.status or 0) < 200]
    return {name: getattr(first, name if asked else ENDS.get(name, name)) for name in KEPT} | {
        "method": first.kind,
        "initial": first.to_tag is None if asked else None,
        "requests": len(asked),
        "retransmissions": max(len(asked) - 1, 0),
        "progress_time": progress[0] if progress else None,
        **_final(messages),
    }


def _final(messages: list[Message]) -> dict[str, Any]:
    """The first final response, 2xx before all; and how many came again."""
    finals = [message for message in messages if (message.status or 0) >= 200]
    if not finals:
        return {"response_retransmissions": 0}
    first = min(finals, key=lambda message: (message.status or 0) >= 300)
    # Another To tag is another fork's answer, not a repetition.
    answers = {(message.status, message.to_tag) for message in finals}
    return {
        "final_status": first.status,
        "final_reason": first.reason,
        "final_frame": first.frame,
        "final_time": first.time,
        "response_retransmissions": len(finals) - len(answers),
    }


def _place(row: dict[str, Any]) -> tuple[int, bool]:
    """By time, what opens with a request first."""
    return (EVER if row["time"] is None else row["time"], not row["requests"])
