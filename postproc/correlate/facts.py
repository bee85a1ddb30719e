"""What each leg shows that another leg of its call may show too: one place per row of ``legs``."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from postproc.correlate.arrays import UNKNOWN, Flags, Floats, Ints, Where, coded, leg_rows
from postproc.correlate.hosts import PARTIES, End, ends
from postproc.correlate.records import NS_PER_S, column
from postproc.correlate.users import Users, parties


@dataclass(frozen=True)
class Facts:
    """Arrays, see ``arrays``; times are seconds since the first leg, NaN if not known."""

    node: Ints  # equal in the rows of one Call-ID
    recording: Ints
    start: Floats  # first INVITE, else first message
    invited: Flags  # the INVITE was seen
    progress: Floats
    ringing: Floats
    answer: Floats
    end: Floats
    ended_by: Ints  # place in PARTIES
    failure: Ints  # final status from 400 on; not 487, which answers a CANCEL
    target: Ints  # Request-URI without parameters
    caller: Users
    callee: Users
    uac: End
    uas: End

    def __len__(self) -> int:
        return len(self.node)


class Messages(NamedTuple):
    """What joining looks at: messages with the ``party`` that wrote them, headers, and addresses in SDP."""

    sip: pd.DataFrame
    headers: pd.DataFrame
    addresses: pd.DataFrame  # capture, call_id, party, addr


def facts(legs: pd.DataFrame, messages: Messages, places: Where, region: str | None) -> Facts:
    """Gather them for all ``legs``; ``region`` (ISO 3166) reads national numbers."""
    invite, progress, ringing, answer, end = (
        seconds(legs, f"{name}_time") for name in ("invite", "progress", "ringing", "answer", "end")
    )
    requests = _requests(messages.sip, places)
    caller, callee = parties(legs, requests, messages.headers, places, region)
    uac, uas = ends(legs, messages.sip, messages.addresses, places)
    status = legs["final_status"].fillna(0).to_numpy("int64")
    return Facts(
        node=coded(column(legs["call_id"]))[0],
        recording=np.array([places.recordings[name] for name in column(legs["capture"])], dtype="int64"),
        start=np.where(np.isnan(invite), seconds(legs, "time"), invite),
        invited=~np.isnan(invite),
        progress=progress,
        ringing=ringing,
        answer=answer,
        end=end,
        ended_by=np.array(
            [PARTIES.index(by) if by in PARTIES else UNKNOWN for by in column(legs["ended_by"])], int
        ),
        failure=np.where((status >= 400) & (status != 487), status, UNKNOWN),
        target=_targets(requests, len(legs)),
        caller=caller,
        callee=callee,
        uac=uac,
        uas=uas,
    )


def seconds(legs: pd.DataFrame, name: str) -> Floats:
    """Return a column of times as seconds since the first leg."""
    times, since = (legs[n].dt.tz_convert("UTC").to_numpy("datetime64[ns]") for n in (name, "time"))
    known = since[~np.isnat(since)]
    if not len(known):
        return np.full(len(legs), np.nan)
    return np.asarray((times - known.min()) / np.timedelta64(NS_PER_S, "ns"), dtype="float64")


def _requests(sip: pd.DataFrame, places: Where) -> pd.DataFrame:
    """Return row and uri of the last initial INVITE of each leg."""
    initial = sip[
        (sip["method"] == "INVITE").fillna(False) & sip["to_tag"].isna() & sip["request_uri"].notna()
    ]
    last = initial.sort_values("time", kind="stable")
    found = pd.DataFrame({"row": leg_rows(last, places), "uri": last["request_uri"].to_numpy()})
    return found[found["row"] != UNKNOWN].drop_duplicates("row", keep="last")


def _targets(requests: pd.DataFrame, legs: int) -> Ints:
    targets = np.full(legs, UNKNOWN, dtype="int64")
    targets[requests["row"]] = coded(uri.partition(";")[0] for uri in requests["uri"])[0]
    return targets
