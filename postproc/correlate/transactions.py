"""SIP transactions (RFC 3261, section 17): requests and the responses that belong to them.

A transaction is told by the branch of its topmost Via (17.1.3, 17.2.3) and, as one file may hold
the same message on both sides of a proxy or NAT, by the hop. A branch without the magic cookie
(RFC 2543) proves nothing: there Call-ID, CSeq, From tag and hop must do. CANCEL shares the branch of its
INVITE and is a transaction of its own (9.1). ACK belongs to the INVITE unless that had a 2xx (13.2.2.4).
"""

import pandas as pd

from postproc.correlate.messages import in_order
from postproc.tables import TRANSACTIONS

MAGIC_COOKIE = "z9hg4bk"  # RFC 3261, section 8.1.1.7, in lower case
ASKED = [
    "capture", "frame", "time", "call_id", "src_addr", "src_port", "dst_addr", "dst_port", "transport",
    "method", "status", "reason", "branch", "from_tag", "to_tag", "cseq", "cseq_method",
]  # fmt: skip


def transactions(sip_messages: pd.DataFrame) -> pd.DataFrame:
    """Return TRANSACTIONS, by time: one row per capture, transaction and hop.

    A response whose request is not in the capture gives a row with requests = 0.
    """
    keyed = _keyed(in_order(sip_messages)[ASKED])
    keyed["number"] = _numbers(keyed)
    keyed = keyed[~_acknowledges_failure(keyed)]
    frame = _opened(keyed).join([_requests(keyed), _progress(keyed), _finals(keyed)])
    frame = frame.fillna({"response_retransmissions": 0})
    return TRANSACTIONS.conform(frame.sort_values("time", kind="stable"))


def _keyed(ordered: pd.DataFrame) -> pd.DataFrame:
    """Add what tells a transaction: exchange (all but method and hop), kind, hop, hosts; and request."""
    modern = ordered["branch"].str.lower().str.startswith(MAGIC_COOKIE).fillna(False).astype(bool)
    told_by = ordered.assign(
        branch=ordered["branch"].where(modern), from_tag=ordered["from_tag"].mask(modern)
    )
    exchange = ["capture", "call_id", "branch", "from_tag", "cseq"]
    return ordered.assign(
        modern=modern,
        exchange=told_by.groupby(exchange, dropna=False, sort=False).ngroup(),
        kind=ordered["cseq_method"].fillna(ordered["method"]).fillna(""),
        hop=_between(ordered, "addr", "port"),
        hosts=_between(ordered, "addr"),
        request=ordered["method"].notna(),
    )


def _between(ordered: pd.DataFrame, *parts: str) -> "pd.Series[str]":
    """Name the way between two ends, the same in both directions."""
    one, other = (_end(ordered, [f"{end}_{part}" for part in parts]) for end in ("src", "dst"))
    forth = one <= other
    return one.where(forth, other) + " " + other.where(forth, one)


def _end(ordered: pd.DataFrame, columns: list[str]) -> "pd.Series[str]":
    first, *rest = (ordered[column].astype("string").fillna("") for column in columns)
    for text in rest:
        first = first + " " + text
    return first


def _numbers(keyed: pd.DataFrame) -> "pd.Series[int]":
    """Number the transaction each message belongs to."""
    numbers = keyed.groupby(["exchange", "kind", "hop"], sort=False).ngroup()
    asked = keyed.assign(number=numbers)[keyed["request"]]
    stray = keyed[~numbers.isin(asked["number"])]
    # A response goes to the port in Via, or over a new connection (18.2.2): not always back the same way.
    near = _of_request(stray, asked, ["exchange", "kind", "hosts"])
    far = _of_request(stray[stray["modern"]], asked, ["exchange", "kind"])
    found = near.combine_first(far).astype("int64")
    numbers.loc[found.index] = found
    return numbers


def _of_request(strays: pd.DataFrame, asked: pd.DataFrame, keys: list[str]) -> "pd.Series[float]":
    """Return the number of the last request with the same keys, where there is one."""
    last = asked.drop_duplicates(keys, keep="last")[[*keys, "number"]]
    return strays[keys].merge(last, on=keys, how="left").set_axis(strays.index)["number"].dropna()


def _acknowledges_failure(keyed: pd.DataFrame) -> "pd.Series[bool]":
    """Tell the ACKs that belong to an INVITE of the same branch and hop: it had no 2xx."""
    accepted = keyed.loc[keyed["status"].between(200, 299), "number"]
    invites = keyed[(keyed["kind"] == "INVITE") & ~keyed["number"].isin(accepted)]
    ways = keyed.groupby(["exchange", "hop"], sort=False).ngroup()
    return (keyed["kind"] == "ACK") & ways.isin(ways[invites.index])


def _opened(keyed: pd.DataFrame) -> pd.DataFrame:
    """Return, per transaction, its first request, else its first response turned round."""
    by_request = keyed.sort_values("request", ascending=False, kind="stable")
    first = by_request.drop_duplicates("number").set_index("number")
    ends = ["src_addr", "src_port", "dst_addr", "dst_port"]
    turned = first[ends[2:] + ends[:2]].set_axis(ends, axis="columns")
    return first.assign(
        **{end: first[end].where(first["request"], turned[end]) for end in ends},
        method=first["cseq_method"].fillna(first["method"]),
        initial=first["to_tag"].isna().astype("boolean").where(first["request"]),
    )


def _requests(keyed: pd.DataFrame) -> pd.DataFrame:
    requests = keyed.groupby("number")["request"].sum()
    return pd.DataFrame({"requests": requests, "retransmissions": (requests - 1).clip(lower=0)})


def _progress(keyed: pd.DataFrame) -> "pd.Series[pd.Timestamp]":
    progress = keyed[keyed["status"].between(101, 199)].drop_duplicates("number")
    return progress.set_index("number")["time"].rename("progress_time")


def _finals(keyed: pd.DataFrame) -> pd.DataFrame:
    """Return, per transaction, the first final response, 2xx before all; and how many came again."""
    finals = keyed[keyed["status"] >= 200]
    # Another To tag is another fork's answer, not a repetition.
    again = finals.duplicated(["number", "status", "to_tag"]).groupby(finals["number"]).sum()
    successful = finals["status"].lt(300)
    first = finals.loc[successful.sort_values(ascending=False, kind="stable").index].drop_duplicates("number")
    names = {"status": "final_status", "reason": "final_reason", "frame": "final_frame", "time": "final_time"}
    columns = first.set_index("number")[list(names)].rename(columns=names)
    return columns.assign(response_retransmissions=again)
