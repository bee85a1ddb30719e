"""Transfers: the leg that a REFER brings about belongs to the transferred call (RFC 3515, RFC 5589).

So does the call that is given up for it: the consultation of an attended transfer, or who is picked up,
named by Replaces in the REFER's URI or in the INVITE (RFC 3891).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from urllib.parse import unquote

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


def transferred(
    groups: Mapping[str, int], legs: pd.DataFrame, sip_messages: pd.DataFrame, sip_headers: pd.DataFrame
) -> dict[str, int]:
    """The groups of Call-IDs that make a call, those united of which one was asked for in the other."""
    refers = sip_messages[
        (sip_messages["method"] == "REFER").fillna(False) & sip_messages["refer_to"].notna()
    ]
    found = dict(groups)
    for call_id, replaced in _replacements(refers, sip_headers):
        if call_id in found and replaced in found:
            found = _united(found, found[call_id], found[replaced])
    if refers.empty:
        return found
    by_user: dict[str, list[_Leg]] = defaultdict(list)
    for leg in (_Leg(*row) for row in records(legs, *_Leg._fields)):
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
            found = _united(found, own, asked_for.pop())
    return found


def _united(groups: dict[str, int], own: int, other: int) -> dict[str, int]:
    return {name: own if group == other else group for name, group in groups.items()}


def _replacements(refers: pd.DataFrame, sip_headers: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Call-IDs with those of the dialogs that are to be replaced."""
    for call_id, uri in records(refers, "call_id", "refer_to"):
        for header in uri.partition("?")[2].split("&"):
            name, _, value = header.partition("=")
            if name.lower() == "replaces":
                yield call_id, _dialog(unquote(value))
    asked = (sip_headers["name"] == "replaces").fillna(False) & (sip_headers["method"] == "INVITE").fillna(
        False
    )
    for call_id, value in records(sip_headers[asked], "call_id", "value"):
        yield call_id, _dialog(value)


def _dialog(replaces: str) -> str:
    """The Call-ID of a Replaces header: what is before the tags (RFC 3891, section 6.1)."""
    return replaces.partition(";")[0].strip()
