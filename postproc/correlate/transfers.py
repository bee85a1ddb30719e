"""Transfers: the leg that a REFER requests belongs to the transferred call (RFC 3515, RFC 5589).

So does the call it replaces: the consultation of an attended transfer, or the call picked up, which
Replaces names in the REFER's URI or in the INVITE (RFC 3891).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import unquote

import pandas as pd

from postproc.correlate.rows import column, records
from postproc.correlate.sip import user_part

# ns from a REFER to the INVITE it requests. FreeSWITCH takes 30 ms, a phone that plays a tone first a second.
# Shorter, such phones' legs stay separate calls; longer, an unrelated call to the number may be taken for it.
WITHIN_NS = 3_000_000_000


class _Leg(NamedTuple):
    call_id: str
    uac_addr: str | None
    uas_addr: str | None
    to_user: str | None
    invite_time: int | None


class _Refer(NamedTuple):
    call_id: str
    time: int | None
    refer_to: str
    dst_addr: str | None


def transferred(
    groups: Mapping[str, int], legs: pd.DataFrame, sip_messages: pd.DataFrame, sip_headers: pd.DataFrame
) -> dict[str, int]:
    """Return ``groups`` (call by Call-ID) with the calls united that a REFER or Replaces connects."""
    refers = _refers(sip_messages)
    united = dict(groups)
    for call_id, replaced in _replacements(refers, sip_headers):
        if call_id in united and replaced in united:
            united = _united(united, united[call_id], united[replaced])
    if not refers:
        return united
    by_user: dict[str, list[_Leg]] = defaultdict(list)
    for leg in (_Leg(*row) for row in records(legs, *_Leg._fields)):
        if leg.to_user is not None and leg.invite_time is not None:
            by_user[leg.to_user].append(leg)
    for refer in refers:
        if refer.call_id not in united or refer.time is None:
            continue
        own, since = united[refer.call_id], refer.time
        asked_for = {
            united[leg.call_id]
            for leg in by_user.get(user_part(refer.refer_to) or "", ())
            if leg.uac_addr == refer.dst_addr and 0 <= (leg.invite_time or 0) - since <= WITHIN_NS
        } - {own}
        if len(asked_for) == 1:  # of several, the right one is unknown
            united = _united(united, own, asked_for.pop())
    return united


def _refers(sip_messages: pd.DataFrame) -> list[_Refer]:
    if "REFER" not in column(sip_messages["method"]):
        return []
    rows = zip(column(sip_messages["method"]), records(sip_messages, *_Refer._fields), strict=True)
    refers = (_Refer(*row) for method, row in rows if method == "REFER")
    return [refer for refer in refers if refer.refer_to is not None]


def _united(groups: dict[str, int], own: int, other: int) -> dict[str, int]:
    return {name: own if group == other else group for name, group in groups.items()}


def _replacements(refers: Iterable[_Refer], sip_headers: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Yield a Call-ID and that of the dialog it replaces."""
    for refer in refers:
        for header in refer.refer_to.partition("?")[2].split("&"):
            name, _, value = header.partition("=")
            if name.lower() == "replaces":
                yield refer.call_id, _dialog(unquote(value))
    for call_id, value, name, method in records(sip_headers, "call_id", "value", "name", "method"):
        if name == "replaces" and method == "INVITE":
            yield call_id, _dialog(value)


def _dialog(replaces: str) -> str:
    """Return the Call-ID of a Replaces header, which precedes the tags (RFC 3891, section 6.1)."""
    return replaces.partition(";")[0].strip()
