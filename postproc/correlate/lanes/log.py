"""Log lines of a call, on the capture's clock."""

import pandas as pd

from postproc.correlate.lanes.events import ERROR, NORMAL, NOTE, WARNING, of_calls, of_rows
from postproc.correlate.records import column

TIES = {"channel", "peer", "sdp"}  # what they tell is in other lanes
LENGTH = 160  # characters of a line that are shown
SEVERITIES = {
    "NOTICE": NOTE, "WARNING": WARNING, "ERR": ERROR, "ERROR": ERROR, "CRIT": ERROR, "ALERT": ERROR,
    "EMERG": ERROR,
}  # fmt: skip


def events(log_events: pd.DataFrame) -> pd.DataFrame:
    """Return the lines whose Call-ID has a call, other than those that only tie the log to the packets."""
    known = of_calls(log_events[~log_events["kind"].isin(TIES)])
    return of_rows(
        "log",
        known,
        kind=known["kind"].fillna("line").array,
        label=[_shortened(text or "") for text in column(known["text"])],
        src=known["source"].array,
        dst=None,
        severity=[SEVERITIES.get((level or "").upper(), NORMAL) for level in column(known["level"])],
    )


def _shortened(text: str) -> str:
    return text if len(text) <= LENGTH else f"{text[:LENGTH]}.."
