"""Calls in the order in which to look at them: the worst first."""

import pandas as pd

from postproc.model.findings import VERDICTS

UNJUDGED = len(VERDICTS)


def worst_first(calls: pd.DataFrame, findings: pd.DataFrame) -> pd.DataFrame:
    """The calls by verdict, then by the number of faults found in them, then by number."""
    rank = calls["verdict"].map({verdict: at for at, verdict in enumerate(VERDICTS)})
    faults = findings.loc[findings["verdict"] == "fault", "call"].value_counts()
    order = pd.DataFrame(
        {
            "rank": rank.fillna(UNJUDGED).astype("int64"),
            "faults": -calls["call"].map(faults).fillna(0).astype("int64"),
            "call": calls["call"],
        }
    ).sort_values(["rank", "faults", "call"])
    return calls.loc[order.index].reset_index(drop=True)
