"""Python values as columns of the types that tables have.

Arrow makes them several times faster than pandas, which goes by way of objects
and looks for their type first.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
from pandas.api.extensions import ExtensionArray

TEXT, INTEGER, REAL, FLAG = "string", "Int64", "Float64", "boolean"
TIME = "datetime64[ns, UTC]"
ARROW = {
    TEXT: pa.large_string(),
    INTEGER: pa.int64(),
    REAL: pa.float64(),
    FLAG: pa.bool_(),
    TIME: pa.timestamp("ns", tz="UTC"),
}


def array(values: Sequence[Any], dtype: str) -> ExtensionArray:
    """Return values as an array; None, NaN and the like are NA, integers are times in ns since 1970.

    Raises TypeError or ValueError when the type cannot hold a value.
    """
    try:
        found = pa.array(values, ARROW[dtype], from_pandas=True)
    except (TypeError, ValueError, OverflowError):  # pandas may know how to convert what arrow does not
        return pd.Series(values, dtype=object).astype(dtype).array  # type: ignore[call-overload, no-any-return]
    made: ExtensionArray = pd.api.types.pandas_dtype(dtype).__from_arrow__(found)  # type: ignore[union-attr]
    return made
