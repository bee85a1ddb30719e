"""SIP requests and responses of a call's legs."""

import pandas as pd

from postproc.correlate.lanes.events import ERROR, NORMAL, NOTE, WARNING, of_calls, of_rows, places
from postproc.correlate.records import column, records
from postproc.correlate.uris import user_part

CHALLENGES = {401, 407}
BY_PEOPLE = {486, 487, 600, 603}  # busy, cancelled, declined: what a person did
NAMED = {"INVITE", "REFER"}  # requests that say whom they are for
SAME = [
    "capture", "call_id", "src_addr", "src_port", "dst_addr", "dst_port", "method", "status", "cseq",
    "cseq_method", "branch", "to_tag",
]  # fmt: skip


def events(sip_messages: pd.DataFrame) -> pd.DataFrame:
    """Return one event per message of a leg; a retransmission says so."""
    legible = sip_messages[sip_messages["method"].notna() | sip_messages["status"].notna()]
    known = of_calls(legible)
    again, inside = known.duplicated(SAME).tolist(), _inside_dialog(known)
    starts = records(known, "method", "status", "reason", "cseq_method", "to_tag", "request_uri", "to_uri")
    numbers = records(known, "method", "status", "cseq_method")
    return of_rows(
        "sip",
        known,
        kind=["response" if method is None else "request" for method in column(known["method"])],
        label=[
            f"{_label(*row)} (again)" if old else _label(*row) for row, old in zip(starts, again, strict=True)
        ],
        src=places(known, "src"),
        dst=places(known, "dst"),
        severity=[_severity(*row) for row in zip(numbers, inside, again, strict=True)],
    )


def _inside_dialog(sip_messages: pd.DataFrame) -> list[bool]:
    """Tell of each message whether its INVITE is inside a dialog: if that fails, the call goes on."""
    again = (sip_messages["method"] == "INVITE").fillna(False) & sip_messages["to_tag"].notna()
    transactions = set(records(sip_messages[again], "call_id", "cseq"))
    return [key in transactions for key in records(sip_messages, "call_id", "cseq")]


def _label(
    method: str | None,
    status: int | None,
    reason: str | None,
    about: str | None,
    to_tag: str | None,
    *uris: str | None,
) -> str:
    if method is None:
        label = f"{status} {reason}" if reason else str(status)
        return label if about in ("INVITE", None) else f"{label} ({about})"
    name = "re-INVITE" if method == "INVITE" and to_tag else method
    user = user_part(uris[0] or uris[1]) if method in NAMED else None
    return f"{name} {user}" if user else name


def _severity(message: tuple[str | None, int | None, str | None], inside_dialog: bool, again: bool) -> str:
    method, status, about = message
    if status in BY_PEOPLE or method == "CANCEL" or (method is not None and again):
        return NOTE
    if status is None or status < 400 or status in CHALLENGES:
        return NORMAL
    return WARNING if inside_dialog or about != "INVITE" else ERROR
