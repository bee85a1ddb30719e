"""Convert Python values to columns of the tables' types and back.

Arrow is several times faster at this than pandas, which converts through objects and
infers their type first.
"""

import json
from collections.abc import Mapping, Sequence
from types import NoneType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api.extensions import ExtensionArray

if TYPE_CHECKING:
    from numpy.typing import NDArray

TEXT, INTEGER, REAL, FLAG = "string", "Int64", "Float64", "boolean"
TIME = "datetime64[ns, UTC]"
# Rows up to which equal texts stay objects of their own, as making them one takes up to five times as long.
# A choice: larger is faster, and a run on 2,000 calls takes 15 MB more than with 2,000 here.
FEW = 10_000
ARROW = {
    TEXT: pa.large_string(),
    INTEGER: pa.int64(),
    REAL: pa.float64(),
    FLAG: pa.bool_(),
    TIME: pa.timestamp("ns", tz="UTC"),
}
SHORT = 200  # values up to which numpy makes a masked array faster than arrow: of ten in a third of the time


class Masked(NamedTuple):
    """A type of pandas' that has its missing values in a mask, and the types of its values."""

    array: Any
    python: type
    numpy: Any


MASKED = {
    INTEGER: Masked(pd.arrays.IntegerArray, int, np.int64),
    REAL: Masked(pd.arrays.FloatingArray, float, np.float64),
    FLAG: Masked(pd.arrays.BooleanArray, bool, np.bool_),
}
MASKED_ARRAYS = tuple(kind.array for kind in MASKED.values())
DTYPES: dict[str, Any] = {name: pd.api.types.pandas_dtype(name) for name in ARROW}  # looking one up is slow


# What pandas would say of such columns in the metadata of a file: it has them again by that.
NOTED: dict[str, dict[str, object]] = {
    TEXT: {"pandas_type": "object", "numpy_type": "string", "metadata": None},
    INTEGER: {"pandas_type": "int64", "numpy_type": "Int64", "metadata": None},
    REAL: {"pandas_type": "float64", "numpy_type": "Float64", "metadata": None},
    FLAG: {"pandas_type": "bool", "numpy_type": "boolean", "metadata": None},
    TIME: {"pandas_type": "datetimetz", "numpy_type": "datetime64[ns]", "metadata": {"timezone": "UTC"}},
}


def schema(dtypes: Mapping[str, str], metadata: Mapping[bytes, bytes]) -> pa.Schema:
    """Return arrow's schema of columns with these types."""
    return pa.schema([(name, ARROW[dtype]) for name, dtype in dtypes.items()], metadata=dict(metadata))


def arrow(rows: pd.DataFrame, declared: pa.Schema) -> pa.Table:
    """Return rows of these types as arrow's; pandas would look for the types of each column first."""
    if rows.empty:
        return declared.empty_table()
    held = zip(declared, rows.items(), strict=True)
    columns = [pa.array(values.array, field.type, from_pandas=True) for field, (_, values) in held]
    return pa.Table.from_arrays(columns, schema=declared)


def noted(dtypes: Mapping[str, str]) -> dict[bytes, bytes]:
    """Return the metadata of a schema by which pandas reads columns as what they were."""
    columns = [{"name": name, "field_name": name, **NOTED[dtype]} for name, dtype in dtypes.items()]
    about = {
        "index_columns": [],
        "column_indexes": [],
        "columns": columns,
        "attributes": {},
        "creator": {"library": "pyarrow", "version": pa.__version__},
        "pandas_version": pd.__version__,
    }
    return {b"pandas": json.dumps(about).encode()}


def array(values: Sequence[Any], dtype: str) -> ExtensionArray:
    """Return values as an array; None, NaN and the like are NA, integers are times in ns since 1970.

    Raises TypeError or ValueError when the type cannot hold a value.
    """
    masked = MASKED.get(dtype)
    try:
        if masked and len(values) <= SHORT and {*map(type, values)} <= {masked.python, NoneType}:
            return _short(values, masked)
        return _from_arrow(_converted(values, dtype), dtype)
    except (TypeError, ValueError, OverflowError):
        return _by_pandas(values, dtype)


def arrow_array(values: Sequence[Any], dtype: str) -> pa.Array:
    """Return values as arrow's array, as ``array`` converts them."""
    try:
        return _converted(values, dtype)
    except (TypeError, ValueError, OverflowError):
        return pa.array(_by_pandas(values, dtype), ARROW[dtype], from_pandas=True)


def _converted(values: Sequence[Any], dtype: str) -> pa.Array:
    return _integers(values) if dtype == INTEGER else pa.array(values, ARROW[dtype], from_pandas=True)


def _by_pandas(values: Sequence[Any], dtype: str) -> ExtensionArray:
    """Convert values some of which arrow does not."""
    return pd.Series(values, dtype=object).astype(dtype).array  # type: ignore[call-overload, no-any-return]


def _short(values: Sequence[Any], kind: Masked) -> ExtensionArray:
    missing = [value is None or value != value for value in values]  # noqa: PLR0124  (NaN is)
    known = [0 if gone else value for value, gone in zip(values, missing, strict=True)]
    made: ExtensionArray = kind.array(np.array(known, kind.numpy), np.array(missing, bool))
    return made


def repeated(value: object, count: int, dtype: str) -> ExtensionArray:
    """Return an array of the same value; None is NA."""
    if count <= SHORT:
        return array([value] * count, dtype)
    return _from_arrow(pa.repeat(pa.scalar(value, ARROW[dtype]), count), dtype)


def behind(arrays: Sequence[ExtensionArray]) -> ExtensionArray:
    """Return arrays of one type behind each other, in one piece: arrow works on several times as long."""
    if len(arrays) == 1:
        return arrays[0]
    dtype = str(arrays[0].dtype)
    return _from_arrow(
        pa.concat_arrays([pa.array(each, ARROW[dtype], from_pandas=True) for each in arrays]), dtype
    )


def in_order(columns: Sequence[ExtensionArray]) -> "NDArray[np.intp]":
    """Return the places of rows by these columns, the first before the others; equal ones stay in order.

    They hold whole numbers or times; NA comes as 0.
    """
    return np.lexsort([_whole(column) for column in reversed(columns)])


def _whole(column: ExtensionArray) -> "NDArray[np.int64]":
    held: Any = column
    times = isinstance(held.dtype, pd.DatetimeTZDtype)
    numbers: NDArray[np.int64] = held.asi8 if times else held.to_numpy(np.int64, na_value=0)
    return numbers


def _from_arrow(values: pa.Array, dtype: str) -> ExtensionArray:
    if dtype == INTEGER:  # twice as fast as pandas
        missing = values.is_null().to_numpy(zero_copy_only=False)
        numbers = values.fill_null(0) if values.null_count else values
        return pd.arrays.IntegerArray(numbers.to_numpy().copy(), missing)
    extension: ExtensionArray = DTYPES[dtype].__from_arrow__(values)
    return extension


def _integers(values: Sequence[Any]) -> pa.Array:
    """Convert without naming the type to arrow, which would then truncate fractions."""
    converted = pa.array(values, from_pandas=True)
    if not (pa.types.is_integer(converted.type) or pa.types.is_null(converted.type)):
        raise TypeError(converted.type)
    return converted if converted.type == ARROW[INTEGER] else converted.cast(ARROW[INTEGER])


NOTHING = {dtype: array([], dtype) for dtype in ARROW}


def plain(column: "pd.Series[Any] | ExtensionArray") -> list[Any]:
    """Return a column's values as Python objects: NA is None, times are Timestamps, equal texts are one."""
    held: Any = column.array if isinstance(column, pd.Series) else column
    if isinstance(held.dtype, pd.StringDtype):
        texts = held.__arrow_array__()
        return _texts(texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts)
    if isinstance(held, pd.arrays.NumpyExtensionArray):
        return [None if gone else value for value, gone in zip(held.tolist(), held.isna(), strict=True)]
    values: list[Any] = (
        held.__arrow_array__().to_pylist()  # twice as fast as through numpy
        if isinstance(held, MASKED_ARRAYS)
        else held.to_numpy(object, na_value=None).tolist()
    )
    return values


def _texts(column: pa.Array) -> list[Any]:
    """Return the texts, equal ones as one object: an object per row would be most of a run's memory."""
    if len(column) < FEW:
        return column.to_pylist()  # type: ignore[no-any-return]
    encoded = column.dictionary_encode()
    words = np.array([*encoded.dictionary.to_pylist(), None], dtype=object)
    texts: list[Any] = words[encoded.indices.fill_null(len(words) - 1).to_numpy()].tolist()
    return texts
