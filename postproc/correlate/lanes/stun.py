"""STUN Binding transactions of a call: the request, and what came back."""

import pandas as pd

from postproc.correlate.lanes.events import NORMAL, NOTE, WARNING, milliseconds, of_rows, place, places
from postproc.correlate.records import column, records
from postproc.correlate.ufrags import halves

LONG = 8  # characters of a ufrag that are written out
TITLES = {"check": "Binding Request", "keepalive": "keep-alive", "discovery": "STUN look-up"}
ENDS = ["src_addr", "src_port", "dst_addr", "dst_port"]


def events(bindings: pd.DataFrame, stun_messages: pd.DataFrame) -> pd.DataFrame:
    """Return the request and the deciding response of each transaction with a call."""
    known = bindings[bindings["call"].notna()]
    requests = _requests(known[(known["outcome"] != "response_only").fillna(True)])
    return pd.concat([requests, _responses(_came_back(known, stun_messages))], ignore_index=True)


def _requests(bindings: pd.DataFrame) -> pd.DataFrame:
    return of_rows(
        "stun",
        bindings,
        kind=bindings["purpose"].fillna("check").array,
        label=[_request(*row) for row in records(bindings, "purpose", "username", "requests", "outcome")],
        src=places(bindings, "src"),
        dst=places(bindings, "dst"),
        severity=[WARNING if outcome == "unanswered" else NORMAL for outcome in column(bindings["outcome"])],
    )


def _came_back(bindings: pd.DataFrame, stun_messages: pd.DataFrame) -> pd.DataFrame:
    """Return the responses: time and ends as the message has them, else reckoned from the request."""
    answered = bindings[bindings["response_frame"].notna()]
    answered = answered.assign(
        frame=answered["response_frame"],
        time=answered["time"] + pd.to_timedelta(answered["rtt_ms"].fillna(0).astype(float), unit="ms"),
        **dict(zip(ENDS, (answered[end].array for end in (*ENDS[2:], *ENDS[:2])), strict=True)),
    )
    responses = stun_messages[stun_messages["kind"].isin(["success", "error"])]
    on_wire = responses[["capture", "frame", "time", *ENDS]].drop_duplicates(["capture", "frame"])
    both = answered.merge(on_wire, how="left", on=["capture", "frame"], suffixes=("", "_wire"))
    wire = {name: both[f"{name}_wire"].fillna(both[name]) for name in ("time", *ENDS)}
    return both.assign(**wire)


def _responses(answered: pd.DataFrame) -> pd.DataFrame:
    names = ("purpose", "error_code", "rtt_ms", "mapped_addr", "mapped_port")
    return of_rows(
        "stun",
        answered,
        kind=["success" if code is None else "error" for code in column(answered["error_code"])],
        label=[_response(*row) for row in records(answered, *names)],
        src=places(answered, "src"),
        dst=places(answered, "dst"),
        severity=[_severity(*row) for row in records(answered, "error_code", "outcome")],
    )


def _severity(error_code: int | None, outcome: str | None) -> str:
    if error_code is not None:
        return WARNING
    return NOTE if outcome == "response_only" else NORMAL


def _request(purpose: str | None, username: str | None, requests: int | None, outcome: str | None) -> str:
    title = TITLES.get(purpose or "check", "Binding Request")
    pair = halves(username) if purpose == "check" else None
    who = f" {_short(pair[0])}:{_short(pair[1])}" if pair else ""
    count = f", sent {requests} times" if (requests or 0) > 1 else ""
    return f"{title}{who}{count}" + (", unanswered" if outcome == "unanswered" else "")


def _short(ufrag: str) -> str:
    return ufrag if len(ufrag) <= LONG else f"{ufrag[: LONG // 2]}.."


def _response(
    purpose: str | None,
    error_code: int | None,
    rtt_ms: float | None,
    mapped_addr: str | None,
    mapped_port: int | None,
) -> str:
    label = "success" if error_code is None else f"error {error_code}"
    if purpose == "discovery" and mapped_addr:
        label = f"mapped {place(mapped_addr, mapped_port)}"
    return label if rtt_ms is None else f"{label}, {milliseconds(rtt_ms)}"
