"""What of two runs is compared: everything but where it stood and what it was called."""

import pandas as pd

PLACE = [
    "capture",
    "frame",
    "frames",
    "call",
    "response_frame",
    "final_frame",
    "report_frame",
    "copy_of",
    "stream",
]
WORDS = (
    "side",
    "side_by",
    "addr_class",
    "outcome",
    "purpose",
    "direction",
    "state",
    "type",
    "verdict",
    "cause",
    "code",
    "name",
    "severity",
    "joined_by",
    "role",
    "local_type",
    "remote_type",
    "offer_answer",
    "sdp_owner",
    "uac_agent",
    "uas_agent",
    "codec",
    "user_agent",
    "method",
    "kind",
    "content",
    "handshake_type",
    "codecs",
)


def of_call(rows: pd.DataFrame, call: int) -> pd.DataFrame:
    return rows[(rows["call"] == call).fillna(value=False)]


def without_place(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.drop(columns=PLACE, errors="ignore").reset_index(drop=True)


def without_names(rows: pd.DataFrame) -> pd.DataFrame:
    """Numbers, times, flags and words that name nobody."""
    kept = [name for name in rows if name in WORDS or str(rows[name].dtype) != "string"]
    return rows[kept].reset_index(drop=True)
