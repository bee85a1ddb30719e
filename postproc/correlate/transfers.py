"""Transfers: the leg that a REFER brings about belongs to the transferred call (RFC 3515, RFC 5589)."""

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from postproc.correlate.rows import records
from postproc.correlate.sip import user_part

# From REFER to the INVITE that it asks for. FreeSWITCH takes 30 ms, a phone that plays a tone first a second.
# With less such phones' legs stay calls of their own; with more somebody else may call the same number.
WITHIN_NS = 3_000_000_000


class _Leg(NamedTuple):
    call_id: str
    uac_addr: str | None
    uas_addr: str | None
    to_user: str | None
    invite_time: int | None


def transferred(groups: Mapping[str, int], legs: pd.DataFrame, sip_messages: pd.DataFrame) -> dict[str, int]:
    """The groups of Call-IDs that make a call, those united of which one was asked for in the other."""
    refers = sip_messages[
        (sip_messages["method"] == "REFER").fillna(False) & sip_messages["refer_to"].notna()
    ]
    found = dict(groups)
    if refers.empty:
        return found
    known = [_Leg(*row) for row in records(legs, *_Leg._fields)]
    by_user: dict[str, list[_Leg]] = defaultdict(list)
    for leg in known:
        if leg.to_user is not None and leg.invite_time is not None:
            by_user[leg.to_user].append(leg)
    for call_id, time, target, receiver in records(refers, "call_id", "time", "refer_to", "dst_addr"):
        if call_id not in found or time is None:
            continue
        own = found[call_id]
        asked_for = {
            found[leg.call_id]
            for leg in by_user.get(user_part(target) or "", ())
            if leg.uac_addr == receiver and 0 <= (leg.invite_time or 0) - time <= WITHIN_NS
        } - {own}
        if len(asked_for) == 1:  # of several nobody can say which
            (other,) = asked_for
            found = {name: own if group == other else group for name, group in found.items()}
    return found
