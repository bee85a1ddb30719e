"""Calls as their legs show them: whole legs in one line, joined as a run would join them.

``leg`` gives the messages of a leg, times in seconds; ``joined`` puts legs together
and returns what came of them. PHONE calls SERVER, which calls TRUNK, unless said otherwise.
"""

from typing import Any

import pandas as pd

from postproc.correlate.calls import Calls, calls
from postproc.correlate.joining.features import Facts, Messages, facts, where
from postproc.correlate.legs import legs
from postproc.correlate.parties import parties
from postproc.correlate.sip import transactions
from postproc.model.deployment import Deployment
from postproc.model.tables import Tables
from tests import builders as b
from tests.correlate.conversation import ask, invite, reply, way
from tests.deployments import XPHONE

PHONE, SERVER_SIDE, TRUNK = "10.0.50.5:5060", "10.0.50.118:5060", "10.0.50.20:5060"
ANNA, CALLED = "721", "+498984079810"
Rows = list[dict[str, Any]]


def leg(
    call_id: str,
    start: float,
    src: str = PHONE,
    dst: str = SERVER_SIDE,
    *,
    caller: str = ANNA,
    callee: str = CALLED,
    early: float | None = None,
    ring: float | None = None,
    answer: float | None = None,
    bye: float | None = None,
    by: str = "uac",
    fail: tuple[float, int] | None = None,
    cancel: float | None = None,
    **fields: Any,
) -> Rows:
    """INVITE at ``start``, 183 ``early``, 180 at ``ring``, 200 at ``answer``, BYE at ``bye``, or so."""
    there, back = way(src, dst), way(dst, src)
    target = f"sip:{callee}@{dst}"
    told = {"call_id": call_id, "from_uri": f"sip:{caller}@{src}", "to_uri": target, **fields}
    rows = [invite(start, **told, **there, request_uri=target)]
    rows += [
        reply(status, time, **told, **back)
        for status, time in ((183, early), (180, ring))
        if time is not None
    ]
    if answer is not None:
        rows += [reply(200, answer, **told, **back), ask("ACK", answer + 0.001, **told, **there)]
    if bye is not None:
        first, second = (there, back) if by == "uac" else (back, there)
        rows += [ask("BYE", bye, by, cseq=2, **told, **first)]
        rows += [reply(200, bye + 0.001, "BYE", by, cseq=2, **told, **second)]
    if fail is not None:
        rows += [reply(fail[1], fail[0], **told, **back)]
    if cancel is not None:
        rows += [
            ask("CANCEL", cancel, **{**told, "to_tag": None}, **there),
            reply(487, cancel + 0.002, **told, **back),
        ]
    return rows


def inbound(call_id: str = "a", start: float = 0.0, **told: Any) -> Rows:
    """A leg from the phone to the server."""
    return leg(call_id, start, **told)


def outbound(call_id: str = "b", start: float = 0.016, **told: Any) -> Rows:
    """A leg from the server to the trunk."""
    return leg(call_id, start, SERVER_SIDE, TRUNK, **told)


def joined(
    *parts: Rows,
    recordings: dict[str, int] | None = None,
    overlapping: bool = False,
    tables: dict[str, pd.DataFrame] | None = None,
    deployment: Deployment = XPHONE,
    **options: Any,
) -> Calls:
    """Join the legs; ``recordings`` by capture (one for all unless said), ``tables`` beside sip_messages."""
    sip = b.sip_messages(*(row for part in parts for row in part))
    numbers = pd.Series(recordings or {"a.pcapng": 0}, dtype="int64")
    events = Tables().with_(sip_messages=sip, **tables or {})
    found = legs(sip, transactions(sip), numbers)
    return calls(
        events,
        found,
        numbers,
        lambda one, other: one == other or overlapping,
        deployment=deployment,
        **options,
    )


def groups(found: Calls) -> list[str]:
    """Call-IDs of each call, in the order of calls and legs."""
    ordered = found.legs.sort_values(["call", "leg"]).drop_duplicates(["call", "leg"])
    return [" ".join(held) for _, held in ordered.groupby("call")["call_id"]]


def facts_of(
    *rows: dict[str, Any], messages: Rows | None = None, recordings: dict[str, int] | None = None
) -> Facts:
    """Facts of built legs: Call-IDs c0, c1, ..., invited at ``time``, unless said otherwise."""
    table = b.legs(
        *({"call_id": f"c{n}", "invite_time": row.get("time", 0.0)} | row for n, row in enumerate(rows))
    )
    sip = b.sip_messages(*messages or [])
    told = Messages(sip.assign(party=parties(sip)), b.sip_headers(), [])
    return facts(table, told, where(table, pd.Series(recordings or {"a.pcapng": 0})), "DE")
