"""The events of a capture as Arrow tables: what is read is stored and put together as these.

pandas takes several times as long to build a table of few rows, and most captures are small. Only tables
with rows are among the events.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

from postproc.model.columns import ARROW, FLAG, INTEGER, REAL, SHORT, TEXT, arrow, arrow_array
from postproc.model.errors import SchemaError
from postproc.model.tables import Table, Tables

Events = dict[str, pa.Table]
DTYPES = {
    ARROW[INTEGER]: pd.Int64Dtype(),
    ARROW[REAL]: pd.Float64Dtype(),
    ARROW[FLAG]: pd.BooleanDtype(),
    ARROW[TEXT]: pd.StringDtype(),
}


def of_records(table: Table, records: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Build rows of a table from records; missing keys become null, unknown ones raise SchemaError.

    So does a value that its column's type cannot hold.
    """
    columns = table.columns_of(records)
    try:
        arrays = [arrow_array(columns[name], dtype) for name, dtype in table.dtypes.items()]
    except (TypeError, ValueError) as error:
        raise SchemaError(f"{table.name}: {error}") from error
    return pa.Table.from_arrays(arrays, schema=table.schema)


def with_columns(rows: pa.Table, columns: Mapping[str, Sequence[Any] | pa.Array]) -> pa.Table:
    """Return the rows with these columns in place of those of the same names."""
    for name, values in columns.items():
        place = rows.schema.get_field_index(name)
        field = rows.schema.field(place)
        rows = rows.set_column(place, field, pa.array(values, field.type))
    return rows


def captured(rows: pa.Table, capture: str) -> pa.Table:
    """Return the rows with their capture set."""
    return with_columns(rows, {"capture": pa.repeat(pa.scalar(capture, ARROW[TEXT]), len(rows))})


def frame(rows: pa.Table) -> pd.DataFrame:
    """Return rows as pandas has them.

    Columns of one type in which nothing is known are one array, as no stage writes into a table it is given:
    of SIP messages they would be a fifth of the memory.
    """
    unknown = [name for name, column in zip(rows.column_names, rows.columns, strict=True) if _unknown(column)]
    one = {rows.schema.field(name).type: name for name in unknown}
    again = [name for name in unknown if one[rows.schema.field(name).type] != name]
    made: pd.DataFrame = rows.drop_columns(again).to_pandas(types_mapper=DTYPES.get, ignore_metadata=True)
    if not again:
        return made
    held = {name: one[rows.schema.field(name).type] if name in again else name for name in rows.column_names}
    return pd.DataFrame({name: made[holder].array for name, holder in held.items()}, copy=False)


def _unknown(column: pa.ChunkedArray) -> bool:
    return len(column) > SHORT and column.null_count == len(column)


def tables(events: Events) -> Tables:
    return Tables().with_(**{name: frame(rows) for name, rows in events.items()})


def of_tables(tables: Iterable[tuple[Table, pd.DataFrame]]) -> Events:
    """Return tables, with their declarations, as events."""
    return {table.name: arrow(rows, table.schema) for table, rows in tables if len(rows)}
