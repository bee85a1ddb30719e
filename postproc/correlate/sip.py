"""SIP messages, each counted once, and the transactions they make (RFC 3261)."""

from collections.abc import Hashable, Iterable
from typing import Any, NamedTuple, Protocol, TypeVar
from urllib.parse import unquote

import pandas as pd

from postproc.correlate.rows import NO_TIME, column, records
from postproc.model.statuses import is_final, is_progress, is_refusal, is_success
from postproc.model.tables import TRANSACTIONS

# A file with several interfaces may hold frames out of order: sort by time, never by frame.
# A second capture of the same packet (``copy_of``) is not counted.

Address = tuple[str | None, int | None]


class Message(NamedTuple):
    """A row of sip_messages; None where it is NA."""

    time: int  # ns since 1970, NO_TIME if unknown
    kind: str | None  # method of the request, or of the one responded to
    src: Address
    dst: Address
    method: str | None  # None in a response
    capture: str
    frame: int
    call_id: str | None
    transport: str | None
    status: int | None
    reason: str | None
    cseq: int | None
    branch: str | None
    from_uri: str | None
    from_tag: str | None
    to_uri: str | None
    to_tag: str | None
    user_agent: str | None
    reason_header: str | None


AS_IN_TABLE = tuple(name for name in Message._fields if name not in ("time", "kind", "src", "dst"))


class Told(Protocol):
    """What every kind of message says of itself."""

    @property
    def time(self) -> int | None: ...
    @property
    def method(self) -> str | None: ...
    @property
    def status(self) -> int | None: ...


M = TypeVar("M", bound=Told)


def in_order(sip_messages: pd.DataFrame, messages: Iterable[M]) -> list[M]:
    """Return the requests and responses by time, unknown first, without second captures.

    ``messages`` are the rows of ``sip_messages``.
    """
    counted = [
        message
        for copy_of, message in zip(column(sip_messages["copy_of"]), messages, strict=True)
        if copy_of is None and (message.method is not None or message.status is not None)
    ]
    return sorted(counted, key=lambda message: NO_TIME if message.time is None else message.time)


def messages(sip_messages: pd.DataFrame) -> list[Message]:
    """Return the messages ``in_order``."""
    ends = "src_addr", "src_port", "dst_addr", "dst_port"
    told = {name: column(sip_messages[name]) for name in (*AS_IN_TABLE, "time", "cseq_method", *ends)}
    kept: dict[Address, Address] = {}  # one tuple an address: there are few of them, and many messages

    def addresses(party: str) -> list[Address]:
        pairs = zip(told[f"{party}_addr"], told[f"{party}_port"], strict=True)
        return [kept.setdefault(pair, pair) for pair in pairs]

    fields = {name: told[name] for name in AS_IN_TABLE} | {
        "time": [NO_TIME if time is None else time for time in told["time"]],
        "kind": [method or about for method, about in zip(told["method"], told["cseq_method"], strict=True)],
        "src": addresses("src"),
        "dst": addresses("dst"),
    }
    rows = zip(*(fields[name] for name in Message._fields), strict=True)
    return in_order(sip_messages, map(Message._make, rows))


def succeeds(response: Told) -> bool:
    """Return whether it is a 2xx."""
    return is_success(response.status)


# User parts of SIP and tel URIs (RFC 3261, section 19.1.1; RFC 3966, section 3).


def user_part(uri: str | None) -> str | None:
    """Return the user part of a SIP or tel URI, percent-decoded; None if it has only a host.

    Password and parameters (``;phone-context=``) are dropped.
    """
    scheme, _, rest = (uri or "").strip().partition(":")
    # Split at the last @: some phones send a whole mail address as the user.
    userinfo = rest if scheme.lower() == "tel" else rest.rpartition("@")[0]
    return unquote(userinfo.partition(";")[0].partition(":")[0]).strip() or None


# SIP transactions (RFC 3261, section 17): requests and the responses that belong to them.
#
# A transaction is identified by the branch of its topmost Via (17.1.3, 17.2.3) and by the hop, since one file
# may hold the same message on both sides of a proxy or NAT. A branch without the magic cookie (RFC 2543) is
# not unique: Call-ID, CSeq, From tag and hop replace it. CANCEL shares the branch of its INVITE but is a
# transaction of its own (9.1). ACK belongs to the INVITE's unless that had a 2xx (13.2.2.4).


MAGIC_COOKIE = "z9hg4bk"  # RFC 3261, section 8.1.1.7, in lower case
KEPT = (
    "capture",
    "frame",
    "time",
    "call_id",
    "src_addr",
    "src_port",
    "dst_addr",
    "dst_port",
    "branch",
    "cseq",
)
ENDS = {"src_addr": "dst_addr", "src_port": "dst_port", "dst_addr": "src_addr", "dst_port": "src_port"}
EVER = 1 << 63

Key = tuple[Hashable, ...]
Keys = list[Key]


class _Sent(NamedTuple):
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
        """What requests and responses share on every hop, ACK and CANCEL included."""
        told_by = (self.branch, None) if self.modern else (None, self.from_tag)
        return self.capture, self.call_id, self.cseq, *told_by

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(sorted((self.src_addr or "", self.dst_addr or "")))

    @property
    def hop(self) -> tuple[tuple[str, int], ...]:
        """The two ends of the hop, the same in both directions."""
        ends = (self.src_addr or "", self.src_port or 0), (self.dst_addr or "", self.dst_port or 0)
        return tuple(sorted(ends))


def transactions(sip_messages: pd.DataFrame) -> pd.DataFrame:
    """Return TRANSACTIONS, by time: one row per capture, transaction and hop.

    A response whose request is not in the capture gives a row with requests = 0.
    """
    messages = in_order(sip_messages, map(_Sent._make, records(sip_messages, *_Sent._fields)))
    own: Keys = [(message.exchange, message.kind, message.hop) for message in messages]
    keys = _of_requests(messages, own)
    left_out = _acknowledges_failure(messages, own, keys)
    by_key: dict[Hashable, list[_Sent]] = {}
    for message, key, acknowledges in zip(messages, keys, left_out, strict=True):
        if not acknowledges:
            by_key.setdefault(key, []).append(message)
    return TRANSACTIONS.rows(map(_row, sorted(by_key.values(), key=_place)))


def _of_requests(messages: list[_Sent], own: Keys) -> Keys:
    """Return the transaction key of each message; a response takes its request's key."""
    requests = [pair for pair in zip(messages, own, strict=True) if pair[0].method is not None]
    request_keys = {key for _, key in requests}
    ways: dict[Hashable, Key] = {}
    for message, key in requests:
        ways[key[:2]] = ways[*key[:2], message.hosts] = key
    return [
        key if key in request_keys else _way(message, key, ways) or key
        for message, key in zip(messages, own, strict=True)
    ]


def _way(stray: _Sent, key: Key, ways: dict[Hashable, Key]) -> Key | None:
    """Return the key of the request that a response without one on its hop answers, None if there is none.

    A response goes to the port in Via or over a new connection (18.2.2), so its hop may differ.
    """
    near = ways.get((*key[:2], stray.hosts))
    return near or (ways.get(key[:2]) if stray.modern else None)


def _acknowledges_failure(messages: list[_Sent], own: Keys, keys: Keys) -> list[bool]:
    """Return which messages are ACKs of a failed INVITE of the same branch and hop (17.1.1.3)."""
    accepted = {key for message, key in zip(messages, keys, strict=True) if succeeds(message)}
    refused = {
        (exchange, hop)
        for (exchange, kind, hop), key in zip(own, keys, strict=True)
        if kind == "INVITE" and key not in accepted
    }
    return [kind == "ACK" and (exchange, hop) in refused for exchange, kind, hop in own]


def _row(messages: list[_Sent]) -> dict[str, Any]:
    """Return a transaction's row, from its first request or else its first response with ends swapped."""
    requests = [message for message in messages if message.method is not None]
    first = _first(messages)
    progress = [message.time for message in messages if is_progress(message.status)]
    return {name: getattr(first, name if requests else ENDS.get(name, name)) for name in KEPT} | {
        "method": first.kind,
        "initial": first.to_tag is None if requests else None,
        "requests": len(requests),
        "retransmissions": max(len(requests) - 1, 0),
        "progress_time": progress[0] if progress else None,
        **_final(messages),
    }


def _final(messages: list[_Sent]) -> dict[str, Any]:
    """Return the columns of the first final response, a 2xx before others, and count its retransmissions."""
    finals = [message for message in messages if is_final(message.status)]
    if not finals:
        return {"response_retransmissions": 0}
    first = min(finals, key=lambda message: is_refusal(message.status))
    # A different To tag is another fork's answer, not a retransmission.
    answers = {(message.status, message.to_tag) for message in finals}
    return {
        "final_status": first.status,
        "final_reason": first.reason,
        "final_frame": first.frame,
        "final_time": first.time,
        "response_retransmissions": len(finals) - len(answers),
    }


def _first(messages: list[_Sent]) -> _Sent:
    """Return a transaction's first request, or else its first response."""
    return next((message for message in messages if message.method is not None), messages[0])


def _place(messages: list[_Sent]) -> tuple[int, bool]:
    """Sort by time; at one time, transactions with a request first."""
    first = _first(messages)
    return EVER if first.time is None else first.time, first.method is None
