"""Events as pandas has them."""

import numpy as np
import pandas as pd
import pytest

from postproc.model.columns import SHORT
from postproc.model.events import frame, of_records
from postproc.model.tables import SIP_MESSAGES

UNKNOWN = {"warning", "refer_to", "rseq", "expires", "dtmf"}  # of three types


def messages(count: int) -> pd.DataFrame:
    known = set(SIP_MESSAGES.names) - UNKNOWN
    values = {"string": "a", "Int64": 1, "boolean": True}
    row = {name: values.get(dtype) for name, dtype in SIP_MESSAGES.dtypes.items() if name in known}
    return frame(of_records(SIP_MESSAGES, [row] * count))


@pytest.mark.parametrize("count", [1, SHORT, SHORT + 1])
def test_columns_of_any_length_are_those_of_the_table(count):
    made = messages(count)
    assert {name: str(dtype) for name, dtype in made.dtypes.items()} == SIP_MESSAGES.dtypes
    for name in SIP_MESSAGES.names:
        unknown = name in UNKNOWN or SIP_MESSAGES.dtypes[name].startswith("datetime")
        assert made[name].isna().all() if unknown else made[name].notna().all(), name


def test_columns_of_one_type_in_which_nothing_is_known_are_one_array_and_change_apart():
    made = messages(SHORT + 1)
    numbers = {name: made[name].array._data for name in ("rseq", "expires", "status")}
    assert np.shares_memory(numbers["rseq"], numbers["expires"])
    assert not np.shares_memory(numbers["rseq"], numbers["status"])
    changed = made.assign(size=made["size"])
    changed.loc[0, "rseq"] = 7
    assert changed["rseq"].tolist()[:2] == [7, pd.NA] and changed["expires"].isna().all()
    assert made["rseq"].isna().all()
